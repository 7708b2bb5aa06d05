"""Results of a benchmark pack, from the capture of its scenario."""

from __future__ import annotations

from collections.abc import Iterator

from tools.guardrails.benchmark.corpus import Corpus, CorpusCase
from tools.guardrails.benchmark.results import Answered, BenchmarkError, Failed, Header
from tools.guardrails.captures import Boot, Capture
from tools.guardrails.checkout import Checkout
from tools.guardrails.facts import CaptureFacts, Generation
from tools.markers.parse import Record

_ECHO = "You (autorun): "


def results_jsonl(capture: Capture, facts: CaptureFacts, corpus: Corpus, of: Checkout) -> str:
    """results.jsonl: what was run, and a line a case, also of one that was not answered.

    Raises BenchmarkError: the capture is of another number of boots than one.
    """
    if len(capture.boots) != 1:
        raise BenchmarkError(f"expected a capture of one boot, found {len(capture.boots)}")
    rows = (_header(facts, corpus, of), *_cases(capture.boots[0], facts, corpus))
    return "".join(row.model_dump_json(by_alias=True) + "\n" for row in rows)


def _header(facts: CaptureFacts, corpus: Corpus, of: Checkout) -> Header:
    return Header(
        kind="header",
        schema=1,
        commit=of.commit,
        dirty=of.dirty,
        seed=corpus.sampling.seed,
        corpus_sha256=corpus.sha256,
        model=facts.stratum.model,
        emulator=facts.stratum.emulator,
        cases=tuple(case.id for case in corpus.cases),
    )


def _cases(boot: Boot, facts: CaptureFacts, corpus: Corpus) -> Iterator[Answered | Failed]:
    generations = iter(facts.boots[0].generations)
    for case in corpus.cases:
        turn = _turn(boot, case)
        measured = next(generations, None) if turn is not None else None
        yield _case(boot, case, turn, measured)


def _turn(boot: Boot, case: CorpusCase) -> Record | None:
    """The end of the answer to a case's prompt; None when there is none before the next prompt."""
    lines = boot.serial.split("\n")
    echo = f"{_ECHO}{case.prompt}"
    begin = next((n for n, line in enumerate(lines, 1) if line.rstrip("\r") == echo), None)
    if begin is None:
        return None
    echoes = (n for n, line in enumerate(lines, 1) if n > begin and line.startswith(_ECHO))
    end = next(echoes, len(lines) + 1)
    return next((turn for turn in boot.of("gen_end") if begin < turn.line < end), None)


def _case(
    boot: Boot, case: CorpusCase, turn: Record | None, measured: Generation | None
) -> Answered | Failed:
    if turn is None:
        why = f"{boot.place}: no answer ends after its prompt; the boot ended by {boot.row.outcome}"
        return Failed(kind="case", case_id=case.id, status="failed", why=why)
    if measured is None or measured.tokens != turn["tokens"]:
        why = (
            f"{boot.at(turn)}: LLMK_METRICS.LOG has no generation of {turn['tokens']} tokens for it"
        )
        return Failed(kind="case", case_id=case.id, status="failed", why=why)
    return Answered(
        kind="case",
        case_id=case.id,
        status="ok",
        latency_ms=float(str(turn["total"])),
        prefill_cycles=measured.prefill_cycles,
        prefill_tokens=measured.prompt_tokens,
        decode_cycles=measured.decode_cycles,
        decode_tokens=measured.decode_calls,
        ids=f"{int(str(turn['ids'])):08x}",
    )
