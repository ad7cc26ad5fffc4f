"""Keeps what a model is examined on out of what it learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from homeostat.curate.near import Near
from homeostat.curate.text import key
from homeostat.types.dataset import Example

TOO_CLOSE = 0.9
"""Jaccard similarity of shingles from which on a text counts as an evaluation text. No knob: nobody may open it."""


class Fence:
    """A set of evaluation texts, and whether other texts are among them or as good as one."""

    def __init__(self, texts: Iterable[str]) -> None:
        distinct = {key(text): text for text in texts}
        self._keys = frozenset(distinct)
        self._near = Near(list(distinct.values()), TOO_CLOSE)

    def stops(self, text: str) -> bool:
        """Whether the text has the key of an evaluation text, or reaches 0.9 in similarity to one."""
        return not self.outside([Example(text=text, target="")])

    def outside(self, examples: Sequence[Example]) -> list[Example]:
        """The examples that may be learned."""
        texts = [example.text for example in examples]
        judged = zip(examples, self._near.each(texts), strict=True)
        return [example for example, near in judged if not len(near) and key(example.text) not in self._keys]
