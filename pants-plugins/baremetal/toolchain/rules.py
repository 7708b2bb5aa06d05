"""Pinned wheels become trees of files: from the launcher's store, through one cached process, into a digest."""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from typing import Iterable

from pants.build_graph.address import Address, AddressInput
from pants.core.goals.package import BuiltPackage, BuiltPackageArtifact, PackageFieldSet
from pants.core.util_rules.environments import EnvironmentField
from pants.engine.fs import (
    CreateDigest,
    Digest,
    DigestContents,
    DownloadFile,
    FileContent,
    FileDigest,
    MergeDigests,
    RemovePrefix,
    Snapshot,
)
from pants.engine.process import Process, ProcessResult
from pants.engine.rules import Get, MultiGet, Rule, collect_rules, rule
from pants.engine.target import (
    HydratedSources,
    HydrateSourcesRequest,
    WrappedTarget,
    WrappedTargetRequest,
)
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal.toolchain import extract_wheel, script_python
from baremetal.toolchain.lock import WheelPin, parse_wheel_lock
from baremetal.toolchain.script_python import ScriptPython
from baremetal.toolchain.subsystem import BaremetalSubsystem
from baremetal.toolchain.target_types import (
    PinnedWheelMembersField,
    PinnedWheelSizeField,
    PinnedWheelSourceField,
)

_SCRIPT = "extract_wheel.py"
_OUTPUT = "members"


class MissingWheelError(Exception):
    """A pinned wheel is not in the launcher's store."""

    def __init__(self, address: Address, pin: WheelPin, path: str) -> None:
        super().__init__(
            f"{address}: the wheel {pin.name} {pin.version} is not at {path}: "
            "run ./pants once with a network to fetch it (or set [baremetal] wheel_dir)."
        )


@dataclass(frozen=True)
class PinnedWheelFieldSet(PackageFieldSet):
    required_fields = (PinnedWheelSourceField, PinnedWheelMembersField)

    source: PinnedWheelSourceField
    size: PinnedWheelSizeField
    members: PinnedWheelMembersField
    environment: EnvironmentField


@dataclass(frozen=True)
class WheelTree:
    """The unpacked members of a pinned wheel, at the paths they have in the wheel."""

    digest: Digest


@dataclass(frozen=True)
class ClangToolchain:
    """clang and lld. As an immutable input the tree costs nothing per process, and is part of its key."""

    digest: Digest

    MOUNT = "__clang"
    DRIVER = f"{MOUNT}/ziglang/zig"
    INCLUDE = f"{MOUNT}/ziglang/lib/include"


@rule(desc="Unpack a pinned wheel", level=LogLevel.DEBUG)
async def unpack_pinned_wheel(
    field_set: PinnedWheelFieldSet, baremetal: BaremetalSubsystem, python: ScriptPython
) -> WheelTree:
    lock = await Get(HydratedSources, HydrateSourcesRequest(field_set.source))
    (content,) = await Get(DigestContents, Digest, lock.snapshot.digest)
    pin = parse_wheel_lock(content.path, content.content.decode())
    path = os.path.join(os.path.expanduser(baremetal.wheel_dir), pin.file_name)
    if not os.path.exists(path):
        raise MissingWheelError(field_set.address, pin, path)
    assert field_set.size.value is not None and field_set.members.value is not None
    wheel, script = await MultiGet(
        Get(Digest, DownloadFile(f"file://{path}", FileDigest(pin.sha256, field_set.size.value))),
        Get(
            Digest, CreateDigest([FileContent(_SCRIPT, inspect.getsource(extract_wheel).encode())])
        ),
    )
    result = await Get(
        ProcessResult,
        Process(
            (python.binary.path, _SCRIPT, pin.file_name, _OUTPUT, *field_set.members.value),
            input_digest=await Get(Digest, MergeDigests((wheel, script))),
            output_directories=(_OUTPUT,),
            description=f"Unpack {pin.name} {pin.version}",
        ),
    )
    return WheelTree(await Get(Digest, RemovePrefix(result.output_digest, _OUTPUT)))


@rule(desc="Find the pinned clang", level=LogLevel.DEBUG)
async def find_clang(baremetal: BaremetalSubsystem) -> ClangToolchain:
    origin = "the option `[baremetal] clang`"
    address = await Get(
        Address, AddressInput, AddressInput.parse(baremetal.clang, description_of_origin=origin)
    )
    wrapped = await Get(WrappedTarget, WrappedTargetRequest(address, description_of_origin=origin))
    tree = await Get(WheelTree, PinnedWheelFieldSet, PinnedWheelFieldSet.create(wrapped.target))
    return ClangToolchain(tree.digest)


@rule(desc="Package a pinned wheel's files", level=LogLevel.DEBUG)
async def package_pinned_wheel(field_set: PinnedWheelFieldSet) -> BuiltPackage:
    tree = await Get(WheelTree, PinnedWheelFieldSet, field_set)
    snapshot = await Get(Snapshot, Digest, tree.digest)
    return BuiltPackage(tree.digest, tuple(BuiltPackageArtifact(path) for path in snapshot.files))


def rules() -> Iterable[Rule | UnionRule]:
    return [
        *collect_rules(),
        *script_python.rules(),
        UnionRule(PackageFieldSet, PinnedWheelFieldSet),
    ]
