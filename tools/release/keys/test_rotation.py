"""From key to key: which one may sign a version, for those who trust an earlier one, and what breaks a chain."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.release.bundle.version import Version
from tools.release.errors import ReleaseError
from tools.release.keys import dsse, revocation, statements
from tools.release.keys.errors import KeyReason, KeyRefused, Reason, SignatureRefused
from tools.release.keys.revocation import Revocation, Revocations
from tools.release.keys.rotation import PAYLOAD_TYPE, Chain, Succession, rotate
from tools.release.keys.testing import flipped, make_key, succession, version

A, B, C, D = (make_key(name) for name in "ABCD")
LAST_DAY = datetime.date(2028, 2, 29)


def line(link: Succession, signer: str) -> bytes:
    return statements.seal(make_key(signer), link, PAYLOAD_TYPE)


A_TO_B = line(succession("A", "B", "0.7.0"), "A")
B_TO_C = line(succession("B", "C", "1.0.0", not_after=LAST_DAY), "B")
CHAIN = A_TO_B + B_TO_C


@pytest.mark.parametrize(
    ("trusted", "key", "of", "refused"),
    [
        ("A", "A", "0.6.9", None),
        ("A", "A", "0.7.0", KeyReason.EXPIRED),
        ("A", "B", "0.6.9", KeyReason.EARLY),
        ("A", "B", "0.7.0", None),
        ("A", "B", "0.9.9", None),
        ("A", "B", "1.0.0", KeyReason.EXPIRED),
        ("A", "C", "0.9.9", KeyReason.EARLY),
        ("A", "C", "1.0.0", None),
        ("A", "C", "99.0.0", None),
        ("B", "B", "0.9.9", None),
        ("B", "C", "1.0.0", None),
        ("C", "C", "1.0.0", None),
        ("B", "A", "0.6.0", KeyReason.UNKNOWN),  # a chain leads forward only
        ("C", "B", "0.9.0", KeyReason.UNKNOWN),
        ("A", "D", "1.0.0", KeyReason.UNKNOWN),
        ("D", "A", "0.6.0", KeyReason.UNKNOWN),
        ("D", "D", "5.0.0", None),
    ],
)
def test_each_key_has_its_versions(
    trusted: str, key: str, of: str, refused: KeyReason | None
) -> None:
    chain, signer = Chain.parse(CHAIN), make_key(key).public_key
    if refused is None:
        found = chain.signer(make_key(trusted).public_key, signer.key_id, version(of))
        assert found == signer
        return
    with pytest.raises(KeyRefused) as refusal:
        chain.signer(make_key(trusted).public_key, signer.key_id, version(of))
    assert refusal.value.reason is refused and signer.name in str(refusal.value)


def test_without_a_chain_the_trusted_key_signs_everything() -> None:
    trusted = A.public_key
    assert Chain.parse(b"").signer(trusted, trusted.key_id, version("9.0.0")) == trusted


def test_the_last_day_counts_for_those_who_have_a_calendar() -> None:
    chain, key = Chain.parse(CHAIN), C.public_key
    for today in (None, LAST_DAY):
        assert chain.signer(A.public_key, key.key_id, version("1.0.0"), today=today) == key
    with pytest.raises(KeyRefused, match=f"accepted until {LAST_DAY}") as refusal:
        day_after = LAST_DAY + datetime.timedelta(days=1)
        chain.signer(A.public_key, key.key_id, version("1.0.0"), today=day_after)
    assert refusal.value.reason is KeyReason.EXPIRED


@pytest.mark.parametrize("revoked", ["A", "B", "C"])
def test_no_way_leads_over_a_revoked_key(revoked: str) -> None:
    lost = make_key(revoked)
    statement = Revocation(key=lost.public_key, date=datetime.date(2026, 10, 1), reason="lost")
    sealed = statements.seal(lost, statement, revocation.PAYLOAD_TYPE)
    revocations = Revocations.parse(sealed, A.public_key)
    with pytest.raises(KeyRefused) as refusal:
        Chain.parse(CHAIN).signer(
            A.public_key, C.public_key.key_id, version("1.0.0"), revocations=revocations
        )
    assert refusal.value.reason is KeyReason.REVOKED


BROKEN = {
    "a gap": A_TO_B + line(succession("C", "D", "1.0.0"), "C"),
    "a fork": A_TO_B + line(succession("A", "C", "1.0.0"), "A"),
    "the other way round": B_TO_C + A_TO_B,
    "twice": A_TO_B + A_TO_B,
    "an earlier version": A_TO_B + line(succession("B", "C", "0.6.0"), "B"),
    "the same version": A_TO_B + line(succession("B", "C", "0.7.0"), "B"),
    "back again": A_TO_B + line(succession("B", "A", "1.0.0"), "B"),
    "to itself": line(succession("A", "A", "1.0.0"), "A"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_chains(case: str) -> None:
    with pytest.raises(KeyRefused) as refusal:
        Chain.parse(BROKEN[case])
    assert refusal.value.reason is KeyReason.BROKEN_CHAIN


STRANGE = {
    "by the new key": (line(succession("A", "B", "0.7.0"), "B"), Reason.OTHER_KEY),
    "by a third": (A_TO_B + line(succession("B", "C", "1.0.0"), "A"), Reason.OTHER_KEY),
    "cut short": (CHAIN[:-1], Reason.MALFORMED),
    "an empty line": (A_TO_B + b"\n" + B_TO_C, Reason.MALFORMED),
    "something else": (dsse.seal(A, b"{}", "text/x") + b"\n", Reason.MALFORMED),
    "of another kind": (
        dsse.seal(A, dsse.unverified(A_TO_B).payload, "text/x") + b"\n",
        Reason.MALFORMED,
    ),
    "no statement": (dsse.seal(A, b"{}", PAYLOAD_TYPE) + b"\n", Reason.MALFORMED),
    "no JSON": (dsse.seal(A, b"\xff", PAYLOAD_TYPE) + b"\n", Reason.MALFORMED),
    "endless": (b"\n" * (1024 * 1024 + 1), Reason.MALFORMED),
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_is_no_chain(case: str) -> None:
    content, reason = STRANGE[case]
    with pytest.raises(SignatureRefused) as refusal:
        Chain.parse(content)
    assert refusal.value.reason is reason


@pytest.mark.parametrize(
    "edit",
    [
        {"from_version": "1.0"},
        {"from_version": 1},
        {"old": "RWQ="},
        {"new": 5},
        {"not_after": "tomorrow"},
        {"more": "x"},
    ],
    ids=repr,
)
def test_a_statement_must_be_one(edit: dict[str, object]) -> None:
    changed = json.dumps({**json.loads(dsse.unverified(A_TO_B).payload), **edit}).encode()
    with pytest.raises(SignatureRefused, match="line 1: ") as refusal:
        Chain.parse(dsse.seal(A, changed, PAYLOAD_TYPE) + b"\n")
    assert refusal.value.reason is Reason.MALFORMED


@given(st.integers(min_value=0))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_refused_or_means_the_same(bit: int) -> None:
    try:
        assert Chain.parse(flipped(CHAIN, bit)) == Chain.parse(CHAIN)
    except ReleaseError:
        pass


@given(st.binary())
@settings(deadline=None)
def test_any_other_bytes_are_refused(content: bytes) -> None:
    if content:
        with pytest.raises(ReleaseError):
            Chain.parse(content)


def test_rotating_makes_the_chain_longer(tmp_path: Path) -> None:
    chain = tmp_path / "keys.chain"
    rotate(chain, A, succession("A", "B", "0.7.0"))
    rotate(chain, B, succession("B", "C", "1.0.0", not_after=LAST_DAY))
    assert chain.read_bytes() == CHAIN
    assert [path.name for path in tmp_path.iterdir()] == ["keys.chain"]


@pytest.mark.parametrize(
    ("signer", "link"),
    [
        ("A", succession("A", "C", "1.0.0")),
        ("B", succession("A", "C", "1.0.0")),
        ("B", succession("B", "C", "0.7.0")),
    ],
    ids=["not its turn", "another's turn", "no later version"],
)
def test_a_chain_that_would_break_stays_as_it_was(
    tmp_path: Path, signer: str, link: Succession
) -> None:
    chain = tmp_path / "keys.chain"
    chain.write_bytes(A_TO_B)
    with pytest.raises(ReleaseError):
        rotate(chain, make_key(signer), link)
    assert chain.read_bytes() == A_TO_B


def test_a_damaged_chain_stays_as_it_was(tmp_path: Path) -> None:
    chain = tmp_path / "keys.chain"
    chain.write_bytes(CHAIN[:-5])
    with pytest.raises(SignatureRefused):
        rotate(chain, C, succession("C", "D", "2.0.0"))
    assert chain.read_bytes() == CHAIN[:-5]


@pytest.mark.parametrize("place", ["file/keys.chain", "absent/keys.chain", "folder"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReleaseError, match="cannot"):
        rotate(tmp_path / place, A, succession("A", "B", "0.7.0"))


def test_versions_are_compared_as_numbers() -> None:
    chain = Chain.parse(line(succession("A", "B", "0.10.0"), "A"))
    assert chain.signer(A.public_key, A.public_key.key_id, Version(0, 9, 0)) == A.public_key
