"""Documents as the pieces of which some are read and some are kept to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LONG = 2000
"""Characters of a piece: a longer document is cut at the ends of its lines, so that one book is not all or nothing."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A document, or a stretch of one."""

    text: str
    ends: bool
    """Whether the document ends with it."""


def pieces(documents: Iterable[str]) -> list[Piece]:
    """All pieces of the documents, in their order; a document that came before comes once, an empty one never."""
    every = dict.fromkeys(document.strip() for document in documents)
    return [piece for document in every if document for piece in _cut(document)]


def _cut(document: str) -> Iterator[Piece]:
    """A document, cut at the last line's end before LONG characters, or in a line that has more."""
    start = 0
    while len(document) - start > LONG:
        end = document.rfind("\n", start, start + LONG) + 1 or start + LONG
        yield Piece(document[start:end], ends=False)
        start = end
    yield Piece(document[start:], ends=True)


def kept_apart(every: Sequence[Piece], share: float) -> tuple[list[Piece], list[Piece]]:
    """The pieces to read, in their order, and those to look at, in an order that is as good as drawn.

    A hash of the text decides, so what is held out once is held out for ever. At least one of each where there are two
    that differ.
    """
    places = [_place(piece) for piece in every]
    lowest, highest = min(places, default=0.0), max(places, default=0.0)
    if share <= 0 or lowest == highest:
        return list(every), []
    below = min(max(share, lowest + _STEP), highest)
    held = sorted((place, k) for k, place in enumerate(places) if place < below)
    return [p for p, place in zip(every, places, strict=True) if place >= below], [every[k] for _, k in held]


_STEP = 2.0**-32


def _place(piece: Piece) -> float:
    """Where a text falls in [0, 1), evenly over texts."""
    return int.from_bytes(hashlib.blake2b(piece.text.encode(), digest_size=4).digest()) * _STEP
