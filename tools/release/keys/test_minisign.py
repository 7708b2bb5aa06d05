"""Signatures: minisign reads ours, we read its, and nothing that was changed is accepted."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tools.release.errors import Exit, ReleaseError
from tools.release.keys.errors import Reason, SignatureRefused
from tools.release.keys.minisign import PublicKey, sign, signer_id, verify
from tools.release.keys.testing import flipped, make_key

KEY, OTHER = make_key("one"), make_key("another")
MESSAGE = b"0123  llm-baremetal.img.xz\n"
COMMENT = "name:llm-baremetal version:0.6.0"
SIGNED = sign(KEY, MESSAGE, trusted_comment=COMMENT)
LINES = SIGNED.splitlines()


def minisign(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["minisign", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, input="\n\n")


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key of minisign's, and a message signed by it in both of its ways."""
    folder = tmp_path_factory.mktemp("minisign")
    (folder / "m").write_bytes(MESSAGE)
    minisign(folder, "-G", "-W", "-p", "k.pub", "-s", "k.key").check_returncode()
    for more in (["-x", "m.minisig"], ["-x", "legacy.minisig", "-l"]):
        minisign(folder, "-S", "-s", "k.key", "-m", "m", "-t", COMMENT, *more).check_returncode()
    return folder


@pytest.mark.parametrize("comment", [COMMENT, "", "größer als x"])
@pytest.mark.parametrize("times", [0, 1, 10_000])
def test_minisign_verifies_ours(tmp_path: Path, times: int, comment: str) -> None:
    message = MESSAGE * times
    (tmp_path / "k.pub").write_text(KEY.public_key.to_text())
    (tmp_path / "m").write_bytes(message)
    (tmp_path / "m.minisig").write_text(sign(KEY, message, trusted_comment=comment))
    said = minisign(tmp_path, "-V", "-H", "-p", "k.pub", "-m", "m")
    assert said.returncode == 0 and f"Trusted comment: {comment}\n" in said.stdout
    line = KEY.public_key.to_line()
    assert minisign(tmp_path, "-V", "-P", line, "-m", "m").returncode == 0
    (tmp_path / "m").write_bytes(message + b"x")
    assert minisign(tmp_path, "-V", "-p", "k.pub", "-m", "m").returncode != 0


def test_we_verify_minisigns(theirs: Path) -> None:
    key = PublicKey.parse((theirs / "k.pub").read_text())
    signature = (theirs / "m.minisig").read_text()
    assert verify(key, MESSAGE, signature) == COMMENT
    assert signer_id(signature) == key.key_id
    with pytest.raises(SignatureRefused) as refused:
        verify(key, MESSAGE + b"x", signature)
    assert refused.value.reason is Reason.BAD_SIGNATURE


def test_a_legacy_signature_is_refused(theirs: Path) -> None:
    key = PublicKey.parse((theirs / "k.pub").read_text())
    with pytest.raises(SignatureRefused, match="sign without -l") as refused:
        verify(key, MESSAGE, (theirs / "legacy.minisig").read_text())
    assert refused.value.reason is Reason.MALFORMED


def test_public_keys_are_written_as_minisign_does(theirs: Path) -> None:
    text = (theirs / "k.pub").read_text()
    assert PublicKey.parse(text).to_text() == text
    assert PublicKey.parse(KEY.public_key.to_text()) == KEY.public_key


def test_signing_again_gives_the_same() -> None:
    assert sign(KEY, MESSAGE, trusted_comment=COMMENT) == SIGNED
    assert verify(KEY.public_key, MESSAGE, SIGNED) == COMMENT


# The same bytes as another text: the last digit of 64 bytes is A, Q, g or w, and its four low bits are spare.
SPARE_BITS = LINES[3][:-3] + chr(ord(LINES[3][-3]) + 1) + "=="

