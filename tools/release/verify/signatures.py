"""Signatures of a bundle: minisign over SHA256SUMS, an envelope a statement, and whether the key may still sign."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.release.bundle.binding import bound_version, comment
from tools.release.bundle.names import ENVELOPES, SIGNATURE
from tools.release.bundle.statement import PAYLOAD_TYPE
from tools.release.bundle.version import Version
from tools.release.keys import dsse, minisign
from tools.release.keys.errors import KeyReason, KeyRefused
from tools.release.keys.errors import Reason as Refusal
from tools.release.keys.errors import SignatureRefused
from tools.release.keys.public_key import SIGNATURE_SIZE, PublicKey, decode_base64
from tools.release.keys.revocation import NONE, Revocations
from tools.release.keys.rotation import Chain
from tools.release.verify.reasons import Reason
from tools.release.verify.verdict import Finding

_REFUSALS: Mapping[Refusal, Reason] = MappingProxyType(
    {
        Refusal.MALFORMED: Reason.SIGNATURE_MALFORMED,
        Refusal.OTHER_KEY: Reason.SIGNATURE_OTHER_KEY,
        Refusal.BAD_SIGNATURE: Reason.SIGNATURE_BAD,
        Refusal.BAD_COMMENT: Reason.SIGNATURE_COMMENT,
    }
)
_KEY_REFUSALS: Mapping[KeyReason, Reason] = MappingProxyType(
    {
        KeyReason.UNKNOWN: Reason.SIGNATURE_OTHER_KEY,
        KeyReason.EARLY: Reason.KEY_EARLY,
        KeyReason.EXPIRED: Reason.KEY_EXPIRED,
        KeyReason.REVOKED: Reason.KEY_REVOKED,
        KeyReason.BROKEN_CHAIN: Reason.SIGNATURE_OTHER_KEY,
    }
)
_OTHER_FORM = "expected the text that signing gives, found another around a good signature"


@dataclass(frozen=True)
class Trust:
    """Whom the verifying person trusts."""

    key: PublicKey
    chain: Chain = Chain()
    """Which keys have taken its place since."""
    revocations: Revocations = NONE
    today: datetime.date | None = None
    """The day for which keys must hold, for those who look at a calendar."""


class _Replay:
    """A signer of signatures that are known: what it signs is the one form of a file that holds them.

    The formats leave some of a file open (an untrusted comment, white space). Ours is one text for one signature, so
    that no byte of a bundle can change unnoticed.
    """

    def __init__(self, public_key: PublicKey, *signatures: bytes) -> None:
        self.public_key = public_key
        self._signatures = iter(signatures)

    def sign(self, message: bytes) -> bytes:
        return next(self._signatures)


def signing_key(
    trust: Trust, signature: bytes | None, version: Version | None
) -> PublicKey | Finding:
    """The key that made the signature, if it may sign this version; else why not."""
    if signature is None:
        return Finding(Reason.SIGNATURE_MISSING, SIGNATURE, "nobody vouches for the bundle")
    if version is None:
        return trust.key
    try:
        return trust.chain.signer(
            trust.key,
            minisign.signer_id(_text(signature)),
            version,
            revocations=trust.revocations,
            today=trust.today,
        )
    except KeyRefused as refusal:
        return Finding(_KEY_REFUSALS[refusal.reason], SIGNATURE, str(refusal))
    except SignatureRefused as refusal:
        return _refused(SIGNATURE, refusal)


def sums_findings(
    key: PublicKey, sums: bytes, signature: bytes, version: Version | None
) -> Iterator[Finding]:
    """Of SHA256SUMS.minisig; the version is None where nothing says one."""
    text = _text(signature)
    try:
        trusted = minisign.verify(key, sums, text)
    except SignatureRefused as refusal:
        yield _refused(SIGNATURE, refusal)
        return
    _, first, _, second = text.splitlines()
    replay = _Replay(key, decode_base64(first)[-SIGNATURE_SIZE:], decode_base64(second))
    if minisign.sign(replay, sums, trusted_comment=trusted) != text:
        yield Finding(Reason.SIGNATURE_MALFORMED, SIGNATURE, _OTHER_FORM)
    bound = bound_version(trusted)
    if bound is None or bound != version:
        expected = "a manifest that says so" if version is None else repr(comment(version))
        says = f"expected the trusted comment {expected}, found {trusted[:100]!r}"
        yield Finding(Reason.SIGNATURE_UNBOUND, SIGNATURE, says)


def envelope_findings(
    key: PublicKey, name: str, statement: bytes | None, envelope: bytes | None
) -> Iterator[Finding]:
    """Of the envelope of a statement, which is named by its plain file."""
    place = ENVELOPES[name]
    if envelope is None:
        yield Finding(Reason.SIGNATURE_MISSING, place, f"{name} is not signed")
        return
    try:
        sealed = dsse.open_sealed(key, envelope)
    except SignatureRefused as refusal:
        yield _refused(place, refusal)
        return
    replay = _Replay(key, decode_base64(json.loads(envelope)["signatures"][0]["sig"]))
    if dsse.seal(replay, sealed.payload, sealed.payload_type) != envelope:
        yield Finding(Reason.SIGNATURE_MALFORMED, place, _OTHER_FORM)
    elif sealed.payload_type != PAYLOAD_TYPE:
        says = f"expected a payload of type {PAYLOAD_TYPE}, found {sealed.payload_type[:100]!r}"
        yield Finding(Reason.ENVELOPE_PAYLOAD, place, says)
    elif sealed.payload != statement:
        yield Finding(Reason.ENVELOPE_PAYLOAD, place, f"expected {name}, found other content")


def _text(signature: bytes) -> str:
    return signature.decode("utf-8", errors="replace")


def _refused(place: str, refusal: SignatureRefused) -> Finding:
    return Finding(_REFUSALS[refusal.reason], place, str(refusal))
