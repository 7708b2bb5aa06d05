"""Logs that are whole, cut anywhere, and spoilt anywhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.markers.table import load
from tools.oo.crc32c import crc32c
from tools.oo.errors import BadLine, Contradiction, MissingLog
from tools.oo.records import NUMBER_MAX, TEXT_MAX, Line, Torn, parse_line, read_folder, read_log

FILE_BYTES = 4096

# Any bytes but LF; some that look like the frame of a record.
texts = st.one_of(
    st.binary(max_size=80),
    st.lists(st.sampled_from([b" crc=00000000", b"event=1 ", b"x", b"\r", b"\0"])).map(b"".join),
).map(lambda data: data.replace(b"\n", b" ").decode(errors="surrogateescape"))
lines = st.builds(Line, st.integers(1, NUMBER_MAX), texts)
logs = st.lists(texts, min_size=1, max_size=12).map(
    lambda each: tuple(Line(number, text) for number, text in enumerate(each, start=1))
)


def _file(lines: tuple[Line, ...]) -> bytes:
    return b"".join(line.to_bytes() for line in lines).ljust(FILE_BYTES, b"\n")


def test_the_format_is_the_one_that_the_firmware_writes() -> None:
    """The same line is in firmware/store/record_log_test.c."""
    data = b"event=7 [oo] a crc=b text crc=80422537"
    assert Line(7, "[oo] a crc=b text").to_bytes() == data + b"\n"
    assert parse_line(data) == Line(7, "[oo] a crc=b text")


@given(lines)
def test_a_line_comes_back(line: Line) -> None:
    assert parse_line(line.to_bytes()[:-1]) == line


@given(lines, st.data())
def test_a_changed_byte_of_a_line_is_noticed(line: Line, data: st.DataObject) -> None:
    spoilt = bytearray(line.to_bytes()[:-1])
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BadLine):
        parse_line(bytes(spoilt))


@given(lines, st.data())
def test_a_line_that_is_cut_is_noticed(line: Line, data: st.DataObject) -> None:
    whole = line.to_bytes()[:-1]
    with pytest.raises(BadLine):
        parse_line(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "sealed", [b"event=0 x", b"event=07 x", b"event=7", b"event=18446744073709551616 x", b"e=7 x"]
)
def test_a_number_that_none_can_be_is_refused(sealed: bytes) -> None:
    with pytest.raises(BadLine):
        parse_line(b"%s crc=%08x" % (sealed, crc32c(sealed)))


@pytest.mark.parametrize(
    "line", [Line(0, ""), Line(NUMBER_MAX + 1, ""), Line(1, "a\nb"), Line(1, "x" * (TEXT_MAX + 1))]
)
def test_a_record_that_no_log_can_hold_is_not_made(line: Line) -> None:
    with pytest.raises(BadLine):
        line.to_bytes()


@given(logs, st.data())
def test_two_files_are_one_log_in_order(log: tuple[Line, ...], data: st.DataObject) -> None:
    border = data.draw(st.integers(0, len(log)))
    older, newer = _file(log[:border]), _file(log[border:])
    for files in ((older, newer), (newer, older)):
        found = read_log(*files)
        assert found.lines == log
        assert found.torn == ()
        assert found.newest == len(log)


@given(logs, st.data())
def test_a_file_cut_anywhere_keeps_the_lines_before(
    log: tuple[Line, ...], data: st.DataObject
) -> None:
    written = sum(len(line.to_bytes()) for line in log)
    size = data.draw(st.integers(0, written))
    found = read_log(_file(log)[:size], None)
    ends = [sum(len(line.to_bytes()) for line in log[: i + 1]) - 1 for i in range(len(log))]
    assert found.lines == tuple(line for line, end in zip(log, ends) if end <= size)
    assert len(found.torn) <= 1


@given(logs, st.data())
def test_a_spoilt_byte_is_noticed_and_forges_nothing(
    log: tuple[Line, ...], data: st.DataObject
) -> None:
    spoilt = bytearray(_file(log))
    spoilt[data.draw(st.integers(0, len(spoilt) - 1))] ^= data.draw(st.integers(1, 255))
    found = read_log(bytes(spoilt), _file(()))
    assert set(found.lines) <= set(log)
    assert len(found.lines) >= len(log) - 2
    assert found.torn


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_can_be_read(first: bytes, second: bytes) -> None:
    found = read_log(first, second)
    assert sum(len(torn.data) for torn in found.torn) == len((first + second).replace(b"\n", b""))


def test_what_is_torn_says_where_it_is() -> None:
    whole = Line(1, "a").to_bytes()
    found = read_log(None, whole + b"\nevent=2 b\n" + Line(3, "c").to_bytes())
    assert [line.number for line in found.lines] == [1, 3]
    reason = "expected 'event=N TEXT crc=XXXXXXXX'"
    assert found.torn == (Torn(1, len(whole) + 1, b"event=2 b", reason),)


def test_a_copy_is_read_once_and_a_contradiction_is_an_error() -> None:
    file = _file((Line(1, "a"),))
    assert read_log(file, file).lines == (Line(1, "a"),)
    with pytest.raises(Contradiction, match="event 1 is 'a' and 'b'"):
        read_log(file, _file((Line(1, "b"),)))


def test_a_folder_has_the_files_that_the_table_names(tmp_path: Path) -> None:
    journal = load(Path("firmware/events/markers.toml")).logs["journal"]
    with pytest.raises(MissingLog, match="expected OOJOUR.LOG or OOJOUR2.LOG"):
        read_folder(tmp_path, journal)
    (tmp_path / "OOJOUR2.LOG").write_bytes(_file((Line(4, "[oo] x"),)))
    assert read_folder(tmp_path, journal).lines == (Line(4, "[oo] x"),)
    (tmp_path / "OOJOUR.LOG").write_bytes(_file((Line(5, "[oo] y"),)))
    assert read_folder(tmp_path, journal).newest == 5
