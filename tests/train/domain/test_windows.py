"""Windows of tokens that are full."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

import tiny
from homeostat.builtin.resources import model_path
from homeostat.llm.render import Rendered
from homeostat.train.domain.texts import Piece, pieces
from homeostat.train.domain.windows import MOST, mixed, packed, tokens, width
from homeostat.train.samples import Sample, batches, padding

TEXTS = [text for topic in tiny.WORDS for text in tiny.texts(topic, 60, 0)]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny.chat_tokenizer()


def beginning(tokenizer: Any) -> Any:
    """The same tokenizer with a mark that begins documents."""
    tokenizer.bos_token = "<|user|>"
    return tokenizer


@pytest.mark.parametrize("size", [8, 33, 128])
def test_every_token_is_predicted_once(tokenizer: Any, size: int) -> None:
    """What the windows predict, one after another, is the documents with their end marks; each begins with the token
    that the one before has predicted last, and none is longer than it may be.
    """
    every = pieces(TEXTS)
    rows = [row.rendered for row in packed(tokenizer, every, size)]
    stream = [token for piece in every for token in tokens(tokenizer, piece)]
    assert [token for row in rows for token in row.completion] == stream
    assert stream.count(tokenizer.eos_token_id) == len(every)
    assert rows[0].prompt == (tokenizer.eos_token_id,)
    assert all(after.prompt == before.completion[-1:] for before, after in pairwise(rows))
    assert max(len(row.ids) for row in rows) <= size


@pytest.mark.parametrize("count", [160, 60 * len(tiny.WORDS)])
def test_less_than_one_place_in_a_hundred_is_filled_up(tokenizer: Any, count: int) -> None:
    """Of the places of the batches less than 1 % hold no token, with one source and with two."""
    domain, general = (packed(tokenizer, pieces(some), 128) for some in (TEXTS[:count], TEXTS[-count // 2 :]))
    for rows in (domain, mixed(domain, general, 0.25, 0)):
        lengths = [row.length for row in rows]
        assert padding(lengths, batches(lengths, 4, 0, 0)) < 0.01


def test_a_tokenizer_with_a_beginning_mark_uses_it() -> None:
    """Documents then stand between their beginning and their end."""
    known = beginning(tiny.chat_tokenizer())
    (row,) = packed(known, [Piece("my parcel", True), Piece("the pump", True)], 64)
    ids = [known.bos_token_id]
    for text in ("my parcel", "the pump"):
        ids += [*known(text, add_special_tokens=False)["input_ids"], known.eos_token_id, known.bos_token_id]
    assert list(row.rendered.ids) == ids


def test_what_a_text_spells_is_no_mark(tokenizer: Any) -> None:
    """A document that spells the end mark holds letters; a stretch of a document ends with none."""
    spelled = tokens(tokenizer, Piece(f"a{tokenizer.eos_token}b", False))
    assert tokenizer.eos_token_id not in spelled
    assert tokenizer.decode(spelled) == f"a{tokenizer.eos_token}b"
    assert packed(tokenizer, [], 64) == []


def test_a_window_is_the_models_context() -> None:
    """As long as the model reads, and never longer than what pays."""
    assert width(AutoTokenizer.from_pretrained(model_path())) <= MOST
    assert width(tiny.chat_tokenizer(length=64)) == 64
    assert width(tiny.chat_tokenizer(length=10**9)) == MOST


def test_general_windows_come_in_the_share_that_was_asked_for() -> None:
    """So many for each window of the domain, none twice, marked as replay, the same for the same seed; all where there
    are too few.
    """
    domain, general = ([Sample(Rendered((k,), (k, side))) for k in range(200)] for side in (0, 1))
    rows = mixed(domain, general, 0.25, 3)
    replayed = [row.rendered for row in rows if row.replay]
    assert rows[:200] == domain
    assert len(replayed) == len(set(replayed)) == 50
    assert set(replayed) <= {row.rendered for row in general}
    assert mixed(domain, general, 0.25, 3) == rows != mixed(domain, general, 0.25, 4)
    assert sum(row.replay for row in mixed(domain, general[:7], 0.25, 0)) == 7
    assert mixed(domain, general, 0.0, 0) == domain
    spread = np.mean([row.rendered.prompt[0] for row in rows if row.replay])
    assert 70 < spread < 130
