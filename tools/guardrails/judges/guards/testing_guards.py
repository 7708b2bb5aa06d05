"""The boots of scenarios slow_machine and slower_clock as they were, for tests that change one thing in them."""

from __future__ import annotations

from tools.guardrails.judges.testing import Lines, Said, Scene, boot, said, scene

KNOBS = ("temp", "top_p", "top_k", "max_tokens")
OPERATOR = (0.9, 0.95, 60, 10)
TIGHTENED = (0.86, 0.935, 52, 10)
CAPS = (0.7, 0.88, 40, 5)

GUARD = (
    "guardrails=1",
    "guardrails_decode_hard_stop_overruns=4",
    "guardrails_safe_turns=2",
    "guardrails_safe_max_tokens=5",
)
TUNED = (*GUARD, "autotune=1")
DEADLINE = 8840467432
CALIBRATED = said(
    "m18_calibrated",
    decode_cpt=2210116858,
    tokens=18,
    turns=2,
    hi=3315175287,
    lo=2541634386,
    reason_id="M18_CALIBRATED",
)
START: Lines = tuple(map(Said, ("version", "model_loaded", "obs_startup", "repl_ready")))
END: Lines = (said("power", action="off"),)


def turn(tokens: int, pos: int, decode_ms: float, **fields: str | int) -> Said:
    """The end of an answer."""
    given = {"reason": "max_tokens", "step": tokens, "pos": pos, **fields}
    return Said("gen_end", {"tokens": tokens, "decode": decode_ms, **given})


def values(of: tuple[float, ...]) -> dict[str, float]:
    """The fields of a line that shows all four knobs."""
    return dict(zip(KNOBS, of))


def knobs(of: tuple[float, ...], owner: str) -> Lines:
    """What /guard_status shows; a knob at the operator's value is the operator's."""
    return tuple(
        said(
            "knob",
            knob=knob,
            value=value,
            operator=own,
            owner=owner if value != own else "operator",
        )
        for knob, value, own in zip(KNOBS, of, OPERATOR)
    )


def status(active: int, trips: int) -> Said:
    """/guard_status, in slow_machine."""
    return said(
        "m181_status",
        enabled=True,
        hard_stop=4,
        safe_turns=2,
        deadline=DEADLINE,
        active=active,
        trips=trips,
        last_overruns=4 * min(trips, 1),
    )


def move(action: str, cost: int, of: tuple[float, ...], reason: str) -> Said:
    """A move of autotune."""
    shown = values(of)
    return Said(
        "m18_autotune", {"action": action, "decode_cpt": cost, "reason_id": reason, **shown}
    )


STEADY_TURNS: Lines = (turn(10, 13, 19954.868), turn(10, 26, 19998.019))
STOPPED: Lines = (
    turn(5, 34, 58906.73, reason="budget_guard", step=4, overruns=4),
    said(
        "m181_hard_stop",
        overruns=4,
        threshold=4,
        step=4,
        cycles=12227853344,
        deadline=8917712470,
        reason_id="M181_HARD_STOP",
    ),
)
SAFE_ON = Said(
    "m181_safe_mode", {"turns_left": 2, "reason_id": "M181_SAFE_MODE_ON", **values(CAPS)}
)
SAFE_TURNS: Lines = (turn(5, 42, 8918.806), turn(5, 50, 8930.896))


def safe_off(of: tuple[float, ...]) -> Said:
    """The end of a safe mode."""
    return Said("m181_safe_mode_off", {"reason_id": "M181_SAFE_MODE_OFF", **values(of)})


def deadline(cycles: int, ms: float, reason: str) -> Said:
    """The deadline of a session."""
    return said("m181_deadline", cycles=cycles, time=ms, reason_id=reason)


FIXED = deadline(DEADLINE, 8839.010, "M181_DEADLINE_CALIBRATED")

ALONE: Lines = (
    *START,
    *STEADY_TURNS,
    CALIBRATED,
    FIXED,
    status(0, 0),
    *knobs(OPERATOR, "operator"),
    "You (autorun): /test_delay 10000000",
    *STOPPED,
    SAFE_ON,
    status(2, 1),
    *knobs(CAPS, "safety"),
    *SAFE_TURNS,
    safe_off(OPERATOR),
    status(0, 1),
    *knobs(OPERATOR, "operator"),
    turn(10, 63, 20125.297),
    *knobs(OPERATOR, "operator"),
    *END,
)
BESIDE_AUTOTUNE: Lines = (
    *START,
    *STEADY_TURNS,
    CALIBRATED,
    FIXED,
    status(0, 0),
    *knobs(OPERATOR, "operator"),
    "You (autorun): /test_delay 10000000",
    *STOPPED,
    move("tighten", 12127680505, TIGHTENED, "M18_TIGHTEN_SLOW"),
    SAFE_ON,
    status(2, 1),
    *knobs(CAPS, "safety"),
    *SAFE_TURNS,
    safe_off(TIGHTENED),
    status(0, 1),
    *knobs(TIGHTENED, "autotune"),
    turn(10, 63, 20124.877),
    move("relax", 2202498273, OPERATOR, "M18_RELAX_FAST"),
    *knobs(OPERATOR, "operator"),
    *END,
)
STEADY: Lines = (
    *START,
    turn(10, 13, 82536.988),
    turn(10, 26, 82705.167),
    said(
        "m18_calibrated",
        decode_cpt=9147102617,
        tokens=18,
        turns=2,
        hi=13720653925,
        lo=10519168009,
        reason_id="M18_CALIBRATED",
    ),
    deadline(36588410468, 36565.242, "M181_DEADLINE_CALIBRATED"),
    turn(10, 39, 82890.606),
    *END,
)
OFF: Lines = (*START, turn(24, 45, 51149.637), *END)


def slow_machine(alone: Lines = ALONE, beside_autotune: Lines = BESIDE_AUTOTUNE) -> Scene:
    """The guard alone, and beside autotune."""
    boots = boot(*alone), boot(*beside_autotune, given={"config": list(TUNED)})
    return scene("slow_machine", *boots, given={"config": list(GUARD)})


def slower_clock(steady: Lines = STEADY, *, icount_shift: int = 7) -> Scene:
    """A machine that always was slow."""
    slow = boot(*steady, given={"icount_shift": icount_shift})
    return scene("slower_clock", slow, given={"config": ["guardrails=1"]})


def chat(lines: Lines = OFF) -> Scene:
    """A session with neither."""
    return scene("chat", boot(*lines))
