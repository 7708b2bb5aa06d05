"""The trusted comment of a bundle's signature: it binds the signature to one product and one version."""

from __future__ import annotations

import re

from tools.release.bundle import version as versions
from tools.release.bundle.names import PRODUCT
from tools.release.bundle.version import Version
from tools.release.errors import ReleaseError

_COMMENT = re.compile(r"name:(\S+) version:(\S+)", re.ASCII)


def comment(version: Version) -> str:
    """As `name:llm-baremetal version:0.6.0`."""
    return f"name:{PRODUCT} version:{version}"


def bound_version(text: str) -> Version | None:
    """The version of this product that a trusted comment names, or None."""
    match = _COMMENT.fullmatch(text)
    if match is None or match[1] != PRODUCT:
        return None
    try:
        return versions.parse(match[2])
    except ReleaseError:
        return None
