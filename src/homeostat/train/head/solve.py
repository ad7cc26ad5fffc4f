"""One training of an exact head, from examples to a folder: anew, or from a champion head by the rows that differ.

A champion head's sums hold every row that it was made of, so a row that came is added, a row that went is taken out,
and nothing else is read again. The solution is that of all rows in the features that the first head has fixed.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from scipy.special import log_softmax

from homeostat.errors import NothingToTrainOn, UnknownLabel, UnsuitedModel, did_you_mean
from homeostat.llm.batches import passes
from homeostat.llm.exact import ExactHead, load_exact, save_exact
from homeostat.llm.features import Features, Floats
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.flops import Size
from homeostat.train.head import kept
from homeostat.train.head.choose import choose_ridge
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.head.sharpen import sharpness
from homeostat.train.moved import moved
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.run import Order, Start, Trained
from homeostat.train.sound import require_labels, require_sound
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import HEAD

SUMS = "sums.safetensors"
"""What the next head goes on from."""
CHUNK = 1000
"""Rows whose features are held in memory at once."""
CHOOSING = 1000
"""Rows, the newest, that the ridge is chosen by."""
SURE = 256
"""Rows, the newest, that say how sure scores are; of a head that is gone on from they are read again."""
Row = tuple[str, str]
"""A text and its label."""


@dataclass(slots=True)
class _Reader:
    """The bare base, which texts are read by, and what that has taken."""

    opened: Opened
    task: Task
    pool: str
    flops: float = 0.0
    _renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        self._renderer = Renderer(self.opened.tokenizer)

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> Floats:
        """float64[texts, hidden]"""
        found = np.zeros((len(texts), int(self.opened.model.config.hidden_size)))
        for at, rows in self._batches(texts):
            said = predict(self.opened, rows)
            found[at] = (said.pooled if self.pool == "mean" else said.states).double().cpu().numpy()
        return found

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[Rendered]]]:
        """Places of texts and their prompts, those of like length together; each is counted."""
        rows = [self._renderer.example(self.task, text, (0,)) for text in texts]
        order, size = sorted(range(len(rows)), key=lambda k: len(rows[k].prompt)), Size.of(self.opened.model)
        for some_of in passes([len(rows[k].prompt) for k in order], self.opened.model.device):
            at = order[some_of]
            some = [rows[k] for k in at]
            self.flops += size.forward(*size.shape(some, self.opened.family))
            yield at, some

    def price(self, texts: Sequence[str]) -> float:
        """Operations that reading texts takes; none is read."""
        meter = _Reader(self.opened, self.task, self.pool)
        for _ in meter._batches(texts):
            pass
        return meter.flops


@dataclass(slots=True)
class _Made:
    """A head with the features of its rows, and how many it took in and out."""

    features: Features
    head: RidgeHead
    added: int
    removed: int = 0


def solve(order: Order) -> Trained:
    """Train once, in seconds.

    Raises:
        NothingToTrainOn, LeakedAnswer: the rows teach nothing, or too little.
        UnknownLabel: an example's target is not in the label set.
        UnsuitedModel: the task writes texts, or rows shall be weighed.
        ModelNotFound, UnsafeWeights, CorruptWeights: the base, or the champion, cannot be read.
        StoreFull: the disk is full.
    """
    began, spent = time.time(), time.process_time()
    rows, exact = _rows(order), _exact(order)
    reader = _Reader(open_model(order.start.base), order.task, exact.pool)
    start = begun(order)
    made = _moved(start, order.held, rows, reader) if start else _anew(exact, order.recipe.seed, rows, reader)
    newest = rows[-SURE:]
    seen = _seen(made.features, newest, reader)
    sure = _sureness(made, newest, seen)
    labels = tuple(label for label in order.labels if label in made.head.labels)
    weights = order.folder / "weights"
    columns = [made.head.labels.index(label) for label in labels]
    solution = made.head.weights()[:, columns]
    head = ExactHead(features=made.features, weights=solution, labels=labels, sharpness=sure, pool=exact.pool)
    save_exact(head, weights)
    kept.save(weights / SUMS, made.features, made.head, _word(order))
    made_here = Start(base=order.start.base, folder=weights, kind=HEAD, labels=labels)
    far, asked = (_distance(order, head, newest, seen), 0.0) if start else moved(order, made_here)
    cost = {
        "flops": reader.flops + _algebra(made.features.width, made.added + made.removed, len(labels)) + asked,
        "cpu_seconds": time.process_time() - spent,
        "wall_seconds": time.time() - began,
        "steps": 0.0,
        "rows": float(len(rows)),
        "added": float(made.added),
        "removed": float(made.removed),
        "ridge": made.head.ridge,
        "sharpness": sure,
        "kl_new": far,
    }
    return Trained(weights=weights, kind=HEAD, labels=labels, cost=cost)


def foretold(order: Order) -> tuple[int, float]:
    """Rows that would be added or taken out, and the operations it would take. Raises as `solve`; trains nothing."""
    rows, exact = _rows(order), _exact(order)
    new, gone = apart(_pairs(order.held), rows) if begun(order) else (rows, [])
    reader = _Reader(open_model(order.start.base), order.task, exact.pool)
    read = sum(reader.price([text for text, _ in some]) for some in (new, gone, rows[-SURE:]) if some)
    return len(new) + len(gone), read + _algebra(exact.width + exact.buckets, len(new) + len(gone), len(order.labels))


def begun(order: Order) -> tuple[Features, RidgeHead] | None:
    """What the champion's head goes on from; None for no exact head, or one of another make or of other rows."""
    path = (order.start.folder or Path()) / SUMS
    if order.start.kind != HEAD or not order.recipe.warm_start or not path.exists() or kept.made(path) != _word(order):
        return None
    features, head = kept.load(path)
    if not isinstance(head, RidgeHead):
        return None
    rows = Counter(row.target for row in order.held)
    return (features, head) if rows == Counter(dict(zip(head.labels, head.counts, strict=True))) else None


