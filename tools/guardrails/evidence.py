"""What a verdict may rest on: captures, policies and the ledger. Nothing else is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from types import MappingProxyType

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.errors import CaptureError
from tools.guardrails.facts import CaptureFacts, capture_facts
from tools.guardrails.ledger.promotion import Promoted
from tools.guardrails.ledger.store import Ledger
from tools.guardrails.policy import Policy
from tools.markers.table import Table


@dataclass(frozen=True)
class Evidence:
    """One run to be judged, and what came before it."""

    table: Table
    captures: Mapping[str, Capture]
    """By the name of the scenario."""
    policies: Mapping[str, Policy]
    ledger: Ledger
    promoted: Promoted | None = None
    """Its run is the newest that is compared with; None: whichever is the newest."""

    def only(self, scenarios: Collection[str]) -> Evidence:
        """The evidence of some scenarios. Raises CaptureError when a capture is missing."""
        missing = [name for name in scenarios if name not in self.captures]
        if missing:
            raise CaptureError(
                f"expected a capture of {missing[0]}, found {', '.join(self.captures) or 'none'}: "
                f"make it with ./pants package firmware/scenarios:{missing[0]}"
            )
        captures = {name: self.captures[name] for name in scenarios}
        return replace(self, captures=MappingProxyType(captures))

    @property
    def boots(self) -> tuple[Boot, ...]:
        """All boots of all captures."""
        return tuple(boot for name in sorted(self.captures) for boot in self.captures[name].boots)

    @cached_property
    def facts(self) -> Mapping[str, CaptureFacts]:
        """The facts of each capture. Raises CaptureError."""
        return MappingProxyType(
            {name: capture_facts(each) for name, each in sorted(self.captures.items())}
        )

    def baseline(self, facts: CaptureFacts, window: int) -> tuple[CaptureFacts, ...]:
        """The last `window` captures of the stratum in runs that passed, newest first, each run once and never the one
        that is judged."""
        return tuple(islice(self._like(facts), window))

    def _like(self, facts: CaptureFacts) -> Iterator[CaptureFacts]:
        seen = {facts.identity}
        newest = self.promoted.promotion.run if self.promoted else self.ledger.head.lines
        for record in self.ledger.newest_first():
            if record.sequence > newest:
                continue
            for capture in record.captures if record.passed else ():
                if capture.stratum == facts.stratum and capture.identity not in seen:
                    seen.add(capture.identity)
                    yield capture
