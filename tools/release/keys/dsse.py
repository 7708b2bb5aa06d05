"""Statements that are signed together with what they are: Dead Simple Signing Envelope, protocol v1.0.0
(https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.release.errors import ReleaseError
from tools.release.keys.errors import Reason, SignatureRefused
from tools.release.keys.public_key import PublicKey, Signer, decode_base64


@dataclass(frozen=True)
class Sealed:
    """What an envelope holds."""

    payload: bytes
    payload_type: str


class _Signature(BaseModel):
    model_config = ConfigDict(strict=True)

    keyid: str
    sig: str


class _Envelope(BaseModel):
    """An envelope as JSON. Readers ignore fields that they do not know, as the protocol asks."""

    model_config = ConfigDict(strict=True)

    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: tuple[_Signature, ...] = Field(min_length=1)


def seal(signer: Signer, payload: bytes, payload_type: str) -> bytes:
    """An envelope: canonical JSON on one line, without a line feed; the same bytes every time.

    Raises ReleaseError for a type that is not printable ASCII, KeyUnusable when the key does not sign.
    """
    if not (payload_type and payload_type.isascii() and payload_type.isprintable()):
        raise ReleaseError(f"expected a media type as a payload's type, found {payload_type!r}")
    signature = signer.sign(_encode(payload, payload_type))
    envelope = {
        "payload": _base64(payload),
        "payloadType": payload_type,
        "signatures": [{"keyid": signer.public_key.name, "sig": _base64(signature)}],
    }
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()


def open_sealed(key: PublicKey, data: bytes) -> Sealed:
    """What is in an envelope, of which the key made one signature. Raises SignatureRefused."""
    envelope = _parse(data)
    sealed = Sealed(decode_base64(envelope.payload), envelope.payload_type)
    signatures = [each.sig for each in envelope.signatures if each.keyid == key.name]
    if not signatures:
        found = ", ".join(repr(each.keyid[:80]) for each in envelope.signatures[:4])
        raise SignatureRefused(
            Reason.OTHER_KEY, f"expected a signature of the key {key.name}, found {found}"
        )
    message = _encode(sealed.payload, sealed.payload_type)
    if not any(key.verifies(decode_base64(each), message) for each in signatures):
        raise SignatureRefused(
            Reason.BAD_SIGNATURE,
            f"the key {key.name} did not sign this {sealed.payload_type[:80]!r}; fetch it again",
        )
    return sealed


def unverified(data: bytes) -> Sealed:
    """What an envelope says that it holds; nothing is verified. Raises SignatureRefused (malformed)."""
    envelope = _parse(data)
    return Sealed(decode_base64(envelope.payload), envelope.payload_type)


def _parse(data: bytes) -> _Envelope:
    try:
        return _Envelope.model_validate_json(data)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise SignatureRefused(
            Reason.MALFORMED, f"no DSSE envelope: {place}: {fault['msg']}"
        ) from None


def _encode(payload: bytes, payload_type: str) -> bytes:
    """What is signed: the protocol's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
