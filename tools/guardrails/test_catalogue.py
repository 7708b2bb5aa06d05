"""The catalogue, the targets of BUILD and the documents say the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.guardrails.catalogue import GUARDRAILS
from tools.guardrails.policy import load_all
from tools.guardrails.policy_table import policies_md

FLAGS = """
SkipPreflight SkipBuild RunQemu TimeoutSec Accel MemMB MaxModelSelectMs MaxModelPrepareMs MaxHarmfulRatioPct
MaxConsecutiveFailures MinAutoApplySamples M11StableStreakNeeded M11CanaryBoots M11MinSamplesForRelease
M11M9StableWindow M11M10StableWindow M11CanaryConfThreshold M12EarlyThreshold M12WarmThreshold M12SteadyThreshold
M12AdjLatencyOptimization M12AdjContextExpansion M12AdjMixed M12AdjUnknown M14RequireJournalParity
M14SkipJournalExtract M14ImagePath M15BaselineWindow M15MinSamplesForDrift M15MaxShareDriftPct M15MaxUnknownSharePct
M151WindowRuns M151WeeklyWindowDays M151TopReasonIds M16ExtractMetrics M16SkipExtract M16WindowRuns
M16DriftThresholdPct M16UpdateBaseline M16RejectOnDrift M17EnableCIReport M17WarnThresholdPct M17FailThresholdPct
M17FailOnDrift M19EnableBenchmarkPack M19RegressionThresholdPct M19FailOnRegression M19BaselineResultsPath
M19CurrentResultsPath
""".split()
"""Of the scripts that this replaces."""


def _listen(build: str, **listeners: Callable[..., None]) -> None:
    """Run a BUILD file with functions that only listen; those of no listener do nothing."""

    def ignore(**_: object) -> None:
        """Another kind of target."""

    kinds = (
        "python_sources",
        "python_tests",
        "python_test_utils",
        "resources",
        "file",
        "files",
        "pex_binary",
    )
    names: dict[str, object] = {**dict.fromkeys(kinds, ignore), **listeners}
    exec(Path(build).read_text(encoding="utf-8"), names)


def _targets() -> dict[str, list[str]]:
    """The captures of each `guardrail` of the BUILD file."""
    found: dict[str, list[str]] = {}

    def guardrail(*, name: str, captures: list[str], **_: object) -> None:
        found[name] = captures

    _listen("tools/guardrails/BUILD", guardrail=guardrail)
    return found


def test_there_is_a_target_for_each_row_with_its_captures() -> None:
    rows = {
        name: [f"firmware/scenarios:{scenario}" for scenario in guardrail.scenarios]
        for name, guardrail in GUARDRAILS.items()
    }
    assert _targets() == rows


def test_a_release_states_every_verdict() -> None:
    found: dict[str, list[str]] = {}

    def release_bundle(*, guardrails: list[str], inputs: dict[str, str], **_: object) -> None:
        found["guardrails"] = [each.removeprefix("tools/guardrails:") for each in guardrails]
        found["policies"] = [
            each.removeprefix("policy.") for each in inputs if each.startswith("policy.")
        ]

    _listen("tools/release/BUILD", release_bundle=release_bundle)
    assert found["guardrails"] == list(GUARDRAILS)
    assert sorted(found["policies"]) == sorted(
        path.stem for path in Path("tools/guardrails/policies").glob("*.toml")
    )


def test_the_page_of_policies_is_made_from_them() -> None:
    """Mended by `reliability policy docs > docs/policies.md`."""
    assert Path("docs/policies.md").read_text(encoding="utf-8") == policies_md(load_all())


def test_every_flag_of_the_scripts_has_a_home() -> None:
    page = policies_md(load_all())
    former = page[page.index("## Former flags") :]
    rows = [line for line in former.splitlines() if line.startswith("| `")]
    named = [line.split("`")[1] for line in rows]
    assert len(FLAGS) == 49
    assert set(FLAGS) <= set(named)
    assert len(set(named)) == len(named)
