"""Where the numbers of a decision come from: the operator's configuration, policy.cfg, or the firmware itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.guardrails.captures import Boot, Capture
from tools.guardrails.errors import CaptureError
from tools.guardrails.policy_file import Owner
from tools.markers.parse import Record, Value

CONFIG, POLICY = "repl.cfg", "policy.cfg"
MILESTONES: Mapping[str, str] = MappingProxyType(
    {Owner.QUARANTINE: "m10", Owner.CANARY: "m11", Owner.CURRICULUM: "m12"}
)
"""Whose decision a setting of policy.cfg is."""


@dataclass(frozen=True)
class Key:
    """A key of repl.cfg that decides a number of a marker."""

    default: str
    aliases: tuple[str, ...] = ()


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "oo_enable": Key("0", ("oo", "organism")),
        "oo_auto_apply": Key("0", ("oo_auto",)),
        "oo_plan_enable": Key("0", ("oo_plan", "oo_multi_plan")),
        "oo_plan_max_actions": Key("2", ("oo_plan_max", "oo_max_actions")),
        "oo_conf_gate": Key("0", ("oo_confidence_gate", "oo_conf_gate_enable")),
        "oo_conf_threshold": Key("60", ("oo_confidence_threshold",)),
        "oo_consult_log": Key("1", ("oo_log",)),
        "autotune": Key("0", ("m18_autotune",)),
        "autotune_step_top_k": Key("8"),
        "autotune_step_max_tokens": Key("16"),
        "autotune_step_temp_milli": Key("40"),
        "guardrails": Key("0", ("m181_guardrails",)),
        "guardrails_decode_hard_stop_overruns": Key("6"),
        "guardrails_safe_turns": Key("2"),
    }
)
_NAMES = {name: key for key, row in KEYS.items() for name in (key, *row.aliases)}

GOVERNED: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("oo_confidence", "threshold"): "oo_conf_threshold",
        ("oo_blocked", "threshold"): "oo_conf_threshold",
        ("oo_consulted", "threshold"): "oo_conf_threshold",
        ("oo_confidence", "gate"): "oo_conf_gate",
        ("oo_consulted", "gate"): "oo_conf_gate",
        ("oo_plan", "enabled"): "oo_plan_enable",
        ("oo_plan", "max"): "oo_plan_max_actions",
        ("m181_hard_stop", "threshold"): "guardrails_decode_hard_stop_overruns",
        ("m181_safe_mode", "turns_left"): "guardrails_safe_turns",
        ("m18_status", "enabled"): "autotune",
        ("m18_status", "step_top_k"): "autotune_step_top_k",
        ("m18_status", "step_max_tokens"): "autotune_step_max_tokens",
        ("m18_status", "step_temp_milli"): "autotune_step_temp_milli",
    }
)
"""Fields of markers whose value is that of a key."""

_SWITCHES = {
    "true": "1",
    "yes": "1",
    "on": "1",
    "enforced": "1",
    "false": "0",
    "no": "0",
    "off": "0",
    "log_only": "0",
}

Kind = Literal["firmware", "default", "image", "operator", "policy.cfg", "unexplained"]


@dataclass(frozen=True)
class Source:
    """Where a number comes from."""

    kind: Kind
    says: str


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    path: str
    text: str
    repeat: int = 1


class _Given(BaseModel):
    """What a scenario does to the files of its volume, as far as it matters here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    remove: tuple[str, ...] = ()
    config: tuple[str, ...] | None = None
    files: tuple[_File, ...] = ()

    def lines(self, path: str) -> tuple[str, ...] | None:
        """Of a text file that is written or removed; None when it is left as it is."""
        pieces = [file.text * file.repeat for file in self.files if file.path.lower() == path]
        if pieces:
            return tuple("".join(pieces).splitlines())
        if path == CONFIG and self.config is not None:
            return self.config
        return () if path in map(str.lower, self.remove) else None


