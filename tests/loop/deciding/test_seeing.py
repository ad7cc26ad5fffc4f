"""What triggers are shown of a real project."""

from __future__ import annotations

from dataclasses import replace

from small_project import ONSET, TASK

from homeostat.config.schema import Config, Policy
from homeostat.curate.suspect import Suspicion
from homeostat.decide.rule import Rule, read
from homeostat.loop.deciding.seeing import clock, see
from homeostat.loop.listening.held import hold
from homeostat.loop.workshop import Workshop
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.signal import Moved, Signal
from homeostat.types.turn import Turn

EVERYTHING = {"requests": 1, "drop": 0.1, "estimated_drop": 0.1, "rating_drop": 0.1, "objective": 0.9}


def rule(**triggers: object) -> Rule:
    return read("p", Policy(any=triggers))


def test_what_is_new_since_the_last_turn(shop: Workshop) -> None:
    """Labels, requests and signals of all times first; after a turn, those past it; a drill has looked at nothing."""
    champion = shop.champion(TASK)
    fields = {"task": TASK, "moved": Moved.MIX, "detector": "d", "statistic": 2.0, "threshold": 1.0, "n": 5}
    shop.store.signals.put(Signal(id="sig_1", time=ONSET + 10.0, **fields))  # type: ignore[arg-type]
    everything = rule(**EVERYTHING)
    first = see(shop.config, shop.store, TASK, everything, champion, at=ONSET + 1000.0)
    assert (first.sight.labels, len(first.sight.signals)) == (100, 1)
    assert first.sight.requests >= 150
    assert first.until == ONSET + 159.0
    shop.store.turns.put(Turn(id="trn_d", task=TASK, time=ONSET + 500.0, state="release", diary={"push": "rel_1"}))
    shop.store.turns.put(Turn(id="trn_1", task=TASK, time=ONSET + 100.0, state="decide", diary={"watch": ""}))
    second = see(shop.config, shop.store, TASK, everything, champion, at=ONSET + 1000.0)
    assert (second.sight.labels, second.sight.signals) == (59, ())
    assert second.sight.newest is not None
    assert second.sight.newest.n == 100
    assert 0.0 <= second.sight.falls["measured"].before.mean <= 1.0


def test_a_request_that_is_spoken_of_again_is_one_label(shop: Workshop) -> None:
    """Whoever corrects a label has not given another one; a turn opened for it still looks as far as the last word."""
    (about, said), *_ = shop.store.interactions.labeled(TASK)
    again = replace(said, id="fb_again", time=ONSET + 400.0)
    before = see(shop.config, shop.store, TASK, rule(labels=5), shop.champion(TASK), at=ONSET + 1000.0)
    shop.store.feedback.add([again])
    after = see(shop.config, shop.store, TASK, rule(labels=5), shop.champion(TASK), at=ONSET + 1000.0)
    assert after.sight.labels == before.sight.labels
    assert (before.until, after.until) == (ONSET + 159.0, ONSET + 400.0)
    assert said.interaction == about.id


def test_doubted_feedback_triggers_nothing(shop: Workshop) -> None:
    """A signal of it is no reason to look, and ratings that are held back do not fall."""
    champion = shop.champion(TASK)
    signal = Signal(
        id="sig_f", task=TASK, time=ONSET + 10.0, moved=Moved.FEEDBACK, detector="d", statistic=2.0, threshold=1.0, n=5
    )
    shop.store.signals.put(signal)
    asked = shop.store.interactions.list(TASK, version=champion.id)[:60]
    rated = [
        Feedback(
            id=f"fbk_r{k}",
            interaction=row.id,
            kind=FeedbackKind.RATING,
            value="1.0" if k < 30 else "0.0",
            time=ONSET + 500.0 + k,
        )
        for k, row in enumerate(asked)
    ]
    shop.store.feedback.add(rated)
    first = see(shop.config, shop.store, TASK, rule(rating_drop=0.1), champion, at=ONSET + 1000.0).sight
    assert first.signals == ()
    assert first.falls["rated"].now.mean < first.falls["rated"].before.mean
    held = tuple(one.id for one in rated[30:])
    found = Suspicion(group="all", held=held, contradicting=30, n=60, p=1e-9, since=ONSET, until=ONSET)
    hold(shop.store, TASK, champion.id, found)
    after = see(shop.config, shop.store, TASK, rule(rating_drop=0.1), champion, at=ONSET + 1000.0).sight
    assert "rated" not in after.falls or after.falls["rated"].now.mean == 1.0


def test_only_what_a_trigger_reads(shop: Workshop) -> None:
    """Nothing costly is gathered for triggers that count labels."""
    sight = see(shop.config, shop.store, TASK, rule(labels=5), shop.champion(TASK), at=ONSET).sight
    assert (sight.falls, sight.newest, sight.requests) == ({}, None, 0.0)


def test_ratings_of_the_champion(shop: Workshop) -> None:
    """The first and the newest ones; those of another version say nothing."""
    rows = shop.store.interactions.list(TASK)[:120]
    shop.store.interactions.add([replace(rows[0], id="int_other", version="ver_other")])
    said = [(row.id, "1.0" if k < 60 else "0.2") for k, row in enumerate(rows)] + [("int_other", "0.0")]
    shop.store.feedback.add(
        Feedback(id=f"fbk_r{k}", interaction=id, kind=FeedbackKind.RATING, value=value, time=ONSET + k)
        for k, (id, value) in enumerate(said)
    )
    sight = see(shop.config, shop.store, TASK, rule(rating_drop=0.1), shop.champion(TASK), at=ONSET + 900.0).sight
    fall = sight.falls["rated"]
    assert (fall.before.mean, round(fall.now.mean, 6), fall.now.n) == (1.0, 0.2, 60)


def test_the_clock(shop: Workshop) -> None:
    """That of the machine, or that of the newest row where recorded traffic is replayed."""
    assert clock(shop.config, shop.store, TASK) > ONSET + 10**6
    replaying: Config = replace(shop.config, gateway=replace(shop.config.gateway, trust_client_time=True))
    assert clock(replaying, shop.store, TASK) == ONSET + 159.0
