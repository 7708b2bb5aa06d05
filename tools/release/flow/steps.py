"""What a release goes through: a row a step (docs/release.md has them as a table)."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tools.release.errors import Exit, ReleaseError
from tools.release.flow.run import Step, Told, command
from tools.release.keys.file_key import FileKey
from tools.release.preflight.checks import Asked, checks
from tools.release.preflight.outcome import Task
from tools.release.preflight.report import run as look
from tools.release.prep.signed import copied, only_bundle, sign_verified

IMAGES = ("firmware:boot_img", "firmware:boot_img_nomodel")
BOOTS = "tools/guardrails:m8_runtime"
BUNDLE = "tools/release:bundle"
_STAMP = re.compile(r"\d\d:\d\d:\d\d\.\d\d \[[A-Z]+\] ")
"""What Pants puts before a line: for a log, not for a page of results."""
TASKS = (Task.PACKAGE, Task.TEST, Task.BOOT)


@dataclass(frozen=True)
class Place:
    """The checkout, and the folder for what the commands said."""

    checkout: Path
    logs: Path

    @property
    def package(self) -> Path:
        """Where `./pants package` leaves the bundle."""
        return self.checkout / "dist" / BUNDLE.replace("/", ".").replace(":", "/")


def steps(place: Place) -> Sequence[Step]:
    """All of them, in order."""
    return (
        Step("preflight", "this machine has what the others need", partial(_preflight, place)),
        Step("package", "the images", _pants(place, "package", "package", *IMAGES)),
        Step("boot", "unattended; markers are judged", _pants(place, "boot", "test", BOOTS)),
        Step("bundle", "with every verdict", _pants(place, "bundle", "package", BUNDLE)),
        Step(
            "verify",
            "signed with a key that is forgotten at once, and verified as anybody would",
            partial(_verify, place),
        ),
    )


def _preflight(place: Place) -> Told:
    report = look(checks(), TASKS, Asked(None, place.checkout))
    missed = sorted({check.id for task in report.tasks for check in report.misses(task)})
    if report.exit == Exit.DONE:
        return Told(True, f"{len(report.outcomes)} checks")
    return Told(False, f"{', '.join(missed)}: see release preflight")


def _pants(place: Place, name: str, *arguments: str) -> Callable[[], Told]:
    """Without the daemon: this may run below one of its own."""
    words = ("./pants", "--no-pantsd", "--no-dynamic-ui", *arguments)

    def act() -> Told:
        told = command(words, place.logs / f"{name}.log", cwd=place.checkout)
        return replace(told, says=_STAMP.sub("", told.says))

    return act


def _verify(place: Place) -> Told:
    try:
        with tempfile.TemporaryDirectory(prefix="release-") as folder:
            bundle = copied(only_bundle(place.package), Path(folder))
            verdict = sign_verified(bundle, FileKey.of(Ed25519PrivateKey.generate()))
    except ReleaseError as error:
        return Told(False, str(error))
    if verdict.accepted:
        return Told(True, f"{verdict.version}: {len(verdict.files)} files accepted")
    reasons = sorted({str(finding.reason) for finding in verdict.findings})
    return Told(False, f"refused: {', '.join(reasons)}")
