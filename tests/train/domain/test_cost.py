"""What texts cost a model."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.load import Opened, open_model
from homeostat.train.domain.cost import MEASURED, Cost, cost, measured, rise
from homeostat.train.domain.texts import Piece, pieces
from homeostat.train.domain.windows import tokens

PIECES = pieces(text for topic in tiny.LABELS for text in tiny.texts(topic, 5, 0))


@pytest.fixture(scope="module")
def opened(llama: Path) -> Opened:
    return open_model(str(llama))


@torch.no_grad()
def test_it_is_what_the_library_says(opened: Opened) -> None:
    """The bits of a piece are the transformers model's own loss on it, after the mark, times its tokens."""
    found = cost(opened, PIECES)
    for piece, bits, count in zip(PIECES, found.bits, found.tokens, strict=True):
        ids = torch.tensor([[opened.tokenizer.eos_token_id, *tokens(opened.tokenizer, piece)]])
        loss = float(opened.model(input_ids=ids, labels=ids).loss)
        assert bits == pytest.approx(
            loss * count / math.log(2), rel=2e-2 if opened.model.dtype != torch.float32 else 1e-3
        )
    assert found.characters == tuple(len(piece.text) for piece in PIECES)
    assert found.bits_per_character == pytest.approx(sum(found.bits) / sum(found.characters))
    assert found.perplexity == pytest.approx(2 ** (sum(found.bits) / sum(found.tokens)))


def test_a_long_piece_is_read_in_windows(opened: Opened) -> None:
    """A piece of many windows costs all of its tokens."""
    piece = Piece(" ".join(piece.text for piece in PIECES) * 3, True)
    found = cost(opened, [piece, PIECES[0]])
    assert found.tokens[0] == len(tokens(opened.tokenizer, piece)) > 2 * 128
    assert found.bits[0] > 20 * found.bits[1] / 3
    assert cost(opened, []) == Cost((), (), ())


def test_a_rise_has_its_interval() -> None:
    """A mean over pieces of bits a character, below 0 where the same pieces cost less."""
    before = Cost((20.0, 40.0, 66.0), (5, 5, 5), (10, 20, 30))
    after = Cost((10.0, 20.0, 30.0), (4, 4, 4), (10, 20, 30))
    found = rise(before, after)
    assert found.mean == pytest.approx(-(1.0 + 1.0 + 1.2) / 3)
    assert found.low < found.mean < found.high < 0
    assert found.n == 3


def test_only_so_much_is_measured() -> None:
    """The first pieces up to the limit, and one in any case."""
    long = [Piece("x" * 2000, True)] * 200
    assert len(measured(long)) == MEASURED // 2000
    assert measured([Piece("y" * (MEASURED + 1), True)] * 2) == [Piece("y" * (MEASURED + 1), True)]
    assert measured([]) == []
