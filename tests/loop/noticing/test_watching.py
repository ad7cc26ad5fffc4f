"""The watch: reads what is new, writes signals, and opens one turn where one is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from small_project import ONSET, TASK, said

from homeostat.config.schema import Decide
from homeostat.curate.snapshot import examples
from homeostat.decide.trigger.counts import UNASKED
from homeostat.llm.embedding import embedder
from homeostat.llm.embedding.ngrams import Ngrams
from homeostat.loop import steps
from homeostat.loop.durable import TurnQueue
from homeostat.loop.listening.held import book
from homeostat.loop.noticing import watching
from homeostat.loop.noticing.embedding import AWAY
from homeostat.loop.noticing.watching import Watch
from homeostat.loop.steps import Now
from homeostat.loop.undoing.erase import erase, plan
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Moved
from homeostat.types.turn import Turn
from server import speaking, vectors


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


@pytest.mark.parametrize("embedding", ["served", "ngrams"])
def test_a_watch_goes_on_where_the_champion_learned_what_was_erased(
    shop: Workshop, queue: TurnQueue, embedding: str
) -> None:
    """Who watches, and whoever begins after it, lays the champion's rows out anew without those that are gone; what
    labels have said is gone on with, and no signal is told twice.
    """
    shop = embedded_by(shop, embedding)
    watch, champion = Watch(shop, queue), shop.champion(TASK)
    watch.tick()
    before, told = state_of(shop), shop.store.signals.list(TASK)
    erase(shop, plan(shop, "", [examples(shop.store, champion.dataset)[0].text]))

    for again in (watch, Watch(shop, queue)):
        again.tick()
        state_again(shop, 3, ONSET + 9000.0 + (again is watch))
    Watch(shop, queue).tick()
    after = state_of(shop)
    assert after["index"] != before["index"]
    assert after["loss"]["baseline"] == before["loss"]["baseline"]
    assert [signal.id for signal in shop.store.signals.list(TASK)] == [signal.id for signal in told]
    assert shop.store.verify() == []


def embedded_by(shop: Workshop, name: str) -> Workshop:
    """The same project with another embedding backend."""
    return Workshop(replace(shop.config, monitor=replace(shop.config.monitor, embedding=name)), shop.store)


def state_of(shop: Workshop) -> dict[str, Any]:
    kept = shop.store.state.get(f"watcher:{shop.champion(TASK).id}")
    assert isinstance(kept, dict)
    return kept


def test_another_embedding_backend_begins_anew(shop: Workshop, queue: TurnQueue) -> None:
    """Index, reference and trace are of the new backend alone, what labels have said is gone on with, no signal is told
    twice; and back at the old one all is, number by number, what it was.
    """
    key = f"index:{shop.champion(TASK).id}"
    Watch(shop, queue).tick()
    first, index, told = state_of(shop), shop.store.state.get(key), shop.store.signals.list(TASK)
    trace = shop.store.state.get(f"trace:{shop.champion(TASK).id}")

    other = embedded_by(shop, "ngrams")
    Watch(other, queue).tick()
    second, made = state_of(shop), shop.store.state.get(key)
    assert (made["hidden"], made["backend"]) == (512, second["backend"])
    assert second["index"] != first["index"]
    assert second["cursor"] == first["cursor"]
    assert (second["loss"], second["feedback_cursor"]) == (first["loss"], first["feedback_cursor"])
    assert second["traffic"] != first["traffic"]
    assert shop.store.state.get(f"trace:{shop.champion(TASK).id}") != trace
    assert not shop.store.blobs.holds(index["blob"])
    assert shop.store.vectors.count() == len(shop.store.interactions.list(TASK))
    assert [one for one in shop.store.signals.list(TASK) if one in told] == told
    said = [(one.moved, one.slice) for one in shop.store.signals.list(TASK)]
    assert len(said) == len(set(said))

    Watch(shop, queue).tick()
    third = state_of(shop)
    assert {name: third[name] for name in first if name != "reread"} == {n: first[n] for n in first if n != "reread"}
    assert shop.store.vectors.count() == 0
    assert shop.store.verify() == []


def test_a_new_worker_goes_on_with_the_same_backend(shop: Workshop, queue: TurnQueue) -> None:
    """Nothing is read again, and nothing is begun anew."""
    other = embedded_by(shop, "ngrams")
    Watch(other, queue).tick()
    before = state_of(shop)
    state_again(shop, 3, ONSET + 9000.0)
    Watch(embedded_by(shop, "ngrams"), queue).tick()
    assert (state_of(shop)["traffic"], state_of(shop)["reread"]) == (before["traffic"], 0.0)


def test_what_a_turn_has_looked_at_is_not_told_again(shop: Workshop, queue: TurnQueue) -> None:
    """Read a second time, by another backend, requests raise the alarm of then; a turn has dealt with that. Those that
    come later are told.
    """
    watch = Watch(shop, queue)
    watch.tick()
    put_end(shop)
    told = shop.store.signals.list(TASK)
    shop.store.turns.put(replace(turns(shop)[-1], time=ONSET + 9000.0))
    again = Watch(embedded_by(shop, "ngrams"), queue)
    again.tick()
    assert shop.store.signals.list(TASK) == told
    assert state_of(shop)["reread"] == shop.store.interactions.list(TASK)[-1].time
    late = replace(told[0], id="sig_x", time=ONSET + 9001.0)
    assert not again._known(late, state_of(shop)["reread"])


def test_many_rows_are_embedded_in_several_looks(
    shop: Workshop, queue: TurnQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is passed over: each look goes on where the one before ended, oldest first."""
    monkeypatch.setattr(watching, "AT_ONCE", 60)
    rows = shop.store.interactions.list(TASK)
    watch = Watch(embedded_by(shop, "ngrams"), queue)
    for read in (60, 120, len(rows), len(rows)):
        watch.tick()
        assert state_of(shop)["cursor"][1] == rows[read - 1].id
        assert shop.store.vectors.count() == read


def test_while_there_are_no_embeddings_labels_are_heard(shop: Workshop, queue: TurnQueue) -> None:
    """Requests wait until the server is back, and none is read without its embedding; what labels say does not."""
    calm, status = replace(shop.config, decide=replace(shop.config.decide, min_labels=10**6)), [200]
    answers = vectors(Ngrams().embed)
    with speaking(lambda body: answers(body) if status[0] == 200 else (400, {"error": "no"})) as (url, _):
        watch = Watch(embedded_by(Workshop(calm, shop.store), f"{url}#small"), queue)
        watch.tick()
        before, status[0] = state_of(shop), 400
        newest = shop.store.interactions.list(TASK)[-1]
        shop.store.interactions.add([replace(newest, id="int_z", time=newest.time + 9.0, text="something new")])
        state_again(shop, 20, ONSET + 9000.0)
        watch.tick()
        during = state_of(shop)
        assert "400" in shop.store.state.get(AWAY)["what"]
        assert (during["cursor"], during["traffic"]) == (before["cursor"], before["traffic"])
        assert during["feedback_cursor"] != before["feedback_cursor"]
        status[0] = 200
        watch.embedding._asked = -1e9  # as if half a minute had passed
        watch.tick()
    assert state_of(shop)["cursor"][1] == "int_z"
    assert embedder.is_address(shop.store.vectors.in_force.name)  # type: ignore[union-attr]
