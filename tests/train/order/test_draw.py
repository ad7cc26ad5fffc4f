"""Drawing: everything in its share, the same wherever it is entered, and of like length."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.train.order.draw import Floats, drawn
from homeostat.train.order.imbalance import Constant


@dataclass
class Half:
    """The first half of the rows, until all are eligible; keeps what it was asked."""

    rows: int
    until: float = 0.25
    asked: list[float] = field(default_factory=list)

    def __call__(self, share: float) -> Floats:
        """1 where eligible."""
        self.asked.append(share)
        return (np.arange(self.rows) < (self.rows / 2 if share < self.until else self.rows)).astype(float)


def counts(batches: list[np.ndarray], rows: int) -> np.ndarray:
    """How often each row came."""
    return np.bincount(np.concatenate(batches), minlength=rows)


@given(lengths=st.lists(st.integers(1, 90), min_size=1, max_size=300), rows=st.integers(1, 40), seed=st.integers(0, 3))
def test_equal_weights_are_passes(lengths: list[int], rows: int, seed: int) -> None:
    """With equal weights a row never comes a second time before every other has come once, and batches are full."""
    steps = 3 * -(-len(lengths) // rows)
    batches = list(drawn(Constant(np.full(len(lengths), 0.3)), lengths, rows, seed, steps))
    assert len(batches) == steps
    assert {len(batch) for batch in batches} == {min(rows, len(lengths))}
    assert np.ptp(counts(batches, len(lengths))) <= 1


@given(weights=st.lists(st.integers(0, 20), min_size=2, max_size=60).filter(any), seed=st.integers(0, 3))
def test_every_row_comes_in_its_share(weights: list[int], seed: int) -> None:
    """A row comes as often as its weight says, give or take two; a row of weight 0 never."""
    wanted, steps = np.array(weights, float), 100
    found = counts(list(drawn(Constant(wanted), [1] * len(weights), 4, seed, steps)), len(weights))
    rows = min(4, len(weights))
    assert np.abs(found - steps * rows * wanted / wanted.sum()).max() <= 2 + 1e-9
    assert not found[wanted == 0].any()


@pytest.mark.parametrize("step", [0, 1, 17, 63, 99])
def test_it_is_the_same_wherever_it_is_entered(step: int) -> None:
    """What comes from a step on does not depend on where one begins to look; another seed draws otherwise."""
    lengths = np.random.default_rng(0).integers(5, 60, 200).tolist()

    def draw(seed: int) -> list[np.ndarray]:
        return list(drawn(Half(200), lengths, 8, seed, 100))

    entered = list(islice(drawn(Half(200), lengths, 8, 0, 100), step, None))
    assert all(np.array_equal(a, b) for a, b in zip(entered, draw(0)[step:], strict=True))
    assert not np.array_equal(draw(0)[step], draw(1)[step])


def test_only_what_is_eligible_comes() -> None:
    """No row comes before it is eligible; from then on it comes as often as the others, which it does not catch up."""
    batches = list(drawn(Half(400), [1] * 400, 10, 0, 160))
    first, rest = np.concatenate(batches[:40]), np.concatenate(batches[40:])
    assert first.max() < 200
    assert np.ptp(np.bincount(first)) <= 1
    late = counts([rest[rest >= 200]], 400)[200:]
    assert np.ptp(late) <= 2
    assert (rest >= 200).mean() == pytest.approx(0.5, abs=0.05)


def test_it_is_asked_often_while_eligibility_changes() -> None:
    """At least four times before the share at which nothing changes any more, and exactly at that share."""
    offer = Half(400)
    list(drawn(offer, [1] * 400, 4, 0, 400))
    assert sum(share < 0.25 for share in offer.asked) >= 4
    assert 0.25 in offer.asked
