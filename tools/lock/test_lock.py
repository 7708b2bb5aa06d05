"""Locks from reports as pip writes them, read back by pip's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from tools.lock.lock import LockError, Pin, lock_text, normalise, pins

SHA = "0123456789abcdef" * 4


def install_item(
    name: str, version: str = "1.0", sha256: str = SHA, suffix: str = "-py3-none-any.whl"
) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": version},
        "download_info": {
            "url": f"file:///index/{name}-{version}{suffix}#sha256={sha256}",
            "archive_info": {"hashes": {"sha256": sha256}},
        },
    }


def test_pins_are_sorted_and_normalised() -> None:
    report = {
        "install": [install_item("Typing_Extensions", "4.3.0"), install_item("attrs", "26.1.0")]
    }
    assert pins(report) == (Pin("attrs", "26.1.0", SHA), Pin("typing-extensions", "4.3.0", SHA))


@pytest.mark.parametrize(
    ("name", "normal"),
    [("A.B", "a-b"), ("a__b", "a-b"), ("pantsbuild.pants", "pantsbuild-pants"), ("rich", "rich")],
)
def test_normalise_follows_pep_503(name: str, normal: str) -> None:
    assert normalise(name) == normal


def test_lock_text_holds_one_hashed_line_a_wheel_and_no_address() -> None:
    text = lock_text(source="x.in", python="3.11", pinned=[Pin("rich", "15.0.0", SHA)])
    header, line = text.splitlines()
    assert header.startswith("# Made from x.in for CPython 3.11 ")
    assert line == f"rich==15.0.0 --hash=sha256:{SHA}"
    assert "://" not in text


def test_a_source_distribution_is_refused() -> None:
    with pytest.raises(LockError, match=r"rich==1\.0: expected a wheel"):
        pins({"install": [install_item("rich", suffix=".tar.gz")]})


@pytest.mark.parametrize("sha256", ["", "abc", SHA.upper(), SHA + "0"])
def test_a_missing_or_malformed_hash_is_refused(sha256: str) -> None:
    with pytest.raises(LockError, match="expected a sha256"):
        pins({"install": [install_item("rich", sha256=sha256)]})
