"""After an erasure the worker makes the champion again by itself, tries it, and removes the old one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest
from mortal import Worker
from small_project import TASK, Gateway

from homeostat.config.schema import Config, Decide, Policy
from homeostat.curate.snapshot import examples
from homeostat.loop.steps import Now
from homeostat.loop.undoing.erase import erase, look, plan
from homeostat.loop.undoing.rebuilding import STORY, due, made, nothing_left
from homeostat.loop.workshop import Workshop
from homeostat.release.rollout import open_shadow
from homeostat.store.erased import learned_from_erased
from homeostat.types.release import Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State
from loop.undoing.test_erase import USER, WORDS, lived


@pytest.fixture
def project(project: Config) -> Config:
    """The project, in which no turn is opened for labels or signals."""
    return replace(project, decide=Decide(min_labels=100_000))


def test_when_a_version_is_made_again(shop: Workshop) -> None:
    """Once for a champion that has learned from erased rows; not where none has, where a candidate is tried meanwhile,
    where it was tried already, and where a policy leaves retraining to a person.
    """
    first = shop.champion(TASK)
    assert due(shop, TASK, first.id, 5.0) is None
    erase(shop, plan(shop, "", [examples(shop.store, first.dataset)[0].text]))
    turn = due(shop, TASK, first.id, 5.0)
    assert turn is not None
    assert (turn.task, turn.time, list(turn.diary), turn.story) == (TASK, 5.0, [STORY], "rebuild")
    task = replace(shop.config.tasks[TASK], policy="asking")
    asking = replace(shop.config, tasks={TASK: task}, policies={"asking": Policy(action="propose")})
    with closing(Workshop.open(asking)) as other:
        assert due(other, TASK, first.id, 5.0) is None
    shop.store.versions.put(replace(first, id="ver_tried", state=State.CANDIDATE))
    open_shadow(shop.store, TASK, "ver_tried", now=6.0)
    assert due(shop, TASK, first.id, 5.0) is None
    shop.store.turns.put(turn)
    assert due(shop, TASK, first.id, 5.0) is None


def test_where_nothing_is_left_the_turn_says_so(shop: Workshop) -> None:
    """Of a champion of whose rows none is left nothing can be made; the turn ends with that reason."""
    first = shop.champion(TASK)
    erase(shop, plan(shop, "", [row.text for row in examples(shop.store, first.dataset)]))
    now = Now("trn_1", TASK, 5.0)
    shop.store.turns.put(Turn(id=now.turn, task=TASK, time=5.0, diary={STORY: ""}))
    assert made(shop, now) == ""
    assert nothing_left(shop, now) == STORY
    assert "nothing is left" in shop.store.turns.get(now.turn).because


@pytest.mark.slow
def test_the_worker_replaces_it(shop: Workshop, workers: Callable[..., Worker]) -> None:
    """While traffic goes on a user is erased. The worker, which had their rows in its memory, makes the champion again,
    tries it in shadow and canary, has it answer everybody, and removes the old one's weights; nothing of the user is
    left, nor comes back.
    """
    second = lived(shop)
    gateway, worker = Gateway(shop), workers()
    assert gateway.serve(lambda: worker.watching and shop.store.state.get(f"index:{second.id}"))
    done = erase(shop, plan(shop, USER))
    assert done.flagged == {second.id: TASK}

    def replaced() -> bool:
        ended = [turn for turn in shop.store.turns.list(TASK) if STORY in turn.diary and "erase" in turn.diary]
        return bool(ended) or not worker.alive

    assert gateway.serve(replaced)
    assert worker.alive
    (turn,) = shop.store.turns.list(TASK)
    assert (turn.state, list(turn.diary)) == ("release", [STORY, "release", "stage", "advance", "end", "erase"])
    assert shop.store.releases.current(TASK).stage is Stage.FULL  # type: ignore[union-attr]
    assert shop.champion(TASK).id == turn.diary[STORY]
    assert shop.champion(TASK).id not in learned_from_erased(shop.store)
    assert shop.store.versions.get(second.id).state is State.ERASED
    worker.stop()
    assert erase(shop, plan(shop, "")).complete
    assert look(shop, [*WORDS, USER]).nothing
    assert shop.store.verify() == []
