"""A release that waits for a person: nobody hears the candidate before, and who has signed it off is on record."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from mortal import through
from small_project import TASK

from homeostat.alert.causes import of_turn
from homeostat.config.schema import Config, Policy
from homeostat.decide.record import book
from homeostat.errors import NotAwaited
from homeostat.loop.approval import answer, awaiting
from homeostat.loop.workshop import Workshop
from homeostat.release.card import card
from homeostat.types.turn import AWAITING
from homeostat.types.version import State


@pytest.fixture
def reviewing(project: Config) -> Config:
    """The project under a policy whose releases somebody signs off."""
    tasks = {TASK: replace(project.tasks[TASK], policy="asking")}
    policy = Policy(action="review", budget={"retrainings": 3, "cpu_hours": 1})
    return replace(project, tasks=tasks, policies={"asking": policy})


@pytest.mark.slow
def test_a_release_waits_for_its_sign_off(reviewing: Config, undisturbed: dict[str, Any]) -> None:
    """A turn trains, and stops before anybody hears the candidate; once somebody has signed, it leaves what any turn
    leaves, though workers die on the way. Who signed stands on the record of the version.
    """
    left = through(reviewing, ["done:sign"])
    candidate = left["turn"]["diary"]["sign"]
    assert left["turn"]["state"] == AWAITING
    with closing(Workshop.open(reviewing)) as shop:
        assert awaiting(shop.store)[0].because.startswith(f"{candidate} may be released: ")
        assert shop.store.versions.get(candidate).state is State.CANDIDATE
        assert shop.store.releases.current(TASK).candidate == ""
        (alert,) = [of_turn(turn, 7.0) for turn in awaiting(shop.store)]
        assert alert is not None
        assert "wants to release a candidate and waits" in alert.says
        signed = answer(reviewing, shop.store, left["turn"]["id"], yes=True, who="ana", why="read the rehearsal")
        assert signed.diary["signed"] == "approved by ana: read the rehearsal"
    after = through(reviewing, ["begin:cleared", "done:release"])
    assert after["turn"]["state"] == "release"
    extra = {"sign", "signed", "cleared"}
    assert set(after["turn"]["diary"]) - extra == set(undisturbed["turn"]["diary"]) - extra
    with closing(Workshop.open(reviewing)) as shop:
        assert shop.store.aliases.get(TASK, "champion") == candidate
        assert "Sign-off of its release: approved by ana: read the rehearsal." in card(shop.store, candidate)


@pytest.mark.slow
def test_a_release_that_is_rejected_reaches_nobody(reviewing: Config) -> None:
    """The candidate is refused, the turn has ended, and what it took stays booked."""
    waits = through(reviewing)["turn"]
    with closing(Workshop.open(reviewing)) as shop:
        ended = answer(reviewing, shop.store, waits["id"], yes=False, who="ana", why="wrong season")
        assert (ended.state, ended.because) == ("signed", "rejected by ana: wrong season")
        assert shop.store.versions.get(waits["diary"]["sign"]).state is State.REFUSED
        assert len(book(shop.store, "asking")) == 1
        with pytest.raises(NotAwaited, match="wrong season"):
            answer(reviewing, shop.store, waits["id"], yes=True, who="bo", why="")
