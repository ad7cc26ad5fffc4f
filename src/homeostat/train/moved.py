"""How far a version has moved from a champion that is of another make: a head beside an adapter, or the other way.

The champion is not the model before its first step then, so it cannot be asked in passing (`train.champion`): both
answer afterwards, as they would in production.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import log_softmax

from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.train.champion import GAUGED
from homeostat.train.flops import Size
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Origin
from homeostat.types.version import Version

Logs = NDArray[np.float64]


def moved(order: Order, made: Start) -> tuple[float, float]:
    """Mean KL(champion || version) in nats on new rows over the labels that both tell, and the operations of asking;
    zeros where there is no champion that tells any.

    Args:
        order: what was trained.
        made: the version that came of it.

    Source: as of `Champion.distance` (Shenfeld et al. 2025, 2509.04259).
    """
    champion = order.champion or order.start
    texts, both = _new(order), [label for label in champion.labels if label in made.labels]
    if champion.folder is None or not both or not texts:
        return 0.0, 0.0
    (was, spent), (now, again) = (_logs(each, order, texts, both) for each in (champion, made))
    return float((np.exp(was) * (was - now)).sum(1).mean()), spent + again


def _new(order: Order) -> list[str]:
    """At most GAUGED of the new requests, drawn by the seed."""
    fresh = [row.text for row in order.examples if row.origin is Origin.NEW]
    some = np.random.default_rng([order.recipe.seed, 3]).permutation(len(fresh))[:GAUGED]
    return [fresh[k] for k in sorted(some)]


def _logs(start: Start, order: Order, texts: Sequence[str], labels: Sequence[str]) -> tuple[Logs, float]:
    """float64[texts, labels]: log-probabilities among these labels, and the operations that they took."""
    backend = LocalBackend(start.base, threads=torch.get_num_threads())
    version = Version(id="asked", task=order.task.name, time=0.0, base=start.base, kind=start.kind, labels=start.labels)
    backend.load(version, start.folder)
    asked = [Request(task=order.task, text=text, version=version.id) for text in texts]
    columns = [start.labels.index(label) for label in labels]
    said = np.stack(backend.score(asked)).astype(np.float64)[:, columns]
    return log_softmax(said, axis=1), answering(backend, order, texts)


def answering(backend: LocalBackend, order: Order, texts: Sequence[str]) -> float:
    """Operations of asking a version on the order's base about texts, each by itself."""
    lengths = [len(backend.renderer.prompt(order.task, text)) for text in texts]
    size = Size.of(open_model(order.start.base).model)
    return size.forward(sum(lengths), sum(n * n for n in lengths), len(lengths))
