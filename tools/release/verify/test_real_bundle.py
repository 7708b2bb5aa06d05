"""Bundles of real boot images: accepted, by other programs too; and refused for what is in their images."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tools.image.volume import open_volume
from tools.release.bundle import manifest as manifests
from tools.release.bundle.build import build
from tools.release.bundle.measure import measured
from tools.release.bundle.names import MANIFEST, PROGRAM_IN_IMAGE, Names
from tools.release.bundle.testing import ask, write_image, write_real_inputs
from tools.release.bundle.version import Version
from tools.release.keys.signing import sign_bundle
from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import MemorySigner, compressed, reseal
from tools.release.verify.verify import verify

VERSION = Version(0, 6, 0)
NAMES = Names(VERSION)


@pytest.fixture(scope="module")
def signer() -> MemorySigner:
    return MemorySigner()


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, signer: MemorySigner) -> Path:
    """A signed bundle, with the public key in the folder above."""
    folder = tmp_path_factory.mktemp("release")
    inputs = write_real_inputs(folder / "inputs")
    bundle = build(inputs, VERSION, Version(0, 0, 0), folder)
    sign_bundle(bundle, signer, VERSION)
    (folder / "llm-baremetal.pub").write_text(signer.public_key.to_text())
    return bundle


@pytest.fixture
def bundle(released: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(released, tmp_path / released.name))


def test_it_is_accepted(released: Path, signer: MemorySigner) -> None:
    verdict = verify(released, Trust(signer.public_key))
    assert verdict.accepted, verdict.findings
    assert set(verdict.files) == {path.name for path in released.iterdir()}


def test_every_command_of_verify_md_works_as_it_is_written(released: Path) -> None:
    blocks = re.findall(r"```\n(.*?)```", (released / "VERIFY.md").read_text(), re.DOTALL)
    before = {path.name for path in released.iterdir()}
    assert len(blocks) == 5
    outputs = [ask(["bash", "-euo", "pipefail", "-c", block], released) for block in blocks]
    assert "name:llm-baremetal version:0.6.0" in outputs[0]
    assert "PASSED" in outputs[3]
    assert before == {path.name for path in released.iterdir()}


def test_commands_of_verify_md_notice(bundle: Path, signer: MemorySigner) -> None:
    (bundle.parent / "llm-baremetal.pub").write_text(signer.public_key.to_text())
    blocks = re.findall(r"```\n(.*?)```", (bundle / "VERIFY.md").read_text(), re.DOTALL)
    for name in ("SHA256SUMS", "BOOTX64.EFI", NAMES.image, "tests.intoto.json"):
        kept = (bundle / name).read_bytes()
        (bundle / name).write_bytes(kept.replace(b"0", b"1").replace(b"a", b"b"))
        with pytest.raises(AssertionError):
            for block in blocks:
                ask(["bash", "-euo", "pipefail", "-c", block], bundle)
        (bundle / name).write_bytes(kept)


def unpacked(bundle: Path, name: str) -> Path:
    target = bundle.parent / "unpacked.img"
    ask(["sh", "-c", f"xz --decompress --stdout {name} > {target}"], bundle)
    return target


def put_back(bundle: Path, name: str, image: Path, signer: MemorySigner) -> None:
    """An image of the bundle replaced, and all that is said of it."""
    content = image.read_bytes()
    (bundle / name).write_bytes(compressed(content, bundle.parent))
    manifest = manifests.decode((bundle / MANIFEST).read_bytes())
    found = measured(content)
    images = [
        (
            manifests.Image(file=name, size=found.size, sha256=found.sha256)
            if each.file == name
            else each
        )
        for each in manifest.images
    ]
    changed = manifest.model_copy(update={"images": tuple(images)})
    (bundle / MANIFEST).write_bytes(manifests.encode(changed))
    reseal(bundle, signer)


@pytest.mark.parametrize(
    ("offset", "reason"),
    [
        (512, Reason.IMAGE_LAYOUT),  # the partition table's header
        (1024 * 1024 + 11, Reason.IMAGE_LAYOUT),  # the boot sector
        (-1, Reason.IMAGE_LAYOUT),  # the backup header's sector
    ],
)
def test_an_image_that_contradicts_itself(
    bundle: Path, signer: MemorySigner, offset: int, reason: Reason
) -> None:
    for name in NAMES.images:
        image = unpacked(bundle, name)
        with image.open("r+b") as file:
            file.seek(offset if offset >= 0 else image.stat().st_size - 512)
            file.write(b"\xff" * 8)
        put_back(bundle, name, image, signer)
        assert reason in verify(bundle, Trust(signer.public_key)).reasons


def test_another_program_in_an_image(bundle: Path, signer: MemorySigner) -> None:
    name = NAMES.image_without_model
    image = unpacked(bundle, name)
    with open_volume(image) as volume:
        start = volume.cluster_offset(volume.find(PROGRAM_IN_IMAGE).cluster)
    with image.open("r+b") as file:
        file.seek(start)
        file.write(b"ZM")
    put_back(bundle, name, image, signer)
    assert Reason.IMAGE_PROGRAM in verify(bundle, Trust(signer.public_key)).reasons


def test_an_image_without_a_program(bundle: Path, signer: MemorySigner) -> None:
    image = write_image(bundle.parent, "bare", {"README": b"no program"}, None)
    put_back(bundle, NAMES.image_without_model, image, signer)
    assert Reason.IMAGE_LAYOUT in verify(bundle, Trust(signer.public_key)).reasons


def test_another_model_in_the_image(bundle: Path, signer: MemorySigner) -> None:
    image = unpacked(bundle, NAMES.image)
    with open_volume(image) as volume:
        (model,) = (entry for path, entry in volume.walk() if path.endswith(".gguf"))
        start = volume.cluster_offset(model.cluster)
    with image.open("r+b") as file:
        file.seek(start + 4_000_000)
        file.write(b"other weights")
    put_back(bundle, NAMES.image, image, signer)
    assert Reason.SBOM_DISAGREES in verify(bundle, Trust(signer.public_key)).reasons
