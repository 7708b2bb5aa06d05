"""Why a bundle is refused: one row a reason, from which messages and docs/verify-reasons.md are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Reason(StrEnum):
    """A reason's stable name, for machines."""

    FILE_MISSING = "file-missing"
    FILE_UNEXPECTED = "file-unexpected"
    FILE_CASE = "file-case"
    FILE_SYMLINK = "file-symlink"
    FILE_NOT_REGULAR = "file-not-regular"
    FILE_SIZE = "file-size"
    FILE_DIGEST = "file-digest"
    FILE_TOO_LARGE = "file-too-large"
    SUMS_MALFORMED = "sums-malformed"
    SUMS_UNSORTED = "sums-unsorted"
    SUMS_DUPLICATE = "sums-duplicate"
    SUMS_PATH = "sums-path"
    MANIFEST_INVALID = "manifest-invalid"
    MANIFEST_DISAGREES = "manifest-disagrees"
    IMAGE_CORRUPT = "image-corrupt"
    IMAGE_TRAILING = "image-trailing-data"
    IMAGE_CONTENT = "image-content"
    IMAGE_LAYOUT = "image-layout"
    IMAGE_PROGRAM = "image-program"
    SBOM_INVALID = "sbom-invalid"
    SBOM_DISAGREES = "sbom-disagrees"
    STATEMENT_INVALID = "statement-invalid"
    STATEMENT_DISAGREES = "statement-disagrees"
    TESTS_FAILED = "tests-failed"
    SIGNATURE_MISSING = "signature-missing"
    SIGNATURE_MALFORMED = "signature-malformed"
    SIGNATURE_OTHER_KEY = "signature-other-key"
    SIGNATURE_BAD = "signature-bad"
    SIGNATURE_COMMENT = "signature-comment"
    SIGNATURE_UNBOUND = "signature-unbound"
    ENVELOPE_PAYLOAD = "envelope-payload"
    KEY_REVOKED = "key-revoked"
    KEY_EXPIRED = "key-expired"
    KEY_EARLY = "key-early"
    VERSION_REPLAYED = "version-replayed"
    VERSION_GAP = "version-gap"


@dataclass(frozen=True)
class Explanation:
    """What a reason means, and what to do about it."""

    meaning: str
    remedy: str


_AGAIN = "Fetch the file again; if that does not help, tell the project."
_WHOLE = "Fetch the whole release again, into an empty folder."
_REPORT = "Do not use the bundle, and tell the project: it is signed, so this was not an accident of the download."
_PRESENT = "Get the project's present key, and a release signed by it."
_KEY = "Check where the public key came from; do not take one from the place of the bundle."

_ROWS = (
    (Reason.FILE_MISSING, "A file that is listed, or that every bundle has, is not there.", _WHOLE),
    (Reason.FILE_UNEXPECTED, "A file is there that nothing lists.", "Move it out of the folder, and verify again."),
    (Reason.FILE_CASE, "A file's name differs from a listed one in upper and lower case.", _WHOLE),
    (Reason.FILE_SYMLINK, "A name is a symbolic link: its content can change unseen.", _WHOLE),
    (Reason.FILE_NOT_REGULAR, "A name is a folder, a pipe or a device.", _WHOLE),
    (Reason.FILE_SIZE, "A file has another size than manifest.json says.", _AGAIN),
    (Reason.FILE_DIGEST, "A file has another sha256 than SHA256SUMS says.", _AGAIN),
    (Reason.FILE_TOO_LARGE, "A text or statement is far larger than any that is made.", _AGAIN),
    (Reason.SUMS_MALFORMED, "SHA256SUMS has a line that is not as `sha256sum` writes it.", _AGAIN),
    (Reason.SUMS_UNSORTED, "SHA256SUMS is not sorted by name.", _AGAIN),
    (Reason.SUMS_DUPLICATE, "SHA256SUMS names a file twice.", _AGAIN),
    (Reason.SUMS_PATH, "SHA256SUMS names what is not in the folder, or not plainly.", _AGAIN),
    (Reason.MANIFEST_INVALID, "manifest.json is not of its schema, or not in its one form.", _AGAIN),
    (Reason.MANIFEST_DISAGREES, "manifest.json and SHA256SUMS, or a file's name, say different things.", _WHOLE),
    (Reason.IMAGE_CORRUPT, "A compressed image does not unpack.", _AGAIN),
    (Reason.IMAGE_TRAILING, "Something follows the end of a compressed image.", _AGAIN),
    (Reason.IMAGE_CONTENT, "A compressed image unpacks to other content than manifest.json says.", _REPORT),
    (Reason.IMAGE_LAYOUT, "An image's partition table or file system contradicts itself.", _REPORT),
    (Reason.IMAGE_PROGRAM, "The program in an image is not the BOOTX64.EFI beside it.", _REPORT),
    (Reason.SBOM_INVALID, "sbom.cdx.json is no bill of materials of this project.", _REPORT),
    (Reason.SBOM_DISAGREES, "sbom.cdx.json names another version, program or model than is shipped.", _REPORT),
    (Reason.STATEMENT_INVALID, "A statement is not of its type, or not in its one form.", _REPORT),
    (Reason.STATEMENT_DISAGREES, "A statement is about other files than are shipped.", _REPORT),
    (Reason.TESTS_FAILED, "The tests' statement says that tests failed.", "Use another release."),
    (Reason.SIGNATURE_MISSING, "A signature is not there: nobody vouches for the bundle.", _WHOLE),
    (Reason.SIGNATURE_MALFORMED, "A signature is not of its format.", _AGAIN),
    (Reason.SIGNATURE_OTHER_KEY, "A signature is by another key than the one given or its successors.", _KEY),
    (Reason.SIGNATURE_BAD, "A signature does not fit what it is said to sign.", _WHOLE),
    (Reason.SIGNATURE_COMMENT, "The trusted comment of a signature was changed.", _WHOLE),
    (Reason.SIGNATURE_UNBOUND, "A signature is for another product or version than the manifest's.", _WHOLE),
    (Reason.ENVELOPE_PAYLOAD, "A signed statement is not the statement beside it.", _WHOLE),
    (Reason.KEY_REVOKED, "The key is on the revocation list.", _PRESENT),
    (Reason.KEY_EXPIRED, "Another key signs this version, or the key's last day is over.", _PRESENT),
    (Reason.KEY_EARLY, "The key signs later versions only.", _REPORT),
    (Reason.VERSION_REPLAYED, "The bundle is older than what is installed.", "Get a newer release."),
    (Reason.VERSION_GAP, "What is installed is too old for the bundle to replace.", "Install the version named first."),
)  # fmt: skip

EXPLANATIONS: Mapping[Reason, Explanation] = MappingProxyType(
    {reason: Explanation(meaning, remedy) for reason, meaning, remedy in _ROWS}
)


def reasons_md() -> str:
    """docs/verify-reasons.md."""
    rows = [
        f"| `{reason}` | {explanation.meaning} | {explanation.remedy} |"
        for reason, explanation in EXPLANATIONS.items()
    ]
    return "\n".join(
        [
            "# Why a bundle is refused",
            "",
            "Made from the table of `tools/release/verify/reasons.py` by `python -m tools.release.verify.reasons`. A",
            "refusal names its reason, where it was found, and what; the status of the command is then 1.",
            "",
            "| reason | meaning | what to do |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


if __name__ == "__main__":
    print(reasons_md(), end="")
