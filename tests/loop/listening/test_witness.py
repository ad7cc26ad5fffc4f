"""What is remembered tells how surprising a label is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from homeostat.loop.listening.witness import LEAST, RARE, Witness
from loop.liars import LABELS, remembered, rows


def witness() -> Witness:
    made = Witness.of(remembered())
    assert made is not None
    return made


def test_true_labels_are_as_surprising_as_remembered_ones() -> None:
    """The p-values of labels that are right are even or larger: of 1,000 new rows as many are below a level as
    the level says, to within four standard deviations, and of labels drawn at random most are below the least of them.
    """
    new = rows(LABELS, 1000, 5)
    right = np.array(witness().hear([text for text, _ in new], [label for _, label in new]).p)
    for level in (0.02, 0.05, 0.1):
        assert (right <= level).mean() <= level + 4 * np.sqrt(level * (1 - level) / 240)
    other = [LABELS[(LABELS.index(label) + 1) % 4] for _, label in new]
    wrong = np.array(witness().hear([text for text, _ in new], other).p)
    assert (wrong <= RARE).mean() > 0.7


def test_it_is_told_by_rows_that_were_left_out() -> None:
    """Where a tenth of the remembered labels is wrong, nearly as many of them surprise it: each is told by the others,
    and a head that has learned a row would find fewer of them strange.
    """
    known = [replace(row, target="login") if k % 10 == 0 else row for k, row in enumerate(remembered())]
    wrong = np.mean([row.target != old.target for row, old in zip(known, remembered(), strict=True)])
    made = Witness.of(known)
    assert made is not None
    learned = np.array(made.hear([row.text for row in known], [row.target for row in known]).best)
    assert (made.surprises > 0).mean() >= wrong
    assert np.mean(learned != [row.target for row in known]) < wrong


def test_what_it_does_not_know() -> None:
    """A label that nobody remembers is never surprising, and a text like none is not plain."""
    heard = witness().hear(["water leak wet floor", "refund money back charged"], ["leak", "refund"])
    assert heard.p[0] == 1.0
    assert list(heard.sure) == [False, True]
    assert (heard.best[1], heard.p[1]) == ("refund", 1.0)


def test_too_little_to_say() -> None:
    """Few rows, or rows of a single label, are no witness."""
    assert Witness.of(remembered()[: LEAST - 1]) is None
    assert Witness.of([row for row in remembered(4 * LEAST + 40) if row.target == "refund"]) is None
