"""A workflow as data: jobs, their steps, and the commands that these run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml  # type: ignore[import-untyped] # its types are a package of their own


@dataclass(frozen=True)
class Step:
    """One step of a job."""

    job: str
    number: int
    content: Mapping[str, Any]

    @property
    def place(self) -> str:
        return f"{self.job}, step {self.number} ({self.content.get('name', self.uses)})"

    @property
    def run(self) -> str:
        return str(self.content.get("run", ""))

    @property
    def uses(self) -> str:
        return str(self.content.get("uses", ""))

    def calls(self, program: str) -> Iterator[list[str]]:
        """The words after the program, of each call in the script. A pipe or an operator ends a call."""
        for line in self.run.splitlines():
            words = shlex.split(line, comments=True) if program in line else []
            for at, word in enumerate(words):
                if word == program:
                    yield list(_until_operator(words[at + 1 :]))


def _until_operator(words: list[str]) -> Iterator[str]:
    for word in words:
        if re.match(r"[|&;<>]", word):
            return
        yield word


@dataclass(frozen=True)
class Workflow:
    """A file below .github/workflows."""

    content: Mapping[Any, Any]

    @property
    def triggers(self) -> Mapping[str, Any]:
        triggers: Mapping[str, Any] = self.content[True]  # as which YAML 1.1 reads `on`
        return triggers

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        jobs: Mapping[str, Mapping[str, Any]] = self.content["jobs"]
        return jobs

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(
            Step(job, number, step)
            for job, content in self.jobs.items()
            for number, step in enumerate(content["steps"], start=1)
        )


def parse(text: str) -> Workflow:
    """Raises yaml.YAMLError."""
    return Workflow(yaml.safe_load(text))
