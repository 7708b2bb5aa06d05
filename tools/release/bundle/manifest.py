"""manifest.json: what a bundle holds, and which installations it may replace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.release.bundle.names import ARCHITECTURE, PRODUCT
from tools.release.errors import Refused

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
VersionText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}$")]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class File(_Model):
    """A file of the bundle, in bytes as it is shipped."""

    name: str
    size: int = Field(ge=0)
    sha256: Sha256


class Image(_Model):
    """What `xz -d` makes of a compressed image."""

    file: str
    size: int = Field(gt=0)
    sha256: Sha256


class Manifest(_Model):
    """Every file but SHA256SUMS, which lists the manifest, and the signatures."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: Literal["llm-baremetal"] = PRODUCT
    version: VersionText
    architecture: Literal["x86_64"] = ARCHITECTURE
    minimum_installed: VersionText
    """The oldest version that may be replaced by this one."""
    files: tuple[File, ...] = Field(strict=False)
    images: tuple[Image, ...] = Field(strict=False)

    @property
    def digests(self) -> Mapping[str, str]:
        return {file.name: file.sha256 for file in self.files}


def encode(manifest: Manifest) -> bytes:
    """The one form of a manifest."""
    return json.dumps(manifest.model_dump(by_alias=True), indent=2).encode("ascii") + b"\n"


def decode(content: bytes) -> Manifest:
    """Raises Refused when this is no manifest, or not in its one form (which leaves nothing to read twice)."""
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "the file"
        raise Refused(f"{place}: {fault['msg']}") from None
    for names in (
        [file.name for file in manifest.files],
        [image.file for image in manifest.images],
    ):
        if names != sorted(set(names)):
            raise Refused("files or images are not sorted by name, or one is listed twice")
    if encode(manifest) != content:
        raise Refused("the text is not in the form in which manifests are written")
    return manifest
