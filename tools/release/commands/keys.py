"""`keys`: making, showing, rotating and revoking the keys that sign releases."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from tools.release.bundle import version as versions
from tools.release.bundle.output import replacing
from tools.release.errors import ReleaseError
from tools.release.keys import revocation, rotation
from tools.release.keys.opening import make_key, open_signer
from tools.release.keys.public_key import PublicKey
from tools.release.keys.revocation import Revocation
from tools.release.keys.rotation import Succession
from tools.release.told import told

app = typer.Typer(help="The keys that sign releases.", no_args_is_help=True)

_WHERE = "pkcs11:token=TOKEN;object=KEY?module-path=LIBRARY"
SigningKey = Annotated[
    str, typer.Option("--key", help=f"Key that signs: its file, or {_WHERE}.", show_default=False)
]
SecretDescriptor = Annotated[
    int | None,
    typer.Option(
        "--secret-fd", min=0, help="File descriptor with the passphrase or PIN; asked if absent."
    ),
]


def _public_key(path: Path) -> PublicKey:
    try:
        return PublicKey.parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ReleaseError) as error:
        raise ReleaseError(f"{path}: cannot read the public key: {error}") from error


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected a date as 2026-12-31, found {text!r}") from error


def _revocation(key: PublicKey, date: datetime.date, reason: str) -> Revocation:
    try:
        return Revocation(key=key, date=date, reason=reason)
    except ValidationError as error:
        raise typer.BadParameter("expected a reason of 1 to 200 characters") from error


@app.command()
def keygen(
    key: Annotated[
        str, typer.Argument(help=f"New folder for the key, or {_WHERE}.", show_default=False)
    ],
    secret_fd: SecretDescriptor = None,
) -> None:
    """Make a key: KEY/key.pem, encrypted, and KEY/key.pub; or on a token. Prints its public half."""
    with told():
        made = make_key(key, secret_fd)
    typer.echo(made.to_text(), nl=False)


@app.command()
def public(
    key: Annotated[str, typer.Argument(help=f"The key's file, or {_WHERE}.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="File for the public half.")],
    secret_fd: SecretDescriptor = None,
) -> None:
    """Write a key's public half, as minisign has it."""
    with told(), open_signer(key, secret_fd) as signer, replacing(output) as file:
        file.write(signer.public_key.to_text().encode())


@app.command()
def rotate(
    chain: Annotated[Path, typer.Argument(help="File of successions; made if absent.")],
    key: SigningKey,
    to: Annotated[Path, typer.Option(help="Public half of the new key.", show_default=False)],
    from_version: Annotated[
        str, typer.Option(help="First version that the new key signs.", show_default=False)
    ],
    not_after: Annotated[
        datetime.date | None,
        typer.Option(parser=_date, metavar="YYYY-MM-DD", help="Last day of the new key."),
    ] = None,
    secret_fd: SecretDescriptor = None,
) -> None:
    """Let the key that signs now name its successor."""
    with told():
        new, version = _public_key(to), versions.parse(from_version)
        with open_signer(key, secret_fd) as signer:
            old = signer.public_key
            succession = Succession(old=old, new=new, from_version=version, not_after=not_after)
            rotation.rotate(chain, signer, succession)
    typer.echo(f"{new.name} succeeds {old.name} from version {version}")


@app.command()
def revoke(
    revocations: Annotated[Path, typer.Argument(help="File of revocations; made if absent.")],
    revoked: Annotated[Path, typer.Argument(help="Public half of the key to revoke.")],
    key: SigningKey,
    root: Annotated[Path, typer.Option(help="Public half of the root key.", show_default=False)],
    date: Annotated[
        datetime.date,
        typer.Option(parser=_date, metavar="YYYY-MM-DD", help="When.", show_default=False),
    ],
    reason: Annotated[str, typer.Option(help="Why, for people.", show_default=False)],
    secret_fd: SecretDescriptor = None,
) -> None:
    """Revoke a key, with the root key or with the revoked one itself. There is no way back."""
    with told():
        lost, trusted = _public_key(revoked), _public_key(root)
        with open_signer(key, secret_fd) as signer:
            revocation.revoke(revocations, signer, _revocation(lost, date, reason), trusted)
    typer.echo(f"{lost.name} is revoked")
