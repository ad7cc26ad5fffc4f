"""Keeps what a model is examined on out of what it learns from."""

from __future__ import annotations

from collections.abc import Iterable

from homeostat.curate.near import Near, shingles
from homeostat.curate.text import key
from homeostat.types.dataset import Example

TOO_CLOSE = 0.9
"""Jaccard similarity of shingles from which on a text counts as an evaluation text. No knob: nobody may open it."""


class Fence:
    """A set of evaluation texts, and whether another text is one of them or as good as one."""

    def __init__(self, texts: Iterable[str]) -> None:
        distinct = {key(text): text for text in texts}
        rows = [shingles(text) for text in distinct.values()]
        self._keys = distinct.keys()
        self._near = Near(TOO_CLOSE, rows)
        for row in rows:
            self._near.add(row)

    def stops(self, text: str) -> bool:
        """Whether the text has the key of an evaluation text, or reaches 0.9 in similarity to one."""
        return key(text) in self._keys or next(self._near.find(shingles(text)), None) is not None

    def outside(self, examples: Iterable[Example]) -> list[Example]:
        """The examples that may be learned."""
        return [example for example in examples if not self.stops(example.text)]
