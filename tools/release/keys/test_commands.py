"""The commands, as people and scripts call them: a life of keys, errors, and that nothing is given away."""

from __future__ import annotations

import base64
import os
import pty
import sys
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from tools.release.commands.keys import app
from tools.release.errors import Exit
from tools.release.keys.errors import KeyReason, KeyRefused
from tools.release.keys.file_key import KEY, PUBLIC
from tools.release.keys.public_key import PublicKey
from tools.release.keys.revocation import Revocations
from tools.release.keys.rotation import Chain
from tools.release.keys.testing import PASSPHRASE, PIN, TOKEN, handed, soft_token, version

PROGRAM = [sys.executable, "-c", "from tools.release.commands.keys import app; app()"]
MODULES = ":".join(map(os.path.abspath, sys.path))
WIDE = {"COLUMNS": "200"}


def run(folder: Path, *arguments: str, secret: bytes = PASSPHRASE) -> tuple[int, str, str]:
    """Exit status, what is said, and what is said of errors."""
    with handed(secret) as descriptor, chdir(folder):
        done = CliRunner().invoke(app, [*arguments, "--secret-fd", str(descriptor)], env=WIDE)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert secret.decode() not in done.stdout + done.stderr
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys a and b."""
    folder = tmp_path_factory.mktemp("keys")
    for name in "ab":
        status, said, _ = run(folder, "keygen", name)
        assert status == Exit.DONE and said == (folder / name / PUBLIC).read_text()
    return folder


def public(folder: Path, name: str) -> PublicKey:
    return PublicKey.parse((folder / name / PUBLIC).read_text())


def test_from_a_key_to_the_next_and_its_end(keys: Path, tmp_path: Path) -> None:
    a, b = public(keys, "a"), public(keys, "b")
    chain, revoked = tmp_path / "keys.chain", tmp_path / "revoked"
    arguments = ["--key", f"a/{KEY}", "--to", f"b/{PUBLIC}", "--from-version", "0.7.0"]
    last = ["--not-after", "2028-12-31"]
    assert run(keys, "rotate", str(chain), *arguments, *last) == (
        Exit.DONE,
        f"{b.name} succeeds {a.name} from version 0.7.0\n",
        "",
    )
    (link,) = Chain.parse(chain.read_bytes()).links
    assert str(link.not_after) == "2028-12-31"
    status, said, _ = run(
        keys,
        *("revoke", str(revoked), f"b/{PUBLIC}", "--key", f"a/{KEY}", "--root", f"a/{PUBLIC}"),
        *("--date", "2026-10-01", "--reason", "left on a train"),
    )
    assert (status, said) == (Exit.DONE, f"{b.name} is revoked\n")
    revocations = Revocations.parse(revoked.read_bytes(), a)
    with pytest.raises(KeyRefused, match="left on a train") as refusal:
        Chain((link,)).signer(a, b.key_id, version("0.7.0"), revocations=revocations)
    assert refusal.value.reason is KeyReason.REVOKED


def test_the_public_half_can_be_had_again(keys: Path, tmp_path: Path) -> None:
    assert run(keys, "public", f"a/{KEY}", str(tmp_path / "again.pub"))[0] == Exit.DONE
    assert (tmp_path / "again.pub").read_bytes() == (keys / "a" / PUBLIC).read_bytes()


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with soft_token(tmp_path_factory.mktemp("token")) as module:
        yield module


def test_a_token_is_named_where_a_file_is(keys: Path, module: Path, tmp_path: Path) -> None:
    uri = f"pkcs11:token={TOKEN};object=command?module-path={module}"
    status, said, _ = run(keys, "keygen", uri, secret=PIN)
    assert status == Exit.DONE
    assert run(keys, "public", uri, str(tmp_path / "token.pub"), secret=PIN)[0] == Exit.DONE
    assert (tmp_path / "token.pub").read_text() == said
    arguments = ["--key", uri, "--to", f"b/{PUBLIC}", "--from-version", "0.7.0"]
    chain = tmp_path / "keys.chain"
    assert run(keys, "rotate", str(chain), *arguments, secret=PIN)[0] == Exit.DONE
    assert Chain.parse(chain.read_bytes()).links[0].old == PublicKey.parse(said)


ROTATE = ["rotate", "chain", "--key", f"a/{KEY}", "--to", f"b/{PUBLIC}"]
REVOKE = ["revoke", "list", f"b/{PUBLIC}", "--key", f"a/{KEY}", "--root", f"a/{PUBLIC}"]


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["keygen", "a"], Exit.COULD_NOT_RUN, "a is there already"),
        (["keygen", f"a/{KEY}/x"], Exit.COULD_NOT_RUN, "cannot write"),
        (["keygen", "pkcs11:token=a"], Exit.COULD_NOT_RUN, "expected pkcs11:token=TOKEN"),
        (["public", "absent", "x"], Exit.COULD_NOT_RUN, "No such file"),
        (["public", f"a/{KEY}", "absent/x"], Exit.COULD_NOT_RUN, "cannot write absent/x"),
        ([*ROTATE, "--from-version", "7"], Exit.COULD_NOT_RUN, "expected a version as 1.2.3"),
        ([*ROTATE[:-1], f"b/{KEY}", "--from-version", "1.0.0"], Exit.COULD_NOT_RUN, "public key"),
        ([*ROTATE[:-1], f"a/{PUBLIC}", "--from-version", "1.0.0"], Exit.REFUSED, "comes twice"),
        ([*ROTATE, "--from-version", "1.0.0", "--not-after", "soon"], Exit.USAGE, "a date as"),
        ([*REVOKE, "--date", "2026-10-01", "--reason", ""], Exit.USAGE, "200 characters"),
        ([*REVOKE, "--date", "2026-10-01", "--reason", "\udcff"], Exit.USAGE, "200 characters"),
        ([*REVOKE, "--date", "1.10.2026", "--reason", "x"], Exit.USAGE, "a date as 2026-12-31"),
        ([], Exit.USAGE, ""),
    ],
    ids=str,
)
def test_errors(keys: Path, arguments: list[str], status: Exit, says: str) -> None:
    before = sorted(keys.rglob("*"))
    found, _, told = run(keys, *arguments)
    assert found == status and says in told
    assert sorted(keys.rglob("*")) == before


def test_a_wrong_passphrase_is_told(keys: Path, tmp_path: Path) -> None:
    status, _, told = run(keys, "public", f"a/{KEY}", str(tmp_path / "x"), secret=b"wrong one")
    assert status == Exit.COULD_NOT_RUN
    assert told == f"error: a/{KEY}: wrong passphrase, or a damaged file\n"
    assert list(tmp_path.iterdir()) == []


def _answer(terminal: int, question: bytes, secret: bytes) -> None:
    shown = b""
    while not shown.endswith(question):
        shown += os.read(terminal, 1000)
    os.write(terminal, secret + b"\n")


def _spied_on(process: int, secret: bytes) -> None:
    """What everybody may see of a process."""
    for name in ("cmdline", "environ"):
        seen = Path(f"/proc/{process}/{name}").read_bytes()
        assert seen and secret not in seen


def test_nothing_gives_the_key_away(tmp_path: Path) -> None:
    """Made and used at a terminal, while others look: only the encrypted file has it."""
    secret = b"a passphrase to look for"
    questions = {
        ("keygen", "key"): [b"key.pem: ", b"Once more: "],
        ("public", f"key/{KEY}", "p"): [b"key.pem: "],
    }
    for arguments, asked in questions.items():
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(tmp_path)
            os.execve(
                PROGRAM[0],
                [*PROGRAM, *arguments],
                {"PYTHONPATH": MODULES, "HOME": str(tmp_path)},
            )
        for question in asked:
            _answer(terminal, question, secret)
            _spied_on(process, secret)
        shown = b""
        try:
            while part := os.read(terminal, 1000):
                shown += part
        except OSError:  # the other side is closed
            pass
        os.close(terminal)
        assert os.waitpid(process, 0)[1] == 0, shown
        assert secret not in shown
    key = load_pem_private_key((tmp_path / "key" / KEY).read_bytes(), secret)
    private = key.private_bytes_raw()  # type: ignore[union-attr] # of an Ed25519 key
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path).as_posix() for path in files} == {
        f"key/{KEY}",
        f"key/{PUBLIC}",
        "p",
    }
    forms = [private, private.hex().encode(), base64.b64encode(private)[:40], secret]
    for path in files:
        assert not any(form in path.read_bytes() for form in forms)
