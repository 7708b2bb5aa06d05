"""Looking at the machine: processor, memory, disks, clock, checkout."""

from __future__ import annotations

import datetime
import os
import tempfile
from pathlib import Path

from tools.release.errors import ReleaseError
from tools.release.flash.device import removable_disks
from tools.release.preflight import programs
from tools.release.preflight.outcome import Outcome, missing, ok, unknown

_MIB = 1024 * 1024
_YEARS = 10 * 365 * 86400  # seconds; a clock that far ahead of the newest commit is wrong


def look_at_kind() -> Outcome:
    """The operating system and the processor."""
    machine = os.uname()
    found = f"{machine.sysname} {machine.machine}"
    return ok(found) if found == "Linux x86_64" else missing(f"{found}, expected Linux x86_64")


def look_at_memory(needed_mib: int, meminfo: Path = Path("/proc/meminfo")) -> Outcome:
    """What the kernel says could be used now."""
    try:
        rows = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
        available = int(rows["MemAvailable"].split()[0]) // 1024
    except (OSError, ValueError, LookupError) as error:
        return unknown(f"{meminfo} does not say: {error!r}")
    found = f"{available} MiB available, {needed_mib} needed"
    return ok(found) if available >= needed_mib else missing(found)


def look_at_room(folder: Path, needed_mib: int) -> Outcome:
    """What may be written at a place, which need not be there yet."""
    try:
        place = next(each for each in (folder, *folder.parents) if each.exists())
        status = os.statvfs(place)
    except (OSError, StopIteration) as error:
        return unknown(f"cannot look at {folder}: {error}")
    free = status.f_bavail * status.f_frsize // _MIB
    found = f"{folder}: {free} MiB free, {needed_mib} needed"
    if not os.access(place, os.W_OK | os.X_OK):
        return missing(f"{place} cannot be written to")
    return ok(found) if free >= needed_mib else missing(found)


def look_at_cache(needed_mib: int) -> Outcome:
    """Where ./pants keeps Pants, wheels and results."""
    environment = os.environ
    home = environment.get("XDG_CACHE_HOME") or (
        f"{environment['HOME']}/.cache" if environment.get("HOME") else ""
    )
    place = environment.get("LLM_BAREMETAL_CACHE") or (home and f"{home}/llm-baremetal")
    if not place.startswith("/"):
        return missing(f"expected an absolute place for the cache, found {place!r}")
    return look_at_room(Path(place), needed_mib)


def look_at_temporary(needed_mib: int) -> Outcome:
    """Where boots and unpacked images go."""
    try:
        return look_at_room(Path(tempfile.gettempdir()), needed_mib)
    except FileNotFoundError as error:
        return missing(str(error))


def look_at_clock(checkout: Path) -> Outcome:
    """Expiry and certificates depend on it. It cannot be earlier than the commit that is being worked on."""
    output = programs.git(checkout, "log", "-1", "--format=%ct")
    if output is None or not output.strip().isdecimal():
        return unknown(f"{checkout} has no commit to compare it with")
    commit, now = int(output), int(datetime.datetime.now(datetime.UTC).timestamp())
    found = f"{_day(now)}, newest commit {_day(commit)}"
    return ok(found) if commit <= now <= commit + _YEARS else missing(found)


def look_at_changes(checkout: Path) -> Outcome:
    """A release is of a commit."""
    output = programs.git(checkout, "status", "--porcelain")
    if output is None:
        return unknown(f"{checkout}: git does not say")
    changes = len(output.splitlines())
    return missing(f"{changes} files differ from the commit") if changes else ok("none")


def look_for_stick(root: Path = Path("/")) -> Outcome:
    """Disks that flash would write to, and the right to."""
    try:
        names = removable_disks(root)
    except ReleaseError as error:
        return unknown(str(error))
    if not names:
        return missing("no removable disk with a medium")
    closed = [name for name in names if not os.access(root / "dev" / name, os.R_OK | os.W_OK)]
    if closed == names:
        return missing(f"no right to write to {', '.join(closed)}: run it as root")
    return ok(", ".join(name for name in names if name not in closed))


def _day(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d")
