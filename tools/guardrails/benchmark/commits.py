"""A commit's benchmark pack, from a clean clone to its results: built there, booted with this checkout's corpus."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.boot import capture as capturing
from tools.boot import installed
from tools.boot.qemu import Firmware
from tools.boot.scenario import ScenarioError
from tools.boot.volume import VolumeError
from tools.guardrails.benchmark.corpus import SCENARIO, load_corpus, scenario_toml
from tools.guardrails.benchmark.pack import results_jsonl
from tools.guardrails.benchmark.results import Answered, BenchmarkError, read_results
from tools.guardrails.captures import read_capture
from tools.guardrails.checkout import checkout
from tools.guardrails.facts import capture_facts
from tools.guardrails.files import replace_file
from tools.markers.table import Table

_TARGET, _IMAGE = "firmware:boot_img", Path("dist/firmware/boot_img.img")


@dataclass(frozen=True)
class Work:
    """Where a commit is built and booted: a folder that is not there yet."""

    repository: Path
    commit: str
    folder: Path

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def log(self) -> Path:
        """What git and the build said."""
        return self.folder / "build.log"


def resolve(repository: Path, name: str) -> str:
    """The full id of a commit. Raises BenchmarkError."""
    command = ("git", "-C", repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchmarkError(f"expected a commit of {repository}, found {name!r}")
    return done.stdout.strip()


def build(work: Work) -> Path:
    """The image of a clean clone. Raises BenchmarkError, which names the log."""
    work.folder.mkdir(parents=True)
    source = work.repository.resolve()
    _run(work, "git", "clone", "--quiet", "--no-checkout", str(source), str(work.clone.resolve()))
    _run(work, "git", "-C", str(work.clone), "checkout", "--quiet", "--detach", work.commit)
    _run(work, "./pants", "--no-pantsd", "package", _TARGET, cwd=work.clone)
    image = work.clone / _IMAGE
    if not image.is_file():
        raise BenchmarkError(f"{work.commit[:12]}: expected {_IMAGE}; see {work.log}")
    return image


def _run(work: Work, *command: str, cwd: Path | None = None) -> None:
    with work.log.open("ab") as log:
        try:
            status = subprocess.run(command, cwd=cwd, stdout=log, stderr=log).returncode
        except OSError as error:
            raise BenchmarkError(f"{work.commit[:12]}: {command[0]}: {error.strerror}") from error
    if status != 0:
        raise BenchmarkError(
            f"{work.commit[:12]}: {' '.join(command[:3])} ended with {status}; see {work.log}"
        )


def measure(work: Work, image: Path, table: Table) -> str:
    """results.jsonl of an image. Raises CaptureError, and BenchmarkError: it did not boot far enough to answer.

    The table is that of this checkout: a commit that words its markers otherwise answers nothing that can be read.
    """
    corpus, scenario = load_corpus(), work.folder / f"{SCENARIO}.toml"
    replace_file(scenario, scenario_toml(corpus))
    output = work.folder / "capture" / SCENARIO
    try:
        capturing.capture(capturing.Inputs(image, scenario, *_emulator()), output)
    except (installed.NotInstalled, ScenarioError, VolumeError, OSError) as error:
        raise BenchmarkError(f"{work.commit[:12]}: {error}") from error
    capture = read_capture(output, table)
    text = results_jsonl(capture, capture_facts(capture), corpus, checkout(work.clone))
    cases = read_results(text.encode()).cases.values()
    if not any(isinstance(case, Answered) for case in cases):
        raise BenchmarkError(
            f"{work.commit[:12]}: expected an answer, found none: the boot ended by {capture.boots[0].row.outcome}; "
            f"see {capture.boots[0].folder / 'serial.log'}"
        )
    return text


def _emulator() -> tuple[Path, Firmware]:
    code = installed.find(installed.OVMF_CODE, None)
    variables = installed.find(installed.OVMF_VARIABLES, None)
    return installed.find(installed.QEMU, None), Firmware(code, variables)
