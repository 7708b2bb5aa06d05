"""The command line: what it prints, its exit codes, its errors."""

import json
from pathlib import Path

import pytest

from tools.image import cli
from tools.image.conftest import Imager

TREE = {"EFI/BOOT/BOOTX64.EFI": b"MZ", "repl.cfg": b"seed=1\n"}


def run(*arguments: str | Path) -> int:
    """Exit code of a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["image", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
    return int(exit_.value.code or 0)


@pytest.fixture
def image(imager: Imager) -> Path:
    return imager(TREE)


def test_build_put_list_extract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cfg").write_bytes(b"temp=0\n")
    layout = {"label": "LLMB", "files": [{"path": "repl.cfg", "source": "cfg"}]}
    (tmp_path / "LAYOUT.json").write_text(json.dumps(layout))
    image = tmp_path / "out.img"
    assert run("build", "--layout", tmp_path / "LAYOUT.json", "--output", image) == 0
    assert run("put", image, "sub/new.txt", "--source", tmp_path / "cfg") == 0
    assert run("extract", image, "repl.cfg", "--output", tmp_path / "back") == 0
    assert (tmp_path / "back").read_bytes() == b"temp=0\n"
    assert run("list", image) == 0
    assert capsys.readouterr().out.splitlines() == [
        "repl.cfg\tfile\t7",
        "sub\tfolder\t0",
        "sub/new.txt\tfile\t7",
    ]
    assert run("verify", image) == 0
    assert capsys.readouterr().err == f"{image}: no faults\n"


def test_list_as_json(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("list", image, "--json")
    rows = json.loads(capsys.readouterr().out)
    assert {"path": "EFI/BOOT/BOOTX64.EFI", "kind": "file", "size": 2} in rows


def test_list_on_a_terminal(
    image: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run("list", image)
    assert "EFI/BOOT/BOOTX64.EFI" in capsys.readouterr().out


def test_verify_findings(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with image.open("r+b") as file:
        file.seek(510)
        file.write(b"\0")
    assert run("verify", image, "--json") == cli.EXIT_FINDINGS
    assert json.loads(capsys.readouterr().out)[0]["check"] == "mbr"


def test_error_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", tmp_path / "nowhere.img") == cli.EXIT_ERROR
    error = capsys.readouterr().err
    assert error.startswith("error: cannot open the image") and error.count("\n") == 1


def test_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("extract", "only-an-image") == 2
    assert "Missing argument" in capsys.readouterr().err


def test_hostile_names_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    cli._print_rows(("path",), [{"path": "a\x1b[2Jb"}], as_json=False)
    assert "\x1b" not in capsys.readouterr().out
