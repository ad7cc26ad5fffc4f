"""The watch: reads what is new, writes signals, and opens one turn where one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from small_project import ONSET, TASK, said

from homeostat.config.schema import Decide
from homeostat.decide.trigger.counts import UNASKED
from homeostat.loop import steps, watching
from homeostat.loop.durable import TurnQueue
from homeostat.loop.erase import erase, plan
from homeostat.loop.held import book
from homeostat.loop.steps import Now
from homeostat.loop.watching import Watch
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Moved
from homeostat.types.turn import Turn


def turns(shop: Workshop) -> Sequence[Turn]:
    return shop.store.turns.list(TASK)


def put_end(shop: Workshop, state: str = "decide") -> None:
    """Have the newest turn end, as its own steps would."""
    shop.store.turns.put(replace(turns(shop)[-1], state=state, diary={"watch": ""}))


def state_again(shop: Workshop, n: int, at: float, *, right: bool = False) -> None:
    """`n` users say something more about what they said already."""
    state(shop, shop.store.interactions.list(TASK)[-n:], at, right=right)


def state(shop: Workshop, rows: Sequence[Interaction], at: float, *, right: bool = False) -> None:
    """Somebody says of each of these whether it was right."""
    more = [
        replace(said(row, row.reply if right else "leak", at + k), id=f"fbk_{at}_{k}") for k, row in enumerate(rows)
    ]
    shop.store.feedback.add(more)


def test_what_moved_is_told_and_a_turn_is_opened(shop: Workshop, queue: TurnQueue) -> None:
    """One look at traffic with new labels: signals with examples, and a turn that looks up to the newest label."""
    Watch(shop, queue).tick()

    signals = shop.store.signals.list(TASK)
    assert signals
    assert all(signal.time >= ONSET for signal in signals)
    moved = [shop.store.interactions.get(id).time >= ONSET for signal in signals for id in signal.examples]
    assert sum(moved) > len(moved) / 2
    (turn,) = turns(shop)
    assert (turn.state, turn.time) == ("open", max(f.time for f in shop.store.feedback.list(TASK)))
    assert queue.knows(turn.id)


def test_what_moved_in_another_slice_is_told_too(shop: Workshop, queue: TurnQueue) -> None:
    """What was told of one slice keeps quiet the same of that slice alone, until a turn has looked."""
    watch = Watch(shop, queue)
    watch.tick()
    told = shop.store.signals.list(TASK)[0]
    assert watch._known(replace(told, id="sig_x", time=told.time + 9.0))
    assert not watch._known(replace(told, id="sig_x", slice="language=de"))
    shop.store.signals.put(replace(told, id="sig_x", slice="language=de"))
    assert watch._known(replace(told, id="sig_y", slice="language=de"))
    assert not watch._known(replace(told, id="sig_y", slice="language=fr"))
    put_end(shop)
    looked = replace(turns(shop)[-1], time=told.time + 5.0)
    shop.store.turns.put(looked)
    assert not watch._known(replace(told, id="sig_y", time=told.time + 9.0))
    shop.store.signals.put(replace(told, id="sig_z", time=told.time + 9.0))
    assert watch._known(replace(told, id="sig_y", time=told.time + 9.0))


def test_looking_again_tells_nothing_twice(shop: Workshop, queue: TurnQueue) -> None:
    """Neither the same watch nor one of a new worker writes a signal again or opens a second turn."""
    watch = Watch(shop, queue)
    watch.tick()
    told = shop.store.signals.list(TASK)
    watch.tick()
    Watch(shop, queue).tick()
    assert shop.store.signals.list(TASK) == told
    assert len(turns(shop)) == 1


def test_what_an_older_release_put_down_is_begun_anew(shop: Workshop, queue: TurnQueue) -> None:
    """A state without all that a watcher has to know is not gone on from: the version's rows are read again."""
    key = f"watcher:{shop.champion(TASK).id}"
    shop.store.state.put(key, {"task": TASK, "cursor": [ONSET + 1e6, "int_z"], "detector": {}})
    Watch(shop, queue).tick()
    assert shop.store.signals.list(TASK)
    assert "traffic" in shop.store.state.get(key)


def test_labels_that_come_before_the_first_step_open_no_second_turn(shop: Workshop, queue: TurnQueue) -> None:
    """A turn that waits in the queue is under way already, whatever is said meanwhile."""
    watch = Watch(shop, queue)
    watch.tick()
    state_again(shop, 100, ONSET + 1000.0)
    watch.tick()
    assert len(turns(shop)) == 1


def test_without_a_signal_many_more_labels_are_needed(shop: Workshop, queue: TurnQueue) -> None:
    """Labels of 100 requests open no turn where nothing moved, though 14 would have after a signal, nor does it that
    people say so again; ten times 14 do.
    """
    calm = replace(
        shop.config,
        monitor=replace(shop.config.monitor, false_alarm_every=10**300),
        decide=replace(shop.config.decide, min_labels=14),
    )
    watch = Watch(Workshop(calm, shop.store), queue)
    watch.tick()
    assert shop.store.signals.list(TASK) == []
    assert turns(shop) == []
    missing, silent = UNASKED * calm.decide.min_labels - 100, shop.store.interactions.list(TASK)
    state_again(shop, 100, ONSET + 1000.0, right=True)
    state(shop, silent[: missing - 1], ONSET + 2000.0, right=True)
    watch.tick()
    assert turns(shop) == []
    state(shop, silent[missing - 1 : missing], ONSET + 3000.0, right=True)
    watch.tick()
    assert len(turns(shop)) == 1


