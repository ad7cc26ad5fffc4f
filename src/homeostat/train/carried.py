"""States of remembered rows, carried from a champion to its successor instead of being computed anew.

Fitting the labels' rows needs the last state of everything that is remembered: a forward pass each, which by and by
is most of what a careful run takes. A version may keep those states. Its successor has moved a little, and the rows
that it replays show where to: a linear map, fitted to their states before and after, takes the kept ones along.

Source: feature adaptation (Iscen et al. 2020, 2004.00713), there with a small network and for images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.llm.load import Opened
from homeostat.llm.weights import STATES, check_file
from homeostat.train.ask import Asked, ask
from homeostat.train.samples import Sample

FILE = STATES
LEAST = 64
"""Rows with a state before and after, at least; with fewer all rows are read anew."""
PULLS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Weights of the squared size of the map's change, in units of the states' mean variance; rows put aside choose one."""
ASIDE = 5
"""Every so-manieth pair is put aside for that."""


@dataclass(frozen=True, slots=True)
class States:
    """States by row."""

    by_row: Mapping[int, Tensor]
    """float[hidden] by a hash of the prompt's tokens."""

    @staticmethod
    def read(folder: Path | None) -> States:
        """Those that lie with a version; none if it keeps none.

        Raises:
            CorruptWeights, UnsafeWeights: the file is damaged, or none at all.
        """
        if folder is None or not (folder / FILE).exists():
            return States({})
        check_file(folder / FILE)
        kept = load_file(folder / FILE)
        return States(dict(zip(kept["rows"].tolist(), kept["states"].float(), strict=True)))

    def save(self, folder: Path) -> None:
        """Write them beside a version's weights, in half precision."""
        rows = sorted(self.by_row)
        kept = {
            "rows": torch.tensor(rows, dtype=torch.int64),
            "states": torch.stack([self.by_row[row] for row in rows]).to(torch.float16).cpu(),
        }
        save_file(kept, folder / FILE, metadata={"format": "pt"})


@dataclass(frozen=True, slots=True)
class Looked:
    """The states of rows under the model as it is now."""

    states: Tensor
    """float[rows, hidden]"""
    kept: States
    """The same, by row."""
    flops: float
    carried: int = 0
    """Rows that were not read."""


def look(
    opened: Opened, samples: Sequence[Sample], labels: Tensor, before: States, *, bfloat16: bool = False
) -> Looked:
    """The states of rows: recalled ones that the champion kept are carried over, all others are read.

    Args:
        opened: the trained model.
        samples: rows, those that were replayed among them.
        labels: int64[labels], the tokens of the labels.
        before: what the champion kept.
        bfloat16: whether rows are read in it.
    """
    names = [row_name(s) for s in samples]
    takes, pairs = taken_over(samples, before)
    taken = set(takes)
    read = [k for k in range(len(samples)) if k not in taken]
    asked = ask(opened, [samples[k].rendered for k in read], labels, bfloat16=bfloat16)
    states = _together(len(samples), read, asked)
    if takes:
        old = torch.stack([before.by_row[names[k]] for k in pairs]).to(states)
        moved = Map.fit(old, states[pairs])
        states[takes] = moved(torch.stack([before.by_row[names[k]] for k in takes]).to(states))
    return Looked(states, States(dict(zip(names, states.cpu(), strict=True))), asked.flops, len(takes))


def taken_over(samples: Sequence[Sample], before: States) -> tuple[list[int], list[int]]:
    """Which of the rows are carried over and not read, and which of those that are read show where to; of the first
    none where the second are too few.
    """
    kept = [k for k, s in enumerate(samples) if row_name(s) in before.by_row]
    pairs = [k for k in kept if not samples[k].recalled]
    return [k for k in kept if samples[k].recalled] if len(pairs) >= LEAST else [], pairs


def _together(count: int, read: Sequence[int], asked: Asked) -> Tensor:
    states = asked.states.new_zeros(count, asked.states.shape[1])
    states[list(read)] = asked.states
    return states


def row_name(sample: Sample) -> int:
    """A number that stands for a prompt: 63 bits of a hash of its tokens."""
    tokens = np.asarray(sample.rendered.prompt, np.int64).tobytes()
    return int.from_bytes(hashlib.blake2b(tokens, digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True, slots=True)
class Map:
    """Where states have moved: h + (h − mean) · turn + shift."""

    mean: Tensor
    turn: Tensor
    """float[hidden, hidden]"""
    shift: Tensor

    def __call__(self, states: Tensor) -> Tensor:
        """float[n, hidden] after the move, of float[n, hidden] before it."""
        return states + (states - self.mean) @ self.turn + self.shift

    @staticmethod
    def fit(before: Tensor, after: Tensor) -> Map:
        """The ridge solution for float[n, hidden] pairs; the strength is the one that is best on pairs put aside."""
        aside = torch.arange(len(before), device=before.device) % ASIDE == 0
        seen = [Map._with(before[~aside], after[~aside], pull) for pull in PULLS]
        missed = [float((each(before[aside]) - after[aside]).square().sum()) for each in seen]
        return Map._with(before, after, PULLS[missed.index(min(missed))])

    @staticmethod
    def _with(before: Tensor, after: Tensor, pull: float) -> Map:
        mean, change = before.mean(0), after - before
        centered, shift = before - mean, change.mean(0)
        products = centered.T @ centered
        strength = pull * products.diagonal().mean() * torch.eye(len(products), device=products.device)
        turn = torch.linalg.solve(products + strength, centered.T @ (change - shift))
        return Map(mean, turn, shift)
