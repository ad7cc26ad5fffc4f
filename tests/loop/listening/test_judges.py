"""A judge's change is a signal that names the judge, and its ratings count no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from homeostat.alert.causes import of_signal
from homeostat.loop.listening.judges import ANCHORS, PAIRS, Judges, anchors, scored, standings
from homeostat.monitor.quality.course import course
from homeostat.release.judges import believed, changed, is_judge
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved
from homeostat.types.task import Kind, Task
from homeostat.web.quality import told

TASK, JUDGE = Task(name="desk", kind=Kind.LABEL), "judge:large"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def served(store: Store, begin: int, n: int, *, right: float, mild: float = 0.0, labeled: float = 0.4) -> float:
    """Requests, all of them rated by the judge and some labeled; how many of the replies are right."""
    rng = np.random.default_rng(begin)
    good = rng.random(n) < right
    ids = [f"int_{begin + k:06}" for k in range(n)]
    store.interactions.add(
        Interaction(
            id=id, task="desk", time=float(begin + k), text=f"x{id}", reply="a", version="ver_1", confidence=0.8
        )
        for k, id in enumerate(ids)
    )
    rating = np.where(good, rng.beta(8, 2, n), rng.beta(2, 6, n) * (1 - mild) + mild)
    said = [("r", FeedbackKind.RATING, repr(float(value)), JUDGE, 0.2) for value in rating]
    said += [("l", FeedbackKind.LABEL, "a" if one else "b", "desk", 0.4) for one in good]
    kept = [True] * n + (rng.random(n) < labeled).tolist()
    store.feedback.add(
        Feedback(
            id=f"fbk_{name}{ids[k % n]}",
            interaction=ids[k % n],
            kind=kind,
            value=value,
            source=who,
            time=begin + k % n + later,
        )
        for k, (name, kind, value, who, later) in enumerate(said)
        if kept[k]
    )
    return float(good.mean())


def test_the_judge_is_named_and_the_model_is_not_blamed(store: Store) -> None:
    """Replies get worse: no signal, and the judge's estimate follows within its interval. The judge gets milder: one
    signal about it, no reason to retrain; its ratings count no more, and quality by it is refused until people have
    judged enough of what it rates now. Asked a second time, nothing is said twice.
    """
    served(store, 0, 600, right=0.85)
    truth = served(store, 600, 300, right=0.5)
    judges = Judges(store, TASK)
    assert judges.tick() == []
    worse = course(told(store, TASK, "ver_1", 2000), 300)[-1].judged
    assert worse is not None
    assert worse.low <= truth <= worse.high < 0.75
    served(store, 900, 300, right=0.5, mild=0.5)
    (signal,) = Judges(store, TASK).tick()
    assert (signal.moved, signal.slice, signal.detector) == (Moved.JUDGE, f"judge={JUDGE}", PAIRS)
    assert not signal.moved.retrains
    assert 890 < signal.since < 950
    assert "the judge rates otherwise than it did, which says nothing of the model" in of_signal(signal, 0.0).says
    assert Judges(store, TASK).tick() == []
    (stands,) = standings(store, "desk")
    assert (stands.judge, stands.ratings, stands.because) == (JUDGE, 1200, PAIRS)
    ratings = believed(store, "desk", [f for f in store.feedback.list("desk") if f.kind is FeedbackKind.RATING])
    assert 890 < len(ratings) < 950
    assert max(f.time for f in ratings) < signal.since
    windows = course(told(store, TASK, "ver_1", 2000), 100)
    assert [bool(window.judged) for window in windows[2:9]] == [True] * 6 + [False]
    assert "the judge has changed" in windows[9].unjudged
    before, last = windows[7].judged, windows[-1].judged
    assert before is not None
    assert last is not None
    assert last.high - last.low > before.high - before.low


def test_who_is_a_judge() -> None:
    """By its name, which no user's is by chance."""
    assert [is_judge(name) for name in ("judge", "judge:a", "judge-2", "judged", "user", "")] == [True] * 3 + [
        False
    ] * 3


def test_people_alone_tell_nothing(store: Store) -> None:
    """Users who rate are no judge, and nobody is listed."""
    store.interactions.add([Interaction(id="int_1", task="desk", time=1.0, text="x", reply="a", version="ver_1")])
    store.feedback.add(
        Feedback(id=f"fbk_{k}", interaction="int_1", kind=kind, value=value, source="user", time=2.0)
        for k, (kind, value) in enumerate([(FeedbackKind.RATING, "0.5"), (FeedbackKind.LABEL, "a")])
    )
    assert Judges(store, TASK).tick() == []
    assert standings(store, "desk") == []
    assert changed(store, "desk") == {}


@pytest.mark.slow
def test_anchors_are_chosen_once_and_scored_again(store: Store) -> None:
    """Half of them wrong, the same ones ever after. A judge that scores them as before is left alone, one that does not
    is named, since the look before.
    """
    served(store, 0, 200, right=0.8)
    fixed = anchors(store, TASK, 20)
    wrong = {f.interaction for f in store.feedback.list("desk") if f.value == "b"}
    assert (len(fixed), sum(row.id in wrong for row in fixed)) == (20, 10)
    served(store, 200, 50, right=0.8)
    assert anchors(store, TASK, 30) == fixed
    scores = {row.id: [0.2 if row.id in wrong else 0.9] for row in fixed}
    for day in range(4):
        assert not scored(store, "desk", JUDGE, scores, float(day)).alarm
    milder = {id: [score + 0.1 for score in given] for id, given in scores.items()}
    looks = [scored(store, "desk", JUDGE, milder, float(day)) for day in range(4, 7)]
    assert any(look.alarm for look in looks)
    (signal,) = store.signals.list("desk")
    assert (signal.detector, signal.slice) == (ANCHORS, f"judge={JUDGE}")
    assert signal.since < signal.time
    assert standings(store, "desk")[0].changed == signal.since
