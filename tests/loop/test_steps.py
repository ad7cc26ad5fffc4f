"""The work of single steps, in this process: each leaves a noun under an id of its own, and may be done again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_project import ONSET, START, TASK

from homeostat.curate.snapshot import examples
from homeostat.errors import NotFound
from homeostat.loop import steps
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.proving import judging
from homeostat.loop.steps import Now, once
from homeostat.loop.workshop import Workshop, use
from homeostat.release.registry import promote
from homeostat.train.named import named
from homeostat.types.dataset import Origin
from homeostat.types.decision import Action
from homeostat.types.signal import Moved, Signal
from homeostat.types.turn import Turn
from loop.bystander import NOW, fair


def signal(id: str, at: float) -> Signal:
    return Signal(id=id, task=TASK, time=at, moved=Moved.NOVELTY, detector="d", statistic=2.0, threshold=1.0, n=5)


def test_a_step_is_noted_in_the_diary_once(shop: Workshop) -> None:
    """What it left stands under its name; done again it leaves the same row, and each beginning is told of."""
    for _ in range(2):
        assert once(NOW, "watch", steps.watch) == ""
    (turn,) = shop.store.turns.list(TASK)
    assert (turn.id, turn.time, turn.state, turn.diary) == (NOW.turn, NOW.until, "open", {"watch": ""})
    assert [event.name for event in shop.store.events.list(NOW.turn)] == ["begin", "end", "begin"]


def test_the_moves_of_a_release_share_an_entry(shop: Workshop) -> None:
    """The diary holds the newest of them; a digit inside a name stays."""
    once(NOW, "advance.0", lambda *_: "rel_a")
    once(NOW, "advance.1", lambda *_: "rel_b")
    once(NOW, "train.v2x", lambda *_: "ver_a")
    assert shop.store.turns.get(NOW.turn).diary == {"advance": "rel_b", "train.v2x": "ver_a"}


def test_a_turn_watches_what_no_earlier_one_has(shop: Workshop) -> None:
    """Signals since the last turn that watched and up to its own moment; a drill has watched nothing."""
    for id, at in (("sig_old", ONSET), ("sig_new", ONSET + 100.0), ("sig_later", ONSET + 2000.0)):
        shop.store.signals.put(signal(id, at))
    shop.store.turns.put(Turn(id="trn_0", task=TASK, time=ONSET + 50.0, state="decide", diary={"watch": ""}))
    shop.store.turns.put(Turn(id="trn_drill", task=TASK, time=ONSET * 2, state="release", diary={"push": "rel_1"}))
    assert steps.watch(shop, NOW) == "sig_new"


def test_evidence_is_what_came_since_the_champion(shop: Workshop) -> None:
    """100 labels of which nine in ten are new to it, its accuracy on them, and a gain that is worth having."""
    shop.store.signals.put(signal("sig_1", ONSET))
    evidence = steps.gather(shop, NOW, ["sig_1"])
    assert evidence.n_labels == 100
    assert evidence.requests == 150
    assert evidence.unknown_labels > 0.8
    assert evidence.accuracy is not None
    assert evidence.accuracy.mean < 0.2
    assert evidence.gain.low > 0.3
    assert evidence.since_turn_s == NOW.until - (START + 200.0)
    assert [s.id for s in evidence.signals] == ["sig_1"]


def test_the_expected_cost_grows_with_what_is_trained(shop: Workshop) -> None:
    """Twice the passes cost twice as much; a careful run costs what its share pays for."""

    def cost(attempt: str, **changed: Any) -> float:
        config = replace(shop.config, train=replace(shop.config.train, attempts=(attempt,), **changed))
        return steps.gather(Workshop(config, shop.store), NOW, []).train_cpu_s

    assert cost("naive") > 0
    assert cost("naive", epochs=2 * shop.config.train.epochs) == pytest.approx(2 * cost("naive"))
    assert cost("careful", warm_share=1.0) > cost("careful", warm_share=0.2) > 0


def test_a_decision_made_twice_is_one(shop: Workshop) -> None:
    """Killed after any of its writes and made again, it is the same row, and the ledger counts it once."""
    shop.store.signals.put(signal("sig_1", ONSET))
    first = steps.decide(shop, NOW, "sig_1")
    ledger = shop.store.state.get(f"decide.ledger.{TASK}")
    decision = shop.store.decisions.get(first)

    assert steps.decide(shop, NOW, "sig_1") == first

    assert shop.store.decisions.list(TASK) == [decision]
    assert shop.store.state.get(f"decide.ledger.{TASK}") == ledger
    assert (decision.action, decision.signals) == (Action.RETRAIN, ("sig_1",))
    assert ("rests on", "sig_1") in shop.store.lineage.parents(first)
    assert steps.wants_training(shop, NOW, first) == "yes"


def test_a_recipe_that_was_refused_last_time_is_left_out(shop: Workshop) -> None:
    """The next turn begins with the others; if all were refused, with the last of them."""
    assert steps.attempts(shop, NOW) == "naive careful"
    diary = {"watch": "", "attempts": "naive careful", "judge.naive": "", "judge.careful": "yes"}
    shop.store.turns.put(Turn(id="trn_0", task=TASK, time=ONSET, state="release", diary=diary))
    assert steps.attempts(shop, NOW) == "careful"
    shop.store.turns.put(Turn(id="trn_0", task=TASK, time=ONSET, state="gate", diary={**diary, "judge.careful": ""}))
    assert steps.attempts(shop, NOW) == "careful"


def test_a_dataset_is_what_its_recipe_wants(shop: Workshop) -> None:
    """Without replay the new rows alone; with it as many old ones, and the rest to recall; each recipe's in a row."""
    naive, careful = (steps.curate(shop, NOW, recipe) for recipe in ("naive", "careful"))
    origins = [[row.origin for row in examples(shop.store, id)] for id in (naive, careful)]
    rest = len(steps.remembered(shop, shop.champion(TASK))) - 100
    assert rest > 0
    assert origins == [[Origin.NEW] * 100, [Origin.NEW] * 100 + [Origin.REPLAY] * 100 + [Origin.RECALL] * rest]
    assert shop.store.datasets.get(careful).parents == (shop.champion(TASK).dataset,)


