"""What a version would have been worth over the log: which rows count, by which chance, and with which outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from homeostat.release.hindsight import Question, hindsight
from homeostat.release.route import route
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.version import Version

OLD, NEW, TASK = "ver_old", "ver_new", "routing"
GOOD = {("easy", OLD): 0.9, ("hard", OLD): 0.6, ("easy", NEW): 0.95, ("hard", NEW): 0.3}
"""How often each version is rated well."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        for id in (OLD, NEW):
            opened.versions.put(Version(id=id, task=TASK, time=0.0, base="builtin", kind="base"))
        yield opened


def released(time: float, share: float, stage: Stage = Stage.CANARY) -> Release:
    return Release(id=f"rel_{time:g}", task=TASK, time=time, stage=stage, champion=OLD, candidate=NEW, share=share)


def traffic(store: Store, stages: list[tuple[float, float]], n: int = 2000, *, alike: float = 0.0) -> float:
    """`n` requests of each (share of the candidate, share of hard ones), routed as the gateway does, half of them
    rated; the mean rating had the candidate answered all that were rated.
    """
    rng = np.random.default_rng(0)
    rows, copies, said, best = [], [], [], []
    for part, (share, hard) in enumerate(stages):
        release = released(float(part * n), share)
        store.releases.put(release)
        for k in range(part * n, part * n + n):
            kind = "hard" if rng.random() < hard else "easy"
            by, chance = route(release, f"int_{k}")
            good = {version: float(rng.random() < GOOD[kind, version]) for version in (OLD, NEW)}
            reply = {OLD: f"old {good[OLD]:g}", NEW: f"new {good[NEW]:g}"}
            if rng.random() < alike:
                reply[OLD], good[OLD] = reply[NEW], good[NEW]
            row = Interaction(
                id=f"int_{k}",
                task=TASK,
                time=k + 0.5,
                text=f"a {kind} one",
                reply=reply[by],
                version=by,
                probability=chance,
                tags={"kind": kind},
            )
            rows.append(row)
            other = OLD if by == NEW else NEW
            if alike:
                copies.append(
                    Interaction(
                        id=f"int_{k}c",
                        task=TASK,
                        time=k + 0.5,
                        text=row.text,
                        reply=reply[other],
                        version=other,
                        role=Role.SHADOW,
                        of=row.id,
                    )
                )
            if rng.random() < 0.5:
                best.append(good[NEW])
                said.append(
                    Feedback(
                        id=f"fbk_{k}", interaction=row.id, kind=FeedbackKind.RATING, value=str(good[by]), time=k + 1.0
                    )
                )
    store.interactions.add([*rows, *copies])
    store.feedback.add(said)
    return float(np.mean(best))


@pytest.mark.slow
def test_a_share_that_rose_while_requests_became_hard(store: Store) -> None:
    """The candidate was given hard ones mostly; over all traffic it would have been better than its plain mean, and
    the estimate says so, overall and by tag.
    """
    truth = traffic(store, [(0.1, 0.1), (0.5, 0.9)])
    found = hindsight(store, Question(task=TASK, version=NEW))
    assert (found.requests, found.reached) == (4000, 4000)
    assert found.value.score is not None
    assert found.value.score.low < truth < found.value.score.high
    assert found.value.naive < found.value.score.low
    easy, hard = (found.slices[f"kind={kind}"].score for kind in ("easy", "hard"))
    assert easy is not None
    assert hard is not None
    assert easy.low < 0.95 < easy.high
    assert hard.low < 0.3 < hard.high
    old = hindsight(store, Question(task=TASK, version=OLD)).value.score
    assert old is not None
    assert old.low > found.value.score.high


def test_copies_with_the_same_reply_are_worth_rows(store: Store) -> None:
    """Where eight replies of ten are the same, a share of 5 % tells several times as much as its own rows do."""
    truth = traffic(store, [(0.05, 0.5)], alike=0.8)
    found = hindsight(store, Question(task=TASK, version=NEW))
    assert found.value.score is not None
    assert found.agreed > 10 * found.own
    assert found.value.score.low < truth < found.value.score.high
    alone = store.feedback.of([row.id for row in store.interactions.list(TASK, version=NEW)])
    assert found.value.effective > 2 * len(alone)


