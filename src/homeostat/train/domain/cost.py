"""What texts cost a model: in bits a character, which does not depend on how its tokenizer cuts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.stats.intervals import paired
from homeostat.train.domain.texts import Piece
from homeostat.train.domain.windows import begin, tokens, width
from homeostat.train.step import Ground
from homeostat.types.report import Score

MEASURED = 150_000
"""Characters that are measured at most; a thousand pieces of them give an interval narrow enough for any decision."""
_PLACES = 4096
"""Tokens of one forward pass."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What each of some pieces costs."""

    bits: tuple[float, ...]
    tokens: tuple[int, ...]
    characters: tuple[int, ...]

    @property
    def perplexity(self) -> float:
        """Of a token, over all pieces; models with other tokens are not compared by it."""
        return float(2.0 ** (sum(self.bits) / sum(self.tokens)))

    @property
    def bits_per_character(self) -> float:
        """Over all pieces."""
        return sum(self.bits) / sum(self.characters)


def measured(every: Sequence[Piece]) -> list[Piece]:
    """The first pieces, up to MEASURED characters; one at least where there is one."""
    taken, size = list[Piece](), 0
    for piece in every:
        if taken and size + len(piece.text) > MEASURED:
            break
        taken.append(piece)
        size += len(piece.text)
    return taken


@torch.no_grad()
def cost(opened: Opened, every: Sequence[Piece]) -> Cost:
    """What a model pays for each piece, read from its own beginning and in windows where it is longer than one."""
    rows, owner = list[Rendered](), list[int]()
    size, start = width(opened.tokenizer) - 1, (begin(opened.tokenizer),)
    for number, piece in enumerate(every):
        ids = tokens(opened.tokenizer, piece)
        for at in range(0, len(ids), size):
            rows.append(Rendered(start if at == 0 else (ids[at - 1],), tuple(ids[at : at + size])))
            owner.append(number)
    paid, counted = [0.0] * len(every), [0] * len(every)
    order = sorted(range(len(rows)), key=lambda k: len(rows[k].completion))
    ground = Ground(opened=opened, train=())
    for batch in _batches(order, rows):
        said = ground.predict([rows[k] for k in batch])
        nats = -said.logits.float().log_softmax(-1).gather(1, said.target[:, None])[:, 0]
        sums = torch.zeros(len(batch), device=nats.device).index_add_(0, said.row, nats)
        for k, total in zip(batch, sums.tolist(), strict=True):
            paid[owner[k]] += total / math.log(2)
            counted[owner[k]] += len(rows[k].completion)
    return Cost(tuple(paid), tuple(counted), tuple(len(piece.text) for piece in every))


def _batches(order: Sequence[int], rows: Sequence[Rendered]) -> list[list[int]]:
    """Rows of rising length, together as long as their places fit into one pass."""
    made: list[list[int]] = []
    for k in order:
        if made and (len(made[-1]) + 1) * len(rows[k].completion) <= _PLACES:
            made[-1].append(k)
        else:
            made.append([k])
    return made


def rise(before: Cost, after: Cost) -> Score:
    """Bits a character that the same pieces cost more than before, a mean over pieces with its interval."""
    return paired(_rates(after), _rates(before))


def _rates(of: Cost) -> list[float]:
    return [bits / size for bits, size in zip(of.bits, of.characters, strict=True)]
