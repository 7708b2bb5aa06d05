"""The names of a bundle's files. A bundle is flat, because what people download from a release is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tools.release.bundle.version import Version

PRODUCT: Final = "llm-baremetal"
ARCHITECTURE: Final = "x86_64"

PROGRAM = "BOOTX64.EFI"
PROGRAM_IN_IMAGE = "EFI/BOOT/BOOTX64.EFI"
MODELS_IN_IMAGE = "models/"
SUMS = "SHA256SUMS"
MANIFEST = "manifest.json"
SBOM = "sbom.cdx.json"
PROVENANCE = "provenance.intoto.json"
TESTS = "tests.intoto.json"
NOTES = "RELEASE_NOTES.md"
HOW_TO_VERIFY = "VERIFY.md"

SIGNATURE = "SHA256SUMS.minisig"
ENVELOPES: Mapping[str, str] = MappingProxyType(
    {PROVENANCE: "provenance.intoto.dsse.json", TESTS: "tests.intoto.dsse.json"}
)
"""Signed copies of the statements, by the statement."""
SIGNATURES = frozenset({SIGNATURE, *ENVELOPES.values()})
"""What signing adds. SHA256SUMS lists none of it: it is what is signed."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_LICENCE = re.compile(r"LICENSE-[A-Za-z0-9._-]+\.txt", re.ASCII)


@dataclass(frozen=True)
class Names:
    """The names that carry the version."""

    version: Version

    @property
    def bundle(self) -> str:
        return f"{PRODUCT}-{self.version}-{ARCHITECTURE}"

    @property
    def archive(self) -> str:
        return f"{self.bundle}.tar"

    @property
    def image(self) -> str:
        return f"{self.bundle}.img.xz"

    @property
    def image_without_model(self) -> str:
        return f"{self.bundle}-nomodel.img.xz"

    @property
    def images(self) -> tuple[str, str]:
        return self.image, self.image_without_model

    @property
    def required(self) -> frozenset[str]:
        """The files of every bundle that its manifest lists; there are licences besides."""
        texts = {SBOM, PROVENANCE, TESTS, NOTES, HOW_TO_VERIFY}
        return frozenset({*self.images, PROGRAM, *texts})


def unpacked(image: str) -> str:
    """What `xz -d` makes of a compressed image's name."""
    return image.removesuffix(".xz")


def licence(component: str) -> str:
    return f"LICENSE-{component}.txt"


def is_licence(name: str) -> bool:
    return _LICENCE.fullmatch(name) is not None


def is_plain(name: str) -> bool:
    """A name that means the same file wherever it is unpacked: no folder, no leading dot, ASCII."""
    return _PLAIN.fullmatch(name) is not None
