"""What the gate will ask of the next candidate, printed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.config.load import load
from homeostat.errors import NothingReleased
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.suite import Case, Suite


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A champion that knows one label of two, and twelve test rows of four users, ten of which are shown."""
    with closing(Workshop.open(load(small))) as shop:
        champion(shop.store, "old", labels=("refund",))
        rows = [
            Exam(text=f"row {k}", target=("refund", "delivery")[k % 2], time=START + k, tags={"user": f"u{k % 4}"})
            for k in range(12)
        ]
        shop.put_suite("routing", rows)
        request(shop.store, 9, "ver_old")
        yield shop


def test_what_the_gate_will_ask_is_told_before_there_is_a_candidate(
    homeostat: Run, small: Path, workshop: Workshop
) -> None:
    """Each claim with the users that it takes and those that are there, suites too; nothing is written or spent."""
    cases = tuple(Case(text=f"case {k}", expect="refund") for k in range(3))
    keep(workshop.store, Suite(name="golden", task="routing", check="equals", cases=cases))
    found = homeostat("account", "routing", "--next", "--config", small, "--json").json
    assert (found["task"], found["champion"], found["candidate"]) == ("routing", "ver_old", 1)
    claims = {one["name"]: one for one in found["needs"]}
    assert {"overall", "new labels", "known labels", "suite golden"} <= set(claims)
    assert (claims["overall"]["there"], claims["overall"]["rows"]) == (4, 10)
    assert claims["overall"]["needed"] > 300
    assert claims["overall"]["asked"]
    assert not claims["known labels"]["asked"]
    assert (claims["suite golden"]["there"], claims["suite golden"]["asked"]) == (3, False)
    ran = homeostat("account", "routing", "--next", "--config", small)
    assert "the gate will ask of the next candidate of routing" in ran.out
    assert "better by 5.0 points" in ran.out
    assert "4 (10 rows)" in ran.out
    assert "more would show a gain of 5.0 points four times of five" in ran.out
    assert workshop.store.verdicts.list() == []


def test_a_family_of_cases_is_counted_once(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Five cases in two families and one by itself are three, as the gate will count them."""
    cases = tuple(Case(text=f"case {k}", expect="refund", family=("a", "b", "a", "b", "")[k]) for k in range(5))
    keep(workshop.store, Suite(name="golden", task="routing", check="equals", cases=cases, under=("shouted",)))
    found = homeostat("account", "routing", "--next", "--config", small, "--json").json
    there = {one["name"]: one["there"] for one in found["needs"]}
    assert (there["suite golden"], there["suite golden under shouted"]) == (3, 3)


def test_a_task_that_nothing_answers_is_told_so(homeostat: Run, small: Path) -> None:
    """There is no champion beside whom a candidate would stand."""
    assert homeostat("account", "routing", "--next", "--config", small).code == NothingReleased.exit
