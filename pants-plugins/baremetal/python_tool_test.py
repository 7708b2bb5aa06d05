from __future__ import annotations

import pytest
from pants.backend.python.target_types import PythonSourcesGeneratorTarget
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from baremetal import python_tool
from baremetal.cc.testutil import set_options
from baremetal.python_tool import PythonTool, PythonToolRequest
from baremetal.testutil import python_backend_rules


def test_a_tool_without_a_target_is_named() -> None:
    rule_runner = RuleRunner(
        rules=[
            *python_tool.rules(),
            *python_backend_rules(),
            QueryRule(PythonTool, (PythonToolRequest,)),
        ],
        target_types=[PythonSourcesGeneratorTarget],
    )
    rule_runner.write_files({"tools/image/__main__.py": ""})
    set_options(rule_runner)
    with pytest.raises(ExecutionError, match="owns the module `tools.image`"):
        rule_runner.request(PythonTool, [PythonToolRequest("tools.image")])