def test_labels_are_asked_about_once(shop: Workshop, queue: TurnQueue) -> None:
    """After a turn that ended, however it did, the same labels open no other; new ones do."""
    watch = Watch(shop, queue)
    watch.tick()
    for state, later in (("decide", 1000.0), ("failed", 2000.0)):
        put_end(shop, state)
        known = len(turns(shop))
        watch.tick()
        assert len(turns(shop)) == known
        for part in range(3):
            state_again(shop, 100, ONSET + later + 200.0 * part)
        watch.tick()
        assert len(turns(shop)) == known + 1


def test_what_is_said_of_another_versions_replies_is_passed_over(shop: Workshop, queue: TurnQueue) -> None:
    """Labels of copies and of earlier champions say nothing about the champion of today."""
    champion = shop.champion(TASK)
    row = shop.store.interactions.list(TASK)[0]
    copy = replace(row, id="int_copy", role=Role.SHADOW, of=row.id)
    shop.store.interactions.add([copy, replace(row, id="int_other", version="ver_before")])
    for id in ("int_copy", "int_other"):
        shop.store.feedback.add([said(replace(row, id=id), "leak", ONSET + 500.0)])
    Watch(shop, queue).tick()
    newest = shop.store.feedback.of([r.id for r in shop.store.interactions.list(TASK, version=champion.id)])[-1]
    assert shop.store.state.get(f"watcher:{champion.id}")["feedback_cursor"] == [newest.time, newest.id]


def test_ratings_and_comments_open_no_turn(shop: Workshop, queue: TurnQueue) -> None:
    """Only what says the right reply counts as a label."""
    rows = shop.store.interactions.list(TASK)
    rated = [
        replace(said(row, "1", ONSET + 500.0), kind=FeedbackKind.RATING, id=f"fbk_r{k}") for k, row in enumerate(rows)
    ]
    Watch(shop, queue).tick()
    put_end(shop)
    shop.store.feedback.add(rated)
    Watch(shop, queue).tick()
    assert len(turns(shop)) == 1


def test_a_drill_says_nothing_about_what_was_looked_at(shop: Workshop, queue: TurnQueue) -> None:
    """The moment of a drill is later than all labels of a replayed year, and must not hide them."""
    shop.store.turns.put(Turn(id="trn_drill", task=TASK, time=ONSET * 2, state="release", diary={"push": "rel_1"}))
    Watch(shop, queue).tick()
    assert [turn.state for turn in turns(shop)] == ["release", "open"]


def test_a_task_that_nothing_answers_is_passed_over(shop: Workshop, queue: TurnQueue) -> None:
    """Tasks without a champion wait for one, and do not keep the others from being watched."""
    two = replace(
        shop.config, tasks={"later": shop.config.tasks[TASK], **shop.config.tasks}, decide=Decide(min_labels=999)
    )
    Watch(Workshop(two, shop.store), queue).tick()
    assert shop.store.signals.list(TASK)
    assert shop.store.turns.list("later") == []


def test_distances_are_measured_to_a_part_of_a_large_training_set(
    shop: Workshop, queue: TurnQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most `INDEX_ROWS` embeddings are kept, spread over the rows; they are made once."""
    monkeypatch.setattr(watching, "INDEX_ROWS", 50)
    champion = shop.champion(TASK)
    Watch(shop, queue).tick()
    kept = shop.store.state.get(f"index:{champion.id}")
    size = len(shop.store.blobs.bytes(kept["blob"]))
    assert (kept["hidden"], size) == (32, 40 * 32 * 2)


def test_one_that_lies_is_told_and_opens_nothing(shop: Workshop, queue: TurnQueue) -> None:
    """A source that labels known requests otherwise is doubted at the next look: what it said is held back, the signal
    says so, and is no reason to look for more.
    """
    watch, calm = Watch(shop, queue), [row for row in shop.store.interactions.list(TASK) if row.time < ONSET]
    watch.tick()
    put_end(shop)
    wrong = {"refund": "login", "login": "refund", "delivery": "invoice", "invoice": "delivery"}
    lies = [
        replace(said(row, wrong.get(row.reply, "login"), ONSET + 5000.0 + k), id=f"fbk_lie{k}", source="loud")
        for k, row in enumerate(calm[:12])
    ]
    true = [replace(said(row, row.reply, ONSET + 5000.0 + k), source=f"user{k}") for k, row in enumerate(calm[12:])]
    shop.store.feedback.add([*true, *lies])
    watch.tick()
    told = [signal for signal in shop.store.signals.list(TASK) if signal.moved is Moved.FEEDBACK]
    assert [signal.slice for signal in told] == ["source=loud"]
    assert set(book(shop.store, TASK).held) == {one.id for one in lies}
    assert len(turns(shop)) == 1
    now = Now("trn_x", TASK, ONSET + 9000.0)
    assert steps.curated(shop, now, named("careful", shop.config.train)).counts["held"] == len(lies)
    assert told[0] not in steps.gather(shop, now, [told[0].id]).signals


def test_erased_rows_are_forgotten_by_who_watches(shop: Workshop, queue: TurnQueue) -> None:
    """What a watcher remembers of requests is not put down again once they were erased, though it watched before."""
    watch, key = Watch(shop, queue), f"watcher:{shop.champion(TASK).id}"
    watch.tick()
    shown = {id for signal in shop.store.signals.list(TASK) for id in signal.examples}
    gone = next(id for id in sorted(shown) if id in str(shop.store.state.get(key)))
    erase(shop, plan(shop, "", [gone]))
    state_again(shop, 3, ONSET + 9000.0)
    watch.tick()
    assert gone not in str(shop.store.state.get(key))
    assert shop.store.verify() == []
