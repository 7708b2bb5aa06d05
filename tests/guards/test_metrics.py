"""M16.1: LLMK_METRICS.LOG of a conversation is what its log says (firmware/scenarios/chat.toml)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.captures import boots
from tests.programs import bundled_model
from tools.oo.crc32c import crc32c

(BOOT,) = boots("chat")
TURNS = BOOT.markers.of("gen_end")
METRICS: dict[str, Any] = json.loads(BOOT.file("LLMK_METRICS.LOG"))

MISSION_KEYS = [
    "session_start_cycles",
    "total_prefill_cycles",
    "total_decode_cycles",
    "total_prefill_tokens",
    "total_decode_tokens",
    "total_prefill_calls",
    "total_decode_calls",
    "last_prefill_cycles",
    "last_decode_cycles",
    "last_prefill_tokens",
    "last_decode_tokens",
    "sentinel_violations_total",
    "kv_cache_resets",
    "generation_count",
]


def logged(field: str) -> list[int]:
    return [int(str(turn[field])) for turn in TURNS]


def milliseconds(cycles: int) -> float:
    return cycles / float(METRICS["cycles_hz"]) * 1000


def test_the_keys_of_the_mission_come_first_in_their_order() -> None:
    assert list(METRICS)[: len(MISSION_KEYS)] == MISSION_KEYS
    assert METRICS["schema"] == 1


def test_tokens_are_exactly_those_of_the_log() -> None:
    assert len(TURNS) == METRICS["generation_count"] == 3
    assert METRICS["total_prefill_tokens"] == sum(logged("prompt_tokens"))
    assert METRICS["total_decode_tokens"] == sum(logged("tokens"))
    assert METRICS["last_prefill_tokens"] == logged("prompt_tokens")[-1]
    assert METRICS["last_decode_tokens"] == logged("tokens")[-1]
    assert METRICS["kv_cache_resets"] == 2  # /clear
    for generation, turn in zip(METRICS["generations"], TURNS, strict=True):
        assert generation["prompt_tokens"] == turn["prompt_tokens"]
        assert generation["tokens"] == turn["tokens"]
        assert generation["reason"] == turn["reason"]


def test_prefill_and_decode_make_the_whole_loop() -> None:
    for generation in METRICS["generations"]:
        parts = generation["prefill_cycles"] + generation["decode_cycles"]
        assert parts == pytest.approx(generation["loop_cycles"], rel=0.01)
    for phase in ("prefill", "decode"):
        cycles = [generation[f"{phase}_cycles"] for generation in METRICS["generations"]]
        assert METRICS[f"total_{phase}_cycles"] == sum(cycles)
        assert METRICS[f"last_{phase}_cycles"] == cycles[-1]


def test_times_are_those_of_the_log() -> None:
    for generation, turn in zip(METRICS["generations"], TURNS, strict=True):
        for key, field in (("prefill_cycles", "prefill"), ("loop_cycles", "total")):
            assert milliseconds(generation[key]) == pytest.approx(
                float(Decimal(str(turn[field]))), abs=0.01
            )


def test_a_token_s_quantiles_lie_within_its_turn() -> None:
    for generation in METRICS["generations"]:
        assert 0 < generation["p50"] <= generation["p95"] <= generation["p99"]
        mean = generation["decode_cycles"] / generation["decode_calls"]
        assert generation["p50"] == pytest.approx(mean, rel=0.05)
        assert generation["first_token_cycles"] >= generation["prefill_cycles"]


def test_the_numbers_say_what_they_are_of() -> None:
    assert METRICS["model_path"] == BOOT.text("model_loaded", "path")
    assert METRICS["model_bytes"] == int(BOOT.text("model_loaded", "bytes"))
    assert METRICS["build_id"] == f"{int(BOOT.text('version', 'build')):08x}"
    assert METRICS["kernels"] == "avx2" and METRICS["threads"] == 1
    assert METRICS["context"] == int(BOOT.text("model_loaded", "context"))
    assert METRICS["sentinel_violations_total"] == 0


def test_the_digest_is_that_of_the_model_s_file() -> None:
    assert METRICS["model_crc32c"] == f"{crc32c(bundled_model().read_bytes()):08x}"
