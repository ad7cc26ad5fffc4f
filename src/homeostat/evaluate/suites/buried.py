"""A request within much idle talk: sentences of our own about everyday things, at lengths up to beyond a context.

What a model does with a request that is longer than its context is not decided here but where chat becomes tokens
(`homeostat.llm.render`), for a suite as for a user: the oldest messages go first, then the end of the text, and the
instruction stays. So a request that stands behind too much talk is never read, and one that stands ahead of it is.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from homeostat.builtin.resources import suites_path


@cache
def sentences() -> tuple[str, ...]:
    """The sentences, each once, in the order of the file."""
    return tuple((suites_path() / "chatter.txt").read_text(encoding="utf-8").splitlines())


def talk(words: int, random: np.random.Generator) -> list[str]:
    """Sentences of so many words together, or just above: every one comes before any comes again."""
    found, said = list[str](), 0
    while said < words:
        for place in random.permutation(len(sentences())).tolist():
            if said >= words:
                break
            found.append(sentences()[place])
            said += len(found[-1].split())
    return found


def buried(text: str, random: np.random.Generator, words: int) -> str:
    """Somewhere within so many words of talk: between which of its sentences is drawn, the ends among them."""
    said = talk(words, random)
    said.insert(int(random.integers(len(said) + 1)), text.strip())
    return " ".join(said)


def buried_50(text: str, random: np.random.Generator) -> str:
    """Somewhere within 50 words of talk."""
    return buried(text, random, 50)


def buried_200(text: str, random: np.random.Generator) -> str:
    """Somewhere within 200 words of talk, which most contexts hold."""
    return buried(text, random, 200)


def buried_800(text: str, random: np.random.Generator) -> str:
    """Somewhere within 800 words of talk, which a context of 512 tokens does not hold."""
    return buried(text, random, 800)


def buried_4000(text: str, random: np.random.Generator) -> str:
    """Somewhere within 4,000 words of talk, which is more than is ever read of a request (4,096 tokens)."""
    return buried(text, random, 4000)


def ahead_4000(text: str, random: np.random.Generator) -> str:
    """Ahead of 4,000 words of talk: whatever is cut away, it is not the request."""
    return " ".join([text.strip(), *talk(4000, random)])
