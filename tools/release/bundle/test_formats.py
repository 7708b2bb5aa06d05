"""The small formats: versions, sums, manifests, locks, inputs, trusted comments, texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.release.bundle import binding, inputs, locks, manifest, notes, sums
from tools.release.bundle import version as versions
from tools.release.bundle.manifest import File, Image, Manifest
from tools.release.bundle.names import is_plain
from tools.release.bundle.sums import Fault
from tools.release.bundle.version import Version
from tools.release.errors import Refused, ReleaseError

NUMBERS = st.integers(0, 999_999_999)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)


@given(VERSIONS, VERSIONS)
def test_versions_are_read_as_they_are_written_and_ordered_by_number(
    a: Version, b: Version
) -> None:
    assert versions.parse(str(a)) == a
    assert (a < b) == ([a.major, a.minor, a.patch] < [b.major, b.minor, b.patch])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2",
        "1.2.3.4",
        "v1.2.3",
        "01.2.3",
        "1.2.3-rc1",
        "1.2.3\n",
        "１.2.3",
        "1.2.-3",
        "1" * 99,
    ],
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ReleaseError, match="expected a version"):
        versions.parse(text)


@pytest.mark.parametrize("tag", ["0.6.0", "v0.6", "v0.6.1", "V0.6.0", "v0.6.0 ", "../v0.6.0"])
def test_a_tag_is_the_version(tag: str) -> None:
    versions.parse_tag("v0.6.0", Version(0, 6, 0))
    with pytest.raises(ReleaseError, match="expected the tag v0.6.0"):
        versions.parse_tag(tag, Version(0, 6, 0))


@given(VERSIONS)
def test_a_trusted_comment_names_its_version(version: Version) -> None:
    assert binding.bound_version(binding.comment(version)) == version


@given(st.text())
def test_other_comments_name_none(text: str) -> None:
    found = binding.bound_version(text)
    assert found is None or binding.comment(found) == text


@given(st.dictionaries(NAMES, DIGESTS, min_size=1))
def test_sums_are_read_as_they_are_written(digests: dict[str, str]) -> None:
    decoded = sums.decode(sums.encode(digests))
    assert decoded.digests == digests and not decoded.faults


@given(st.binary())
def test_only_one_text_has_no_fault(content: bytes) -> None:
    decoded = sums.decode(content)
    assert decoded.faults or sums.encode(decoded.digests) == content


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.MALFORMED),
        (f"{'a' * 64}  a", Fault.MALFORMED),
        (f"{'a' * 64}  a\n\n", Fault.MALFORMED),
        (f"{'a' * 64}  ../a\n", Fault.PATH),
        (f"{'a' * 64}  a\n{'a' * 64}  a\n", Fault.DUPLICATE),
        (f"{'a' * 64}  b\n{'a' * 64}  a\n", Fault.UNSORTED),
    ],
)
def test_faults_of_sums(text: str, fault: Fault) -> None:
    assert [found for found, _ in sums.decode(text.encode()).faults] == [fault]


@given(st.text(max_size=40))
def test_plain_names_stay_in_their_folder(name: str) -> None:
    assert not is_plain(name) or (Path("folder") / name).parent == Path("folder")


def a_manifest() -> Manifest:
    file = File(name="a", size=1, sha256="0" * 64)
    image = Image(file="a", size=1, sha256="0" * 64)
    return Manifest(version="0.6.0", minimum_installed="0.5.0", files=(file,), images=(image,))


def test_a_manifest_is_read_as_it_is_written() -> None:
    assert manifest.decode(manifest.encode(a_manifest())) == a_manifest()


@given(st.data())
def test_another_text_is_another_manifest_or_none(data: st.DataObject) -> None:
    content = bytearray(manifest.encode(a_manifest()))
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    try:
        assert manifest.decode(bytes(content)) != a_manifest()
    except Refused:
        pass


def test_locks_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text(f"# x\nPy_Thing==1.0 --hash=sha256:{'a' * 64}\n")
    (package,) = locks.read(lock)
    assert (package.name, package.version, package.sha256) == ("Py_Thing", "1.0", "a" * 64)
    assert package.purl == "pkg:pypi/py-thing@1.0"


def all_inputs() -> list[str]:
    return [f"{row.name}{'.x' if row.labelled else ''}=p" for row in inputs.INPUTS.values()]


def test_inputs_come_in_any_order() -> None:
    assert inputs.parse(all_inputs()).paths == inputs.parse(reversed(all_inputs())).paths


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("image", "expected NAME=PATH"),
        ("image=", "expected NAME=PATH"),
        ("picture=x", "with a NAME of image,"),
        ("image.x=y", "expected image=PATH"),
        ("verdict=y", "expected verdict.LABEL=PATH"),
        ("verdict.=y", "expected verdict.LABEL=PATH"),
        ("license.../up=y", "expected license.LABEL=PATH"),
        ("image=q", "given twice"),
    ],
)
def test_wrong_inputs(wrong: str, says: str) -> None:
    with pytest.raises(inputs.WrongInput, match=says):
        inputs.parse([*all_inputs(), wrong])


@pytest.mark.parametrize("missing", range(len(inputs.INPUTS)))
def test_every_input_is_needed(missing: int) -> None:
    given = all_inputs()
    name = given.pop(missing).partition("=")[0].partition(".")[0]
    with pytest.raises(inputs.WrongInput, match=f"the input {name} is missing"):
        inputs.parse(given)


def test_the_section_ends_where_the_next_begins() -> None:
    changelog = "# C\n\n## [0.6.1]\n\nlater\n\n## [0.6.0] - 2026-01-01\n\n### Added\n\n- it\n\n## [0.5.0]\n\nold\n"
    assert notes.section(changelog, Version(0, 6, 0)) == "### Added\n\n- it"


def test_the_project_s_own_version_is_one() -> None:
    assert versions.read(Path("tools/release/VERSION")) >= Version(0, 6, 0)
