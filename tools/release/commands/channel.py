"""`channel`: releases on a server that nobody has to trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tools.release.bundle import version as versions
from tools.release.channel import client as clients
from tools.release.channel import publish as publishing
from tools.release.channel.metadata import Expiries
from tools.release.channel.roles import ROLES, read_roles
from tools.release.errors import Refused, ReleaseError
from tools.release.keys.opening import open_signer
from tools.release.keys.public_key import PublicKey, Signer
from tools.release.told import told
from tools.release.verify.signatures import Trust
from tools.release.verify.verify import verify

app = typer.Typer(help="Releases that clients follow, by TUF metadata.", no_args_is_help=True)

Channel = Annotated[Path, typer.Argument(help="The channel's folder.", show_default=False)]
RolesFile = Annotated[Path, typer.Argument(help="roles.toml.", show_default=False)]
SigningKeys = Annotated[
    list[str],
    typer.Option(
        "--key",
        help="Key that signs: its file, or pkcs11:token=TOKEN;object=KEY?module-path=LIBRARY; repeatable.",
        show_default=False,
    ),
]
SecretDescriptors = Annotated[
    list[int] | None,
    typer.Option(
        "--secret-fd",
        min=0,
        help="File descriptor with the passphrase or PIN of each --key, in their order; asked if absent.",
    ),
]


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected a day as 2026-12-31, found {text!r}") from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _expires(role: str) -> object:
    return typer.Option(
        f"--{role}-expires",
        parser=_time,
        metavar="YYYY-MM-DD",
        help=f"Until when this {role} is to be used (UTC).",
    )


TargetsExpires = Annotated[datetime | None, _expires("targets")]
SnapshotExpires = Annotated[datetime | None, _expires("snapshot")]
TimestampExpires = Annotated[datetime | None, _expires("timestamp")]


@contextmanager
def _signers(keys: Sequence[str], descriptors: Sequence[int] | None) -> Iterator[list[Signer]]:
    if descriptors and len(descriptors) != len(keys):
        raise typer.BadParameter(
            f"expected a --secret-fd for each of {len(keys)} keys, or none; found {len(descriptors)}"
        )
    secrets: Sequence[int | None] = descriptors or [None] * len(keys)
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_signer(key, secret))
            for key, secret in zip(keys, secrets, strict=True)
        ]


def _expiries(*times: datetime | None) -> Expiries:
    """By role, in the order of the options: targets, snapshot, timestamp."""
    return {role: time for role, time in zip(ROLES[1:], times, strict=True) if time is not None}


@app.command()
def init(
    channel: Channel,
    roles: RolesFile,
    key: SigningKeys,
    targets_expires: TargetsExpires = None,
    snapshot_expires: SnapshotExpires = None,
    timestamp_expires: TimestampExpires = None,
    secret_fd: SecretDescriptors = None,
) -> None:
    """Make a channel without releases. Clients are to be given metadata/1.root.json on a way that you trust."""
    expiries = _expiries(targets_expires, snapshot_expires, timestamp_expires)
    with told(), _signers(key, secret_fd) as signers:
        publishing.init(channel, read_roles(roles), signers, expiries)
    typer.echo(channel / "metadata/1.root.json")


@app.command()
def publish(
    channel: Channel,
    bundle: Annotated[Path, typer.Argument(help="A signed bundle.", show_default=False)],
    release_key: Annotated[
        Path, typer.Option(help="Public half of the key that signed it.", show_default=False)
    ],
    key: SigningKeys,
    targets_expires: TargetsExpires = None,
    snapshot_expires: SnapshotExpires = None,
    timestamp_expires: TimestampExpires = None,
    secret_fd: SecretDescriptors = None,
) -> None:
    """Verify a bundle, and add it. Clients see it once all of it is there."""
    expiries = _expiries(targets_expires, snapshot_expires, timestamp_expires)
    with told():
        _check_bundle(bundle, release_key)
        with _signers(key, secret_fd) as signers:
            version = publishing.publish(channel, bundle, signers, expiries)
    typer.echo("it is published already" if version is None else f"{version} is published")


def _check_bundle(bundle: Path, release_key: Path) -> None:
    try:
        public = PublicKey.parse(release_key.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ReleaseError) as error:
        raise ReleaseError(f"{release_key}: cannot read the public key: {error}") from error
    verdict = verify(bundle, Trust(public))
    if not verdict.accepted:
        why = "; ".join(f"{each.place}: {each.reason}: {each.says}" for each in verdict.findings)
        raise Refused(f"{bundle} is not published: {why or 'it could not be verified'}")


@app.command()
def refresh(
    channel: Channel,
    key: SigningKeys,
    targets_expires: TargetsExpires = None,
    snapshot_expires: SnapshotExpires = None,
    timestamp_expires: TimestampExpires = None,
    secret_fd: SecretDescriptors = None,
) -> None:
    """Renew the roles whose expiry is given, so that clients do not take the channel for held back."""
    expiries = _expiries(targets_expires, snapshot_expires, timestamp_expires)
    with told(), _signers(key, secret_fd) as signers:
        publishing.refresh(channel, signers, expiries)
    typer.echo(f"renewed: {', '.join(expiries)}")


@app.command()
def rotate(
    channel: Channel,
    roles: RolesFile,
    key: SigningKeys,
    targets_expires: TargetsExpires = None,
    snapshot_expires: SnapshotExpires = None,
    timestamp_expires: TimestampExpires = None,
    secret_fd: SecretDescriptors = None,
) -> None:
    """Let the keys of another roles.toml sign. The old root's keys must agree; an interrupted one can be repeated."""
    expiries = _expiries(targets_expires, snapshot_expires, timestamp_expires)
    with told(), _signers(key, secret_fd) as signers:
        version = publishing.rotate(channel, read_roles(roles), signers, expiries)
    typer.echo(f"root has version {version}")


@app.command()
def fetch(
    place: Annotated[
        str, typer.Argument(help="The channel's address (https) or folder.", show_default=False)
    ],
    client: Annotated[Path, typer.Option(help="Folder to keep up to date.", show_default=False)],
    root: Annotated[
        Path | None, typer.Option(help="Root metadata to trust; needed the first time.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="A version that is not the newest.", show_default=False)
    ] = None,
) -> None:
    """Get the newest release, if it is not there yet. Prints its folder."""
    with told():
        wanted = versions.parse(version) if version else None
        fetched = clients.fetch(place, client, datetime.now(UTC), root=root, version=wanted)
    typer.echo(f"{fetched.version} {'is new' if fetched.is_new else 'was there'}", err=True)
    typer.echo(fetched.path)
