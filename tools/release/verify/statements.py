"""What a bundle's statements and bill of materials say of its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.release.bundle import names, sbom, statement
from tools.release.bundle.contents import Contents
from tools.release.bundle.manifest import Manifest
from tools.release.bundle.names import Names, unpacked
from tools.release.bundle.verdicts import Result
from tools.release.errors import Refused
from tools.release.verify.reasons import Reason
from tools.release.verify.verdict import Finding


def provenance_findings(content: bytes, manifest: Manifest, bundle: Names) -> Iterator[Finding]:
    """It is about every product: both images, compressed and not, and the program."""
    try:
        subjects = statement.decode(content, statement.PROVENANCE).subjects
    except Refused as error:
        yield Finding(Reason.STATEMENT_INVALID, names.PROVENANCE, str(error))
        return
    products = {name: manifest.digests.get(name, "") for name in (*bundle.images, names.PROGRAM)}
    yield from _disagreement(names.PROVENANCE, {**products, **_unpacked(manifest)}, subjects)


def tests_findings(content: bytes, manifest: Manifest, bundle: Names) -> Iterator[Finding]:
    """It is about the image with the model, perhaps also about the other; and nothing failed."""
    try:
        decoded = statement.decode(content, statement.TEST_RESULT)
    except Refused as error:
        yield Finding(Reason.STATEMENT_INVALID, names.TESTS, str(error))
        return
    images = _unpacked(manifest)
    tested = {
        name: digest
        for name, digest in images.items()
        if name in decoded.subjects or name == unpacked(bundle.image)
    }
    yield from _disagreement(names.TESTS, tested, decoded.subjects)
    result = decoded.predicate.get("result")
    if result == Result.FAILED:
        failed = decoded.predicate.get("failedTests")
        yield Finding(Reason.TESTS_FAILED, names.TESTS, f"failed: {failed!r:.200}")
    elif result not in {str(each) for each in Result} or not decoded.predicate.get("passedTests"):
        yield Finding(Reason.STATEMENT_INVALID, names.TESTS, "it says of no test that it passed")


def sbom_findings(content: bytes, bundle: Names, contents: Contents) -> Iterator[Finding]:
    """It names the version, the program and the models that are shipped."""
    try:
        shipped = sbom.decode(content)
    except Refused as error:
        yield Finding(Reason.SBOM_INVALID, names.SBOM, str(error))
        return
    expected = {names.PROGRAM: contents.program.sha256}
    expected |= {name: model.sha256 for name, model in contents.models.items()}
    if shipped.version != str(bundle.version):
        says = f"expected version {bundle.version}, found {shipped.version[:100]!r}"
        yield Finding(Reason.SBOM_DISAGREES, names.SBOM, says)
    if shipped.digests != expected:
        says = f"expected {_named(expected)}, found {_named(shipped.digests)}"
        yield Finding(Reason.SBOM_DISAGREES, names.SBOM, says)


def _unpacked(manifest: Manifest) -> dict[str, str]:
    return {unpacked(image.file): image.sha256 for image in manifest.images}


def _disagreement(
    place: str, expected: Mapping[str, str], found: Mapping[str, str]
) -> Iterator[Finding]:
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            says = f"{name}: expected sha256 {expected.get(name)}, found {found.get(name)}"
            yield Finding(Reason.STATEMENT_DISAGREES, place, says)


def _named(digests: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {digest[:16]}…" for name, digest in sorted(digests.items())) or "none"
