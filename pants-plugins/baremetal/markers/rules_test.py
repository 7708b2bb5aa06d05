from __future__ import annotations

from pants.backend.cc.target_types import CCSourceField
from pants.engine.fs import DigestContents
from pants.engine.rules import QueryRule
from pants.engine.target import HydratedSources, HydrateSourcesRequest
from pants.testutil.rule_runner import RuleRunner

from baremetal.cc.testutil import address, set_options
from baremetal.markers import rules as markers_rules
from baremetal.markers.target_types import MarkerTableSourceField, MarkerTableTarget
from baremetal.testutil import with_recorded_tools


def test_the_header_is_generated_beside_its_table() -> None:
    rule_runner = RuleRunner(
        rules=[
            *with_recorded_tools(markers_rules.rules()),
            QueryRule(HydratedSources, (HydrateSourcesRequest,)),
        ],
        target_types=[MarkerTableTarget],
    )
    rule_runner.write_files(
        {"fw/BUILD": "marker_table(name='m', source='events.toml')", "fw/events.toml": ""}
    )
    set_options(rule_runner)
    source = rule_runner.get_target(address("fw:m"))[MarkerTableSourceField]
    request = HydrateSourcesRequest(source, for_sources_types=(CCSourceField,), enable_codegen=True)
    generated = rule_runner.request(HydratedSources, [request])
    (header,) = rule_runner.request(DigestContents, [generated.snapshot.digest])
    assert header.path == "fw/events.gen.h"
    assert [line for line in header.content.decode().splitlines() if "argument" in line] == [
        f"argument {argument}"
        for argument in (
            *("tools.markers", "c"),
            *("--table", "fw/events.toml"),
            *("--output", "fw/events.gen.h"),
        )
    ]
