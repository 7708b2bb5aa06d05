"""Reports that are whole, being written, and spoilt."""

import pytest

from tools.oo.errors import NoReport
from tools.oo.reports import read_report

BLANK = b"\n" * 2048
OLD = b'{\n"a":1\n}\n'.ljust(2048, b"\n")
NEW = b'{\n"a":2\n}\n'.ljust(2048, b"\n")


def test_the_file_counts_and_else_its_copy() -> None:
    assert read_report(NEW, OLD) == '{\n"a":2\n}\n'
    for torn in (None, b"", BLANK, b"\n" + NEW[1:]):
        assert read_report(torn, OLD) == '{\n"a":1\n}\n'
        assert read_report(NEW, torn) == '{\n"a":2\n}\n'


def test_where_there_is_none_that_is_said() -> None:
    for nothing in (None, b"", BLANK):
        with pytest.raises(NoReport, match="blank, empty or missing"):
            read_report(nothing, b"\n" + OLD[1:])
    with pytest.raises(NoReport, match="UTF-8"):
        read_report(b"\xff" + OLD, None)
