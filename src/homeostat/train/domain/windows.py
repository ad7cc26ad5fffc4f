"""Texts as a model reads them while it learns to go on with them: windows of tokens that are full."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from homeostat.llm.render import Rendered
from homeostat.train.domain.texts import Piece
from homeostat.train.samples import Sample

MOST = 2048
"""Tokens of a window where a model could read more: what lies further back helps little and costs its square."""


def width(tokenizer: Any) -> int:
    """Tokens of a window: the model's context, and at most MOST."""
    return min(int(tokenizer.model_max_length), MOST)


def begin(tokenizer: Any) -> int:
    """The mark before a document: that which begins one where the tokenizer has it, else that which ends one."""
    mark = tokenizer.bos_token_id
    return int(tokenizer.eos_token_id if mark is None else mark)


def tokens(tokenizer: Any, piece: Piece) -> list[int]:
    """Token ids of a piece, none of them special, and the mark of the document's end where it ends."""
    ids: list[int] = tokenizer(piece.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return [*ids, tokenizer.eos_token_id] if piece.ends else ids


def packed(tokenizer: Any, every: Sequence[Piece], size: int) -> list[Sample]:
    """Rows of at most `size` tokens, all of one length give or take one, that hold the texts one after another.

    Each row's first token is the last of the row before, so that every token is predicted once; nothing is filled up.
    """
    first, end = begin(tokenizer), int(tokenizer.eos_token_id)
    stream = [first]
    for piece in every:
        stream += tokens(tokenizer, piece)
        if piece.ends and first != end:
            stream.append(first)
    predicted = len(stream) - 1
    count = math.ceil(predicted / (size - 1))
    edges = [round(k * predicted / count) for k in range(count + 1)] if count else []
    return [Sample(Rendered((stream[a],), tuple(stream[a + 1 : b + 1]))) for a, b in pairwise(edges)]


def mixed(domain: Sequence[Sample], general: Sequence[Sample], each: float, seed: int) -> list[Sample]:
    """The rows of the domain and, for each of them, so many general ones, drawn by the seed and each at most once.

    The general rows are marked as replay. Where there are too few of them all are taken.
    """
    wanted = min(round(each * len(domain)), len(general))
    drawn = np.random.default_rng([seed, 4]).permutation(len(general))[:wanted]
    replayed = [general[k].rendered for k in sorted(drawn.tolist())]
    return [*domain, *(Sample(rendered, replay=True) for rendered in replayed)]
