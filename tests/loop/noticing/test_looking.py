"""When the worker opens turns under policies of the file, and who comes first where one budget is for several."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from small_project import ONSET, TASK

from homeostat.config.schema import Policy
from homeostat.decide.record import book, remembered, replayed
from homeostat.loop import steps
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.deciding.weighing import plans
from homeostat.loop.durable import TurnQueue
from homeostat.loop.noticing.looking import due, look
from homeostat.loop.noticing.watching import Watch
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop, use
from homeostat.release.registry import promote
from homeostat.types.decision import Action
from homeostat.types.version import State
from loop.calm import calm_around

OTHER = "alike"


def under(shop: Workshop, **policy: object) -> Workshop:
    """The project under a policy, which all its tasks share."""
    tasks = {name: replace(entry, policy="p") for name, entry in shop.config.tasks.items()}
    made = Workshop(replace(shop.config, tasks=tasks, policies={"p": Policy(**policy)}), shop.store)  # type: ignore[arg-type]
    use(made)
    return made


@pytest.fixture
def both(shop: Workshop) -> Workshop:
    """The project with a second task that has had the same traffic, half of it labeled."""
    store, champion = shop.store, shop.champion(TASK)
    store.versions.put(replace(champion, id="ver_other", task=OTHER, state=State.CANDIDATE))
    promote(store, OTHER, "ver_other", because="for a test", now=ONSET)
    rows = store.interactions.list(TASK)
    store.interactions.add(replace(row, id=f"{row.id}o", task=OTHER, version="ver_other") for row in rows)
    said = store.feedback.list(TASK)
    store.feedback.add(replace(one, id=f"{one.id}o", interaction=f"{one.interaction}o") for one in said[::2])
    tasks = {OTHER: shop.config.tasks[TASK], TASK: shop.config.tasks[TASK]}
    made = Workshop(replace(shop.config, tasks=tasks), store)
    use(made)
    return made


def test_a_schedule_opens_a_turn_once(shop: Workshop, queue: TurnQueue) -> None:
    """The champion is years old: one turn at the first look; the next look is an hour away, and no more due then."""
    yearly = under(shop, any={"schedule": "every year"})
    watch = Watch(yearly, queue)
    watch.tick()
    (turn,) = shop.store.turns.list(TASK)
    assert queue.knows(turn.id)
    shop.store.turns.put(replace(turn, state="decide", diary={"watch": ""}))
    watch.tick()
    later = look(yearly, TASK, shop.champion(TASK), at=time.time() + 7200)
    assert "every 1 year" in later.idle
    assert len(shop.store.turns.list(TASK)) == 1


def test_quiet_hours_open_nothing_and_say_so_once_a_day(shop: Workshop, queue: TurnQueue) -> None:
    """Whatever the triggers say no turn starts; a row says why, which can be made again."""
    silent = under(shop, any={"labels": 5}, quiet=calm_around(clock(shop.config, shop.store, TASK)), look="")
    watch = Watch(silent, queue)
    for _ in range(3):
        watch.tick()
    (row,) = shop.store.decisions.list(TASK)
    assert (row.action, row.policy) == (Action.WAIT, "p")
    assert row.because.startswith("wait: no decision is due (no turn starts before 20")
    assert replayed(shop.store, row.id) == row
    assert shop.store.turns.list(TASK) == []


def test_what_did_not_fire_is_a_row_too(shop: Workshop, queue: TurnQueue) -> None:
    """With the number that is missing."""
    Watch(under(shop, any={"labels": 120}), queue).tick()
    (row,) = shop.store.decisions.list(TASK)
    assert "no decision is due (labels: 100 of 120 new labels)" in row.because
    assert remembered(shop.store, "p", TASK).told == row.time


def test_one_look_an_hour(shop: Workshop) -> None:
    """Between two looks nobody looks, however much is new; `look` says how often."""
    patient = under(shop, any={"labels": 120})
    champion = shop.champion(TASK)
    assert due(patient, TASK, champion) is None
    eager = under(shop, any={"labels": 5})
    assert due(eager, TASK, champion) is None
    assert due(under(shop, any={"labels": 5}, look=""), TASK, champion) is not None


def test_who_wins_most_comes_first_and_the_others_wait(both: Workshop, queue: TurnQueue) -> None:
    """One retraining for two tasks: the better one gets it, in the plan as in the turns; the other is told why not."""
    shop = under(both, any={"labels": 10}, budget={"retrainings": 1})
    planned = plans(shop, [OTHER, TASK])
    assert [plan.decision.action for plan in planned if plan.decision] == [Action.RETRAIN, Action.WAIT]
    second = planned[1].decision
    assert second is not None
    assert "it waits for budget: 0 of 1 retrainings are left of this month" in second.because
    Watch(shop, queue).tick()
    turns = sorted(shop.store.turns.list(), key=lambda turn: turn.task == planned[1].task)
    assert [turn.task for turn in shop.store.turns.list()] == [plan.task for plan in planned]
    made = [
        shop.store.decisions.get(steps.decide(shop, now, steps.watch(shop, now)))
        for now in (Now(turn.id, turn.task, turn.time) for turn in turns)
    ]
    assert [one.action for one in made] == [Action.RETRAIN, Action.WAIT]
    assert [one.turn for one in book(shop.store, "p")] == [turns[0].id]
    assert all(replayed(shop.store, one.id) == one for one in made)
    again = Now(turns[1].id, turns[1].task, turns[1].time)
    assert steps.decide(shop, again, "") == made[1].id


def test_a_task_whose_right_answers_are_worth_more_comes_first(both: Workshop) -> None:
    """Both wait for one budget; what the second one is worth by itself decides, and its decision is made by it."""
    shop = under(both, any={"labels": 10}, budget={"retrainings": 1})
    before, after = (plan.task for plan in plans(shop, [OTHER, TASK]))
    worth = {after: {"value_per_correct": 1000.0}, before: {}}
    tasks = {name: replace(entry, decide=worth[name]) for name, entry in shop.config.tasks.items()}
    rich = Workshop(replace(shop.config, tasks=tasks), shop.store)
    use(rich)
    planned = plans(rich, [OTHER, TASK])
    assert [plan.task for plan in planned] == [after, before]
    assert [plan.decision.action for plan in planned if plan.decision] == [Action.RETRAIN, Action.WAIT]
    assert planned[0].decision is not None
    assert "(worth " in planned[0].decision.because


def test_a_cool_down_follows_a_retraining(shop: Workshop, queue: TurnQueue) -> None:
    """After a decision to retrain nothing is due until the time is over, though labels are."""
    calm = under(shop, any={"labels": 10}, cool_down="7d", look="")
    Watch(calm, queue).tick()
    (turn,) = shop.store.turns.list(TASK)
    now = Now(turn.id, TASK, turn.time)
    assert shop.store.decisions.get(steps.decide(calm, now, "")).action is Action.RETRAIN
    champion = shop.champion(TASK)
    at = book(shop.store, "p")[0].time
    shop.store.turns.put(replace(turn, state="failed", time=ONSET - 1.0))
    assert "the next retraining may come at" in look(calm, TASK, champion, at=at + 6 * 86_400).idle
    assert look(calm, TASK, champion, at=at + 8 * 86_400).idle == ""
    (plan,) = plans(calm, [TASK])
    assert plan.next == at + 7 * 86_400
