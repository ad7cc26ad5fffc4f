"""What a judge says of requests without a label stands beside each that has one, once, and is the judge's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_project import TASK

from homeostat.config.schema import Config, Tasks
from homeostat.evaluate.again import stand
from homeostat.evaluate.gate import OVERALL
from homeostat.loop.proving import again
from homeostat.loop.proving.assisting import FEWEST, Help, help_of
from homeostat.loop.proving.later import Book, Triple, answered, deciding, kept
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote, register
from homeostat.release.rollout import open_shadow
from homeostat.stats.assisted import MOST
from homeostat.types.feedback import LOT, PICKED, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release
from homeostat.types.version import Version
from loop.bystander import NOW
from loop.onlive import answer, on_trial, say

DESK, OLD, NEW, JUDGE = "desk", "ver_old", "ver_new", "judge:large"
EMPTY = Book(first="vdt", asked=(), left=())


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[tuple[Workshop, Release]]:
    """A candidate on trial that no model is loaded for, and forty requests of which a judge likes its replies better by
    a hundredth for each that came before; every fifth is answered alike.
    """
    config = Config(folder=str(tmp_path / "p"), tasks={DESK: Tasks(labels=("refund", "delivery"))})
    with closing(Workshop.open(config)) as shop:
        for version in (OLD, NEW):
            register(shop.store, Version(id=version, task=DESK, time=1.0, base="builtin", kind="base"), None)
        promote(shop.store, DESK, OLD, "first", now=1.0)
        rows = list[Interaction]()
        for k in range(40):
            at = {"task": DESK, "time": 10.0 + k, "text": f"ask {k}"}
            copied = "refund" if k % 5 == 0 else "delivery"
            rows.append(Interaction(id=name(k), reply="refund", version=OLD, **at))
            rows.append(Interaction(id=f"{name(k)}s", reply=copied, version=NEW, role=Role.SHADOW, of=name(k), **at))
        shop.store.interactions.add(rows)
        for k in range(40):
            rate(shop, name(k), 0.1)
            rate(shop, f"{name(k)}s", 0.1 + k / 100)
        yield shop, open_shadow(shop.store, DESK, NEW, now=2.0)


def name(k: int) -> str:
    """Of the k-th request."""
    return f"int_{k:03}"


def rate(shop: Workshop, id: str, value: float, *, judge: str = JUDGE, time: float = 100.0) -> None:
    """A judge's rating of a reply."""
    said = {"kind": FeedbackKind.RATING, "value": f"{value:.4f}", "source": judge}
    shop.store.feedback.add([Feedback(id=f"fbk_{judge}{id}{time:.0f}", interaction=id, time=time, **said)])


def tell(shop: Workshop, k: int, *, time: float = 200.0, source: str = "ana") -> None:
    """The label of a request."""
    said = {"kind": FeedbackKind.LABEL, "value": "delivery", "source": source}
    shop.store.feedback.add([Feedback(id=f"fbk_{source}{k}", interaction=name(k), time=time, **said)])


def helped(shop: Workshop, release: Release, book: Book = EMPTY, new: tuple[int, ...] = ()) -> Help:
    """The help that there is."""
    found = help_of(shop.store, release, list(answered(shop.store, release)), book, [name(k) for k in new])
    assert found is not None
    return found


def triple(shop: Workshop, release: Release, k: int) -> Triple:
    """The k-th request, its copy, and its label."""
    return next(row for row in answered(shop.store, release) if row[0].id == name(k))


def test_each_label_takes_the_newest_requests_before_it_once(trial: tuple[Workshop, Release]) -> None:
    """On which the versions differ; by how much the judge likes the candidate's reply better in them, on average."""
    shop, release = trial
    for k in (21, 22):
        tell(shop, k)
    help = helped(shop, release, new=(21, 22))
    first = help.word(*triple(shop, release, 21))  # type: ignore[arg-type]
    assert first == (pytest.approx(0.21), pytest.approx((0.19 + 0.18 + 0.17 + 0.16) / 4), 4)
    second = help.word(*triple(shop, release, 22))  # type: ignore[arg-type]
    assert second == (pytest.approx(0.22), pytest.approx((0.14 + 0.13 + 0.12 + 0.11) / 4), 4)
    assert len(set(help.spent)) == 2 * MOST
    assert help.judge == JUDGE
    assert helped(shop, release, replace(EMPTY, spent=tuple(help.spent)), new=(21, 22)).pool[0][0].id == name(1)
    assert len(helped(shop, release, replace(EMPTY, spent=tuple(help.spent)), new=(21, 22)).pool) == 32 - 2 - 8


