"""Options of `publish`."""

from __future__ import annotations

from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem


class ReleaseSigning(Subsystem):
    options_scope = "release-signing"
    help = "How `publish` signs a `release_bundle`."

    key = StrOption(
        default=None,
        help=(
            "The key that signs: its file (as `release keys keygen` makes it), or a PKCS#11 URI of a token. Its "
            "passphrase or PIN is asked for on the terminal."
        ),
    )
    output = StrOption(default="dist", help="The folder in which the folder to upload is made.")
