"""Rendered training rows, split and put into batches of like length, the same for the same seed."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.llm.render import Rendered

CHUNK = 16
"""About so many batches are sorted by length together; more pads less and mixes less."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One rendered row to learn."""

    rendered: Rendered
    replay: bool = False
    """Whether it is an old row that is trained on again."""
    recalled: bool = False
    """Whether it is an old row that is shown and not trained on."""
    weight: float = 1.0
    rejected: Rendered | None = None
    """The same prompt with the reply that was liked less, where there are two."""
    value: float = 1.0
    """What the reply was worth: a rating from 0 to 1."""
    values: tuple[float, ...] = ()
    """What a head of the version's own should tell: the place of a label, numbers, or 1 for each tag that holds."""
    told: tuple[float, ...] = ()
    """Log-probability that a teacher gave each label, or empty."""
    shown: tuple[int, ...] = ()
    """The prompt with the right reply to it in it, or empty."""
    free: bool = False
    """Whether its reply is in words, in a run where rows of another task choose among labels."""
    task: str = ""
    """The task beside the run's own that it is of; empty for the run's own."""

    @property
    def told_as(self) -> tuple[float, ...]:
        """What it should be told as: the tokens of its label or reply, or what a head of the version's own tells."""
        return self.values or self.rendered.completion

    @property
    def length(self) -> int:
        """Tokens of its longest reading."""
        shown = len(self.shown) + len(self.rendered.completion) if self.shown else 0
        return max(len(self.rendered.ids), len(self.rejected.ids) if self.rejected else 0, shown)


def apart(samples: Sequence[Sample], share: float) -> tuple[list[Sample], list[Sample]]:
    """The rows to learn, in their order, and those held out, in an order that is as good as drawn.

    A hash of the prompt decides, so a row that is held out once is held out for ever: a champion, whoever goes on from
    it, and joint retraining have all never been trained on it. A seed would draw anew in each run, and what a champion
    was trained on would look easy to its successor. At least one of each where there are two rows that differ.
    """
    if share <= 0 or len(samples) < 2:
        return list(samples), []
    places = [_place(s) for s in samples]
    lowest, *_, highest = sorted(places)
    below = min(max(share, lowest + _STEP), highest)
    held = sorted((place, k) for k, place in enumerate(places) if place < below)
    return [s for s, place in zip(samples, places, strict=True) if place >= below], [samples[k] for _, k in held]


def alike(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    """The same rows, those together that are answered alike: with a label, in words, or by the better of two replies.

    One pass through the model and one step hold rows of one sort. Rows of a single sort stay as they are.
    """
    sorts: dict[tuple[bool, bool], list[Sample]] = {}
    for sample in samples:
        sorts.setdefault((sample.free, sample.rejected is not None), []).append(sample)
    return list(sorts.values())


def thinned(samples: Sequence[Sample], most: int) -> list[Sample]:
    """At most `most` rows, rare completions whole: those of frequent ones that a hash of the prompt puts last are left
    out, and those that stay weigh more, so that every completion weighs about what it did.
    """
    if len(samples) <= most:
        return list(samples)
    counts: Counter[tuple[int, ...]] = Counter()
    ranked = []
    for k in sorted(range(len(samples)), key=lambda k: _place(samples[k])):
        completion = samples[k].rendered.completion
        ranked.append((counts[completion], k))
        counts[completion] += 1
    kept = [samples[k] for k in sorted(k for _, k in sorted(ranked)[:most])]
    left = Counter(s.rendered.completion for s in kept)
    return [replace(s, weight=s.weight * counts[s.rendered.completion] / left[s.rendered.completion]) for s in kept]


_STEP = 2.0**-32


def _place(sample: Sample) -> float:
    """Where a prompt falls in [0, 1), evenly over prompts."""
    prompt = np.asarray(sample.rendered.prompt, np.int64).tobytes()
    return int.from_bytes(hashlib.blake2b(prompt, digest_size=4).digest()) * _STEP


def batches(lengths: Sequence[int], rows: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Positions per batch for one pass: shuffled, sorted by length inside chunks, chunks' batches shuffled again."""
    rng = np.random.default_rng([seed, 2, epoch])
    order, size = rng.permutation(len(lengths)), np.asarray(lengths)
    whole = math.ceil(len(order) / rows)
    # Chunks of like size: a short one at the end would pad the most.
    step = rows * max(1, math.ceil(whole / max(1, round(whole / CHUNK))))
    out: list[np.ndarray] = []
    for start in range(0, len(order), step):
        chunk = order[start : start + step]
        chunk = chunk[np.argsort(size[chunk], kind="stable")]
        out += [chunk[k : k + rows] for k in range(0, len(chunk), rows)]
    return [out[k] for k in rng.permutation(len(out))]


def padding(lengths: Sequence[int], plan: Sequence[np.ndarray]) -> float:
    """Share of the positions in padded batches that hold no token."""
    size = np.asarray(lengths)
    places = sum(len(b) * int(size[b].max()) for b in plan)
    return 1.0 - float(sum(int(size[b].sum()) for b in plan)) / max(places, 1)
