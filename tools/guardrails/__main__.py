"""`reliability`: judge boots of the firmware by every milestone, and keep the history of it."""

from __future__ import annotations

import sys

import typer

from tools.guardrails.commands import baseline, bench, boot, dashboard, judging, ledger, policy

app = typer.Typer(
    add_completion=False, help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False
)
app.command()(judging.judge)
app.command()(judging.check)
app.command()(judging.replay)
app.command()(boot.boot)
app.command()(judging.record)
app.command()(dashboard.dashboard)
app.command("explain")(judging.explain_decision)
app.add_typer(ledger.app, name="ledger")
app.add_typer(policy.app, name="policy")
app.add_typer(baseline.app, name="baseline")
app.add_typer(bench.app, name="bench")

if __name__ == "__main__":
    sys.exit(app())
