"""Which adapter of another domain to begin from: the nearest few by embeddings, and of these the best by a short probe.

Likeness of requests says what is worth a try; only the loss on the target's own rows says what helps. Where no adapter
is clearly better than the bare base, the base is where to begin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax
from torch import Tensor

from homeostat.llm.features import unit
from homeostat.llm.load import Opened
from homeostat.train.ask import ask
from homeostat.train.head.choose import choose_ridge
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.head.sharpen import sharpness
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from homeostat.train.transfer.product import Adapter, wearing

Floats = NDArray[np.floating]
Probe = Callable[[Adapter | None], NDArray[np.float64]]
"""float64[rows]: what each of the target's rows loses, in nats, on the base with an adapter, or with none."""
ROWS = 16
"""Rows of one forward pass of a probe."""
SURE = 2.0
"""Standard errors by which an adapter has to be better than the base."""


@dataclass(frozen=True, slots=True)
class Source:
    """A domain that there is an adapter for."""

    folder: Path
    """Its adapter, of the same base as the target."""
    centroid: Floats
    """float[hidden]: mean embedding of its requests, under the bare base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """How a source has done."""

    name: str
    cosine: float
    """Likeness of its centroid to the target's."""
    loss: float
    """Mean loss on the target's rows, in nats a completion token."""
    better: float
    """Mean over rows of what the base loses more than it does."""
    error: float
    """Standard error of that mean."""

    @property
    def is_sure(self) -> bool:
        """Whether it is better than the base by more than chance would easily give."""
        return self.better >= SURE * self.error and self.better > 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Where to begin."""

    name: str
    """The source; empty for the bare base."""
    why: str
    """A sentence with the numbers."""
    base: float
    """Mean loss of the bare base on the same rows."""
    probed: tuple[Probed, ...]
    """All that were probed, the best first."""


def nearest(target: Floats, sources: Mapping[str, Source]) -> list[tuple[str, float]]:
    """Every source with the cosine between its centroid and that of the target's float[rows, hidden], nearest first."""
    mean = np.asarray(target, np.float64).mean(0)

    def cosine(centroid: Floats) -> float:
        length = float(np.linalg.norm(mean) * np.linalg.norm(centroid))
        return float(mean @ centroid) / max(length, 1e-12)

    found = [(name, cosine(source.centroid)) for name, source in sources.items()]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def choose(
    ground: Ground, rows: Sequence[Sample], target: Floats, sources: Mapping[str, Source], *, most: int = 5
) -> Choice:
    """The source to begin from: the one of the lowest loss on the rows, if it is surely better than the bare base.

    Args:
        ground: a base that has no adapter of its own, and the labels that compete; a label's code has to mean the same
            in every source that it is compared with.
        rows: of the target, about 50; none that will be tested on.
        target: float[rows, hidden], embeddings of the target's requests under the bare base.
        sources: by name.
        most: how many, the nearest ones, are probed.
    """
    return chosen(lambda adapter: losses(ground, rows, adapter), target, sources, most=most)


def chosen(probe: Probe, target: Floats, sources: Mapping[str, Source], *, most: int = 5) -> Choice:
    """The same by any probe, such as `readings`, which needs no codes that mean the same everywhere."""
    base = probe(None)
    probed = []
    for name, cosine in nearest(target, sources)[:most]:
        own = probe(Adapter.read(sources[name].folder))
        better, error = _paired(base - own)
        probed.append(Probed(name=name, cosine=cosine, loss=float(own.mean()), better=better, error=error))
    probed.sort(key=lambda each: each.loss)
    name = probed[0].name if probed and probed[0].is_sure else ""
    return Choice(name, _why(probed, len(base)), float(base.mean()), tuple(probed))


def readings(
    opened: Opened, rows: Sequence[Sample], targets: Sequence[str], adapter: Adapter | None
) -> NDArray[np.float64]:
    """float64[rows]: what a linear reading of the states loses on each row that it has not seen, in nats.

    A label's code means something else in another task, so what its adapter says of codes tells nothing. What it makes
    of requests does: ridge regression on the states, every row told by all the others in closed form.
    """
    with wearing(opened.model, adapter):
        token = torch.zeros(1, dtype=torch.int64, device=opened.model.device)
        states = ask(opened, [row.rendered for row in rows], token).states.double().cpu().numpy()
    seen = unit((states - states.mean(0)) / np.maximum(states.std(0), 1e-6))
    head = RidgeHead(seen.shape[1], ridge=choose_ridge(seen, targets))
    head.add(seen, targets)
    left_out, at = head.left_out(seen, targets), np.array([head.labels.index(label) for label in targets])
    logs = log_softmax(sharpness(left_out, at) * left_out, axis=1)
    return np.asarray(-logs[np.arange(len(at)), at], dtype=np.float64)


@torch.no_grad()
def losses(ground: Ground, rows: Sequence[Sample], adapter: Adapter | None = None) -> NDArray[np.float64]:
    """float64[rows]: the mean loss of each row, in nats a completion token, with this adapter or with none."""
    found = []
    with wearing(ground.opened.model, adapter):
        for start in range(0, len(rows), ROWS):
            found.append(_each(Step(ground, rows[start : start + ROWS])))
    return torch.cat(found).double().cpu().numpy()


def _each(step: Step) -> Tensor:
    """float[rows]: the mean over the places of every row."""
    loss = torch.nn.functional.cross_entropy(step.scores, step.right, reduction="none")
    counts = torch.bincount(step.predicted.row, minlength=len(step.samples))
    return torch.zeros(len(step.samples), device=loss.device).index_add(0, step.predicted.row, loss) / counts


def _paired(differences: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and its standard error; of a single row nothing is sure."""
    if len(differences) < 2:
        return float(differences.mean()), float("inf")
    return float(differences.mean()), float(differences.std(ddof=1) / len(differences) ** 0.5)


def _why(probed: Sequence[Probed], rows: int) -> str:
    if not probed:
        return "there is no adapter of another domain to begin from"
    best = probed[0]
    figures = f"{best.better:+.3f} ± {best.error:.3f} nats on {rows} rows, cosine {best.cosine:.2f}"
    if best.is_sure:
        return f"{best.name} is better than the bare base by {figures}"
    return f"{best.name}, the best of {len(probed)}, is not surely better than the bare base: {figures}"