def test_who_starts_from_the_bare_base_learns_everything_anew(shop: Workshop) -> None:
    """A joint retraining takes what the champion learned and what is new, all as new; it is expected to cost more."""
    rows = examples(shop.store, steps.curate(shop, NOW, "joint"))
    known = {row.text for row in steps.remembered(shop, shop.champion(TASK))}
    assert {row.origin for row in rows} == {Origin.NEW}
    assert known < {row.text for row in rows}
    assert len(rows) == len(known) + 100
    cost = [steps._expected_cpu(shop, shop.champion(TASK), 100, len(known), name) for name in ("naive", "joint")]
    assert cost[1] / cost[0] == pytest.approx(len(rows) / 100, rel=0.01)


def test_an_attempt_whose_rows_lack_what_it_learns_from_is_given_up(shop: Workshop) -> None:
    """A recipe that learns from ratings, where there are none, costs a turn that attempt; the diary says why."""
    recipes = {"thumbs": {"like": "naive", "objective": "kto"}}
    use(shop := Workshop(replace(shop.config, train=replace(shop.config.train, recipes=recipes)), shop.store))
    dataset = steps.curate(shop, NOW, "thumbs")
    assert steps.train(shop, NOW, "thumbs", dataset) == ""
    steps.end(shop, NOW, "train", "")
    (turn,) = shop.store.turns.list(TASK)
    assert (
        turn.because == "thumbs: none of 100 replies was rated 0.5 or less, and `kto` learns from disliked ones as well"
    )


def test_an_end_needs_its_noun(shop: Workshop) -> None:
    """A turn is never closed with a reason that nobody gave."""
    use(shop)
    with pytest.raises(NotFound):
        steps.end(shop, NOW, "decide", "dec_none")
    assert shop.store.turns.list(TASK) == []


def test_a_head_is_kept_up_by_turns(shop: Workshop) -> None:
    """A champion that is a head is gone on from by what made it, on the rows that came since; what it remembers is its
    own dataset, what the next one costs is what it cost, and the gate passes what learned the new labels.
    """
    early = Now("trn_0", TASK, ONSET + 60.5)
    dataset, recipe = steps.curate(shop, early, "head"), named("head", shop.config.train)
    made = Lesson(task=TASK, dataset=dataset, recipe=recipe, version="ver_h", parent=shop.champion(TASK))
    head = learn(shop, made)
    promote(shop.store, TASK, head.id, "for a test", now=early.until)
    joint = replace(shop.config, train=replace(shop.config.train, attempts=("careful", "joint")))
    assert steps.attempts(shop, NOW) == "head"
    assert steps.attempts(Workshop(joint, shop.store), NOW) == "head joint"
    held = examples(shop.store, dataset)
    assert {row.text for row in steps.remembered(shop, head)} == {row.text for row in held}
    assert steps.gather(shop, NOW, []).train_cpu_s == head.cost["cpu_seconds"]

    grown = steps.curate(shop, NOW, "head")
    candidate = shop.store.versions.get(steps.train(shop, NOW, "head", grown))
    assert candidate.cost["added"] == len(examples(shop.store, grown)) - len(held) > 50
    report = judging.evaluate(shop, NOW, candidate.id)
    assert judging.passes(shop, NOW, judging.gate(shop, NOW, report, candidate.id)) == "yes"


def test_a_task_that_shall_treat_groups_alike_has_two_attempts_more(shop: Workshop) -> None:
    """Unless one of its own sees to it; nobody else has it."""
    assert steps.attempts(shop, NOW) == "naive careful"
    fair(shop, plan=0.1)
    assert steps.attempts(shop, NOW) == "naive careful reweighed swapped"
    shop.config = replace(shop.config, train=replace(shop.config.train, attempts=("careful", "swapped")))
    assert steps.attempts(shop, NOW) == "careful swapped"
    assert not {option.name for option in steps.gather(shop, NOW, []).options} & set(steps.EVENLY)


def test_a_weighed_recipe_takes_all_that_is_remembered(shop: Workshop) -> None:
    """It begins at the bare base; rows keep the tag that they are weighed by, where they have it."""
    fair(shop, plan=0.1)
    rows = examples(shop.store, steps.curate(shop, NOW, "reweighed"))
    assert len(rows) == 100 + len(steps.remembered(shop, shop.champion(TASK)))
    assert {row.origin for row in rows} == {Origin.NEW}
