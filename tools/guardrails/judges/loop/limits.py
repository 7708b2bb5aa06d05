"""M10.1: how much harm a machine may see, by the size of its model and of its memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from tools.guardrails.facts import BootFacts
from tools.guardrails.policy import Policy


class ModelClass(StrEnum):
    """By parameters."""

    TINY = "tiny"
    MEDIUM = "medium"
    LARGE = "large"
    UNKNOWN = "unknown"
    """There is no model."""


class RamTier(StrEnum):
    """By the memory of the machine."""

    LOW = "low"
    MID = "mid"
    HIGH = "high"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Limits:
    """Effective limits."""

    harmful_pct: int
    """The most harmful effects, of 100."""
    streak: int
    """The most harmful effects in a row."""
    samples: int
    """Effects without which nothing is said."""
    because: str
    """Which rule they follow from."""


def model_class(parameters: int | None, policy: Policy) -> ModelClass:
    if not parameters:
        return ModelClass.UNKNOWN
    if parameters <= policy.integer("tiny_max_parameters"):
        return ModelClass.TINY
    is_medium = parameters <= policy.integer("medium_max_parameters")
    return ModelClass.MEDIUM if is_medium else ModelClass.LARGE


def ram_tier(memory_mib: int, policy: Policy) -> RamTier:
    if memory_mib <= 0:
        return RamTier.UNKNOWN
    if memory_mib < policy.integer("low_ram_below_mib"):
        return RamTier.LOW
    return RamTier.MID if memory_mib < policy.integer("high_ram_from_mib") else RamTier.HIGH


def base_limits(policy: Policy) -> Limits:
    """The limits of a machine that is nothing special."""
    return Limits(
        policy.integer("max_harmful_ratio_pct"),
        policy.integer("max_consecutive_failures"),
        policy.integer("min_auto_apply_samples"),
        "the policy's own",
    )


def adapted(base: Limits, model: ModelClass, tier: RamTier) -> Limits:
    """The limits of one kind of machine: stricter where harm is rare, laxer where it is easily had."""
    pct, streak, samples = base.harmful_pct, base.streak, base.samples
    if model == ModelClass.TINY and tier == RamTier.HIGH:
        because = "a tiny model has room in high memory"
        return Limits(max(15, pct - 10), max(1, streak - 1), max(samples, 3), because)
    if model == ModelClass.LARGE or tier == RamTier.LOW:
        because = f"a {model} model in {tier} memory is tight"
        return Limits(min(90, pct + 15), min(10, streak + 1), max(1, samples - 1), because)
    if ModelClass.UNKNOWN == model or tier == RamTier.UNKNOWN:
        return Limits(min(90, pct + 5), streak, samples, "the model or the memory is not known")
    return base


def limits_of(boots: Iterable[BootFacts], policy: Policy) -> Limits:
    """The limits of some boots: where they differ, the strictest hold."""
    base = base_limits(policy)
    if not policy.switch("adaptive_thresholds"):
        return base
    each = [
        adapted(base, model_class(boot.parameters, policy), ram_tier(boot.memory_mib, policy))
        for boot in boots
    ]
    return _strictest(each) if each else base


def _strictest(each: list[Limits]) -> Limits:
    return Limits(
        min(limits.harmful_pct for limits in each),
        min(limits.streak for limits in each),
        max(limits.samples for limits in each),
        "; ".join(sorted({limits.because for limits in each})),
    )
