"""How long all guardrails take over a ledger of many runs, beside sha256sum of its lines.

`python bench/ledger.py [--captures DIR] [--runs 1000 10000 100000]` prints JSON: for each size the seconds of one
process that reads and checks the ledger and judges every guardrail, its peak memory, and the ratio to `sha256sum` of
the same file in the same run. The runs are the captures' own, each with an identity of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from tools.guardrails.captures import find_captures
from tools.guardrails.catalogue import GUARDRAILS, compared
from tools.guardrails.ledger.chain import ROOT, Head, digest
from tools.guardrails.ledger.record import RunRecord
from tools.guardrails.ledger.store import HEAD, RUNS
from tools.guardrails.recording import states_of
from tools.guardrails.session import CAPTURES, gather, judge, marker_table
from tools.guardrails.verdict import Status

_JUDGE = """
import json, resource, sys, time
from pathlib import Path
from tools.guardrails import session
from tools.guardrails.captures import find_captures
from tools.guardrails.catalogue import GUARDRAILS
table = session.marker_table()
captures = find_captures(Path(sys.argv[1]), table)
start = time.perf_counter()
evidence = session.gather(table, captures, Path(sys.argv[2]))
for guardrail in GUARDRAILS.values():
    session.judge(guardrail, evidence)
seconds = time.perf_counter() - start
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def main() -> None:
    """Measure each size, and print the figures."""
    parser = argparse.ArgumentParser(description="Time all guardrails over long ledgers.")
    parser.add_argument("--captures", type=Path, default=CAPTURES)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options = parser.parse_args()
    print(json.dumps([_measure(options.captures, runs) for runs in options.runs], indent=2))


def _measure(captures: Path, runs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        ledger = Path(name)
        head = _write(ledger / RUNS, _record(captures, ledger), runs)
        (ledger / HEAD).write_text(head.to_text())
        start = time.perf_counter()
        subprocess.run(["sha256sum", ledger / RUNS], check=True, stdout=subprocess.DEVNULL)
        peer = time.perf_counter() - start
        command = [sys.executable, "-c", _JUDGE, str(captures), str(ledger)]
        done = subprocess.run(command, check=True, capture_output=True)
        seconds, peak = json.loads(done.stdout)
        size = (ledger / RUNS).stat().st_size
    return {
        "runs": runs,
        "ledger_mb": round(size / 1e6, 1),
        "seconds": round(seconds, 3),
        "peak_mb": round(peak, 1),
        "sha256sum_seconds": round(peer, 3),
        "ratio": round(seconds / peer, 2),
    }


def _record(captures: Path, ledger: Path) -> RunRecord:
    """A run that passed, of all that the guardrails judge."""
    table = marker_table()
    evidence = gather(table, find_captures(captures, table), ledger)
    judgements = {name: judge(guardrail, evidence) for name, guardrail in GUARDRAILS.items()}
    return RunRecord(
        previous=ROOT,
        schema_version=1,
        sequence=1,
        recorded_at=datetime(2026, 1, 1, tzinfo=timezone.utc),
        commit="0" * 40,
        dirty=False,
        captures=tuple(evidence.only(sorted(compared(GUARDRAILS))).facts.values()),
        verdicts=dict.fromkeys(GUARDRAILS, Status.PASS),
        states=states_of(judgements),
    )


def _write(path: Path, record: RunRecord, runs: int) -> Head:
    previous = ROOT
    with path.open("wb") as file:
        for line in _lines(record, runs):
            line = line.replace(ROOT.encode(), previous.encode(), 1)
            previous = digest(line)
            file.write(line + b"\n")
    return Head(runs, previous)


def _lines(record: RunRecord, runs: int) -> Iterator[bytes]:
    """The record again and again: the number of the run stands in its sequence and in each identity."""
    template = record.to_line()
    for capture in record.captures:
        template = template.replace(capture.identity.encode(), f"%%{capture.identity[8:]}".encode())
    for number in range(1, runs + 1):
        line = template.replace(b"%%", f"{number:08x}".encode())
        yield line.replace(b'"sequence":1,', b'"sequence":%d,' % number, 1)


if __name__ == "__main__":
    main()