@dataclass(frozen=True)
class Settings:
    """What a boot was told."""

    operator: Mapping[str, str] | None
    """Values of the scenario's repl.cfg; None when the boot had that of the image."""
    policy: Mapping[str, tuple[str, str]] | None
    """Owner and value of each setting of policy.cfg; None when there was one whose text is not among the evidence."""
    owners: str
    """Of policy.cfg, as the boot named them; empty without one."""
    warnings: Mapping[str, str]
    """What the boot said of keys that it did not take as written."""

    def says(self, key: str) -> str:
        """The value of a key, as far as it is known."""
        if self.policy and key in self.policy:
            return self.policy[key][1]
        return (self.operator or {}).get(key, KEYS[key].default)

    def source(self, key: str, value: Value) -> Source:
        """Where the value that a boot used comes from."""
        used = _plain(value)
        if self.policy and key in self.policy:
            return self._of_policy(key, used, *self.policy[key])
        found = self._of_operator(key, used)
        if found.kind == "unexplained" and self.policy is None:
            return Source("policy.cfg", f"{POLICY}, of {self.owners}, which is not read back")
        return found

    def _of_policy(self, key: str, used: str, owner: str, value: str) -> Source:
        line = f"{owner}.{key}={value}"
        if used != value:
            return Source("unexplained", f"{POLICY} says {line}")
        return Source("policy.cfg", f"{POLICY}: {line}, decided by {MILESTONES[owner]}")

    def _of_operator(self, key: str, used: str) -> Source:
        if self.operator is None:
            return Source("image", f"{CONFIG} of the image, or the default of {key}")
        value = self.operator.get(key)
        if value == used:
            return Source("operator", f"{CONFIG}: {key}={value}")
        if value is not None and key in self.warnings:
            return Source("operator", f"{CONFIG}: {key}={value}: {self.warnings[key]}")
        if value is None and used == KEYS[key].default:
            return Source("default", f"no line of {CONFIG} has {key}")
        says = f"the default is {KEYS[key].default}" if value is None else f"{CONFIG} says {value}"
        return Source("unexplained", f"{says}, for {key}")


def settings_of(capture: Capture, boot: Boot) -> Settings:
    """What a boot of a capture was told. Raises CaptureError."""
    given = [_given(boot.place, capture.run.scenario.given)]
    given += [_given(boot.place, row.given) for row in capture.run.boots[: boot.number]]
    config, policy = (_last(given, path) for path in (CONFIG, POLICY))
    return Settings(
        None if config is None else MappingProxyType(_values(config)),
        _policy(boot, policy),
        ", ".join(str(record["owners"]) for record in boot.of("policy")),
        {
            _NAMES.get(str(record["key"]).lower(), ""): str(record["problem"])
            for record in boot.of("cfg_warning")
        },
    )


def _given(place: str, content: Mapping[str, object]) -> _Given:
    try:
        return _Given.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CaptureError(f"{place}: run.json: given.{where}: {first['msg']}") from error


def _last(given: list[_Given], path: str) -> tuple[str, ...] | None:
    written = [lines for each in given if (lines := each.lines(path)) is not None]
    return written[-1] if written else None


def _values(lines: tuple[str, ...]) -> dict[str, str]:
    """Keys of KEYS as a boot reads them: aliases are the key, the last line counts."""
    pairs = (line.partition("#")[0].partition("=") for line in lines if not line.startswith(";"))
    named = {
        _NAMES.get(name.strip().lower(), ""): _plain(value.strip()) for name, _, value in pairs
    }
    return {key: value for key, value in named.items() if key}


def _policy(boot: Boot, given: tuple[str, ...] | None) -> Mapping[str, tuple[str, str]] | None:
    said = boot.of("policy")
    if not said:
        return {}
    if said[-1]["reason_id"] == "POLICY_CORRUPT":
        return {"oo_auto_apply": ("quarantine", "0")}
    content = boot.file(POLICY)
    lines = given if content is None else tuple(content.decode(errors="replace").splitlines())
    return None if lines is None else _policy_values(lines)


def _policy_values(lines: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for owner in Owner:
        mine = tuple(
            line.removeprefix(f"{owner}.") for line in lines if line.startswith(owner + ".")
        )
        found |= {key: (owner, value) for key, value in _values(mine).items()}
    return found


def _plain(value: Value) -> str:
    """A value as repl.cfg has it: switches are 1 and 0."""
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return _SWITCHES.get(text.lower(), text)


def field_source(settings: Settings, record: Record, field: str, doc: str) -> Source:
    """Where a field of a marker comes from; `doc` is what the marker table says of it."""
    key = GOVERNED.get((record.id, field))
    if key is None:
        return Source("firmware", doc)
    if key == "oo_plan_max_actions" and not record["enabled"]:
        return _lone_action(record[field])
    return settings.source(key, record[field])


def _lone_action(value: Value) -> Source:
    if value != 1:
        return Source("unexplained", "without oo_plan_enable a boot applies one action")
    return Source("firmware", "one action a boot, without oo_plan_enable")
