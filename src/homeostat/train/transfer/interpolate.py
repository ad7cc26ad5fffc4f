"""The line from a champion to its candidate, and the point on it that passes every gate with the largest gain.

Between two models of which one was trained from the other, weights can be averaged, and the models between often keep
what the first knew with most of what the second learned (WiSE-FT, Wortsman et al. 2021, 2109.01903). A candidate that
gains much and forgets too much need not be refused: a point before it may pass.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.errors import CorruptWeights
from homeostat.llm.load import require_safetensors
from homeostat.train.transfer.merge import weighted_sum
from homeostat.train.transfer.product import Adapter

POINTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where on the line to look: 0 is the champion and 1 the candidate."""
Point = TypeVar("Point")


def between(champion: Adapter | None, candidate: Adapter, share: float, rank: int | None = None) -> Adapter:
    """ΔW = (1 − share) · champion + share · candidate in every layer; exact if `rank` is None, else the nearest of it.

    At 0 it is the champion and at 1 the candidate, tensor by tensor and bit by bit where all layers of an adapter have
    one rank. A row of the labels lies on the same line; one that only the candidate has is taken whole at all points
    but 0. No champion is the bare base: then 0 is a sum of nothing, which answers as the base does.
    """
    if champion is None:
        return weighted_sum([candidate], [share], rank)
    return weighted_sum([champion, candidate], [1.0 - share, share], rank)


def between_weights(champion: Path, candidate: Path, share: float, folder: Path) -> None:
    """The same for two folders with all weights, written as a third; at 0 and 1 tensors are equal bit by bit.

    Computed in float32 and kept in the candidate's precision.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: a folder cannot be read, or they do not hold the same tensors.
    """
    for weights in (champion, candidate):
        require_safetensors(weights, str(weights))
    folder.mkdir(parents=True, exist_ok=True)
    before, after = _places(champion), _places(candidate)
    if before.keys() != after.keys():
        wrong = min(before.keys() ^ after.keys())
        raise CorruptWeights(f"the weights are of different models: {wrong} is in one alone", where=str(candidate))
    for file in sorted(set(after.values())):
        tensors = {name: _lerp(_read(before[name], name), end, share) for name, end in load_file(file).items()}
        save_file(tensors, folder / file.name, metadata={"format": "pt"})
    for beside in candidate.glob("*.json"):
        shutil.copy(beside, folder / beside.name)


@dataclass(frozen=True, slots=True)
class Best(Generic[Point]):
    """The point that was chosen."""

    point: Point
    gain: float
    refused: tuple[Point, ...] = ()
    """Points of larger gain that a gate has refused, the largest first."""


def best_passing(
    points: Iterable[Point], passes: Sequence[Callable[[Point], bool]], gain: Callable[[Point], float]
) -> Best[Point] | None:
    """The point of the largest gain among those that pass every gate; None if none does.

    Gates are asked from the largest gain down, until a point passes: they may be dear. Of equal gains the earlier point
    is taken, so points should begin at the champion.

    Args:
        points: shares of the line, versions, or what else the callables take.
        passes: gates; a point has to pass them all.
        gain: what a point is worth, on rows that no gate decides by.
    """
    refused: list[Point] = []
    for worth, point in sorted(((gain(point), point) for point in points), key=lambda pair: -pair[0]):
        if all(gate(point) for gate in passes):
            return Best(point, worth, tuple(refused))
        refused.append(point)
    return None


def _places(folder: Path) -> dict[str, Path]:
    """Which file holds a tensor, by its name."""
    found: dict[str, Path] = {}
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, framework="pt") as tensors:
            found |= dict.fromkeys(tensors.keys(), file)
    return found


def _read(file: Path, name: str) -> Tensor:
    with safe_open(file, framework="pt") as tensors:
        found: Tensor = tensors.get_tensor(name)
    return found


def _lerp(start: Tensor, end: Tensor, share: float) -> Tensor:
    """The point between two tensors, with both ends exact; what is no fraction is the candidate's.

    Raises:
        CorruptWeights: they have not the same shape.
    """
    if start.shape != end.shape:
        raise CorruptWeights(f"the weights are of different models: {tuple(start.shape)} and {tuple(end.shape)}")
    if not end.is_floating_point():
        return end
    return torch.lerp(start.float(), end.float(), share).to(end.dtype)
