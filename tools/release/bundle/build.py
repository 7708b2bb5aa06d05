"""Making a bundle: from declared inputs to a folder whose bytes depend on nothing else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, notes, statement, sums, xz
from tools.release.bundle.contents import Contents, Look, read_contents
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.manifest import File, Image, Manifest
from tools.release.bundle.measure import Measured, measured
from tools.release.bundle.names import Names, unpacked
from tools.release.bundle.output import new_folder, replacing
from tools.release.bundle.provenance import pinned_packages, provenance
from tools.release.bundle.sbom import sbom
from tools.release.bundle.verdicts import tests_statement
from tools.release.bundle.version import Version
from tools.release.bundle.xz import Compressed
from tools.release.errors import Refused, ReleaseError


@dataclass(frozen=True)
class _Parts:
    """What has been read of the large inputs."""

    program: bytes
    contents: Contents
    images: Mapping[str, Compressed]
    """By the name of the compressed file."""


def build(
    inputs: Inputs,
    version: Version,
    minimum: Version,
    output: Path,
    *,
    look: Look = read_contents,
) -> Path:
    """The bundle's folder, in the folder `output`. It appears whole or not at all.

    `minimum` is the oldest version that may be replaced by this one. Raises ReleaseError; Refused when the inputs
    contradict each other.
    """
    if minimum > version:
        raise ReleaseError(f"expected a minimum of at most {version}, found {minimum}")
    bundle = Names(version)
    with new_folder(output / bundle.bundle) as folder:
        files: dict[str, Measured] = {}
        parts = _read_parts(inputs, bundle, folder, look)
        for name, compressed in parts.images.items():
            files[name] = compressed.file
        for name, content in _small_files(inputs, parts, bundle, minimum).items():
            files[name] = _write(folder / name, content)
        manifest = manifests.encode(_manifest(files, parts.images, version, minimum))
        files[names.MANIFEST] = _write(folder / names.MANIFEST, manifest)
        digests = {name: file.sha256 for name, file in files.items()}
        _write(folder / names.SUMS, sums.encode(digests))
    return output / bundle.bundle


def _read_parts(inputs: Inputs, bundle: Names, folder: Path, look: Look) -> _Parts:
    program = bundle_inputs.read(inputs.one("program"))
    given = {
        bundle.image: inputs.one("image"),
        bundle.image_without_model: inputs.one("image-without-model"),
    }
    contents = {name: _contents(path, program, look) for name, path in given.items()}
    if not contents[bundle.image].models or contents[bundle.image_without_model].models:
        raise Refused(
            "expected a model in image, and none in image-without-model: were they swapped?"
        )
    images = {name: _compress(path, folder / name) for name, path in given.items()}
    return _Parts(program, contents[bundle.image], images)


def _contents(image: Path, program: bytes, look: Look) -> Contents:
    try:
        contents = look(image)
    except Refused as error:
        raise Refused(f"{image}: {error}") from error
    if contents.program != measured(program):
        raise Refused(
            f"{image}: its {names.PROGRAM_IN_IMAGE} is another program than the one given"
        )
    return contents


def _compress(source: Path, target: Path) -> Compressed:
    try:
        fd = os.open(source, os.O_RDONLY)
    except OSError as error:
        raise ReleaseError(f"cannot read the input {source}: {error.strerror}") from error
    try:
        with replacing(target) as file:
            return xz.compress(fd, file)
    finally:
        os.close(fd)


def _small_files(
    inputs: Inputs, parts: _Parts, bundle: Names, minimum: Version
) -> Mapping[str, bytes]:
    """The files besides images, sums and manifest."""
    changelog = _text(inputs.one("changelog"))
    licences = {label: _text(path) for label, path in inputs.labelled("license").items()}
    images = {unpacked(name): image.content.sha256 for name, image in parts.images.items()}
    products = {
        **images,
        **{name: image.file.sha256 for name, image in parts.images.items()},
        names.PROGRAM: parts.contents.program.sha256,
    }
    tests = tests_statement(images, unpacked(bundle.image), inputs)
    return {
        names.PROGRAM: parts.program,
        names.SBOM: sbom(bundle.version, parts.contents, licences, pinned_packages(inputs)),
        names.PROVENANCE: statement.encode(provenance(products, inputs, bundle, minimum)),
        names.TESTS: statement.encode(tests),
        names.NOTES: notes.release_notes(changelog, bundle).encode(),
        names.HOW_TO_VERIFY: notes.how_to_verify(bundle).encode(),
        **{names.licence(label): text.encode() for label, text in licences.items()},
    }


def _manifest(
    files: Mapping[str, Measured],
    images: Mapping[str, Compressed],
    version: Version,
    minimum: Version,
) -> Manifest:
    return Manifest(
        version=str(version),
        minimum_installed=str(minimum),
        files=tuple(
            File(name=name, size=file.size, sha256=file.sha256)
            for name, file in sorted(files.items())
        ),
        images=tuple(
            Image(file=name, size=image.content.size, sha256=image.content.sha256)
            for name, image in sorted(images.items())
        ),
    )


def _text(path: Path) -> str:
    try:
        return bundle_inputs.read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReleaseError(f"{path}: expected UTF-8: {error}") from error


def _write(path: Path, content: bytes) -> Measured:
    with replacing(path) as file:
        file.write(content)
    return measured(content)
