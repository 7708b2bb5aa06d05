"""Signatures of programs: PKCS#7 SignedData over the Authenticode hash of a program.

Sources: RFC 2315 (PKCS#7; its content is a SEQUENCE where that of CMS would be an OCTET STRING), RFC 5652 (attributes);
Microsoft, "Windows Authenticode Portable Executable Signature Format" (SpcIndirectDataContent).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from asn1crypto import algos, cms, core, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tools.release.errors import Refused
from tools.release.keys.errors import KeyUnusable
from tools.release.secureboot.certificates import public_key
from tools.release.secureboot.signers import RsaSigner

_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15"
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_MAX_PADDING = 7
# SpcPeImageData: no flags; a file [0] that is [2] a name [0], whose content is never looked at.
_PE_IMAGE = bytes.fromhex("3025 030100 a020 a21e 801c") + "<<<Obsolete>>>".encode("utf-16-be")


class MalformedSignature(Refused):
    """The bytes are no Authenticode signature with RSA and SHA-256."""


class _Typed(core.Sequence):  # type: ignore[misc]
    _fields = [("type", core.ObjectIdentifier), ("value", core.Any, {"optional": True})]


class _IndirectData(core.Sequence):  # type: ignore[misc]
    _fields = [("data", _Typed), ("message_digest", algos.DigestInfo)]


class _Content(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("content_type", core.ObjectIdentifier),
        ("content", _IndirectData, {"explicit": 0}),
    ]


class _SignedData(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("version", core.Integer),
        ("digest_algorithms", cms.DigestAlgorithms),
        ("content_info", _Content),
        ("certificates", cms.CertificateSet, {"implicit": 0, "optional": True}),
        ("crls", cms.RevocationInfoChoices, {"implicit": 1, "optional": True}),
        ("signer_infos", cms.SignerInfos),
    ]


class _ContentInfo(core.Sequence):  # type: ignore[misc]
    _fields = [
        ("content_type", core.ObjectIdentifier),
        ("content", _SignedData, {"explicit": 0}),
    ]


@dataclass(frozen=True)
class Signature:
    """What a signature says, and about what."""

    digest: bytes
    """The hash of the program that was signed."""
    issuer: bytes
    """Of the signer's certificate: its issuer's name (DER)."""
    serial: int
    """And its number."""
    content_digest: bytes
    """The hash of what `attributes` vouch for."""
    attested_digest: bytes
    """That hash, as the attributes have it."""
    attributes: bytes
    """The signed attributes, as a SET (DER)."""
    value: bytes
    """The RSA signature over the attributes."""

    def is_of(self, certificate: bytes) -> bool:
        """Whether it names this certificate (DER)."""
        named = x509.Certificate.load(certificate)
        return bool(named.issuer.dump() == self.issuer and named.serial_number == self.serial)

    def is_valid(self, certificate: bytes) -> bool:
        """Whether the certificate's key made it, and over this content."""
        if self.content_digest != self.attested_digest:
            return False
        return _verifies(certificate, self.attributes, self.value)


