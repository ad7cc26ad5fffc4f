"""Finds every near duplicate of a text among many: an exact similarity join over character shingles.

Two texts are near duplicates when the Jaccard similarity of their sets of 5-character shingles reaches a threshold t.
If both sets are sorted from rare to frequent in one fixed order, two sets of similarity t or more share at least one of
their first n - ceil(t n) + 1 shingles (prefix filtering: Chaudhuri, Ganti and Kaushik, ICDE 2006; Bayardo, Ma and
Srikant, WWW 2007; neither is on arXiv). Only those are indexed, and what they find is verified by the true similarity.
Unlike MinHash banding this misses nothing, which a fence around evaluation sets needs, and it draws no random numbers.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from homeostat.curate.text import key

SHINGLE = 5
"""Characters of a shingle."""
_ROUNDING = 1e-9


def shingles(text: str) -> frozenset[str]:
    """The set of 5-character pieces of the text's key with a space on either side; the whole if it is shorter."""
    padded = f" {key(text)} "
    return frozenset(padded[start : start + SHINGLE] for start in range(max(1, len(padded) - SHINGLE + 1)))


def similarity(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity of two sets: shared over all, between 0 and 1."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


class Near:
    """Texts that can be asked for the near duplicates of another text.

    Rows are named by the numbers 0, 1, … in which `add` took them. Cost per question grows with the texts that share a
    rare shingle, not with all of them.
    """

    def __init__(self, threshold: float, corpus: Iterable[frozenset[str]]) -> None:
        """`corpus` says which shingles are frequent: it should be like what will be added."""
        self.threshold = threshold
        self._frequency = Counter(shingle for row in corpus for shingle in row)
        self._rows: list[tuple[frozenset[str], int]] = []
        self._having: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, row: frozenset[str]) -> None:
        """Take one more text, by its shingles."""
        for shingle in self._rarest(row):
            self._having[shingle].append(len(self._rows))
        self._rows.append((row, _sketch(row)))

    def find(self, row: frozenset[str]) -> Iterator[int]:
        """Numbers of the texts whose similarity to this one reaches the threshold, each once."""
        seen: set[int] = set()
        sketch = _sketch(row)
        for shingle in self._rarest(row):
            for number in self._having.get(shingle, ()):
                if number not in seen:
                    seen.add(number)
                    if self._reaches(row, sketch, *self._rows[number]):
                        yield number

    def _rarest(self, row: frozenset[str]) -> list[str]:
        """The prefix that two similar texts must overlap in."""
        ordered = sorted(row, key=lambda shingle: (self._frequency.get(shingle, 0), shingle))
        return ordered[: len(row) - math.ceil(self.threshold * len(row) - _ROUNDING) + 1]

    def _reaches(self, a: frozenset[str], sketch_a: int, b: frozenset[str], sketch_b: int) -> bool:
        """Whether the similarity reaches the threshold; most pairs are told apart without comparing the sets."""
        limit = self.threshold - _ROUNDING
        needed = limit / (1 + limit) * (len(a) + len(b))  # shingles that a pair of this similarity shares
        if len(a) - (sketch_a & ~sketch_b).bit_count() < needed:
            return False
        return len(b) - (sketch_b & ~sketch_a).bit_count() >= needed and similarity(a, b) >= limit


def _sketch(row: frozenset[str]) -> int:
    """Bits that the shingles hash to: every bit one row has and another lacks is a shingle they do not share."""
    bits = 0
    for shingle in row:
        bits |= 1 << (hash(shingle) & 511)
    return bits
