"""`secureboot`: signing the EFI program and the image, judging them, and keys for a virtual machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tools.image.errors import ImageError
from tools.image.volume import extract
from tools.release.bundle.output import replacing
from tools.release.errors import Exit, Refused, ReleaseError
from tools.release.secureboot.certificates import read_certificate
from tools.release.secureboot.enrol import Keys, enrol
from tools.release.secureboot.image import PROGRAM, sign_image
from tools.release.secureboot.sign import sign, strip
from tools.release.secureboot.signers import open_rsa_signer
from tools.release.secureboot.verify import verify
from tools.release.told import told

app = typer.Typer(help="Signatures that firmware with Secure Boot asks for.", no_args_is_help=True)

Program = Annotated[Path, typer.Argument(help="EFI program.", show_default=False)]
Output = Annotated[Path, typer.Option(help="File to write.", show_default=False)]
SigningKey = Annotated[
    str,
    typer.Option(
        "--key",
        help="RSA key: its file (encrypted PKCS#8), or pkcs11:token=TOKEN;object=KEY?module-path=LIBRARY.",
        show_default=False,
    ),
]
Certificate = Annotated[
    Path, typer.Option(help="The key's certificate (PEM or DER).", show_default=False)
]
SecretDescriptor = Annotated[
    int | None,
    typer.Option(
        "--secret-fd", min=0, help="File descriptor with the passphrase or PIN; asked if absent."
    ),
]


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """An error is one line, and the exit status of its kind. What is refused is the content of `file`."""
    with told():
        try:
            yield
        except Refused as error:
            raise Refused(f"{file}: {error}") from error
        except ImageError as error:
            raise ReleaseError(str(error)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)


@app.command("sign")
def sign_program(
    program: Program,
    key: SigningKey,
    certificate: Certificate,
    output: Output,
    secret_fd: SecretDescriptor = None,
) -> None:
    """Sign a program, in place of any signature it has. The same key gives the same bytes."""
    with _told(program):
        content = _read(program)
        with open_rsa_signer(key, read_certificate(certificate), secret_fd) as signer:
            _write(output, sign(content, signer))
    typer.echo(f"{output} is signed")


@app.command("sign-image")
def sign_boot_image(
    image: Annotated[Path, typer.Argument(help="Boot image.", show_default=False)],
    key: SigningKey,
    certificate: Certificate,
    output: Output,
    secret_fd: SecretDescriptor = None,
) -> None:
    """Write a boot image anew, with its program signed and all else the same."""
    with _told(image), open_rsa_signer(key, read_certificate(certificate), secret_fd) as signer:
        sign_image(image, signer, output)
    typer.echo(f"{output} is signed")


@app.command("verify")
def verify_program(
    file: Annotated[Path, typer.Argument(help="EFI program or boot image.", show_default=False)],
    certificate: Annotated[
        list[Path],
        typer.Option(help="Who is trusted (PEM or DER); may be repeated.", show_default=False),
    ],
) -> None:
    """Whether a trusted key signed the program, or the image's. Exit status 0 only if so."""
    with _told(file):
        trusted = [read_certificate(path) for path in certificate]
        verdict = verify(_program_of(file), trusted)
    typer.echo(f"{file}: {verdict.finding}: {verdict.detail}", err=not verdict.is_signed)
    if not verdict.is_signed:
        raise typer.Exit(Exit.REFUSED)


def _program_of(path: Path) -> bytes:
    """The program at a path, or that of the image there: an image begins with zeros, or code of a boot loader."""
    try:
        with path.open("rb") as file:
            if file.read(2) == b"MZ":
                return b"MZ" + file.read()
    except OSError as error:
        raise ReleaseError(f"cannot read {path}: {error.strerror}") from error
    with tempfile.TemporaryDirectory(prefix="llmb-") as folder:
        extract(path, PROGRAM, Path(folder) / "program.efi")
        return (Path(folder) / "program.efi").read_bytes()


@app.command("strip")
def strip_program(program: Program, output: Output) -> None:
    """Take all signatures off a program."""
    with _told(program):
        _write(output, strip(_read(program)))


@app.command("enrol")
def enrol_keys(
    variables: Annotated[
        Path, typer.Argument(help="OVMF's variables, such as OVMF_VARS_4M.fd.", show_default=False)
    ],
    platform: Annotated[
        Path, typer.Option("--pk", help="Owner's certificate.", show_default=False)
    ],
    exchange: Annotated[
        Path, typer.Option("--kek", help="Certificate that may change db.", show_default=False)
    ],
    allowed: Annotated[
        list[Path],
        typer.Option("--db", help="Who may sign programs; may be repeated.", show_default=False),
    ],
    output: Output,
) -> None:
    """Write variables of a virtual machine that starts only what these keys have signed."""
    with _told(variables):
        certificates = tuple(read_certificate(path) for path in allowed)
        keys = Keys(read_certificate(platform), read_certificate(exchange), certificates)
        _write(output, enrol(_read(variables), keys))