def _verifies(certificate: bytes, message: bytes, signature: bytes) -> bool:
    try:
        public_key(certificate).verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def make_signature(digest: bytes, signer: RsaSigner) -> bytes:
    """The signature (DER) over a program's hash. It holds no time: the same key makes the same bytes of it.

    Raises KeyUnusable when what the signer returns is not by the key of its certificate.
    """
    certificate = x509.Certificate.load(signer.certificate)
    content = _IndirectData(
        {
            "data": {"type": _PE_IMAGE_DATA, "value": core.Sequence.load(_PE_IMAGE)},
            "message_digest": {"digest_algorithm": _sha256(), "digest": digest},
        }
    )
    attributes = cms.CMSAttributes(
        [
            {"type": "content_type", "values": [_INDIRECT_DATA]},
            {"type": "message_digest", "values": [_hash_of_value(content)]},
        ]
    )
    value = signer.sign(attributes.dump())
    if not _verifies(signer.certificate, attributes.dump(), value):
        raise KeyUnusable("what the key signed does not verify with its certificate")
    signer_info = {
        "version": "v1",
        "sid": cms.IssuerAndSerialNumber(
            {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
        ),
        "digest_algorithm": _sha256(),
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
        "signature": value,
    }
    signed = {
        "version": 1,
        "digest_algorithms": [_sha256()],
        "content_info": {"content_type": _INDIRECT_DATA, "content": content},
        "certificates": [certificate],
        "signer_infos": [signer_info],
    }
    encoded: bytes = _ContentInfo({"content_type": _SIGNED_DATA, "content": signed}).dump()
    return encoded


def _sha256() -> algos.DigestAlgorithm:
    return algos.DigestAlgorithm({"algorithm": "sha256", "parameters": core.Null()})


def _hash_of_value(content: _IndirectData) -> bytes:
    """PKCS#7 hashes the content without its tag and length."""
    content.dump()  # which makes `contents`
    return hashlib.sha256(content.contents).digest()


def read_signature(encoded: bytes) -> Signature:
    """Take a signature (DER; zeros to a multiple of 8 bytes may follow) apart. Raises MalformedSignature."""
    try:
        return _read(_without_padding(encoded))
    # what asn1crypto raises for bytes that are not what they should be
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise MalformedSignature(f"malformed signature: {error}") from error


def _without_padding(encoded: bytes) -> bytes:
    size = len(core.Sequence.load(encoded).dump())
    padding_bytes = encoded[size:]
    if len(padding_bytes) > _MAX_PADDING or any(padding_bytes):
        raise ValueError(f"{len(padding_bytes)} bytes behind it that are not part of it")
    return encoded[:size]


def _read(encoded: bytes) -> Signature:
    info = _ContentInfo.load(encoded, strict=True)
    _expect("content type", info["content_type"].dotted, _SIGNED_DATA)
    signed = info["content"]
    _expect("version", signed["version"].native, 1)
    _expect("type of what is signed", signed["content_info"]["content_type"].dotted, _INDIRECT_DATA)
    content = signed["content_info"]["content"]
    _expect("kind of program", content["data"]["type"].dotted, _PE_IMAGE_DATA)
    digest_info = content["message_digest"]
    _expect("hash", digest_info["digest_algorithm"]["algorithm"].native, "sha256")
    _expect("bytes of the hash", len(digest_info["digest"].native), 32)
    _expect("number of signers", len(signed["signer_infos"]), 1)
    signer = signed["signer_infos"][0]
    _expect("signer's name", signer["sid"].name, "issuer_and_serial_number")
    _expect("signer's hash", signer["digest_algorithm"]["algorithm"].native, "sha256")
    algorithm = signer["signature_algorithm"]
    _expect("algorithm", algorithm.signature_algo, "rsassa_pkcs1v15")
    attributes = signer["signed_attrs"]
    _expect("attested type", _only(attributes, "content_type").dotted, _INDIRECT_DATA)
    return Signature(
        digest=digest_info["digest"].native,
        issuer=signer["sid"].chosen["issuer"].dump(),
        serial=signer["sid"].chosen["serial_number"].native,
        content_digest=hashlib.sha256(content.contents).digest(),
        attested_digest=_only(attributes, "message_digest").native,
        # they are signed as a SET, and stored under the tag [0]
        attributes=b"\x31" + attributes.dump()[1:],
        value=signer["signature"].native,
    )


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ValueError(f"{what}: expected {expected}, found {found}")


def _only(attributes: cms.CMSAttributes, kind: str) -> core.Asn1Value:
    """The one value of an attribute that is there once."""
    values = [value for a in attributes if a["type"].native == kind for value in a["values"]]
    if len(values) != 1:
        raise ValueError(f"the attribute {kind} has {len(values)} values; expected 1")
    return values[0]