def test_what_the_judge_may_have_learned_from_a_label_is_not_heard(trial: tuple[Workshop, Release]) -> None:
    """A rating that came after the label; its first rating counts, and not a later one."""
    shop, release = trial
    tell(shop, 21, time=50.0)
    tell(shop, 22)
    rate(shop, f"{name(22)}s", 1.0, time=150.0)
    help = helped(shop, release, new=(21, 22))
    assert help.word(*triple(shop, release, 21)) is None  # type: ignore[arg-type]
    word = help.word(*triple(shop, release, 22))  # type: ignore[arg-type]
    assert word is not None
    assert word[0] == pytest.approx(0.22)
    assert help.spent == [name(k) for k in (19, 18, 17, 16)]


def test_labels_that_were_asked_for_otherwise_stay_beside(trial: tuple[Workshop, Release]) -> None:
    """A request that was picked for its doubt is as good as one without a label; one drawn by lot is labeled."""
    shop, release = trial
    tell(shop, 18, source=f"{PICKED}ana")
    tell(shop, 17, source=f"{LOT}ana")
    tell(shop, 16)
    pool = {pair[0].id for pair in helped(shop, release, new=(21,)).pool}
    assert name(18) in pool
    assert not pool & {name(17), name(16), name(21), name(20)}


def test_a_judge_is_chosen_once(trial: tuple[Workshop, Release]) -> None:
    """Who has rated most requests on which the versions differ, where these are enough; then it stays."""
    shop, release = trial
    for k in range(30):
        for id in (name(k), f"{name(k)}s"):
            rate(shop, id, 0.5, judge="judge:small")
    assert helped(shop, release).judge == JUDGE
    assert helped(shop, release, replace(EMPTY, judge="judge:small")).judge == "judge:small"
    both = list(answered(shop.store, release))
    few = [row for row in both if row[0].reply != row[1].reply][: FEWEST - 1]
    assert help_of(shop.store, release, few, EMPTY, []) is None
    assert help_of(shop.store, release, few, replace(EMPTY, judge=JUDGE), []) is not None


@pytest.mark.slow
def test_a_good_judge_saves_labels_in_the_loop(shop: Workshop) -> None:
    """The same labels show a gain by half the p-value; whose word it was is said, and what stands beside a label is
    not asked about.
    """
    release = on_trial(shop)
    again.look(shop, NOW, release, at=NOW.until)
    right = answer(shop, release, 1500, win=0.16, lose=0.08)
    both = list(answered(shop.store, release))
    apart = [heard.id for heard, copy, _ in both if heard.reply != copy.reply]
    rng, said = np.random.default_rng(4), list[Feedback]()
    for heard, copy, _ in both:
        for one in (heard, copy):
            worth = float((one.reply == right[heard.id]) != (rng.random() < 0.03))
            given = {"kind": FeedbackKind.RATING, "value": f"{worth}", "source": JUDGE}
            said.append(Feedback(id=f"fbk_j{one.id}", interaction=one.id, time=NOW.until + 8000.0, **given))
    say(shop, {id: right[id] for id in apart if rng.random() < 0.2})
    p = dict[bool, float]()
    for helping in (False, True):
        shop.store.state.put(f"again:{release.candidate}", {})
        shop.store.feedback.add(said if helping else [])
        again.look(shop, NOW, release, at=NOW.until)
        book = kept(shop.store, release.candidate)
        assert book is not None
        claim = next(one for one in book.asked if one.name == OVERALL)
        p[helping] = stand(claim, book.pairs, None, 0.05).p
        assert (f"what {JUDGE} says of " in book.because) is helping
        assert bool(book.spent) is helping
        assert not set(deciding(shop.store, TASK)) & set(book.spent)
    assert len(book.spent) == sum(pair.word[2] for pair in book.pairs if pair.word)
    assert p[True] < p[False] / 2
