"""How a tokenizer reads the user's own texts: the fewer pieces a word falls into, the better it fits.

Fertility is tokens a word, beside the share of words that are split (Rust et al. 2021, 2012.15613).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of some texts."""

    texts: int
    words: int
    tokens_per_word: float
    """Over words alone; what stands between them is left out."""
    split: float
    """Share of the words that are more than one token."""
    bytes_per_token: float
    """Over whole texts: how much of one a token carries."""
    unknown: float
    """Share of the tokens that stand for nothing known."""


def read(tokenizer: Any, texts: Sequence[str]) -> Reading:
    """Read the texts; every share is 0 where they hold no words."""
    words = pieces = split = tokens = unknown = 0
    for text in texts:
        known = tokenizer(text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
        tokens += len(known["input_ids"])
        unknown += known["input_ids"].count(tokenizer.unk_token_id) if tokenizer.unk_token_id is not None else 0
        counts = _counts(text, known["offset_mapping"])
        words, pieces, split = words + len(counts), pieces + sum(counts), split + sum(each > 1 for each in counts)
    return Reading(
        texts=len(texts),
        words=words,
        tokens_per_word=pieces / max(words, 1),
        split=split / max(words, 1),
        bytes_per_token=sum(len(text.encode()) for text in texts) / max(tokens, 1),
        unknown=unknown / max(tokens, 1),
    )


def _counts(text: str, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Tokens of every word: those that share a letter with it."""
    counts, first = [], 0
    for word in WORD.finditer(text):
        while first < len(spans) and spans[first][1] <= word.start():
            first += 1
        last = first
        while last < len(spans) and spans[last][0] < word.end():
            last += 1
        counts.append(sum(end > start for start, end in spans[first:last]))
    return counts
