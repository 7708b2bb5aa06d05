"""What is mutated, and the tests that must notice: a row a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

GUARDRAILS = Path("tools/guardrails")
JUDGES = GUARDRAILS / "judges"


@dataclass(frozen=True)
class Group:
    """Modules, and the folder whose tests are theirs."""

    name: str
    modules: tuple[Path, ...]
    tests: tuple[Path, ...]


_FOUNDATIONS = ("captures", "evidence", "facts", "policy", "statistics", "verdict")
_NO_JUDGES = ("test", "__init__", "conftest")
"""How files of a judge's folder begin that judge nothing. Simulations measure judges."""
SIMULATED = "simulat", "false_alarms", "declared_drift"
"""Words in the names of tests that draw thousands of runs: too dear here, and a threshold has a test of its own."""


def _modules(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith(_NO_JUDGES) and not path.stem.endswith("_simulation"):
            yield path


def _tests(folder: Path) -> tuple[Path, ...]:
    return tuple(
        path for path in sorted(folder.glob("test_*.py")) if not path.stem.endswith("_simulation")
    )


def _folders() -> Iterator[Group]:
    named = tuple(GUARDRAILS / f"{name}.py" for name in _FOUNDATIONS)
    tests = (path.with_name(f"test_{path.name}") for path in named)
    yield Group("foundations", named, tuple(path for path in tests if path.is_file()))
    for folder in sorted(path for path in JUDGES.iterdir() if (path / "__init__.py").is_file()):
        # The modules beside the folders have no tests of their own.
        above = tuple(_modules(JUDGES)) if folder.name == "boots" else ()
        yield Group(folder.name, (*above, *_modules(folder)), _tests(folder))


def groups() -> Mapping[str, Group]:
    """Every group by its name."""
    return MappingProxyType({group.name: group for group in _folders()})
