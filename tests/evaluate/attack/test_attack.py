"""Attacks on a classifier whose every weight is known, so that the smallest change is known too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import pytest

from homeostat.errors import UnknownPlugin
from homeostat.evaluate.attack.attack import Attempt, Limits, attack, attacked
from homeostat.evaluate.attack.edits import words_of
from homeostat.evaluate.attack.search import TOGETHER, Told

HINTS = {"money": 2.0, "charged": 1.2, "refund": 3.0, "return": 0.7, "parcel": -2.0, "late": -1.0, "courier": -1.5}
ROWS = [
    ("please give me the money that was charged for this order today", "refund"),
    ("could somebody tell me where the parcel is, it is really late now", "delivery"),
    ("the courier has lost what I wanted to return last week already", "delivery"),
    ("I want a refund and a return and my money back right now please", "refund"),
    ("money back", "refund"),
    ("the parcel was charged twice and nobody tells me anything about it", "refund"),
]


@dataclass(slots=True)
class Linear:
    """A classifier that adds up the weights of the words it knows, positive for `refund`."""

    asked: list[str] = field(default_factory=list)

    def odds(self, text: str) -> float:
        """In favor of `refund`."""
        return sum(HINTS.get(word.strip(",").lower(), 0.0) for word in text.split()) + 0.1

    def told(self, texts: Sequence[str], right: Sequence[str]) -> list[Told]:
        """Who is asked is taken down."""
        self.asked += texts
        said = []
        for text, wanted in zip(texts, right, strict=True):
            odds = self.odds(text)
            log = -np.logaddexp(0.0, -odds if wanted == "refund" else odds)
            said.append(Told("refund" if odds > 0 else "delivery", float(log)))
        return said

    def foresee(self, texts: Sequence[str], right: Sequence[str], others: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """A sum has one slope everywhere."""
        sign = [1.0 if wanted == "refund" else -1.0 for wanted in right]
        rises = zip(sign, texts, others, strict=True)
        return [np.array([s * (self.odds(other) - self.odds(text)) for other in some]) for s, text, some in rises]


def tried(how: str, **more: object) -> list[Attempt]:
    return attack(ROWS, Linear(), Limits(how=how, queries=400, **more))  # type: ignore[arg-type]


def smallest(text: str, right: str, share: float) -> int:
    """The fewest words whose replacement changes the reply, by trying everything; 0 where none does."""
    limits, linear = Limits(), Linear()
    words = words_of(text, limits.by, share, np.random.default_rng([0, *text.encode()]))
    for count in range(1, words.most + 1):
        for places in combinations(words.editable, count):
            for edits in product(*(words.edits(at) for at in places)):
                if linear.told([words.put(edits)], [right])[0].reply != right:
                    return count
    return 0


@pytest.mark.parametrize("how", ["greedy", "guided"])
def test_the_smallest_change_is_found(how: str) -> None:
    """As trying everything finds it: in one word, in two, or not at all; what was said wrong is left alone."""
    found = tried(how)
    wanted = [smallest(text, right, 0.2) for text, right in ROWS[:4]]
    assert sorted(set(wanted)) == [0, 1, 2]
    assert [len(one.found.edits) if one.found else 0 for one in found[:4]] == wanted
    assert [one.tried for one in found] == [True, True, True, True, False, False]
    assert [one.stands for one in found] == [not count for count in wanted] + [True, False]


@pytest.mark.parametrize("how", ["greedy", "guided", "blind"])
def test_what_is_found_is_so(how: str) -> None:
    """The text has these words replaced and no more than a fifth of them, and is told as is said; queries are those
    that were asked.
    """
    linear = Linear()
    found = attack(ROWS, linear, Limits(how=how, queries=60))
    assert sum(one.queries for one in found) == len(linear.asked)
    assert any(one.found for one in found)
    for one in found:
        assert one.queries <= 60
        assert one.share <= 0.2
        if one.found:
            assert linear.told([one.found.text], [one.right])[0].reply == one.found.said != one.right
            changed = [a for a, b in zip(one.text.split(), one.found.text.split(), strict=True) if a != b]
            assert len(changed) == len(one.found.edits) == round(one.share * len(one.text.split()))


def test_a_gradient_saves_queries() -> None:
    """Where the slope is the whole truth, the first texts that are tried break; greedy asks twice as often."""
    greedy, guided = ([one for one in tried(how) if one.found] for how in ("greedy", "guided"))
    assert all(one.queries <= 12 for one in guided)
    assert {one.peeks for one in guided} == {1}
    assert sum(one.queries for one in greedy) > 2 * sum(one.queries for one in guided)
    assert not any(one.peeks for one in greedy)


def test_rows_do_not_hang_on_each_other() -> None:
    """Alone, in another order, or beside others: the same is found with the same queries; another seed draws others."""
    whole = attack(ROWS, Linear(), Limits(how="blind"))
    assert [attack([row], Linear(), Limits(how="blind"))[0] for row in ROWS] == whole
    assert attack(ROWS[::-1], Linear(), Limits(how="blind")) == whole[::-1]
    assert attack(ROWS, Linear(), Limits(how="blind", seed=1)) != whole


def test_many_rows_are_asked_together() -> None:
    """As many calls as the longest search has rounds, not as all searches have; progress ends at all rows."""
    calls, done = list[int](), list[int]()

    class Counting(Linear):
        def told(self, texts: Sequence[str], right: Sequence[str]) -> list[Told]:
            calls.append(len(texts))
            return super().told(texts, right)

    attack(ROWS, Counting(), Limits(queries=30), done.append)
    assert len(calls) <= 30 // TOGETHER + 2
    assert max(calls) > 20
    assert done[-1] == len(ROWS)
    assert done == sorted(done)


def test_few_queries_are_kept_to() -> None:
    """With two a row is asked as it is and once more; a kind of edits that touches no word tries nothing."""
    assert {one.queries for one in attack(ROWS, Linear(), Limits(queries=2)) if one.tried} == {2}
    assert not any(one.tried for one in attack([ROWS[4]], Linear(), Limits(words=1.0, by=("words",))))
    assert attack([], Linear(), Limits()) == []
    with pytest.raises(UnknownPlugin, match="greedy"):
        attack(ROWS, Linear(), Limits(how="greed"))


def test_the_sum_of_it() -> None:
    """Shares have exact intervals; what had no rows says so."""
    told = attacked(tried("greedy"))
    assert (told.clean.mean, told.clean.n) == (pytest.approx(5 / 6), 6)
    assert told.success is not None
    assert told.under_attack.mean == pytest.approx((5 - round(told.success.mean * 4)) / 6)
    assert (told.success.n, told.under_attack.n) == (4, 6)
    assert told.changed is not None
    assert 0 < told.changed.mean <= 0.2
    none = attacked(attack([ROWS[4]], Linear(), Limits()))
    assert (none.success, none.queries, none.peeks, none.changed) == (None, None, None, None)
    assert none.under_attack.mean == 1.0
