"""Secure Boot keys in a file of UEFI variables: a virtual machine that starts with it runs only what they signed.

Source: UEFI Specification 2.10, sections 8.2 (variable attributes), 32.3 (PK, KEK, db) and 32.4.1 (signature lists).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from tools.release.errors import Refused
from tools.release.secureboot.certificates import public_key
from tools.release.secureboot.variables import (
    BOOT_SERVICE,
    NON_VOLATILE,
    RUNTIME,
    TIME_AUTHENTICATED,
    Variable,
    parse_store,
)

GLOBAL_VENDOR = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
DATABASE_VENDOR = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
OWNER = uuid.uuid5(uuid.NAMESPACE_URL, "llm-baremetal/secure-boot")
"""Whose entries of signature lists these are: a name, which firmware only keeps."""
_X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
_LIST = struct.Struct("<16sIII")
_ATTRIBUTES = NON_VOLATILE | BOOT_SERVICE | RUNTIME | TIME_AUTHENTICATED
# 2000-01-01 00:00:00, as EFI_TIME: before any update that the keys' owner may sign.
_TIME = struct.pack("<HBBBBBxIhBx", 2000, 1, 1, 0, 0, 0, 0, 0, 0)


class AlreadyEnrolled(Refused):
    """The store has an owner, whose keys are not replaced."""


@dataclass(frozen=True)
class Keys:
    """Certificates (DER)."""

    platform: bytes
    """PK: the owner's; enrolling it turns Secure Boot on."""
    exchange: bytes
    """KEK: may change `allowed`."""
    allowed: tuple[bytes, ...]
    """db: may sign programs."""


def enrol(store: bytes, keys: Keys) -> bytes:
    """A file of UEFI variables, such as OVMF_VARS_4M.fd, with these keys.

    Raises MalformedStore, AlreadyEnrolled, StoreFull, CertificateError.
    """
    parsed = parse_store(store)
    new = {
        ("db", DATABASE_VENDOR): keys.allowed,
        ("KEK", GLOBAL_VENDOR): (keys.exchange,),
        ("PK", GLOBAL_VENDOR): (keys.platform,),
    }
    present = [
        variable.name for variable in parsed.variables if (variable.name, variable.vendor) in new
    ]
    if present:
        raise AlreadyEnrolled(
            f"the variable store already has {', '.join(present)}: start from one without keys (OVMF_VARS_4M.fd)"
        )
    return parsed.with_variables(
        [
            Variable(name, vendor, _ATTRIBUTES, signature_lists(certificates), _TIME)
            for (name, vendor), certificates in new.items()
        ]
    )


def signature_lists(certificates: Sequence[bytes]) -> bytes:
    """One EFI_SIGNATURE_LIST a certificate (DER), as each list has entries of one size. Raises CertificateError."""
    return b"".join(map(_signature_list, certificates))


def _signature_list(certificate: bytes) -> bytes:
    public_key(certificate)
    entry = OWNER.bytes_le + certificate
    return _LIST.pack(_X509.bytes_le, _LIST.size + len(entry), 0, len(entry)) + entry
