"""Names: which are legal, and that aliases are unique, legal, and the same everywhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.image.errors import IllegalName
from tools.image.names import assign_aliases, fold, is_label, is_short, split_path

ALIAS_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$%'-_@~`!(){}^#& ")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "is empty"),
        ("/EFI", "is empty"),
        ("EFI//BOOT", "is empty"),
        ("a/../b", "stands for a folder"),
        ("a:b", "contains ':'"),
        ("a\\b", "contains"),
        ("tab\there", "contains"),
        ("\ud800", "contains"),
        ("\uffff", "contains"),
        ("dot.", "ends in a dot or a space"),
        ("space ", "ends in a dot or a space"),
        ("n" * 256, "longer than 255"),
        ("\N{GRINNING FACE}" * 128, "longer than 255"),
    ],
)
def test_illegal_paths_are_explained(path: str, reason: str) -> None:
    with pytest.raises(IllegalName, match=reason):
        split_path(path)


def test_legal_path() -> None:
    assert split_path("EFI/BOOT/a name.tar.gz") == ("EFI", "BOOT", "a name.tar.gz")
    assert split_path("n" * 255) == ("n" * 255,)


def test_fold_keeps_the_length() -> None:
    assert fold("straße") == "STRAßE"
    assert fold("Ä") == fold("ä")


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("BOOTX64.EFI", b"BOOTX64 EFI"),
        ("repl.cfg", b"REPL    CFG"),
        ("SmolLM2-135M-Instruct.Q4_1.gguf", b"SMOLLM~1GGU"),
        ("archive.tar.gz", b"ARCHIV~1GZ "),
        (".bashrc", b"BASHRC~1   "),
        ("with space", b"WITHSP~1   "),
        ("ünïcode.ßß", b"_N_COD~1__ "),
        ("a+b", b"A_B~1      "),
        ("...a", b"A~1        "),
        ("漢字", b"__~1       "),
    ],
)
def test_alias(name: str, alias: bytes) -> None:
    assert assign_aliases([name], ()) == {name: alias}


def test_literal_alias_keeps_its_name() -> None:
    names = ["long file name.txt", "LONGFI~1.TXT", "long file name 2.txt"]
    for order in (names, names[::-1]):
        aliases = assign_aliases(order, ())
        assert aliases["LONGFI~1.TXT"] == b"LONGFI~1TXT"
        assert aliases["long file name 2.txt"] == b"LONGFI~2TXT"
        assert aliases["long file name.txt"] == b"LONGFI~3TXT"


def test_many_collisions() -> None:
    aliases = assign_aliases([f"long file name {n}" for n in range(5000)], ())
    assert len(set(aliases.values())) == 5000
    assert b"LONGF~99   " in aliases.values() and b"LONG~120   " in aliases.values()


@given(st.sets(st.text("aA1.~ é漢$", min_size=1, max_size=14).filter(lambda n: n[-1] not in ". ")))
def test_aliases_are_unique_and_legal(names: set[str]) -> None:
    aliases = assign_aliases(names, [b"TAKEN      "])
    assert len(set(aliases.values())) == len(names)
    for name, alias in aliases.items():
        assert len(alias) == 11 and set(alias) <= ALIAS_BYTES and alias[0] != ord(" ")
        assert alias != b"TAKEN      "
        assert not is_short(name) or alias.replace(b" ", b"") == name.replace(".", "").encode()


@pytest.mark.parametrize("label", ["LLMB", "A B", "ELEVENCHARS"])
def test_legal_label(label: str) -> None:
    assert is_label(label)


@pytest.mark.parametrize("label", ["", "lower", "TWELVE CHARS", " A", "A.B", "Ü"])
def test_illegal_label(label: str) -> None:
    assert not is_label(label)
