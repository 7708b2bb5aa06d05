"""A report of a volume: one text in a file, and in a copy of it (format: firmware/store/report.h)."""

from __future__ import annotations

from tools.oo.errors import NoReport

_BLANK = b"\n"


def read_report(file: bytes | None, copy: bytes | None) -> str:
    """The text, from the content of the file and of its copy; None stands for one that is not there.

    Raises:
        NoReport: nothing was ever written, or it is no text.
    """
    for data in (file, copy):
        if data and not data.startswith(_BLANK):
            return _text(data)
    raise NoReport("neither the file nor its copy has a report: they are blank, empty or missing")


def _text(data: bytes) -> str:
    try:
        return data.rstrip(_BLANK).decode() + "\n"
    except UnicodeDecodeError as error:
        raise NoReport(f"expected text in UTF-8: {error}") from error
