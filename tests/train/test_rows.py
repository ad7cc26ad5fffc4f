"""Where the rows of new labels begin."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.train.rows import beginnings


@pytest.fixture
def opened(llama: Path) -> Opened:
    return open_model(str(llama))


def test_a_code_begins_at_the_mean_of_the_words_of_its_label(opened: Opened) -> None:
    """Underscores are no words; the row is as long as rows are on average; labels that are known are left alone."""
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    rows = beginnings(opened, codes, known=1)
    assert list(rows) == [sequence[0] for sequence in codes.sequences[1:]]
    table = opened.model.get_input_embeddings().weight.detach()
    pieces = opened.tokenizer(" late delivery", add_special_tokens=False)["input_ids"]
    likeness = torch.cosine_similarity(rows[codes.sequences[1][0]], table[pieces].mean(0), dim=0)
    assert float(likeness) == pytest.approx(1.0, abs=1e-5)
    assert float(rows[codes.sequences[1][0]].norm()) == pytest.approx(float(table.norm(dim=1).mean()), rel=1e-4)


def test_a_label_that_is_a_word_keeps_its_own_row(opened: Opened) -> None:
    """What the vocabulary knows means something already, at its own length."""
    word = next(w for w in ("pump", "late", "the", "is", "my") if len(opened.tokenizer(" " + w)["input_ids"]) == 1)
    token = opened.tokenizer(" " + word)["input_ids"][0]
    codes = encode_labels(opened.tokenizer, [" " + word])
    assert codes.sequences == ((token,),)
    assert torch.equal(beginnings(opened, codes)[token], opened.model.get_input_embeddings().weight[token])


def test_models_without_rows_and_tasks_without_labels_get_none(opened: Opened, tmp_path: Path) -> None:
    """A sequence-to-sequence model reads and writes apart; a task of text has no codes."""
    other = open_model(str(tiny.t5(tmp_path)))
    assert beginnings(other, encode_labels(other.tokenizer, tiny.LABELS)) == {}
    assert beginnings(opened, None) == {}
