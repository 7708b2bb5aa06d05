"""sbom.cdx.json: what is shipped and what built it (CycloneDX 1.6, by cyclonedx-python-lib).

QEMU and OVMF test a release but are no part of it; the tests' statement names them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.serialization import PackageUrl

from tools.release.bundle.contents import Contents
from tools.release.bundle.locks import Package
from tools.release.bundle.names import PRODUCT, PROGRAM
from tools.release.bundle.statement import JsonObject, encode_json
from tools.release.bundle.version import Version
from tools.release.errors import Refused


def sbom(
    version: Version,
    contents: Contents,
    licences: Mapping[str, str],
    packages: Iterable[Package],
) -> bytes:
    """The file, the same for the same content: its serial number is made from it. `licences` are texts by component."""
    product = Component(
        name=PRODUCT,
        version=str(version),
        type=ComponentType.FIRMWARE,
        bom_ref=PRODUCT,
        licenses=_licences(licences, PRODUCT),
    )
    shipped = [
        _shipped(PROGRAM, ComponentType.FIRMWARE, contents.program.sha256, licences, PRODUCT),
        *(
            _shipped(name, ComponentType.MACHINE_LEARNING_MODEL, model.sha256, licences, name)
            for name, model in contents.models.items()
        ),
    ]
    builders = [_builder(package) for package in packages]
    bom = Bom(components=[*shipped, *builders])
    bom.metadata.component = product
    bom.register_dependency(product, shipped)
    bom.register_dependency(shipped[0], builders)
    return encode(json.loads(JsonV1Dot6(bom).output_as_string()))


@dataclass(frozen=True)
class Shipped:
    """What a bill of materials says of a release: its version, and the sha256 of each shipped part by name."""

    version: str
    digests: Mapping[str, str]


def decode(content: bytes) -> Shipped:
    """Raises Refused when this is no bill of materials of ours, in its one form."""
    try:
        document = json.loads(content)
        if (document["bomFormat"], document["specVersion"]) != ("CycloneDX", "1.6"):
            raise Refused("expected CycloneDX 1.6")
        if encode(document) != content:
            raise Refused("the serial number is not that of the content, or the form is another")
        parts = [part for part in document["components"] if part.get("scope") == "required"]
        digests = {str(part["name"]): str(part["hashes"][0]["content"]) for part in parts}
        return Shipped(str(document["metadata"]["component"]["version"]), digests)
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError) as error:
        raise Refused(f"no CycloneDX document of this project ({error!r:.100})") from None


def encode(document: JsonObject) -> bytes:
    """The one form: without the time of day, and with a serial number from the sha256 of the rest.

    That is a UUID of version 8 (RFC 9562).
    """
    metadata = dict(_object(document["metadata"]))
    metadata.pop("timestamp", None)
    rest = {key: value for key, value in document.items() if key != "serialNumber"}
    rest["metadata"] = metadata
    digest = bytearray(hashlib.sha256(encode_json(rest)).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return encode_json({**rest, "serialNumber": UUID(bytes=bytes(digest)).urn})


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, found {type(value).__name__}")
    return value


def _shipped(
    name: str, kind: ComponentType, sha256: str, licences: Mapping[str, str], component: str
) -> Component:
    return Component(
        name=name,
        type=kind,
        bom_ref=name,
        scope=ComponentScope.REQUIRED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        licenses=_licences(licences, component),
    )


def _licences(texts: Mapping[str, str], component: str) -> list[DisjunctiveLicense]:
    """The licence whose label is the component's name, or begins it: `SmolLM2` is that of SmolLM2-135M.gguf."""
    labels = [label for label in texts if component.startswith(label)]
    return [_licence(max(labels, key=len), texts)] if labels else []


def _licence(label: str, texts: Mapping[str, str]) -> DisjunctiveLicense:
    """By its SPDX identifier where the text says its name, else by the label."""
    head = " ".join(texts[label][:1000].split())
    if "Apache License Version 2.0" in head:
        return DisjunctiveLicense(id="Apache-2.0")
    return DisjunctiveLicense(name=f"LICENSE-{label}.txt")


def _builder(package: Package) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=package.purl + f"#{package.sha256[:12]}",
        scope=ComponentScope.EXCLUDED,
        purl=PackageUrl.deserialize(package.purl),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)],
    )
