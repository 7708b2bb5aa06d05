"""Releases made up for tests: small, through the same code as real ones, signed by a key of the moment."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, sums
from tools.release.bundle import version as versions
from tools.release.bundle import xz
from tools.release.bundle.binding import comment
from tools.release.bundle.build import build
from tools.release.bundle.contents import Contents
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.measure import Measured, measured
from tools.release.bundle.statement import PAYLOAD_TYPE
from tools.release.bundle.version import Version
from tools.release.errors import Refused
from tools.release.keys import dsse, minisign
from tools.release.keys.public_key import PublicKey
from tools.release.keys.signing import sign_bundle
from tools.release.verify.signatures import Trust
from tools.release.verify.verdict import Verdict
from tools.release.verify.verify import verify

MODEL = "Small-1M.gguf"
NEWER = Version(0, 6, 0)
OLDER = Version(0, 5, 0)
FIRST = Version(0, 4, 0)


class MemorySigner:
    """A key that lives as long as a test."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.public_key = PublicKey.of(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


def made_up_image(program: bytes, models: dict[str, bytes]) -> bytes:
    """What stands for an image where there is no need of a file system."""
    digests = {name: measured(model).sha256 for name, model in models.items()}
    return json.dumps({"program": program.hex(), "models": digests}).encode()


def look(image: Path) -> Contents:
    """What is in a made-up image."""
    try:
        document = json.loads(image.read_bytes())
        program = bytes.fromhex(document["program"])
        models = {name: Measured(0, digest) for name, digest in document["models"].items()}
    except (ValueError, LookupError) as error:
        raise Refused(f"no made-up image: {error}") from error
    return Contents(measured(program), models)


def write_inputs(
    folder: Path, version: Version, image: Callable[[bytes, dict[str, bytes]], bytes]
) -> Inputs:
    """Every input of a release, with made-up contents; `image` makes one of a program and models."""
    folder.mkdir(parents=True)
    program = b"MZ" + f"program of {version}\n".encode() * 50
    contents = {
        "image": image(program, {MODEL: b"GGUF" + str(version).encode() * 500}),
        "image-without-model": image(program, {}),
        "program": program,
        "changelog": f"# Changelog\n\n## [{version}] - 2026-01-01\n\n### Added\n\n- It.\n".encode(),
        "source.pants.toml": b"[GLOBAL]\n",
        "toolchain-lock": b"ziglang==0.17.1 --hash=sha256:%s\n" % (b"1" * 64),
        "model-lock": b"# The model.\nsmall==0.1.2 --hash=sha256:%s\n" % (b"2" * 64),
        "python-lock.tools": b"typer==0.29.2 --hash=sha256:%s\n" % (b"3" * 64),
        "license.llm-baremetal": b"Apache License\nVersion 2.0, January 2004\n",
        "license.Small": b"Do as you please.\n",
        "policy.m9": b"limit = 1\n",
        "verdict.m9": verdict_json("pass"),
    }
    contents["capture.chat"] = capture_json(measured(contents["image"]).sha256)
    paths = {name: folder / name for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    return bundle_inputs.parse(f"{name}={path}" for name, path in paths.items())


def verdict_json(status: str) -> bytes:
    finding = {"what": "startup", "status": status}
    return json.dumps({"guardrail": "m9", "status": status, "findings": [finding]}).encode()


def capture_json(image_sha256: str) -> bytes:
    firmware = {"ovmf_code_sha256": "4" * 64, "ovmf_vars_sha256": "5" * 64}
    emulator = {"qemu_version": "QEMU 7.2", **firmware}
    run = {"scenario": {"sha256": "7" * 64}, "image_sha256": image_sha256, **emulator}
    return json.dumps(run).encode()


def make_release(folder: Path, version: Version, signer: MemorySigner) -> Path:
    """A signed bundle with made-up images."""
    inputs = write_inputs(folder / "inputs", version, made_up_image)
    bundle = build(inputs, version, FIRST, folder, look=look)
    sign_bundle(bundle, signer, version)
    return bundle


@dataclass(frozen=True)
class Releases:
    """Two releases by the same key, and somebody else's key. Tests change copies."""

    signer: MemorySigner
    stranger: MemorySigner
    newer: Path
    older: Path
    scratch: Path

    @contextmanager
    def changed(self) -> Iterator[Path]:
        """A copy of the newer one, to be changed."""
        copy = self.scratch / "copy"
        shutil.copytree(self.newer, copy)
        try:
            yield copy
        finally:
            shutil.rmtree(copy)

    def verify(self, bundle: Path, installed: Version | None = None) -> Verdict:
        return verify(bundle, Trust(self.signer.public_key), installed=installed, look=look)


def make_releases(folder: Path) -> Releases:
    signer = MemorySigner()
    newer = make_release(folder / "newer", NEWER, signer)
    older = make_release(folder / "older", OLDER, signer)
    (folder / "scratch").mkdir()
    return Releases(signer, MemorySigner(), newer, older, folder / "scratch")


def sign_at_once(bundle: Path, signer: MemorySigner, version: Version) -> None:
    """What `sign_bundle` does, without waiting for the disk: it is done a thousand times."""
    for name, envelope in names.ENVELOPES.items():
        sealed = dsse.seal(signer, (bundle / name).read_bytes(), PAYLOAD_TYPE)
        (bundle / envelope).write_bytes(sealed)
    listed = (bundle / names.SUMS).read_bytes()
    signature = minisign.sign(signer, listed, trusted_comment=comment(version))
    (bundle / names.SIGNATURE).write_text(signature)


def reseal(bundle: Path, signer: MemorySigner) -> None:
    """As somebody would who has the key: manifest, sums and signatures of whatever the folder holds now."""
    before = manifests.decode((bundle / names.MANIFEST).read_bytes())
    found = {
        path.name: measured(path.read_bytes())
        for path in bundle.iterdir()
        if path.name not in {*names.SIGNATURES, names.SUMS, names.MANIFEST}
    }
    files = tuple(
        manifests.File(name=name, size=file.size, sha256=file.sha256)
        for name, file in sorted(found.items())
    )
    manifest = manifests.encode(before.model_copy(update={"files": files}))
    (bundle / names.MANIFEST).write_bytes(manifest)
    found[names.MANIFEST] = measured(manifest)
    digests = {name: file.sha256 for name, file in found.items()}
    (bundle / names.SUMS).write_bytes(sums.encode(digests))
    sign_at_once(bundle, signer, versions.parse(before.version))


def compressed(content: bytes, scratch: Path) -> bytes:
    """An .xz file as bundles have it."""
    source, target = scratch / "content", scratch / "content.xz"
    source.write_bytes(content)
    with source.open("rb") as given, target.open("wb") as made:
        xz.compress(given.fileno(), made)
    return target.read_bytes()
