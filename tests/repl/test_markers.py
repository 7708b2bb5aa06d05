"""What the C emitters print is what the Python parser reads."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.programs import host_program
from tools.markers.parse import parse_log
from tools.markers.table import load

TABLE = load(Path("firmware/events/markers.toml"))

# What may stand before a '=' in repl.cfg and come back whole in a warning about it: an escape takes
# six characters, and a line has room for 260 of a text.
KEYS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters='\n\r#=;"\ufeff\0'),
    min_size=1,
    max_size=40,
).map(lambda key: "x" + key + "x")


@settings(max_examples=50, deadline=None)
@given(st.lists(KEYS, min_size=1, max_size=5, unique=True))
def test_text_comes_back_as_it_was(keys: list[str]) -> None:
    with TemporaryDirectory() as volume:
        config = Path(volume, "repl.cfg")
        config.write_bytes("".join(f"{key}=1\n" for key in keys).encode())
        done = subprocess.run(
            [host_program(), "--volume", volume], stdin=subprocess.DEVNULL, capture_output=True
        )
    log = parse_log(done.stdout.decode(), TABLE)
    assert log.problems == ()
    assert [record["key"] for record in log.of("cfg_warning")] == keys
    assert [record["line"] for record in log.of("cfg_warning")] == list(range(1, len(keys) + 1))
