"""What can be wrong with what the firmware left, said for the person who looks into it."""


class OoError(Exception):
    """Base of every error of this package; its text says what was expected and what was found."""


class BadLine(OoError):
    """Bytes that are no whole line of a log, or a record that cannot be one."""


class MissingLog(OoError):
    """Neither of a log's two files is there."""


class Contradiction(OoError):
    """Two whole lines with one number say different things: the files are of different volumes."""


class BadSlot(OoError):
    """Bytes that are no whole slot, or a record that cannot be one."""


class NoRecord(OoError):
    """Neither slot has a whole record; `reasons` says why, one for each file."""

    def __init__(self, reasons: tuple[str, str]) -> None:
        super().__init__(f"no whole record: first file {reasons[0]}; second file {reasons[1]}")
        self.reasons = reasons


class NoReport(OoError):
    """Neither a report's file nor its copy has one."""
