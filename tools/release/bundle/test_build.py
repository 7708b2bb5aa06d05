"""A bundle of real boot images, as other programs see it, and the same bytes wherever it is made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.release.bundle.build import build
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.testing import MODEL, ask, ask_sha256, write_real_inputs
from tools.release.bundle.version import Version
from tools.release.errors import Refused, ReleaseError

NAME = "llm-baremetal-0.6.0-x86_64"
VERSION = Version(0, 6, 0)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    return write_real_inputs(tmp_path_factory.mktemp("release") / "inputs")


def run(inputs: Inputs, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as the build calls it, from another folder."""
    folder.mkdir()
    (folder / "VERSION").write_text("0.6.0\n")
    given = [f"--input={name}={path}" for name, path in inputs.paths.items()]
    options = ["--version-file=VERSION", "--minimum-version=0.5.0", "--output=out"]
    python_path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return subprocess.run(
        [sys.executable, "-m", "tools.release.bundle", *options, *given],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder."""
    folder = tmp_path_factory.mktemp("made") / "work"
    done = run(inputs, folder)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def bundle(made: Path) -> Path:
    return made / NAME


def test_sums_are_of_exactly_the_files_and_sorted(bundle: Path) -> None:
    ask(["sha256sum", "--check", "--strict", "SHA256SUMS"], bundle)
    listed = [line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()]
    there = {path.name for path in bundle.iterdir()}
    assert listed == sorted(there - {"SHA256SUMS"})
    assert f"{NAME}.img.xz" in there and f"{NAME}-nomodel.img.xz" in there


def test_images_unpack_to_what_was_given(bundle: Path, inputs: Inputs, tmp_path: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    for image, given in ((f"{NAME}.img", "image"), (f"{NAME}-nomodel.img", "image-without-model")):
        ask(["xz", "--test", f"{image}.xz"], bundle)
        ask(["sh", "-c", f"xz --decompress --stdout {image}.xz > {tmp_path}/{image}"], bundle)
        ask(["cmp", image, str(inputs.one(given))], tmp_path)
        digest, size = ask_sha256(tmp_path / image), (tmp_path / image).stat().st_size
        assert {"file": f"{image}.xz", "size": size, "sha256": digest} in manifest["images"]


def test_the_tar_holds_the_folder(made: Path, bundle: Path, tmp_path: Path) -> None:
    ask(["tar", "--extract", f"--file={made}/{NAME}.tar"], tmp_path)
    ask(["diff", "--recursive", str(bundle), str(tmp_path / NAME)], tmp_path)
    listing = ask(["tar", "--list", "--verbose", "--numeric-owner", f"--file={NAME}.tar"], made)
    for line in listing.splitlines():
        assert line.startswith("-rw-r--r-- 0/0 ") and " 1980-01-01 " in line


def test_the_bill_of_materials_is_cyclonedx(bundle: Path) -> None:
    text = (bundle / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    parts = {part["name"]: part for part in document["components"]}
    program = ask_sha256(bundle / "BOOTX64.EFI")
    assert parts["BOOTX64.EFI"]["hashes"] == [{"alg": "SHA-256", "content": program}]
    assert parts["BOOTX64.EFI"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert parts[MODEL]["type"] == "machine-learning-model"
    assert parts[MODEL]["licenses"] == [{"license": {"name": "LICENSE-Small.txt"}}]
    assert parts["ziglang"]["purl"] == "pkg:pypi/ziglang@0.17.1"
    assert parts["ziglang"]["scope"] == "excluded"
    assert "timestamp" not in document["metadata"]


def test_a_bill_of_materials_that_is_not_cyclonedx_would_be_noticed(bundle: Path) -> None:
    text = (bundle / "sbom.cdx.json").read_text().replace('"firmware"', '"software"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is not None


def test_statements_name_products_and_inputs_by_digest(bundle: Path, inputs: Inputs) -> None:
    def query(what: str, name: str) -> str:
        return ask(["jq", "--raw-output", what, name], bundle).strip()

    program = ask_sha256(bundle / "BOOTX64.EFI")
    by_name = '.subject[] | select(.name == "BOOTX64.EFI") | .digest.sha256'
    assert query(by_name, "provenance.intoto.json") == program
    dependencies = query(
        '.predicate.buildDefinition.resolvedDependencies[] | .name + " " + .digest[]',
        "provenance.intoto.json",
    ).splitlines()
    assert f"ziglang {'1' * 64}" in dependencies
    for name, path in inputs.paths.items():
        kind = name.partition(".")[0]
        if kind in (
            "changelog",
            "toolchain-lock",
            "model-lock",
            "python-lock",
            "license",
            "policy",
        ):
            assert f"{name} {ask_sha256(path)}" in dependencies
    assert query(".predicate.result", "tests.intoto.json") == "PASSED"
    assert query(".predicate.passedTests[0]", "tests.intoto.json") == "m9.startup"
    assert query(".subject[].name", "tests.intoto.json") == f"{NAME}.img"


def test_sources_have_the_digests_of_git_and_of_sha256sum(bundle: Path, inputs: Inputs) -> None:
    folder = inputs.one("source.firmware")
    ask(["git", "init", "--quiet"], folder)
    ask(["git", "add", "--all"], folder)
    tree = ask(["git", "write-tree"], folder).strip()
    blob = ask(["git", "hash-object", str(inputs.one("source.pants.toml"))], folder).strip()
    shutil.rmtree(folder / ".git")
    files = "find . -type f | cut -c3- | sort | xargs sha256sum | sha256sum | cut -c-64"
    digests = {
        each["name"]: each["digest"]
        for each in json.loads((bundle / "provenance.intoto.json").read_text())["predicate"][
            "buildDefinition"
        ]["resolvedDependencies"]
    }
    assert digests["firmware"] == {
        "dirHash": ask(["sh", "-c", files], folder).strip(),
        "gitTree": tree,
    }
    assert digests["pants.toml"]["gitBlob"] == blob


def test_a_source_that_is_a_link(inputs: Inputs, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/link").symlink_to("elsewhere")
    with pytest.raises(ReleaseError, match="expected a file or a folder"):
        build(changed(inputs, "source.firmware", tmp_path / "tree"), VERSION, VERSION, tmp_path)


def test_notes_are_the_changelog_s_section(bundle: Path) -> None:
    notes = (bundle / "RELEASE_NOTES.md").read_text()
    assert "- Réponses." in notes and notes.startswith("# llm-baremetal 0.6.0\n")


def test_the_same_bytes_whatever_the_folder_time_zone_language_umask_and_cores(
    made: Path, inputs: Inputs, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    affinity = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(affinity)})
        done = run(inputs, tmp_path / "b", TZ="Asia/Kathmandu", LC_ALL="tr_TR.UTF-8", HOME="/none")
    finally:
        os.umask(before)
        os.sched_setaffinity(0, affinity)
    assert done.returncode == 0, done.stderr
    again = tmp_path / "b/out"
    assert ask_sha256(again / f"{NAME}.tar") == ask_sha256(made / f"{NAME}.tar")
    for path in (again / NAME).iterdir():
        assert path.stat().st_mode & 0o777 == 0o644


def changed(inputs: Inputs, name: str, path: Path) -> Inputs:
    return Inputs({**inputs.paths, name: path})


REFUSALS = {
    "another program": ("program", b"MZ other", "another program"),
    "no image": ("image", b"nothing", "is it cut short"),
    "verdict of another": (
        "verdict.m9",
        b'{"guardrail": "m10", "status": "pass", "findings": [{"what": "a", "status": "pass"}]}',
        "expected the verdict of m9, found that of m10",
    ),
    "verdict that failed": (
        "verdict.m9",
        b'{"guardrail": "m9", "status": "fail", "findings": [{"what": "a", "status": "fail"}]}',
        "guardrails failed: m9.a",
    ),
    "verdict that hides a failure": (
        "verdict.m9",
        b'{"guardrail": "m9", "status": "pass", "findings": [{"what": "a", "status": "fail"}]}',
        "its findings say otherwise",
    ),
    "verdict without findings": (
        "verdict.m9",
        b'{"guardrail": "m9", "status": "pass", "findings": []}',
        "no state.json",
    ),
    "capture of another image": (
        "capture.chat",
        json.dumps(
            {
                "scenario": {"sha256": "7" * 64},
                "image_sha256": "0" * 64,
                "qemu_version": "Q",
                "ovmf_code_sha256": "4" * 64,
                "ovmf_vars_sha256": "5" * 64,
            }
        ).encode(),
        "make captures and verdicts of the image that is shipped",
    ),
    "lock that pins nothing": ("model-lock", b"# none\n", "pins no package"),
    "lock without a hash": ("model-lock", b"small==1.0\n", ":1: expected NAME==VERSION"),
    "changelog without the version": ("changelog", b"## [Unreleased]\n", "rename [Unreleased]"),
    "changelog that says nothing": ("changelog", b"## [0.6.0]\n\n## [0.5.0]\n\nx\n", "is empty"),
    "text that is not UTF-8": ("license.Small", b"\xff", "expected UTF-8"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_inputs_that_contradict_each_other(case: str, inputs: Inputs, tmp_path: Path) -> None:
    name, content, says = REFUSALS[case]
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(ReleaseError) as caught:
        build(changed(inputs, name, tmp_path / "wrong"), VERSION, VERSION, tmp_path / "out")
    assert says in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_images_that_were_swapped(inputs: Inputs, tmp_path: Path) -> None:
    swapped = changed(inputs, "image", inputs.one("image-without-model"))
    with pytest.raises(Refused, match="were they swapped"):
        build(swapped, VERSION, VERSION, tmp_path)


def test_the_same_tests_run_again_are_the_same_bundle(
    inputs: Inputs, bundle: Path, tmp_path: Path
) -> None:
    """Times in captures and verdicts depend on the host."""
    again = {}
    for name in ("capture.chat", "verdict.m9"):
        document = json.loads(inputs.paths[name].read_text())
        again[name] = tmp_path / name
        again[name].write_text(json.dumps({**document, "wall_seconds": 2.5}))
    made = build(Inputs({**inputs.paths, **again}), VERSION, Version(0, 5, 0), tmp_path)
    ask(["diff", "--recursive", str(bundle), str(made)], tmp_path)


def test_what_is_there_already_stays(inputs: Inputs, bundle: Path) -> None:
    before = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in bundle.iterdir()}
    with pytest.raises(ReleaseError, match="is there already"):
        build(inputs, VERSION, VERSION, bundle.parent)
    assert before == {
        path.name: hashlib.sha256(path.read_bytes()).digest() for path in bundle.iterdir()
    }


def test_a_wrong_call(inputs: Inputs, tmp_path: Path) -> None:
    done = run(Inputs({"image": inputs.one("image")}), tmp_path / "b")
    assert done.returncode == 2
    assert "the input image-without-model is missing" in done.stderr