def apart(held: Sequence[Row], rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that are not held yet, and those held that are no longer among the rows."""
    left, new = Counter(held), []
    for row in rows:
        if left[row]:
            left[row] -= 1
        else:
            new.append(row)
    return new, list(left.elements())


def _exact(order: Order) -> Exact:
    exact = order.recipe.objective
    assert isinstance(exact, Exact), "whoever calls has looked"
    return exact


def _rows(order: Order) -> list[Row]:
    """The rows to hold, oldest first.

    Raises as `solve`.
    """
    require_labels(order.task)
    if order.recipe.reweigh:
        what, fix = "an exact head weighs all rows alike", "use `swap`, or the recipe `reweighed`"
        raise UnsuitedModel(what, where="recipe.reweigh", fix=fix)
    if not order.examples:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    require_sound(order.task, order.examples, order.labels)
    for number, row in enumerate(order.examples, 1):
        if row.target not in order.labels:
            fix = did_you_mean(row.target, order.labels)
            what = f"label '{row.target}' is not in the label set"
            raise UnknownLabel(what, where=f"row {number} of the dataset", fix=fix)
    return [(row.text, row.target) for row in sorted(order.examples, key=lambda row: row.time)]


def _word(order: Order) -> str:
    """How features are made: a head is gone on from by one of the same make alone."""
    made = {"base": order.start.base, "instruction": order.task.instruction, "seed": order.recipe.seed}
    return json.dumps(made | asdict(_exact(order)), sort_keys=True)


def _anew(exact: Exact, seed: int, rows: Sequence[Row], reader: _Reader) -> _Made:
    """A head of these rows alone; they fix the features."""
    states = reader.states([text for text, _ in rows])
    features = Features.fixed(states, width=exact.width, buckets=exact.buckets, seed=seed)
    newest = rows[-CHOOSING:]
    seen = features.of(states[-CHOOSING:], [text for text, _ in newest])
    ridge = exact.ridge or choose_ridge(seen, [label for _, label in newest])
    head = RidgeHead(features.width, ridge=ridge, balance=exact.balance)
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        head.add(features.of(states[start : start + CHUNK], [t for t, _ in some]), [label for _, label in some])
    return _Made(features, head, len(rows))


def _moved(start: tuple[Features, RidgeHead], held: Sequence[Example], rows: Sequence[Row], reader: _Reader) -> _Made:
    """The champion's head with the rows that came, and without those that went."""
    features, head = start
    new, gone = apart(_pairs(held), rows)
    for change, some in ((head.add, new), (head.remove, gone)):
        for first in range(0, len(some), CHUNK):
            part = some[first : first + CHUNK]
            change(_seen(features, part, reader), [label for _, label in part])
    return _Made(features, head, len(new), len(gone))


def _sureness(made: _Made, newest: Sequence[Row], seen: Floats) -> float:
    """What makes probabilities of the scores, by the newest rows, of which float64[rows, width] are the features."""
    targets = [label for _, label in newest]
    left_out = made.head.left_out(seen, targets)
    return sharpness(left_out, np.array([made.head.labels.index(label) for label in targets]))


def _distance(order: Order, head: ExactHead, newest: Sequence[Row], seen: Floats) -> float:
    """Mean KL(champion || head) in nats over the labels that both know, on those of the newest rows that the champion
    does not hold; 0 where there are none. Both look at the same features, so that nothing is read anew.
    """
    assert order.start.folder is not None, "a head that is gone on from has one"
    before, old = load_exact(order.start.folder, len(head.features.mean)), set(_pairs(order.held))
    fresh = [k for k, row in enumerate(newest) if row not in old]
    both = [label for label in before.labels if label in head.labels]
    if not fresh or not both:
        return 0.0
    was, now = (
        log_softmax(one.sharpness * (seen[fresh] @ one.weights)[:, [one.labels.index(label) for label in both]], axis=1)
        for one in (before, head)
    )
    return float((np.exp(was) * (was - now)).sum(axis=1).mean())


def _pairs(rows: Iterable[Example]) -> list[Row]:
    return [(row.text, row.target) for row in rows]


def _seen(features: Features, rows: Sequence[Row], reader: _Reader) -> Floats:
    """float64[rows, width]"""
    texts = [text for text, _ in rows]
    return features.of(reader.states(texts), texts)


def _algebra(width: int, rows: int, labels: int) -> float:
    """Operations beside those of the base: each row's outer product, a factor, and the weights of each label."""
    return float(rows * width**2 + width**3 / 3 + 2 * width**2 * labels)
