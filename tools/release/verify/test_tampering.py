"""Whatever is changed of a bundle, it is refused, and for the reason that is that change's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.release.verify.reasons import Reason
from tools.release.verify.signatures import Trust
from tools.release.verify.testing import Releases, look, make_releases
from tools.release.verify.testing_files import Case, file_cases
from tools.release.verify.testing_insider import insider_cases
from tools.release.verify.verify import verify


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    return make_releases(tmp_path_factory.mktemp("releases"))


def refusals(releases: Releases, cases: Iterator[Case]) -> None:
    """Fails at a case that is not refused for one of its own reasons."""
    for case in cases:
        with releases.changed() as bundle:
            case.change(bundle)
            trust = case.trust or Trust(releases.signer.public_key)
            verdict = verify(bundle, trust, installed=case.installed, look=look)
        assert not verdict.accepted, case
        assert verdict.reasons & case.reasons, (case.kind, case.name, verdict.findings)


def test_what_is_unchanged_is_accepted(releases: Releases) -> None:
    for bundle in (releases.newer, releases.older):
        verdict = releases.verify(bundle)
        assert verdict.accepted and not verdict.findings
        assert set(verdict.files) == {path.name for path in bundle.iterdir()}


def test_files_changed_from_outside(releases: Releases) -> None:
    refusals(releases, file_cases(releases))


def test_bundles_changed_by_who_has_the_key(releases: Releases) -> None:
    refusals(releases, insider_cases(releases))


def test_there_are_over_a_thousand_changes_and_every_reason_is_some_change_s_own(
    releases: Releases,
) -> None:
    cases = [*file_cases(releases), *insider_cases(releases)]
    assert len(cases) > 1000
    assert frozenset[Reason]().union(*(case.reasons for case in cases)) == set(Reason)
