"""provenance.intoto.json: every input of a release by its digest (SLSA provenance v1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.release.bundle import inputs as bundle_inputs
from tools.release.bundle import locks
from tools.release.bundle.inputs import Inputs
from tools.release.bundle.locks import Package
from tools.release.bundle.measure import measured
from tools.release.bundle.names import Names
from tools.release.bundle.sources import source_resource
from tools.release.bundle.statement import PROVENANCE, Resource, Statement
from tools.release.bundle.version import Version

BUILD_TYPE = "urn:llm-baremetal:build:release-bundle:1"
"""`./pants package` of a release bundle: processes from declared inputs to declared outputs."""
BUILDER = "urn:llm-baremetal:builder:pants"
_LOCKS = ("toolchain-lock", "model-lock", "python-lock")
_PRODUCTS = ("image", "image-without-model", "program")  # these are subjects
_OTHERWISE = (
    "source",
    "capture",
    "verdict",
)  # stated by their content; evidence in the tests' statement


def provenance(
    subjects: Mapping[str, str], inputs: Inputs, names: Names, minimum: Version
) -> Statement:
    """The statement about subjects, which are sha256 by name. Raises ReleaseError."""
    packages = pinned_packages(inputs)
    parameters = {"version": str(names.version), "minimumInstalled": str(minimum)}
    dependencies = [
        *(source_resource(*each) for each in inputs.labelled("source").items()),
        *_files(inputs),
        *(_package(each) for each in packages),
    ]
    return Statement(
        subject=resources(subjects),
        predicateType=PROVENANCE,
        predicate={
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": parameters,
                "resolvedDependencies": [each.as_json() for each in dependencies],
            },
            "runDetails": {"builder": {"id": BUILDER, "version": _pants(packages)}},
        },
    )


def resources(digests: Mapping[str, str]) -> tuple[Resource, ...]:
    """Descriptors of sha256 by name, sorted."""
    return tuple(Resource(name=name, digest={"sha256": digests[name]}) for name in sorted(digests))


def pinned_packages(inputs: Inputs) -> tuple[Package, ...]:
    """Every package of every lock, once, sorted. Raises ReleaseError."""
    paths = [path for kind in _LOCKS for path in _paths(inputs, kind)]
    return tuple(sorted({package for path in paths for package in locks.read(path)}))


def file_resource(name: str, path: Path) -> Resource:
    """A small input by its name and digest. Raises ReleaseError."""
    return Resource(name=name, digest={"sha256": measured(bundle_inputs.read(path)).sha256})


def _paths(inputs: Inputs, kind: str) -> Iterable[Path]:
    return inputs.labelled(kind).values() or [inputs.one(kind)]


def _files(inputs: Inputs) -> list[Resource]:
    return [
        file_resource(name, path)
        for name, path in sorted(inputs.paths.items())
        if name.partition(".")[0] not in (*_PRODUCTS, *_OTHERWISE)
    ]


def _package(package: Package) -> Resource:
    return Resource(name=package.name, uri=package.purl, digest={"sha256": package.sha256})


def _pants(packages: Iterable[Package]) -> dict[str, str]:
    """The versions of the builder itself, from its lock."""
    return {each.name: each.version for each in packages if each.name == "pantsbuild.pants"}
