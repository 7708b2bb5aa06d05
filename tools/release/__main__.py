"""`release`: sign, verify, prepare, publish, serve and flash releases, and sign the program for Secure Boot."""

from __future__ import annotations

import sys

import typer

from tools.release.commands import channel, keys
from tools.release.commands.flash import flash
from tools.release.commands.preflight import preflight
from tools.release.commands.prep import prep
from tools.release.commands.publish import publish
from tools.release.commands.sign import sign
from tools.release.commands.verify import verify
from tools.release.commands.verify_flow import verify_flow
from tools.release.secureboot import commands as secureboot

app = typer.Typer(
    add_completion=False, help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(preflight)
app.command()(sign)
app.command()(verify)
app.command()(verify_flow)
app.command()(prep)
app.command()(publish)
app.command()(flash)
app.add_typer(keys.app, name="keys")
app.add_typer(channel.app, name="channel")
app.add_typer(secureboot.app, name="secureboot")

if __name__ == "__main__":
    sys.exit(app())
