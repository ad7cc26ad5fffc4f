"""How today's decision is printed."""

from __future__ import annotations

import pytest

from homeostat.cli.plan import show
from homeostat.loop.deciding.weighing import Plan
from homeostat.types.decision import Action, Alternative, Decision

WEIGHED = Decision(
    id="",
    task="routing",
    time=0.0,
    action=Action.PROMPT,
    because="prompt: answering with other words",
    alternatives=(
        Alternative(action="prompt", gain=500.0, cost=0.25, gain_interval=(300.0, 700.0), says="answering with “sort”"),
        Alternative(action="retrieve", gain=0.0, cost=3.0, gain_interval=(0.0, 0.0), says="this model does not learn"),
        Alternative(action="label", gain=12.0, cost=30.0),
    ),
    chosen="prompt",
)


def test_every_way_with_its_gain_and_cost(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A measured gain has its interval, what was not measured has none; each says what it is."""
    monkeypatch.setenv("COLUMNS", "160")
    plan = Plan(task="routing", policy="p", time=1.0, decision=WEIGHED, weighed=WEIGHED, happens="a turn starts")
    show(plan, {})
    lines = capsys.readouterr().out.splitlines()
    (prompt,) = [line for line in lines if "answering with “sort”" in line]
    assert "500 ± 200" in prompt
    assert "0.25" in prompt
    (retrieve,) = [line for line in lines if "this model does not learn" in line]
    assert "0 ± 0" in retrieve
    (label,) = [line for line in lines if line.strip().startswith("label")]
    assert "±" not in label
    assert lines[-1] == "happens: a turn starts"


def test_a_task_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Only what happens."""
    show(Plan(task="routing", policy="", time=0.0, happens="nothing: no version answers it yet"), {})
    assert "happens: nothing: no version answers it yet" in capsys.readouterr().out
