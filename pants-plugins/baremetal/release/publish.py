"""`publish` of a `release_bundle`: signs it on this terminal, and leaves the folder to upload.

The key is named on the command line of a process that is not cached, and read by that process alone: no byte of it is
in the inputs, the environment or the store of Pants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from pants.core.goals.publish import (
    PublishFieldSet,
    PublishPackages,
    PublishProcesses,
    PublishRequest,
)
from pants.core.goals.run import RunRequest
from pants.engine.addresses import Address
from pants.engine.env_vars import CompleteEnvironmentVars
from pants.engine.fs import Digest, MergeDigests
from pants.engine.process import InteractiveProcess
from pants.engine.rules import Get, Rule, collect_rules, rule
from pants.engine.unions import UnionRule
from pants.util.logging import LogLevel

from baremetal import python_tool
from baremetal.python_tool import PythonToolRun
from baremetal.release.subsystem import ReleaseSigning
from baremetal.release.target_types import ReleaseBundleGuardrailsField, ReleaseBundleInputsField


class NoSigningKeyError(Exception):
    """Nothing was said about the key."""

    def __init__(self, address: Address) -> None:
        super().__init__(
            f"{address}: expected a key to sign with, found none: "
            "give --release-signing-key=FILE, or a PKCS#11 URI (docs/keys.md)."
        )


class PublishReleaseRequest(PublishRequest["PublishReleaseFieldSet"]):
    pass


@dataclass(frozen=True)
class PublishReleaseFieldSet(PublishFieldSet[PublishReleaseRequest]):
    publish_request_type = PublishReleaseRequest
    required_fields = (ReleaseBundleInputsField, ReleaseBundleGuardrailsField)


@rule(desc="Prepare to sign a release", level=LogLevel.DEBUG)
async def publish_release(
    request: PublishReleaseRequest, signing: ReleaseSigning, environment: CompleteEnvironmentVars
) -> PublishProcesses:
    address = request.field_set.address
    if not signing.key:
        raise NoSigningKeyError(address)
    folders = [artifact.relpath for package in request.packages for artifact in package.artifacts]
    digest = await Get(Digest, MergeDigests(package.digest for package in request.packages))
    run = await Get(
        RunRequest,
        PythonToolRun(
            "tools.release",
            (
                "publish",
                *(f"{{chroot}}/{folder}" for folder in folders),
                *("--key", signing.key),
                *("--output", signing.output),
            ),
            digest,
        ),
    )
    process = InteractiveProcess(
        run.args,
        env={**environment, **run.extra_env},
        input_digest=run.digest,
        run_in_workspace=True,  # so that paths mean what they mean to whoever typed them
        append_only_caches=run.append_only_caches,
        immutable_input_digests=run.immutable_input_digests,
    )
    return PublishProcesses([PublishPackages((str(address),), process, signing.output)])


def rules() -> Iterable[Rule | UnionRule]:
    return [*collect_rules(), *python_tool.rules(), *PublishReleaseFieldSet.rules()]