REFUSED = {
    "nothing": ("", Reason.MALFORMED),
    "three lines": ("\n".join(LINES[:3]), Reason.MALFORMED),
    "a line more": (SIGNED + "x\n", Reason.MALFORMED),
    "other line ends": (SIGNED.replace("\n", "\r\n"), Reason.MALFORMED),
    "no base64": (SIGNED.replace(LINES[1], "?"), Reason.MALFORMED),
    "too short": (SIGNED.replace(LINES[1], LINES[1][:-4]), Reason.MALFORMED),
    "short proof": (SIGNED.replace(LINES[3], LINES[3][:-4]), Reason.MALFORMED),
    "base64 of another form": (SIGNED.replace(LINES[3], SPARE_BITS), Reason.MALFORMED),
    "another kind": (SIGNED.replace(LINES[1], "XX" + LINES[1][2:]), Reason.MALFORMED),
    "control characters": (SIGNED.replace("name:", "name:\x1b[2J"), Reason.MALFORMED),
    "lone surrogate": (SIGNED.replace("name:", "name:\udc80"), Reason.MALFORMED),
    "letters of other scripts": (SIGNED.replace(LINES[1], "Ж" + LINES[1][1:]), Reason.MALFORMED),
    "another key's": (sign(OTHER, MESSAGE, trusted_comment=COMMENT), Reason.OTHER_KEY),
    "another message's": (sign(KEY, b"", trusted_comment=COMMENT), Reason.BAD_SIGNATURE),
    "another comment": (SIGNED.replace("0.6.0", "0.6.1"), Reason.BAD_COMMENT),
    "another's proof": (
        "\n".join([*LINES[:3], sign(KEY, b"", trusted_comment=COMMENT).splitlines()[3]]),
        Reason.BAD_COMMENT,
    ),
}


def test_spare_bits_are_spare() -> None:
    assert base64.b64decode(SPARE_BITS) == base64.b64decode(LINES[3])


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    text, reason = REFUSED[case]
    with pytest.raises(SignatureRefused) as refused:
        verify(KEY.public_key, MESSAGE, text)
    assert refused.value.reason is reason
    assert refused.value.exit is Exit.REFUSED and str(refused.value)


@given(st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_of_a_signature_changes_no_meaning(bit: int) -> None:
    changed = flipped(SIGNED.encode(), bit).decode("utf-8", "surrogateescape")
    try:
        assert verify(KEY.public_key, MESSAGE, changed) == COMMENT
    except SignatureRefused:
        return
    assert changed.splitlines()[1:] == LINES[1:]  # only the untrusted comment says what it likes


@given(st.integers(0, len(MESSAGE) * 8 - 1))
@settings(deadline=None)
def test_a_flipped_bit_of_the_message_is_refused(bit: int) -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify(KEY.public_key, flipped(MESSAGE, bit), SIGNED)
    assert refused.value.reason is Reason.BAD_SIGNATURE


@given(st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_of_a_public_key_is_refused(bit: int) -> None:
    text = flipped(KEY.public_key.to_text().encode(), bit).decode("utf-8", "surrogateescape")
    try:
        key = PublicKey.parse(text)
        verify(key, MESSAGE, SIGNED)
    except SignatureRefused:
        return
    assert key == KEY.public_key


@given(st.integers(0, 31 * 8 + 7))
@settings(deadline=None)
def test_a_flipped_bit_of_the_point_is_refused(bit: int) -> None:
    key = PublicKey(KEY.public_key.key_id, flipped(KEY.public_key.point, bit))
    with pytest.raises(SignatureRefused) as refused:
        verify(key, MESSAGE, SIGNED)
    assert refused.value.reason is Reason.BAD_SIGNATURE


SHAPED = st.lists(
    st.sampled_from([*LINES, "untrusted comment: x", "trusted comment: ", "RUQ="])
    | st.text(max_size=20)
    | st.binary(max_size=80).map(lambda content: base64.b64encode(content).decode()),
    max_size=6,
).map("\n".join)


@given(st.text() | SHAPED)
@settings(max_examples=300, deadline=None)
def test_any_other_text_is_refused(text: str) -> None:
    assume(text.split("\n")[1:4] != LINES[1:])
    with pytest.raises(SignatureRefused):
        verify(KEY.public_key, MESSAGE, text)
    with pytest.raises(SignatureRefused):
        PublicKey.parse(text)


@pytest.mark.parametrize("comment", ["a\nb", "a\rb", "\x1b", "\udc80"])
def test_a_comment_must_be_a_line(comment: str) -> None:
    with pytest.raises(ReleaseError, match="one printable line"):
        sign(KEY, MESSAGE, trusted_comment=comment)


def test_a_comment_must_be_one_that_minisign_reads() -> None:
    with pytest.raises(ReleaseError, match="one printable line"):
        sign(KEY, MESSAGE, trusted_comment="x" * 8192)


@pytest.mark.parametrize("size", [1000, 8000])
def test_minisign_reads_long_comments(tmp_path: Path, size: int) -> None:
    (tmp_path / "k.pub").write_text(KEY.public_key.to_text())
    (tmp_path / "m").write_bytes(MESSAGE)
    (tmp_path / "m.minisig").write_text(sign(KEY, MESSAGE, trusted_comment="x" * size))
    assert minisign(tmp_path, "-V", "-p", "k.pub", "-m", "m").returncode == 0
