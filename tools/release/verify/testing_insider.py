"""Bundles changed by somebody who has the key, or who confuses people about keys and versions.

Sums, manifest and signatures are then made again, so that each finding is of what was changed and of nothing else.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

from tools.release.bundle import manifest as manifests
from tools.release.bundle import names, sbom, statement
from tools.release.bundle.measure import measured
from tools.release.bundle.names import ENVELOPES, MANIFEST, SIGNATURE, SUMS, Names
from tools.release.bundle.version import Version
from tools.release.keys import dsse, minisign
from tools.release.keys.public_key import PublicKey
from tools.release.keys.revocation import Revocation, Revocations
from tools.release.keys.rotation import Chain, Succession
from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import (
    NEWER,
    OLDER,
    MemorySigner,
    Releases,
    compressed,
    made_up_image,
    reseal,
    sign_at_once,
)
from tools.release.verify.testing_files import Case, Change, edit, put

_IMAGES = Names(NEWER).images
_PATHS = ("../{}", "/{}", "./{}", "a/{}", ".{}", "-{}", "a\\{}", "{}\r", "{} ", "{}\0", "\u200b{}")


def insider_cases(releases: Releases) -> Iterator[Case]:
    """Everything that this module changes."""
    yield from _sums(releases)
    yield from _manifest(releases)
    yield from _images(releases)
    yield from _statements(releases)
    yield from _signatures(releases)
    yield from _keys(releases)
    yield from _versions(releases)


def _case(kind: str, name: str, change: Change, reason: Reason) -> Case:
    return Case(kind, name, change, frozenset({reason}))


def _sums(releases: Releases) -> Iterator[Case]:
    lines = (releases.newer / SUMS).read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        digest, name = line.split()
        edits: dict[str, tuple[list[str], Reason]] = {
            "left out": ([], Reason.MANIFEST_DISAGREES),
            "twice": ([line, line], Reason.SUMS_DUPLICATE),
            "in capitals": ([f"{digest.upper()}  {name}\n"], Reason.SUMS_MALFORMED),
            "one space": ([f"{digest} {name}\n"], Reason.SUMS_MALFORMED),
            "binary": ([f"{digest} *{name}\n"], Reason.SUMS_MALFORMED),
            "short digest": ([f"{digest[1:]}  {name}\n"], Reason.SUMS_MALFORMED),
            "BSD form": ([f"SHA256 ({name}) = {digest}\n"], Reason.SUMS_MALFORMED),
            "after a blank line": (["\n", line], Reason.SUMS_MALFORMED),
            "after a comment": (["# files\n", line], Reason.SUMS_MALFORMED),
            "other digest": ([f"{digest[1:]}0  {name}\n"], Reason.FILE_DIGEST),
            "no such file": ([line, f"{digest}  {name}.0\n"], Reason.FILE_MISSING),
        }
        for path in _PATHS:
            changed = f"{digest}  {path.format(name)}\n"
            edits[f"path {path!r}"] = ([changed], Reason.SUMS_PATH)
        if number:
            edits["in another place"] = ([], Reason.SUMS_UNSORTED)
        for what, (instead, reason) in edits.items():
            changed_lines = [*lines[:number], *instead, *lines[number + 1 :]]
            if what == "in another place":
                changed_lines = [line, *changed_lines]
            text = "".join(changed_lines).encode()
            replace = put(SUMS, text)
            place = f"{name}: {what}"
            yield _case("SHA256SUMS edited", place, replace, Reason.SIGNATURE_BAD)
            signed = _then(replace, lambda bundle: sign_at_once(bundle, releases.signer, NEWER))
            yield _case("SHA256SUMS edited and signed", place, signed, reason)


def _then(*changes: Change) -> Change:
    def change(bundle: Path) -> None:
        for each in changes:
            each(bundle)

    return change


def _resigned(releases: Releases, *changes: Change) -> Change:
    """Changes, and then manifest, sums and signatures made again."""
    return _then(*changes, lambda bundle: reseal(bundle, releases.signer))


def _set(name: str, place: str, value: object) -> Change:
    """A value of a JSON file replaced, at a place as `subject.0.name`; the file keeps its one form."""

    def edited(content: bytes) -> bytes:
        document = json.loads(content)
        *parents, last = place.split(".")
        parent = document
        for key in parents:
            parent = parent[int(key) if isinstance(parent, list) else key]
        parent[int(last) if isinstance(parent, list) else last] = value
        if name == MANIFEST:
            return json.dumps(document, indent=2).encode() + b"\n"
        return sbom.encode(document) if name == names.SBOM else statement.encode_json(document)

    return edit(name, edited)


def _signed(releases: Releases, change: Change) -> Change:
    """A change of the manifest, whose digest and signature are then made again."""

    def sign(bundle: Path) -> None:
        digest = measured((bundle / MANIFEST).read_bytes()).sha256
        lines = (bundle / SUMS).read_text().splitlines(keepends=True)
        kept = [f"{digest}  {MANIFEST}\n" if MANIFEST in line else line for line in lines]
        (bundle / SUMS).write_text("".join(kept))
        sign_at_once(bundle, releases.signer, NEWER)

    return _then(change, sign)


def _manifest(releases: Releases) -> Iterator[Case]:
    invalid, disagrees = Reason.MANIFEST_INVALID, Reason.MANIFEST_DISAGREES
    decoded = manifests.decode((releases.newer / MANIFEST).read_bytes())
    values: list[tuple[str, object, Reason]] = [
        ("schema", 2, invalid),
        ("schema", True, invalid),
        ("name", "other", invalid),
        ("architecture", "riscv64", invalid),
        ("version", "0.6", invalid),
        ("version", "00.6.0", invalid),
        ("version", "0.6.1", Reason.SIGNATURE_UNBOUND),
        ("minimum_installed", "latest", invalid),
        ("more", 1, invalid),
        ("files", [], disagrees),
        ("images", [], disagrees),
    ]
    for number, file in enumerate(decoded.files):
        at = f"files.{number}"
        values += [
            (
                f"{at}.name",
                f"{file.name}0",
                disagrees if number + 1 == len(decoded.files) else disagrees,
            ),
            (f"{at}.size", file.size + 1, Reason.FILE_SIZE),
            (f"{at}.size", -1, invalid),
            (f"{at}.size", str(file.size), invalid),
            (f"{at}.sha256", "0" * 64, disagrees),
            (f"{at}.sha256", file.sha256.upper(), invalid),
            (at, None, invalid),
        ]
    for number, image in enumerate(decoded.images):
        at = f"images.{number}"
        values += [
            (f"{at}.sha256", "0" * 64, Reason.IMAGE_CONTENT),
            (f"{at}.size", image.size + 1, Reason.IMAGE_CONTENT),
            (f"{at}.size", 0, invalid),
            (f"{at}.file", f"{image.file}0", disagrees),
        ]
    for place, value, reason in values:
        change = _signed(releases, _set(MANIFEST, place, value))
        yield _case("manifest edited and signed", f"{place}: {value!r:.40}", change, reason)
    forms: dict[str, Callable[[bytes], bytes]] = {
        "twice the same key": lambda content: content.replace(b"{", b'{"schema": 1,', 1),
        "other white space": lambda content: json.dumps(json.loads(content)).encode(),
        "not JSON": lambda content: b"schema: 1",
        "deep": lambda content: b"[" * 100_000,
        "not UTF-8": lambda content: content.replace(b"llm", b"\xff\xfe", 1),
    }
    for what, form in forms.items():
        change = _signed(releases, edit(MANIFEST, form))
        yield _case("manifest edited and signed", what, change, invalid)


def _images(releases: Releases) -> Iterator[Case]:
    """Images that are not what they should be, by a manifest that says so or does not."""

    def packed(name: str, content: bytes) -> Change:
        return put(name, compressed(content, releases.scratch))

    def said(name: str, content: bytes) -> Change:
        """The manifest agrees with the content."""

        def change(content_before: bytes) -> bytes:
            manifest = manifests.decode(content_before)
            found = measured(content)
            images = [
                (
                    manifests.Image(file=name, size=found.size, sha256=found.sha256)
                    if image.file == name
                    else image
                )
                for image in manifest.images
            ]
            return manifests.encode(manifest.model_copy(update={"images": tuple(images)}))

        return _then(packed(name, content), edit(MANIFEST, change))

    other = made_up_image(b"MZ another program", {})
    for name in _IMAGES:
        cases: dict[str, tuple[Change, Reason]] = {
            "other content": (packed(name, other), Reason.IMAGE_CONTENT),
            "no image": (said(name, b"nothing of the kind"), Reason.IMAGE_LAYOUT),
            "other program": (said(name, other), Reason.IMAGE_PROGRAM),
            "empty": (put(name, b""), Reason.IMAGE_CORRUPT),
            "not compressed": (put(name, other), Reason.IMAGE_CORRUPT),
            "padded": (edit(name, lambda content: content + bytes(4)), Reason.IMAGE_TRAILING),
            "with a tail": (edit(name, lambda content: content + b"tail"), Reason.IMAGE_TRAILING),
            "twice": (edit(name, lambda content: content * 2), Reason.IMAGE_CONTENT),
        }
        for what, (change, reason) in cases.items():
            case = f"{name}: {what}"
            yield _case("image edited and signed", case, _resigned(releases, change), reason)
        size = (releases.newer / name).stat().st_size
        for position in (step * (size - 1) // 59 for step in range(60)):

            def flipped(content: bytes, at: int = position) -> bytes:
                return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :]

            signed = _resigned(releases, edit(name, flipped))
            expected = frozenset({Reason.IMAGE_CORRUPT, Reason.IMAGE_TRAILING})
            yield Case("image edited and signed", f"{name}: byte {position}", signed, expected)


def _statements(releases: Releases) -> Iterator[Case]:
    invalid, disagrees = Reason.STATEMENT_INVALID, Reason.STATEMENT_DISAGREES
    edits: list[tuple[str, str, object, Reason]] = [
        (names.TESTS, "predicate.result", "FAILED", Reason.TESTS_FAILED),
        (names.TESTS, "predicate.result", "passed", invalid),
        (names.TESTS, "predicate.result", None, invalid),
        (names.TESTS, "predicate.passedTests", [], invalid),
        (names.SBOM, "metadata.component.version", "0.5.0", Reason.SBOM_DISAGREES),
        (names.SBOM, "components.0.name", "other", Reason.SBOM_DISAGREES),
        (names.SBOM, "components.0.hashes.0.content", "0" * 64, Reason.SBOM_DISAGREES),
        (names.SBOM, "components.0.scope", "excluded", Reason.SBOM_DISAGREES),
        (names.SBOM, "components", [], Reason.SBOM_DISAGREES),
        (names.SBOM, "components", None, Reason.SBOM_INVALID),
        (names.SBOM, "specVersion", "1.5", Reason.SBOM_INVALID),
        (names.SBOM, "bomFormat", "SPDX", Reason.SBOM_INVALID),
    ]
    for name in ENVELOPES:
        edits += [
            (name, "_type", "https://in-toto.io/Statement/v0.1", invalid),
            (name, "predicateType", "https://slsa.dev/provenance/v0.2", invalid),
            (name, "predicate", [], invalid),
            (name, "subject", [], invalid),
            (name, "more", 1, invalid),
            (name, "subject.0.digest.sha256", "0" * 64, disagrees),
            (name, "subject.0.digest", {"sha512": "0" * 128}, disagrees),
            (name, "subject.0.digest", {}, invalid),
            (name, "subject.0.name", "other", disagrees),
        ]
    for name, place, value, reason in edits:
        change = _resigned(releases, _set(name, place, value))
        yield _case(
            "statement edited and signed", f"{name}: {place}: {value!r:.40}", change, reason
        )
    for name in (*ENVELOPES, names.SBOM):
        reason = Reason.SBOM_INVALID if name == names.SBOM else invalid
        forms: dict[str, Callable[[bytes], bytes]] = {
            "other white space": lambda content: content.replace(b"  ", b" "),
            "nothing": lambda content: b"",
            "a list": lambda content: b"[]\n",
            "deep": lambda content: b"[" * 100_000,
            "not UTF-8": lambda content: b"\xff" + content,
        }
        for what, form in forms.items():
            change = _resigned(releases, edit(name, form))
            yield _case("statement edited and signed", f"{name}: {what}", change, reason)


def _signatures(releases: Releases) -> Iterator[Case]:
    def by(signer: MemorySigner, version: Version) -> Change:
        def change(bundle: Path) -> None:
            sign_at_once(bundle, signer, version)

        return change

    def commented(comment: str) -> Change:
        def change(bundle: Path) -> None:
            sums = (bundle / SUMS).read_bytes()
            text = minisign.sign(releases.signer, sums, trusted_comment=comment)
            (bundle / SIGNATURE).write_text(text)

        return change

    def sealed(envelope: str, payload: bytes, kind: str) -> Change:
        def change(bundle: Path) -> None:
            (bundle / envelope).write_bytes(dsse.seal(releases.signer, payload, kind))

        return change

    kind = "signed otherwise"
    yield _case(kind, "by a stranger", by(releases.stranger, NEWER), Reason.SIGNATURE_OTHER_KEY)
    yield _case(kind, "for another version", by(releases.signer, OLDER), Reason.SIGNATURE_UNBOUND)
    for comment in (
        "name:other version:0.6.0",
        "name:llm-baremetal version:0.6",
        "version:0.6.0 name:llm-baremetal",
        "name:llm-baremetal version:0.6.0 ",
        "name:llm-baremetal version:0.6.0 version:0.5.0",
        "",
    ):
        yield _case(kind, f"comment {comment!r}", commented(comment), Reason.SIGNATURE_UNBOUND)
    lines = (releases.newer / SIGNATURE).read_text().split("\n")
    texts: dict[str, tuple[list[str], Reason]] = {
        "untrusted comment": (["untrusted comment: x", *lines[1:]], Reason.SIGNATURE_MALFORMED),
        "trusted comment": ([*lines[:2], f"{lines[2]}1", *lines[3:]], Reason.SIGNATURE_COMMENT),
        "proof left out": ([*lines[:3], ""], Reason.SIGNATURE_MALFORMED),
        "more lines": ([*lines, "x"], Reason.SIGNATURE_MALFORMED),
        "carriage returns": ([f"{line}\r" for line in lines], Reason.SIGNATURE_MALFORMED),
    }
    for what, (text, reason) in texts.items():
        content = "\n".join(text).encode()
        yield _case(kind, what, put(SIGNATURE, content), reason)
    for name, envelope in ENVELOPES.items():
        own = (releases.newer / name).read_bytes()
        payload = Reason.ENVELOPE_PAYLOAD
        yield _case(
            kind,
            f"{envelope}: other payload",
            sealed(envelope, b"{}", statement.PAYLOAD_TYPE),
            payload,
        )
        yield _case(kind, f"{envelope}: other type", sealed(envelope, own, "text/plain"), payload)
        stranger = dsse.seal(releases.stranger, own, statement.PAYLOAD_TYPE)
        strange = put(envelope, stranger)
        yield _case(kind, f"{envelope}: by a stranger", strange, Reason.SIGNATURE_OTHER_KEY)
        spaced = edit(envelope, lambda content: content.replace(b":", b": ", 1))
        yield _case(kind, f"{envelope}: a space", spaced, Reason.SIGNATURE_MALFORMED)


def _untouched(bundle: Path) -> None:
    """Nothing is wrong with the bundle itself."""


def _keys(releases: Releases) -> Iterator[Case]:
    key, other = releases.signer.public_key, releases.stranger.public_key
    day = datetime.date(2026, 1, 1)
    revoked = Revocation(key=key, date=day, reason="lost")
    revocations = Revocations(MappingProxyType({key.key_id: revoked}))

    def chain(
        old: PublicKey, new: PublicKey, since: Version, until: datetime.date | None = None
    ) -> Chain:
        return Chain((Succession(old=old, new=new, from_version=since, not_after=until),))

    later = day + datetime.timedelta(days=1)
    cases: dict[str, tuple[Trust, Reason]] = {
        "revoked": (Trust(key, revocations=revocations), Reason.KEY_REVOKED),
        "unknown": (Trust(other), Reason.SIGNATURE_OTHER_KEY),
        "another since this version": (Trust(key, chain(key, other, NEWER)), Reason.KEY_EXPIRED),
        "from the next version": (
            Trust(other, chain(other, key, Version(0, 7, 0))),
            Reason.KEY_EARLY,
        ),
        "over": (Trust(other, chain(other, key, OLDER, day), today=later), Reason.KEY_EXPIRED),
        "successor revoked": (
            Trust(other, chain(other, key, OLDER), revocations),
            Reason.KEY_REVOKED,
        ),
    }
    for what, (trust, reason) in cases.items():
        yield Case("key no longer good", what, _untouched, frozenset({reason}), trust=trust)


def _versions(releases: Releases) -> Iterator[Case]:
    def older(bundle: Path) -> None:
        for path in bundle.iterdir():
            path.unlink()
        for path in releases.older.iterdir():
            (bundle / path.name).write_bytes(path.read_bytes())

    replayed, gap = frozenset({Reason.VERSION_REPLAYED}), frozenset({Reason.VERSION_GAP})
    for installed in (NEWER, Version(0, 5, 1), Version(0, 10, 0), Version(1, 0, 0)):
        yield Case("older version replayed", f"over {installed}", older, replayed, installed)
    for installed in (Version(0, 3, 9), Version(0, 0, 0)):
        yield Case("version left out", f"after {installed}", _untouched, gap, installed)
