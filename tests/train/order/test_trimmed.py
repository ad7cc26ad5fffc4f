"""Trimming: the hardest rows of every label are never drawn, and where labels are wrong that pays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import seen
from homeostat.llm.render import Rendered
from homeostat.train.order.difficulty import Given
from homeostat.train.order.trimmed import Trimmed
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from homeostat.train.step import Ground

HARDNESS = (*(float(k) for k in range(10)), *(100.0 + k for k in range(20)), 500.0)


def lettered(*, labels: bool) -> Ground:
    """Ten easy rows of a label, twenty hard ones of another, and the only row of a third, the hardest."""
    rows = [Sample(Rendered((0, k), (token,))) for token, count in ((1, 10), (2, 20), (3, 1)) for k in range(count)]
    return seen.ground(rows, allowed=torch.tensor([1, 2, 3]) if labels else None)


def test_each_label_loses_its_hardest_rows() -> None:
    """Of every label the share that is hardest is left out; a label is never left out as a whole."""
    left = Trimmed(share=0.3, difficulty=Given(values=HARDNESS)).begin(lettered(labels=True))(0.0)
    assert np.flatnonzero(left == 0).tolist() == [7, 8, 9, *range(24, 30)]
    assert set(left.tolist()) == {0.0, 1.0}


def test_texts_are_trimmed_together() -> None:
    """Where replies are texts, of which each is its own, the hardest of all rows are left out."""
    left = Trimmed(share=0.1, difficulty=Given(values=HARDNESS)).begin(lettered(labels=False))(0.0)
    assert np.flatnonzero(left == 0).tolist() == [28, 29, 30]


def test_what_is_left_out_never_comes() -> None:
    """In a whole run the other rows are drawn as often as each other, and those left out not once."""
    order, on = Trimmed(share=0.3, difficulty=Given(values=HARDNESS)), lettered(labels=True)
    batches = list(Plan([3] * 31, 4, 0, 60, 0.0, order.begin(on)).rest(0))
    found = np.bincount(np.concatenate(batches), minlength=31)
    kept = order.begin(on)(0.0) > 0
    assert not found[~kept].any()
    assert np.ptp(found[kept]) <= 1


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_few_rows_are_not_trimmed(share: float) -> None:
    """Nothing is left out where the share is less than a row."""
    assert Trimmed(share=share, difficulty=Given(values=HARDNESS)).begin(lettered(labels=True))(0.5).all()
