"""`sign`: a bundle is verified with the signatures that it would have, and only then has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tools.release.commands.keys import SecretDescriptor, SigningKey
from tools.release.commands.verify import show
from tools.release.errors import Exit
from tools.release.keys.opening import open_signer
from tools.release.prep.signed import sign_verified
from tools.release.told import told


def sign(
    bundle: Annotated[Path, typer.Argument(help="Folder of the release.")],
    key: SigningKey,
    secret_fd: SecretDescriptor = None,
) -> None:
    """Sign a bundle: SHA256SUMS and both statements. A bundle that would not verify is left as it was."""
    with told():
        with open_signer(key, secret_fd) as signer:
            verdict = sign_verified(bundle, signer)
    show(verdict)
    raise typer.Exit(Exit.DONE if verdict.accepted else Exit.REFUSED)
