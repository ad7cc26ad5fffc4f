"""Thresholds per group: offsets on labels' log-probabilities that make groups alike, after the model has been trained.

Post-processing as of Hardt, Price and Srebro (2016, 1610.02413), for any number of labels and without a lot being
drawn: of each group g and label y an offset d[g, y] is added to log p(y|x), and each label's offsets sum to zero over
groups, so that only what differs between groups is touched. They are fitted to rows that the model has not seen:
recalls alike (equal opportunity of every label), counted smoothly, beside the log-likelihood of rows weighed so that
labels are as frequent in each group, and shrunk toward nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from homeostat.errors import WrongType
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HELD = 50
"""Rows of a group and label that are held out at most; half of them where that is fewer."""
FEWEST = 40
"""Rows held out below which nothing is fitted."""
ALIKE = 10.0
"""Weight of unlike recalls beside the log-likelihood."""
SPREAD = 2.0
"""Nats that an offset is expected to be: what it is shrunk by."""
SOFT = 0.5
"""Width over which a row counts as partly told right, as a share of the spread of the leads of right labels."""
STEPS = 200


@dataclass(frozen=True, slots=True)
class Held:
    """What a model says of rows that it was not trained on."""

    logs: Floats
    """float64[rows, labels]: log-probabilities."""
    target: Ints
    """int64[rows]: the right label's place."""
    group: Ints
    """int64[rows]: the group's number."""

    def only(self, rows: Ints) -> Held:
        """The same of some rows."""
        return Held(self.logs[rows], self.target[rows], self.group[rows])


def held_out(
    rows: Sequence[Example], tags: Sequence[str], kind: Kind, known: frozenset[str] = frozenset()
) -> tuple[list[Example], list[Example]]:
    """(rows to train on, rows to fit offsets to): of each group and label half the rows, and at most `HELD`.

    Which rows hangs on their texts alone. Copies, old rows and those whose text is in `known`, all of which a model may
    have seen before, and rows that lack a tag, are trained on. So are all rows where fewer than `FEWEST` could be held
    out, or those of one group alone: then nothing is fitted.

    Raises:
        WrongType: the task has no labels.
    """
    if kind is not Kind.LABEL:
        fix = "take `swap` in its place, or hold the task to nothing but accuracy"
        raise WrongType("offsets are for labels, and the task replies with text", where="recipe.offset", fix=fix)
    cells = defaultdict[tuple[str, ...], list[int]](list)
    for k, row in enumerate(rows):
        new = row.origin is Origin.NEW and not row.disturbed and row.text not in known
        if new and all(tag in row.tags for tag in tags):
            cells[(*(row.tags[tag] for tag in tags), row.target)].append(k)
    chosen: set[int] = set()
    for at in cells.values():
        ordered = sorted(at, key=lambda k: (_drawn(rows[k].text), k))
        chosen.update(ordered[: min(len(at) // 2, HELD)])
    groups = {tuple(rows[k].tags[tag] for tag in tags) for k in chosen}
    if len(chosen) < FEWEST or len(groups) < 2:
        return list(rows), []
    return [row for k, row in enumerate(rows) if k not in chosen], [rows[k] for k in sorted(chosen)]


def _drawn(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def fitted(held: Held) -> Floats:
    """float64[groups, labels]: offsets in nats that make recalls alike; each label's sum to zero over the groups.

    A group and label without rows are left where shrinking puts them, at nothing. The same rows give the same offsets.
    """
    logs, target = torch.from_numpy(held.logs), torch.from_numpy(held.target)
    group, counts = torch.from_numpy(held.group), _counts(held)
    groups, labels = counts.shape
    weights = _even(counts)[held.group, held.target]
    soft = SOFT * float(np.std(_leads(logs, target).numpy())) + 1e-6
    seen = torch.from_numpy(counts)

    def loss(flat: Floats) -> tuple[float, Floats]:
        free = torch.from_numpy(flat.reshape(groups, labels)).requires_grad_()
        shift = free - free.mean(dim=0)
        moved = logs + shift[group]
        likely = moved.log_softmax(-1).gather(1, target[:, None])[:, 0]
        unlike = _unlike(torch.sigmoid(_leads(moved, target) / soft), group, target, seen)
        total = -(torch.from_numpy(weights) * likely).sum() + ALIKE * unlike + (free**2).sum() / (2.0 * SPREAD**2)
        (slope,) = torch.autograd.grad(total, free)
        return float(total.detach()), slope.numpy().ravel()

    found = minimize(loss, np.zeros(groups * labels), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    shifts = found.x.reshape(groups, labels)
    return np.asarray(np.round(shifts - shifts.mean(axis=0), 6) + 0.0, np.float64)  # no -0.0, for equal files


def crossed(held: Held, groups: int) -> Floats:
    """float64[rows, labels]: log-probabilities with offsets that were fitted to the other half of the rows."""
    order = np.lexsort((np.arange(len(held.target)), held.target, held.group))
    half = np.empty(len(order), np.int64)
    half[order] = np.arange(len(order)) % 2
    out = held.logs.copy()
    for k in (0, 1):
        mine, other = np.flatnonzero(half == k), held.only(np.flatnonzero(half != k))
        if set(other.group.tolist()) == set(range(groups)):
            out[mine] += fitted(other)[held.group[mine]]
    return out


def _counts(held: Held) -> Floats:
    """float64[groups, labels]: rows of each."""
    counts = np.zeros((int(held.group.max()) + 1, held.logs.shape[1]))
    np.add.at(counts, (held.group, held.target), 1.0)
    return counts


def _even(counts: Floats) -> Floats:
    """float64[groups, labels]: what a row weighs so that labels are as frequent in each group as in all together."""
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / counts.sum()
    return np.asarray(np.divide(expected, counts, out=np.zeros_like(counts), where=counts > 0.0))


def _leads(logs: Tensor, target: Tensor) -> Tensor:
    """float64[rows]: how far the right label leads the likeliest other one, in nats."""
    right = logs.gather(1, target[:, None])
    others = logs.scatter(1, target[:, None], -torch.inf)
    return (right - others.max(dim=1, keepdim=True).values)[:, 0]


def _unlike(told: Tensor, group: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """How far groups' recalls lie from their label's mean, squared, each by its rows; only of labels that more than one
    group has.
    """
    sums = torch.zeros_like(counts).index_put((group, target), told, accumulate=True)
    recall = sums / counts.clamp(min=1.0)
    mean = sums.sum(dim=0) / counts.sum(dim=0).clamp(min=1.0)
    return (counts * (recall - mean) ** 2).sum()
