"""Trains with rows of each group held out, and fits to them what is added to labels for each group.

Offsets are kept only where they narrow the widest gap beyond doubt, at no more than a stated loss of accuracy. Both are
measured by halves: what is added to a row was fitted to the other half. The figures stay in the version's folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from homeostat.evaluate.fair import FEWEST
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import FILE, MOST, Offsets, Shift, save_offsets
from homeostat.metrics.fairness import Grouped, recall_values
from homeostat.stats.gaps import Gap, gap, widened
from homeostat.train.moved import answering
from homeostat.train.offsets import Floats, Held, crossed, fitted, held_out
from homeostat.train.run import Order, Trained
from homeostat.types.dataset import Example
from homeostat.types.version import Version

LOST = 0.02
"""Share of right replies that offsets may cost, on average over groups and labels."""
ALPHA = 0.05
"""Risk of keeping offsets that narrow nothing."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How often a label is given where it is right, by group, without offsets and with them."""

    label: str
    before: Grouped
    after: Grouped


def with_offsets(order: Order, made: Callable[[Order], Trained]) -> Trained:
    """What `made` makes of the rows that are left when some of each group are held out, with offsets fitted to those.

    Raises:
        WrongType: the task has no labels.
        What `made` raises.
    """
    tags, known = order.recipe.offset, frozenset(row.text for row in order.held)
    rest, held = held_out(order.examples, tags, order.task.kind, known)
    trained = made(replace(order, examples=rest, recipe=replace(order.recipe, offset=())))
    began = time.process_time()
    (trained.weights / FILE).unlink(missing_ok=True)  # of a run that was killed
    found, asked = _offsets(order, trained, held)
    save_offsets(found, trained.weights)
    spent = trained.cost.get("cpu_seconds", 0.0) + time.process_time() - began
    flops = trained.cost.get("flops", 0.0) + asked
    return replace(trained, cost={**trained.cost, "cpu_seconds": spent, "flops": flops})


def _offsets(order: Order, trained: Trained, rows: Sequence[Example]) -> tuple[Offsets, float]:
    """The offsets, and the operations of asking the version about the rows."""
    tags = order.recipe.offset
    if not rows:
        because = f"too few rows that no model has seen carry {', '.join(tags)}, or all are of one group"
        return Offsets(tags=tags, measured={"kept": False, "because": because, "rows": 0}), 0.0
    said, asked = _said(order, trained, rows)
    groups = sorted({tuple(row.tags[tag] for tag in tags) for row in rows})
    held = Held(
        said,
        np.array([trained.labels.index(row.target) for row in rows]),
        np.array([groups.index(tuple(row.tags[tag] for tag in tags)) for row in rows]),
    )
    found = measured(held, crossed(held, len(groups)), trained.labels, [", ".join(group) for group in groups])
    shifts = [
        Shift(group=group, offsets={label: float(x) for label, x in zip(trained.labels, row, strict=True) if x})
        for group, row in zip(groups, fitted(held).clip(-MOST, MOST), strict=True)
    ]
    return Offsets(tags=tags, shifts=tuple(shifts) if found["kept"] else (), measured=found), asked


def _said(order: Order, trained: Trained, rows: Sequence[Example]) -> tuple[Floats, float]:
    """float64[rows, labels]: what the version says of rows, by the code that will answer; and the operations of it."""
    version = Version(
        id="ver_trained",
        task=order.task.name,
        time=0.0,
        base=order.start.base,
        kind=trained.kind,
        labels=trained.labels,
        prior=trained.prior,
    )
    backend = LocalBackend(order.start.base, threads=torch.get_num_threads())
    backend.load(version, trained.weights)
    texts = [row.text for row in rows]
    said = np.stack(backend.score([Request(task=order.task, text=text, version=version.id) for text in texts]))
    return said, answering(backend, order, texts)


def measured(held: Held, moved: Floats, labels: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    """What offsets do: the widest gap between groups in how often a label is given where it is right, without and with
    them, accuracy, and whether they are to be kept.

    Args:
        held: what the version says of rows that it was not trained on.
        moved: float64[rows, labels], the same with offsets that were not fitted to the row.
        labels: names of the labels.
        groups: names of the groups.
    """
    wanted, of = [labels[k] for k in held.target], [groups[k] for k in held.group]
    before, after = ([labels[int(k)] for k in logs.argmax(axis=1)] for logs in (held.logs, moved))
    places = [
        place for label in dict.fromkeys(wanted) if len((place := _place(label, wanted, of, before, after)).before) > 1
    ]
    right = [_even_accuracy(held, logs) for logs in (held.logs, moved)]
    told: dict[str, Any] = {"rows": len(wanted), "accuracy_before": right[0], "accuracy_after": right[1]}
    if not places:
        return told | {"kept": False, "because": f"no label has {FEWEST} rows held out of two groups"}
    family = sum(len(place.before) * (len(place.before) - 1) for place in places)
    first, last = (_widest(places, side, family) for side in ("before", "after"))
    narrowed = widened(first[0].before, first[0].after, alpha=ALPHA, family=family)
    lost = right[0] - right[1]
    told |= {"before": _gap(*first), "after": _gap(*last), "narrowed_at_least": round(narrowed, 4)}
    return told | _kept(narrowed, lost, wider=last[1].score.mean >= first[1].score.mean)


def _kept(narrowed: float, lost: float, *, wider: bool) -> dict[str, Any]:
    if narrowed <= 0.0 or wider:
        return {"kept": False, "because": "that they narrow the widest gap is not beyond doubt"}
    if lost > LOST:
        return {
            "kept": False,
            "because": f"they cost {100.0 * lost:.1f} points of accuracy, and {100.0 * LOST:.0f} are allowed",
        }
    return {"kept": True, "because": f"they narrow the widest gap by {100.0 * narrowed:.1f} points or more"}


def _place(label: str, wanted: Sequence[str], of: Sequence[str], before: Sequence[str], after: Sequence[str]) -> _Place:
    """A label in the groups that have rows enough of it."""
    sides = [recall_values(said, wanted, of, label) for said in (before, after)]
    first, last = ({name: values for name, values in side.items() if len(values) >= FEWEST} for side in sides)
    return _Place(label, first, last)


def _widest(places: Sequence[_Place], side: str, family: int) -> tuple[_Place, Gap]:
    found = [(place, gap(getattr(place, side), alpha=ALPHA, family=family)) for place in places]
    return max(found, key=lambda one: one[1].score.mean)


def _gap(place: _Place, found: Gap) -> Mapping[str, Any]:
    score = found.score
    figures = [round(value, 4) for value in (score.mean, score.low, score.high)]
    return {"label": place.label, "gap": figures, "rows": score.n, "most": found.most, "least": found.least}


def _even_accuracy(held: Held, logs: Floats) -> float:
    """Share of right replies, each group and label counting alike, whatever share of the rows they have."""
    right = logs.argmax(axis=1) == held.target
    cells = {(int(g), int(y)) for g, y in zip(held.group, held.target, strict=True)}
    return round(float(np.mean([right[(held.group == g) & (held.target == y)].mean() for g, y in sorted(cells)])), 4)
