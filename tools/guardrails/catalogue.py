"""The guardrails: one row a milestone, from which targets, command line and documentation are checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tools.guardrails.evidence import Evidence
from tools.guardrails.judges import latency
from tools.guardrails.verdict import Judgement


@dataclass(frozen=True)
class Guardrail:
    """One target of tools/guardrails/BUILD."""

    name: str
    judge: Callable[[Evidence], Judgement]
    scenarios: tuple[str, ...]
    """The captures it judges."""
    question: str
    is_remembered: bool = False
    """Its state is kept in the ledger, and the next run goes on from it."""


_ROWS = (
    Guardrail(
        "m9",
        latency.judge,
        ("chat", "organism"),
        "Do boots start within their budgets, and as fast as before?",
    ),
)

GUARDRAILS: Mapping[str, Guardrail] = MappingProxyType({row.name: row for row in _ROWS})
