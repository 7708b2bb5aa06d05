"""The commands, run as a person would; each refusal with its exit status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tools.boot import installed
from tools.image.build import build
from tools.image.layout import File, Layout
from tools.release.errors import Exit
from tools.release.secureboot.commands import app
from tools.release.secureboot.image import PROGRAM
from tools.release.secureboot.sign import sign, strip
from tools.release.secureboot.testing import make_pair, make_program
from tools.release.secureboot.variables import parse_store

PAIR = make_pair("the signer")
CONTENT = make_program([b"code" * 128])


class Desk:
    """A folder with what the commands are given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = folder / "program.efi"
        self.program.write_bytes(CONTENT)
        self.output = folder / "output"
        self.key = folder / "key.pem"
        self.key.write_bytes(PAIR.encrypted(b"secret"))
        self.key.chmod(0o600)
        self.certificate = folder / "signer.der"
        self.certificate.write_bytes(PAIR.certificate)
        self.other = folder / "other.der"
        self.other.write_bytes(make_pair("another").certificate)

    def run(self, *arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [*map(str, arguments)])

    def sign(self, command: str, file: Path) -> Result:
        reader, writer = os.pipe()
        os.write(writer, b"secret\n")
        os.close(writer)
        keys = ("--key", self.key, "--certificate", self.certificate, "--secret-fd", str(reader))
        return self.run(command, file, *keys, "--output", self.output)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_program_is_signed_judged_and_stripped(desk: Desk) -> None:
    assert desk.sign("sign", desk.program).exit_code == Exit.DONE
    assert desk.output.read_bytes() == sign(CONTENT, PAIR.signer)
    judged = desk.run("verify", desk.output, "--certificate", desk.certificate)
    assert judged.exit_code == Exit.DONE
    assert "signed with the certificate" in judged.output
    assert desk.run("strip", desk.output, "--output", desk.output).exit_code == Exit.DONE
    assert desk.output.read_bytes() == strip(CONTENT)


def test_what_is_not_signed_by_whom_it_should_be_is_refused(desk: Desk) -> None:
    refused = desk.run("verify", desk.program, "--certificate", desk.certificate)
    assert (refused.exit_code, "no signature" in refused.output) == (Exit.REFUSED, True)
    desk.sign("sign", desk.program)
    refused = desk.run("verify", desk.output, "--certificate", desk.other)
    assert (refused.exit_code, "unknown signer" in refused.output) == (Exit.REFUSED, True)


def test_an_image_is_signed_and_judged(desk: Desk) -> None:
    image = desk.folder / "boot.img"
    build(Layout(label="LLMB", files=(File(path=PROGRAM, source=desk.program),)), image)
    trusted = ("--certificate", desk.certificate)
    assert desk.run("verify", image, *trusted).exit_code == Exit.REFUSED
    assert desk.sign("sign-image", image).exit_code == Exit.DONE
    assert desk.run("verify", desk.output, *trusted).exit_code == Exit.DONE


def test_keys_are_enrolled_once(desk: Desk) -> None:
    variables = installed.find(installed.OVMF_VARIABLES, None)
    keys = ("--pk", desk.certificate, "--kek", desk.certificate, "--db", desk.certificate)
    done = desk.run("enrol", variables, *keys, "--db", desk.other, "--output", desk.output)
    assert done.exit_code == Exit.DONE, done.output
    names = [variable.name for variable in parse_store(desk.output.read_bytes()).variables]
    assert names == ["db", "KEK", "PK"]
    again = desk.run("enrol", desk.output, *keys, "--output", desk.folder / "again")
    assert again.exit_code == Exit.REFUSED
    assert not (desk.folder / "again").exists()


def test_what_cannot_be_read_is_said_by_name_and_nothing_is_written(desk: Desk) -> None:
    absent = desk.folder / "absent"
    for result in (
        desk.sign("sign", absent),
        desk.sign("sign-image", absent),
        desk.run("strip", absent, "--output", desk.output),
        desk.run("verify", absent, "--certificate", desk.certificate),
    ):
        assert result.exit_code == Exit.COULD_NOT_RUN
        assert f"{absent}: No such file" in result.output
    assert not desk.output.exists()


def test_what_is_no_program_is_refused_by_name_and_nothing_is_written(desk: Desk) -> None:
    refused = desk.sign("sign", desk.key)
    assert refused.exit_code == Exit.REFUSED
    assert f"{desk.key}: malformed program, at byte 0x0" in refused.output
    assert not desk.output.exists()
