"""Verifying a bundle, offline: its folder and a public key in, a verdict with every reason to refuse it out.

Nothing is unpacked or looked into that the key did not sign: names, digests and signatures come first, and the images
and statements only once SHA256SUMS and the manifest are what was signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, sums
from tools.release.bundle import version as versions
from tools.release.bundle.contents import Look, read_contents
from tools.release.bundle.manifest import Manifest
from tools.release.bundle.measure import Measured, measure_file, measured
from tools.release.bundle.names import ENVELOPES, SIGNATURE, SIGNATURES, SUMS, Names, is_licence
from tools.release.bundle.sums import Fault, Sums
from tools.release.bundle.version import Version
from tools.release.errors import Refused
from tools.release.verify.folder import SMALL, Folder, digest_findings, name_findings, open_folder
from tools.release.verify.images import ImageFile, read_image
from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust, envelope_findings, signing_key, sums_findings
from tools.release.verify.statements import provenance_findings, sbom_findings, tests_findings
from tools.release.verify.verdict import Finding, Verdict

_SMALL = frozenset({SUMS, names.MANIFEST, names.SBOM, *ENVELOPES, *SIGNATURES})
"""Files whose content is looked at."""
_SUMS_REASONS = {
    Fault.MALFORMED: Reason.SUMS_MALFORMED,
    Fault.UNSORTED: Reason.SUMS_UNSORTED,
    Fault.DUPLICATE: Reason.SUMS_DUPLICATE,
    Fault.PATH: Reason.SUMS_PATH,
}


@dataclass(frozen=True)
class _Head:
    """What says what the bundle is: sums, manifest, signature."""

    folder: Folder
    small: Mapping[str, bytes]
    """The content of each file that is looked at, and is there."""
    sums: Sums
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    """Any of them, and nothing that these files say is believed."""

    @property
    def version(self) -> Version | None:
        return versions.parse(self.manifest.version) if self.manifest else None


def verify(
    path: Path,
    trust: Trust,
    *,
    installed: Version | None = None,
    look: Look = read_contents,
) -> Verdict:
    """The verdict on the bundle in a folder, by a key that is trusted.

    `installed` is the version that it would replace, if any. Raises ReleaseError when nothing can be said: the folder
    or a file cannot be read, or there is no room for an unpacked image.
    """
    with open_folder(path) as folder:
        head = _read_head(folder, trust)
        images = dict(_images(head, look))
        files = dict(_measure(head, images))
        findings = {*folder.findings, *head.findings}
        findings.update(_file_findings(head, files))
        if head.manifest is not None and not head.findings:
            findings.update(_content_findings(head, head.manifest, images, files))
    if head.version is not None:
        findings.update(_version_findings(head, installed))
    bad = {finding.place for finding in findings}
    return Verdict(head.version, tuple(sorted(files.keys() - bad)), tuple(sorted(findings)))


def _read_head(folder: Folder, trust: Trust) -> _Head:
    contents = {name: folder.read(name) for name in sorted(_SMALL & folder.regular)}
    small = {name: content for name, content in contents.items() if content is not None}
    findings = [
        Finding(Reason.FILE_TOO_LARGE, name, f"expected at most {SMALL} bytes, found more")
        for name in contents.keys() - small.keys()
    ]
    digests = sums.decode(small.get(SUMS, b""))
    if SUMS in small:
        findings += [Finding(_SUMS_REASONS[fault], SUMS, says) for fault, says in digests.faults]
    manifest = None
    if names.MANIFEST in small:
        try:
            manifest = manifests.decode(small[names.MANIFEST])
        except Refused as error:
            findings.append(Finding(Reason.MANIFEST_INVALID, names.MANIFEST, str(error)))
    head = _Head(folder, small, digests, manifest, ())
    if names.MANIFEST in small:
        found = {names.MANIFEST: measured(small[names.MANIFEST])}
        findings += digest_findings(found, digests.digests, {})
    findings += _signature_findings(head, trust)
    return replace(head, findings=tuple(findings))


def _signature_findings(head: _Head, trust: Trust) -> Iterator[Finding]:
    signature = head.small.get(SIGNATURE)
    key = signing_key(trust, signature, head.version)
    if isinstance(key, Finding):
        yield key
        return
    yield from sums_findings(key, head.small.get(SUMS, b""), signature or b"", head.version)
    for name, envelope in ENVELOPES.items():
        yield from envelope_findings(key, name, head.small.get(name), head.small.get(envelope))


def _images(head: _Head, look: Look) -> Iterator[tuple[str, ImageFile]]:
    """The images that are signed, read and unpacked."""
    for image in head.manifest.images if head.manifest and not head.findings else ():
        if image.file in head.folder.regular and image.file in head.sums.digests:
            yield image.file, read_image(head.folder, image, head.sums.digests[image.file], look)


def _measure(head: _Head, images: Mapping[str, ImageFile]) -> Iterator[tuple[str, Measured]]:
    """Every file that is listed or signs, measured; images have been."""
    for name in sorted(head.folder.regular & {*head.sums.digests, *SIGNATURES, SUMS}):
        if name in images:
            yield name, images[name].file
        elif name in head.small:
            yield name, measured(head.small[name])
        else:
            with head.folder.opened(name) as fd:
                yield name, measure_file(fd)


def _file_findings(head: _Head, files: Mapping[str, Measured]) -> Iterator[Finding]:
    required = Names(head.version).required if head.version else frozenset()
    listed = frozenset(head.sums.digests)
    always = {SUMS, names.MANIFEST, *SIGNATURES}
    yield from name_findings(head.folder, listed | always | required)
    manifest = head.manifest
    sizes = {file.name: file.size for file in manifest.files} if manifest else {}
    yield from digest_findings(files, head.sums.digests, sizes)
    if manifest is not None:
        yield from _manifest_findings(
            manifest, head.sums.digests, Names(versions.parse(manifest.version))
        )


def _manifest_findings(
    manifest: Manifest, digests: Mapping[str, str], bundle: Names
) -> Iterator[Finding]:
    """The manifest against SHA256SUMS, and against what a bundle of its version holds."""
    listed = {**manifest.digests, names.MANIFEST: digests.get(names.MANIFEST, "")}
    for name in sorted(listed.keys() | digests.keys()):
        if listed.get(name) != digests.get(name):
            says = (
                f"{name}: {names.MANIFEST} says {listed.get(name)}, {SUMS} says {digests.get(name)}"
            )
            yield Finding(Reason.MANIFEST_DISAGREES, names.MANIFEST, says)
    licences = {name for name in manifest.digests if is_licence(name)}
    odd = bundle.required ^ (manifest.digests.keys() - licences)
    if odd or not licences or {image.file for image in manifest.images} != set(bundle.images):
        about = ", ".join(sorted(odd)) or "its images or licences"
        says = f"expected the files of version {bundle.version} and licences; not so: {about}"
        yield Finding(Reason.MANIFEST_DISAGREES, names.MANIFEST, says[:400])


def _content_findings(
    head: _Head,
    manifest: Manifest,
    images: Mapping[str, ImageFile],
    files: Mapping[str, Measured],
) -> Iterator[Finding]:
    """What is in the files that are as they were signed."""
    bundle = Names(versions.parse(manifest.version))
    for name, image in images.items():
        yield from image.findings
        if image.contents and image.contents.program.sha256 != manifest.digests.get(names.PROGRAM):
            says = f"{names.PROGRAM_IN_IMAGE} has sha256 {image.contents.program.sha256}"
            yield Finding(Reason.IMAGE_PROGRAM, name, says)
    sound = {
        name: content
        for name, content in head.small.items()
        if name in files and files[name].sha256 == head.sums.digests.get(name)
    }
    if names.PROVENANCE in sound:
        yield from provenance_findings(sound[names.PROVENANCE], manifest, bundle)
    if names.TESTS in sound:
        yield from tests_findings(sound[names.TESTS], manifest, bundle)
    main = images.get(bundle.image)
    if names.SBOM in sound and main is not None and main.contents is not None:
        yield from sbom_findings(sound[names.SBOM], bundle, main.contents)


def _version_findings(head: _Head, installed: Version | None) -> Iterator[Finding]:
    """Whether what is installed may be replaced."""
    if installed is None or head.manifest is None or head.version is None:
        return
    minimum = versions.parse(head.manifest.minimum_installed)
    if head.version < installed:
        says = f"{head.version} is older than the installed {installed}"
        yield Finding(Reason.VERSION_REPLAYED, names.MANIFEST, says)
    elif installed < minimum:
        says = f"{head.version} replaces {minimum} and later; {installed} is installed"
        yield Finding(Reason.VERSION_GAP, names.MANIFEST, says)
