"""`verify`: whether a folder is a release that a trusted key signed."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.release.bundle import version as versions
from tools.release.errors import Exit, ReleaseError
from tools.release.keys import revocation
from tools.release.keys.public_key import PublicKey
from tools.release.keys.revocation import Revocations
from tools.release.keys.rotation import Chain
from tools.release.told import told
from tools.release.verify.reasons import EXPLANATIONS
from tools.release.verify.signatures import Trust
from tools.release.verify.verdict import Verdict
from tools.release.verify.verify import verify as verify_bundle

KeyFile = Annotated[
    Path, typer.Option("--key", help="Public key that is trusted (.pub).", show_default=False)
]
ChainFile = Annotated[Path | None, typer.Option("--chain", help="Keys that succeed it.")]
RevocationsFile = Annotated[Path | None, typer.Option("--revocations", help="Revoked keys.")]
RootFile = Annotated[
    Path | None, typer.Option("--root", help="Key that may revoke others; else --key.")
]


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"expected a date as 2026-12-31, found {text!r}") from error


def verify(
    bundle: Annotated[Path, typer.Argument(help="Folder of the release.")],
    key: KeyFile,
    installed: Annotated[
        str | None, typer.Option(help="Version that it would replace: it must not be newer.")
    ] = None,
    chain: ChainFile = None,
    revocations: RevocationsFile = None,
    root: RootFile = None,
    today: Annotated[
        datetime.date | None,
        typer.Option(parser=_date, metavar="YYYY-MM-DD", help="Day on which keys must hold."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Verify a release, offline: every file, the images' content, statements, signatures, key and version.

    Ends with 0 when all of it is right, 1 when anything is not, 2 for a wrong call, 4 when it could not be looked at.
    """
    try:
        version = None if installed is None else versions.parse(installed)
    except ReleaseError as error:
        raise typer.BadParameter(str(error), param_hint="--installed") from error
    with told():
        trust = read_trust(key, chain, revocations, root, today)
        verdict = verify_bundle(bundle, trust, installed=version)
    if as_json:
        typer.echo(json.dumps(verdict.as_json(), indent=2))
    else:
        show(verdict)
    raise typer.Exit(Exit.DONE if verdict.accepted else Exit.REFUSED)


def read_trust(
    key: Path,
    chain: Path | None = None,
    revocations: Path | None = None,
    root: Path | None = None,
    today: datetime.date | None = None,
) -> Trust:
    """Whom to trust, from files. Raises ReleaseError."""
    trusted = _public_key(key)
    return Trust(
        trusted,
        Chain() if chain is None else Chain.parse(_read(chain)),
        (
            revocation.NONE
            if revocations is None
            else Revocations.parse(
                _read(revocations), trusted if root is None else _public_key(root)
            )
        ),
        today,
    )


def _public_key(path: Path) -> PublicKey:
    try:
        return PublicKey.parse(_read(path).decode("utf-8", errors="replace"))
    except ReleaseError as error:
        raise ReleaseError(f"{path}: cannot read the public key: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error


def show(verdict: Verdict) -> None:
    """For people: what was accepted, or every reason not to and what to do."""
    console = Console()
    if verdict.accepted:
        console.print(f"llm-baremetal {verdict.version}: accepted, {len(verdict.files)} files")
        return
    table = Table("reason", "where", "what was found", "what to do", box=None)
    for finding in verdict.findings:
        remedy = EXPLANATIONS[finding.reason].remedy
        table.add_row(finding.reason, *map(Text, (finding.place, finding.says, remedy)))
    console.print(f"refused: {len(verdict.findings)} findings")
    console.print(table)
