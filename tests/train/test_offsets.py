"""Offsets per group: fitted to what a model says of rows that it has not seen, so that recalls become alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax

from homeostat.errors import WrongType
from homeostat.train.offsets import FEWEST, HELD, Floats, Held, crossed, fitted, held_out
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind


def said(n: int, bias: Floats, seed: int, shares: Floats | None = None, sharp: float = 1.5) -> Held:
    """What a model says that knows something of each row and adds `bias` float[groups, labels] by the group."""
    rng, (groups, labels) = np.random.default_rng(seed), bias.shape
    group = np.arange(n) % groups
    even = np.full((groups, labels), 1.0 / labels)
    target = np.array([rng.choice(labels, p=(even if shares is None else shares)[g]) for g in group])
    scores = sharp * rng.normal(size=(n, labels))
    scores[np.arange(n), target] += sharp * 1.5
    return Held(log_softmax(scores + bias[group], axis=1), target, group)


def recalls(held: Held, logs: Floats) -> Floats:
    """float[groups, labels]"""
    right = logs.argmax(axis=1) == held.target
    groups, labels = int(held.group.max()) + 1, logs.shape[1]
    return np.array(
        [[right[(held.group == g) & (held.target == y)].mean() for y in range(labels)] for g in range(groups)]
    )


def apart(held: Held, logs: Floats) -> float:
    """The widest gap."""
    found = recalls(held, logs)
    return float((found.max(axis=0) - found.min(axis=0)).max())


TWO = np.array([[1.2, -1.2], [-1.2, 1.2]])
SKEWED = np.array([[0.9, 0.1], [0.1, 0.9]])


def test_they_undo_a_bias_on_rows_that_they_were_not_fitted_to() -> None:
    """Fitted to 200 rows of each seed, tried on 4,000 others: the gap is nearly gone, no accuracy is lost, and most of
    it is gone where ten rows stand for a group's rare label.
    """
    for seed in range(4):
        other = said(4000, TWO, 100 + seed)
        before = apart(other, other.logs)
        for shares, most in ((None, 0.12), (SKEWED, 0.18)):
            shift = fitted(said(200, TWO, seed, shares))
            after = other.logs + shift[other.group]
            assert before > 0.35
            assert apart(other, after) < most, seed
            assert recalls(other, after).mean() > recalls(other, other.logs).mean() - 0.01


def test_they_are_near_what_was_planted_and_sum_to_zero() -> None:
    """What differs between groups is found, and what all have in common is left alone: a label that the model prefers
    in every group stays preferred.
    """
    shift = fitted(said(3000, TWO + np.array([1.0, 0.0]), 0))
    lead = shift[:, 0] - shift[:, 1]
    np.testing.assert_allclose(shift.sum(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(lead, [-2.4, 2.4], atol=0.5)
    plain = said(3000, np.tile(np.array([[1.0, 0.0]]), (2, 1)), 0)
    np.testing.assert_allclose(fitted(plain), 0.0, atol=0.15)


def test_three_groups_and_four_labels() -> None:
    """Any number of either; a group that is missing from a label's rows is no error."""
    bias = np.array([[1.5, 0.0, 0.0, -1.0], [0.0, 0.0, 0.0, 0.0], [-1.5, 0.0, 0.0, 1.0]])
    held, other = said(1200, bias, 1), said(6000, bias, 2)
    after = other.logs + fitted(held)[other.group]
    assert apart(other, after) < 0.5 * apart(other, other.logs)
    gone = held.only(np.flatnonzero(~((held.group == 1) & (held.target == 3))))
    assert np.isfinite(fitted(gone)).all()


def test_few_rows_are_shrunk() -> None:
    """A handful of rows, of which all of one group happen to be wrong, ask for nothing that a hundred would not."""
    few = said(8, TWO, 3)
    assert np.abs(fitted(few)).max() < 2.0
    np.testing.assert_array_equal(fitted(few), fitted(few))


def test_halves_know_nothing_of_each_other() -> None:
    """What a model says of a row changes what is added to rows of the other half, and never to its own."""
    held = said(160, TWO, 5)
    shift = crossed(held, 2) - held.logs
    for k in (0, 7, 33):
        logs = held.logs.copy()
        logs[k] = logs[k, ::-1] * 3.0
        other = crossed(replace(held, logs=logs), 2) - logs
        changed = np.abs(other - shift).max(axis=1) > 1e-9
        np.testing.assert_allclose(other[k], shift[k], atol=1e-9)
        assert 40 <= changed.sum() <= 120
        assert not changed[k]


def test_halves_without_a_group_are_left_alone() -> None:
    """One row of a group is in one half alone: that half finds nothing to compare with in the other, and is left."""
    held = said(60, TWO, 6)
    lone = held.only(np.array([*(k for k in range(60) if held.group[k] == 0), 1]))
    moved = crossed(lone, 2)
    np.testing.assert_array_equal(moved[-1], lone.logs[-1])
    assert (moved == lone.logs).all(axis=1).sum() == (len(lone.target) + 1) // 2  # that half, which the lone row is in


def rows(n: int = 400, share: float = 0.9, **more: object) -> list[Example]:
    rng, made = np.random.default_rng(0), []
    for k in range(n):
        label = k % 2
        group = label if rng.random() < share else 1 - label
        made.append(Example(text=f"row {k}", target=("no", "yes")[label], tags={"who": "ab"[group]}, **more))  # type: ignore[arg-type]
    return made


def test_half_of_each_group_and_label_is_held_out() -> None:
    """And no more than is of use, so that a frequent pair gives up less; which rows hangs on the texts alone."""
    every = rows()
    kept, held = held_out(every, ("who",), Kind.LABEL)
    counts = {
        (g, y): (
            sum(row.tags["who"] == g and row.target == y for row in every),
            sum(row.tags["who"] == g and row.target == y for row in held),
        )
        for g in "ab"
        for y in ("no", "yes")
    }
    assert all(held == min(all_ // 2, HELD) for all_, held in counts.values())
    assert max(held for _, held in counts.values()) == HELD
    assert sorted(row.text for row in (*kept, *held)) == sorted(row.text for row in every)
    turned = held_out(every[::-1], ("who",), Kind.LABEL)[1]
    assert {row.text for row in turned} == {row.text for row in held}


def test_rows_that_a_model_may_have_seen_are_not_held_out() -> None:
    """Old ones, copies, those of the champion's head, and those that carry no tag."""
    every = rows(200)
    seen = [replace(row, text=f"old {row.text}", origin=Origin.REPLAY) for row in every]
    copies = [replace(row, text=f"copy {row.text}", disturbed="typos") for row in every]
    bare = [replace(row, text=f"bare {row.text}", tags={}) for row in every]
    known = frozenset(row.text for row in every[:100])
    _, held = held_out([*every, *seen, *copies, *bare], ("who",), Kind.LABEL, known)
    assert held
    assert {row.text for row in held} <= {row.text for row in every[100:]}


@pytest.mark.parametrize("few", [rows(60), rows(400, share=0.5)[:2], [], [r for r in rows() if r.tags["who"] == "a"]])
def test_too_few_rows_are_all_trained_on(few: list[Example]) -> None:
    """Or rows of one group alone: nothing can be fitted, and nothing is taken away."""
    kept, held = held_out(few, ("who",), Kind.LABEL)
    assert (kept, held) == (few, []) or len(held) >= FEWEST


def test_texts_have_no_labels() -> None:
    """Whoever wants offsets for a task of texts is told what else there is."""
    with pytest.raises(WrongType, match="offsets are for labels"):
        held_out(rows(4), ("who",), Kind.TEXT)
