"""docs/policies.md: every threshold with its default, bounds and former flag, made from policies/*.toml."""

from __future__ import annotations

from collections.abc import Mapping

from tools.guardrails.policy import Policy, Row

_HEAD = """\
# Policies

Every threshold of the guardrails, made by `./pants run tools/guardrails:reliability -- policy docs` from
`tools/guardrails/policies/*.toml`. `--set m9.drift_window=9` replaces a value for one command. Where the value in force
is not the default, the last column says why.
"""

_FLAGS = """\
## Former flags

Where the parameters of the PowerShell scripts (`reliability.ps1`, `m8-reliability.ps1`, `m9-guardrails.ps1` and so on)
went. What is built, booted and judged follows from `./pants package`, `./pants test` and `reliability`; how a boot is
made (memory, time limit, clock) is the scenario's ([scenarios.md](scenarios.md)).
"""

_COMMANDS = {
    "M14ImagePath": "a capture reads the volume back: nothing is taken from an image by hand",
    "M16ExtractMetrics": "the same: `read_back` of the scenario",
    "M16SkipExtract": "the same",
    "M16UpdateBaseline": "`reliability record`: the baseline is what like runs that passed were",
    "M17EnableCIReport": "`./pants test tools/guardrails:m17`",
    "M19EnableBenchmarkPack": "`reliability bench run`",
    "M19BaselineResultsPath": "the first argument of `reliability bench compare`",
    "M19CurrentResultsPath": "the second",
}
"""Flags that are no thresholds, and what does their work."""


def policies_md(policies: Mapping[str, Policy]) -> str:
    """The whole page."""
    sections = [_section(policy) for policy in sorted(policies.values(), key=_number)]
    return "\n".join([_HEAD, *sections, _FLAGS, *_flag_rows(policies), ""])


def _number(policy: Policy) -> tuple[int, str]:
    milestone, _, part = policy.name.partition("_")
    return int(milestone.removeprefix("m")), part


def _section(policy: Policy) -> str:
    lines = [
        f"## {policy.title}",
        "",
        f"| `{policy.name}.` | default | bounds | meaning | in force |",
        "| --- | --- | --- | --- | --- |",
        *(_row(key, row) for key, row in policy.rows.items()),
        "",
    ]
    return "\n".join(lines)


def _row(key: str, row: Row) -> str:
    in_force = f"**{_shown(row.value, row)}**: {row.why}" if row.value is not None else ""
    return f"| `{key}` | {_shown(row.default, row)} | {_bounds(row)} | {row.doc} | {in_force} |"


def _shown(value: object, row: Row) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"{text} {row.unit}".rstrip()


def _bounds(row: Row) -> str:
    if row.type == "switch":
        return "true, false"
    if row.type == "word":
        return ", ".join(row.words)
    return f"{row.minimum} to {row.maximum}"


def _flag_rows(policies: Mapping[str, Policy]) -> list[str]:
    thresholds = {
        flag: f"`{policy.name}.{key}`"
        for policy in policies.values()
        for key, row in policy.rows.items()
        for flag in row.flag.split()
    }
    homes = sorted({**thresholds, **_COMMANDS}.items())
    return ["| flag | now |", "| --- | --- |", *(f"| `{flag}` | {home} |" for flag, home in homes)]
