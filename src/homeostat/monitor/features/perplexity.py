"""Features of how likely words are: a reply to the model that wrote it, a request to a model of known requests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.features.feature import Feature, Floats, Rows, Shape

ORDER = 5
"""Characters that are read together: each is told from the four before it."""
MOST = 2000
"""Known requests that are learned from, at most, evenly from all there are."""
LONGEST = 1000
"""Characters of a request that are read."""
_ROWS = 1000
_UNSEEN = 2.0**-16
"""Probability of a character where no other has been seen: one of 65,536."""
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often each run of characters was seen; runs are kept as hashes of 64 bits, sorted."""

    runs: Hashes
    n: Floats

    def of(self, runs: Hashes) -> Floats:
        """How often these were seen."""
        place = np.minimum(np.searchsorted(self.runs, runs), len(self.runs) - 1)
        return np.where(self.runs[place] == runs, self.n[place], 0.0)


class Letters:
    """A model of characters, learned from texts: each by the four before it, with shorter runs for what is rare (Witten
    and Bell 1991). It takes milliseconds and knows no language beforehand.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        """Learn from texts."""
        runs = _runs(list(texts))
        self._seen, self._before, self._kinds = list[_Counts](), list[_Counts](), list[_Counts]()
        for context, whole in runs:
            kinds, first, n = np.unique(whole, return_index=True, return_counts=True)
            self._seen.append(_Counts(kinds, n.astype(np.float64)))
            self._before.append(_counted(context))
            self._kinds.append(_counted(context[first]))

    def bits(self, texts: Sequence[str]) -> Floats:
        """Mean −log2 of the probability of each text's characters, float64[texts]; NaN where it has none, or nothing
        was learned.
        """
        parts = [self._bits(texts[k : k + _ROWS]) for k in range(0, len(texts), _ROWS)]
        return np.concatenate([np.empty(0), *parts])

    def _bits(self, texts: Sequence[str]) -> Floats:
        sizes = np.array([min(len(text), LONGEST) for text in texts])
        if not sizes.any() or not len(self._seen[0].runs):
            return np.full(len(texts), math.nan)
        p = np.full(int(sizes.sum()), _UNSEEN)
        for k, (context, whole) in enumerate(_runs(texts)):
            kinds, before = self._kinds[k].of(context), self._before[k].of(context)
            p = np.where(kinds > 0, (self._seen[k].of(whole) + kinds * p) / np.maximum(before + kinds, 1), p)
        owner = np.repeat(np.arange(len(texts)), sizes)
        total = np.bincount(owner, weights=-np.log2(p), minlength=len(texts))
        return np.where(sizes > 0, total / np.maximum(sizes, 1), math.nan)


def _counted(runs: Hashes) -> _Counts:
    kinds, n = np.unique(runs, return_counts=True)
    return _Counts(kinds, n.astype(np.float64))


def _runs(texts: Sequence[str]) -> list[tuple[Hashes, Hashes]]:
    """For each length below ORDER: per character of the texts, the run before it and that run with it, as hashes."""
    marks = np.zeros(ORDER - 1, np.uint64)
    parts = [np.concatenate([marks, _codes(text)]) for text in texts]
    codes = np.concatenate([*parts, np.empty(0, np.uint64)])
    real = np.concatenate([np.arange(len(part)) >= ORDER - 1 for part in parts] or [np.empty(0, bool)])
    at = np.flatnonzero(real)
    context, found = np.zeros(len(at), np.uint64), []
    for n in range(ORDER):
        if n:
            context = context + _mixed(codes[at - n] + np.uint64(n << 32))
        found.append((context, context + _mixed(codes[at])))
    return found


def _codes(text: str) -> Hashes:
    letters = text[:LONGEST].encode("utf-32-le", "surrogatepass")
    return np.frombuffer(letters, dtype=np.uint32).astype(np.uint64) + np.uint64(1)


def _mixed(x: Hashes) -> Hashes:
    """Well-spread numbers of 64 bits, whose sums stand for runs (the finisher of SplitMix64: Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)), dtype=np.uint64)


def _requests(rows: Rows, known: Rows) -> Floats:
    some = known[:: max(1, -(-len(known) // MOST))]
    return np.asarray(2.0 ** Letters([row.text for row in some]).bits([row.text for row in rows]), dtype=np.float64)


def _replies(rows: Rows, known: Rows) -> Floats:
    """One over the confidence, which is exp of the mean log-probability; unknown of labels, which are one token."""
    written = [row.reply_tokens > 1 and row.confidence > 0 for row in rows]
    return np.array([1 / row.confidence if one else math.nan for row, one in zip(rows, written, strict=True)])


PERPLEXITY = Feature(shape=Shape.NUMBER, unit="per token of the reply", of=_replies, twin="confidence")
REQUEST_PERPLEXITY = Feature(shape=Shape.NUMBER, unit="per character of the request", of=_requests, learns=True)
