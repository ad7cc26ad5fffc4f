"""An exact head as it answers: the weights that ridge regression left, and how sure their scores are.

Knows nothing of how it was solved (`homeostat.train.head`). A score estimates the share of a label among rows that look
alike and is no probability; a softmax over the scores, sharpened by one number that was fitted to rows which the head
had left out, is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.special import log_softmax
from torch import Tensor

from homeostat.errors import CorruptWeights
from homeostat.llm.features import Features, Floats
from homeostat.llm.forward import Predicted
from homeostat.llm.load import require_safetensors

FILE = "exact.safetensors"
POOLS = ("mean", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactHead:
    """Features of a request on the bare base, and weights from them to labels."""

    features: Features
    weights: Floats
    """float64[width, labels]"""
    labels: tuple[str, ...]
    sharpness: float = 1.0
    """What scores are multiplied with before the softmax."""
    pool: str = "mean"
    """`mean` of the states over the prompt, or `last`, the state that would predict a reply."""

    @property
    def below(self) -> str:
        """What lies beneath it: the bare base."""
        return "base"

    def states(self, predicted: Predicted) -> Floats:
        """float64[rows, hidden]: what it looks at of a pass whose rows have completions of one token."""
        seen = predicted.pooled if self.pool == "mean" else predicted.states
        return np.asarray(seen.detach().double().cpu().numpy())

    def scores(self, states: Floats, texts: Sequence[str]) -> Floats:
        """float64[rows, labels]: the higher, the likelier; no probabilities."""
        return np.asarray(self.features.of(states, texts) @ self.weights)

    def logs(self, predicted: Predicted, texts: Sequence[str]) -> Tensor:
        """float32[rows, labels]: log-probabilities, on the CPU."""
        scores = self.scores(self.states(predicted), texts)
        return torch.tensor(log_softmax(self.sharpness * scores, axis=1), dtype=torch.float32)


def save_exact(head: ExactHead, folder: Path) -> None:
    """Write `exact.safetensors`; equal heads are equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    features = head.features
    tensors = {
        "weights": head.weights,
        "mean": features.mean,
        "scale": features.scale,
        "projection": features.projection,
    }
    told = {"buckets": features.buckets, "labels": head.labels, "pool": head.pool, "sharpness": head.sharpness}
    whole = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    save_file(whole, folder / FILE, metadata={"head": json.dumps(told, sort_keys=True)})


def load_exact(folder: Path, hidden: int) -> ExactHead:
    """The exact head in a folder, for a model whose states are so wide.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: there is none, it cannot be read, or it is for another model.
    """
    require_safetensors(folder, str(folder), FILE)
    try:
        with safe_open(folder / FILE, framework="numpy") as file:
            told = json.loads(file.metadata()["head"])
            weights, mean, scale, projection = (
                file.get_tensor(name) for name in ("weights", "mean", "scale", "projection")
            )
        head = ExactHead(
            features=Features(mean, scale, projection, int(told["buckets"])),
            weights=weights,
            labels=tuple(told["labels"]),
            sharpness=float(told["sharpness"]),
            pool=told["pool"],
        )
        shapes = (head.features.mean.shape, head.features.scale.shape, head.features.projection.shape[:1])
        fits = weights.shape == (head.features.width, len(head.labels)) and set(shapes) == {(hidden,)}
    except (KeyError, TypeError, ValueError, IndexError, SafetensorError) as damaged:
        raise _no_fit(folder, hidden) from damaged
    if not fits or head.pool not in POOLS:
        raise _no_fit(folder, hidden)
    return head


def _no_fit(folder: Path, hidden: int) -> CorruptWeights:
    fix = "it fits only the base that it was trained on: set model.base to that, or train again"
    return CorruptWeights(f"this is no exact head for a model of width {hidden}", where=str(folder / FILE), fix=fix)
