"""The four sampling knobs, all in thousandths, so that sums of steps are exact."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tools.guardrails.captures import Boot
from tools.guardrails.judges.given import Configuration
from tools.guardrails.policy import Policy
from tools.markers.parse import Record, Value

Knobs = Mapping[str, int]

KNOBS = ("temp", "top_p", "top_k", "max_tokens")
OFF = 10**18
"""A top_k of 0 picks among all tokens: it is above every other."""


def thousandths(knob: str, value: Value) -> int:
    """A value as a marker has it."""
    found = int(Decimal(str(value)) * 1000)
    return OFF if knob == "top_k" and found == 0 else found


def shown(knobs: Knobs) -> str:
    """For people."""
    return " ".join(f"{knob}={_shown(knobs[knob])}" for knob in KNOBS)


def _shown(value: int) -> str:
    return "0" if value == OFF else f"{value / 1000:g}"


def in_line(record: Record) -> Knobs:
    """The four values of one line."""
    return {knob: thousandths(knob, record[knob]) for knob in KNOBS}


def least(first: Knobs, second: Knobs) -> Knobs:
    """Knob by knob: what is in force when both cap it."""
    return {knob: min(first[knob], second[knob]) for knob in KNOBS}


def operators(boot: Boot) -> Knobs | None:
    """The operator's values, as /guard_status and /autotune_status show them; None where they are not shown, or where
    the operator changed them on the way."""
    seen = {(str(r["knob"]), thousandths(str(r["knob"]), r["operator"])) for r in boot.of("knob")}
    return dict(seen) if len(seen) == len(KNOBS) == len(dict(seen)) else None


def minima(policy: Policy) -> Knobs:
    """Below these autotune moves no knob."""
    return {
        "temp": policy.integer("min_temp_milli"),
        "top_p": policy.integer("min_top_p_milli"),
        "top_k": policy.integer("min_top_k") * 1000,
        "max_tokens": policy.integer("min_max_tokens") * 1000,
    }


def steps(config: Configuration, policy: Policy) -> Knobs:
    """How far autotune moves each knob at a time."""
    return {
        "temp": configured(config, "autotune_step_temp_milli", policy, "step_temp_milli"),
        "top_p": policy.integer("step_top_p_milli"),
        "top_k": configured(config, "autotune_step_top_k", policy, "step_top_k") * 1000,
        "max_tokens": configured(config, "autotune_step_max_tokens", policy, "step_max_tokens")
        * 1000,
    }


def safe_caps(config: Configuration, policy: Policy) -> Knobs:
    """What a safe mode caps the knobs at."""
    return {
        "temp": configured(config, "guardrails_safe_temp_milli", policy, "safe_temp_milli"),
        "top_p": configured(config, "guardrails_safe_top_p_milli", policy, "safe_top_p_milli"),
        "top_k": configured(config, "guardrails_safe_top_k", policy, "safe_top_k") * 1000,
        "max_tokens": configured(config, "guardrails_safe_max_tokens", policy, "safe_max_tokens")
        * 1000,
    }


def configured(config: Configuration, key: str, policy: Policy, default: str) -> int:
    """A whole number of repl.cfg; that of the policy where the key is not set, or is none."""
    text = config.get(key, "")
    return int(text) if text.isascii() and text.isdigit() else policy.integer(default)
