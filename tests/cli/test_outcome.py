"""What is told of a training when it is over."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.cli.outcome import LIMITS, ended, going_on, outcome
from homeostat.config.load import load
from homeostat.loop.making.learn import ENDED
from homeostat.loop.workshop import Workshop
from homeostat.train.budget import Budget, Spent
from homeostat.types.version import Version

MADE = Version(id="ver_b", task="routing", time=0.0, base="builtin")


@pytest.fixture
def workshop(shop: Path) -> Iterator[Workshop]:
    """The project's workshop; no model is opened in it."""
    opened = Workshop.open(load(shop))
    yield opened
    opened.close()


def test_whether_it_is_any_good(workshop: Workshop) -> None:
    """The loss with the rows fitted, beside that of guessing, where it comes from, and what to ask next."""
    cost = {"held_out": 0.75, "refit": 0.25}
    made = replace(MADE, parent="ver_a", labels=("a", "b", "c"), cost=cost)
    told = outcome(workshop, made)
    assert told == {
        "parent": "ver_a",
        "held_out_loss": 0.5,
        "loss_of_guessing": math.log(3),
        "next": "homeostat eval ver_b",
    }
    counted = outcome(workshop, replace(made, cost=cost | {"steps": 24.0, "cut": 0.0, "lr": 1.0}))
    assert [(name, repr(counted[name])) for name in ("steps", "cut")] == [("steps", "24"), ("cut", "0")]
    assert "lr" not in counted
    solved = replace(made, kind="head", parent="", cost={"held_out": math.inf})
    assert outcome(workshop, solved) == {"next": "homeostat eval ver_b"}


def test_what_ended_it_is_told(workshop: Workshop) -> None:
    """A budget that was spent, or a loss that fell no more, with the steps there were and those there should be; what
    was said last counts, for a run may have been killed between that and its end.
    """
    assert ended(workshop, "ver_b") == ""
    for step in (3, 6):
        workshop.store.events.append("ver_b", "training", {"step": step, "steps": 12})
    workshop.store.events.append("ver_b", ENDED, {"by": "patience", "step": 6.0})
    assert ended(workshop, "ver_b") == "it got no better, after 6 of 12 steps"
    workshop.store.events.append("ver_b", ENDED, {"by": "budget.watt_hours", "step": 3.0})
    assert outcome(workshop, MADE)["ended"] == "its budget of energy was spent, after 3 of 12 steps"


@pytest.mark.parametrize("limit", ["seconds", "flops", "watt_hours", "money"])
def test_every_limit_has_a_word(limit: str) -> None:
    """Whatever a budget says that is reached can be told."""
    reached = Budget(**{limit: 1e-9}).reached(Spent(seconds=9.0, cpu_seconds=9.0), 9.0)
    assert reached == limit
    assert f"budget.{limit}" in LIMITS


def test_a_run_that_was_killed_says_where_it_goes_on(workshop: Workshop) -> None:
    """As long as its checkpoint is there; one that is over has none, and a new one has not reported anything."""
    assert going_on(workshop, "ver_b") == ""
    workshop.store.events.append("ver_b", "training", {"step": 24, "steps": 60})
    assert going_on(workshop, "ver_b") == ""
    (workshop.run_folder("ver_b") / "checkpoint").mkdir(parents=True)
    assert going_on(workshop, "ver_b") == ", going on from step 24"