def test_only_requests_that_it_could_have_been_given_count(store: Store) -> None:
    """Neither those before the canary, nor those that named their version, nor those routed by a release just gone."""
    store.releases.put(released(0.0, 0.0, Stage.SHADOW))
    store.releases.put(released(100.0, 0.2))
    store.interactions.add(
        Interaction(id=f"int_{name}", task=TASK, time=time, text="x", reply="r", version=by, probability=p)
        for name, time, by, p in (
            ("before", 50.0, OLD, 1.0),
            ("routed", 150.0, OLD, 0.8),
            ("own", 151.0, NEW, 0.2),
            ("named", 152.0, NEW, 1.0),
            ("late", 153.0, OLD, 1.0),
        )
    )
    found = hindsight(store, Question(task=TASK, version=NEW))
    assert (found.requests, found.reached, found.own) == (5, 2, 1)
    assert found.value.score is None
    assert hindsight(store, Question(task=TASK, version=NEW, until=100.0)).reached == 0


def test_what_a_reply_was_worth(store: Store) -> None:
    """A rating, whether somebody corrected it, whether it was right; the newest statement of a kind counts."""
    store.releases.put(released(0.0, 0.5))
    rows = [
        Interaction(id=f"int_{k}", task=TASK, time=1.0 + k, text="x", reply="a", version=NEW, probability=0.5)
        for k in range(4)
    ]
    store.interactions.add(rows)
    told = [(0, "rating", "0.2"), (0, "rating", "0.8"), (1, "label", "a"), (2, "label", "b"), (2, "comment", "no")]
    store.feedback.add(
        Feedback(id=f"fbk_{n}", interaction=f"int_{k}", kind=FeedbackKind(kind), value=value, time=10.0 + n)
        for n, (k, kind, value) in enumerate(told)
    )
    means = {
        name: hindsight(store, Question(task=TASK, version=NEW, outcome=name)).value.naive
        for name in ("rating", "corrected", "right", "judged")
    }
    assert math.isnan(means.pop("judged"))
    assert means == {"rating": pytest.approx(0.8), "corrected": pytest.approx(0.25), "right": pytest.approx(0.5)}
    judged = [(0, "rating", "0.1"), (3, "rating", "0.3"), (1, "label", "z")]
    store.feedback.add(
        Feedback(
            id=f"fbk_j{n}", interaction=f"int_{k}", kind=FeedbackKind(kind), value=v, time=90.0 + n, source="judge"
        )
        for n, (k, kind, v) in enumerate(judged)
    )
    again = {
        name: hindsight(store, Question(task=TASK, version=NEW, outcome=name)).value.naive
        for name in ("rating", "corrected", "right", "judged")
    }
    assert again == {**means, "judged": pytest.approx(0.2)}  # people's word stands, whatever a judge says later
    assert math.isnan(hindsight(store, Question(task=TASK, version=OLD)).value.naive)


def test_a_further_version_of_a_fixed_split_is_weighed_too(store: Store) -> None:
    """Beside champion and candidate a third version answers a quarter of the rest: each has its own chance, and the
    third one's rows tell nothing of the candidate.
    """
    third = Version(id="ver_third", task=TASK, time=0.0, base="builtin", kind="base")
    store.versions.put(third)
    release = Release(
        id="rel_split",
        task=TASK,
        time=0.0,
        stage=Stage.CANARY,
        champion=OLD,
        candidate=NEW,
        share=0.2,
        shares={third.id: 0.25},
    )
    store.releases.put(release)
    picks = [route(release, f"int_{k}") for k in range(900)]
    good = {OLD: "0.4", NEW: "0.8", third.id: "0.1"}
    store.interactions.add(
        Interaction(id=f"int_{k}", task=TASK, time=1.0 + k, text="x", reply=by, version=by, probability=p)
        for k, (by, p) in enumerate(picks)
    )
    store.feedback.add(
        Feedback(id=f"fbk_{k}", interaction=f"int_{k}", kind=FeedbackKind.RATING, value=good[by], time=2.0 + k)
        for k, (by, _) in enumerate(picks)
    )
    for version, chance in ((OLD, 0.6), (NEW, 0.2), (third.id, 0.2)):
        found = hindsight(store, Question(task=TASK, version=version))
        assert (found.reached, found.share) == (900, pytest.approx(chance))
        assert found.value.score is not None
        assert found.value.score.mean == pytest.approx(float(good[version]))
        assert found.own == sum(by == version for by, _ in picks)
