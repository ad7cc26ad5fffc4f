"""How tokenizers read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import tiny
from homeostat.builtin.resources import model_path
from homeostat.train.bases.reading import read

TEXTS = [text for label in tiny.WORDS for text in tiny.texts(label, 20, 11)]
FOREIGN = ["el gato negro duerme", "la luna blanca brilla", "los perros corren lejos", "una casa grande y vieja"] * 20


def trained(texts: list[str], vocabulary: int = 400) -> PreTrainedTokenizerFast:
    """Byte pairs learned from these texts."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def test_a_tokenizer_of_the_domain_fits_better_than_a_foreign_one() -> None:
    """Trained on the domain it needs fewer tokens a word, splits fewer words, and carries more bytes a token."""
    own, foreign = read(trained(TEXTS), TEXTS), read(trained(FOREIGN), TEXTS)
    assert own.tokens_per_word < 0.6 * foreign.tokens_per_word
    assert own.split < 0.5 * foreign.split
    assert own.bytes_per_token > 1.5 * foreign.bytes_per_token
    assert own.words == foreign.words > 300


def test_what_is_counted() -> None:
    """Letters alone are a token each; a word of one token is not split, and what stands between words is left out."""
    letters = read(trained([], 256), ["ab cde, f"])
    assert (letters.texts, letters.words) == (1, 3)
    # The space before a word is a token of its own here and shares no letter with it.
    assert letters.tokens_per_word == pytest.approx((2 + 3 + 1) / 3)
    assert letters.split == pytest.approx(2 / 3)
    assert letters.bytes_per_token == pytest.approx(1.0)
    assert letters.unknown == 0.0


def test_a_letter_of_several_bytes() -> None:
    """Bytes that make one letter are tokens of its word."""
    assert read(trained([], 256), ["ü"]).tokens_per_word == 2.0


def test_what_nobody_knows() -> None:
    """Tokens that stand for nothing known are told as a share."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "pump": 1}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    found = read(PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]"), ["pump pump leak pump"])
    assert found.unknown == 0.25
    assert found.tokens_per_word == 1.0


def test_no_words_at_all() -> None:
    """Texts without words, and no texts, have shares of zero."""
    tokenizer = trained([], 256)
    assert read(tokenizer, []).tokens_per_word == 0.0
    assert read(tokenizer, ["", "…"]).split == 0.0


def test_marks_that_are_spelled_stay_letters() -> None:
    """A text that spells a mark of the chat is read as what it is, in pieces."""
    if not (Path(model_path()) / "tokenizer.json").exists():
        pytest.skip("the built-in model's tokenizer is not there")
    tokenizer = AutoTokenizer.from_pretrained(model_path())
    assert read(tokenizer, ["<|end|>"]).bytes_per_token < 7
