"""Words of the domain become tokens, and learn before all other weights."""

from __future__ import annotations

from pathlib import Path

import torch

from homeostat.llm.load import open_model
from homeostat.train.domain.cost import cost
from homeostat.train.domain.texts import pieces
from homeostat.train.domain.words import grown
from train.domain.conftest import RECIPE, TERMS, domain, general


def test_new_words_learn_first_and_alone(llama: Path, tmp_path: Path) -> None:
    """Terms of the domain become tokens, so that its texts are shorter and cost less; other texts are cut as before;
    what was there is bit by bit what it was, and asked again, nothing is trained twice.
    """
    old, seen = open_model(str(llama)), pieces(domain())
    looks: list[dict[str, float]] = []
    made, words = grown(open_model(str(llama)), seen, RECIPE, 80, tmp_path, looks.append)
    assert {"Ġ" + term for term in TERMS} <= set(words)
    assert looks
    unseen = pieces(domain(40, 1))
    before, after = cost(old, unseen), cost(made, unseen)
    assert sum(after.tokens) < 0.6 * sum(before.tokens)
    assert after.bits_per_character < before.bits_per_character
    other = pieces(general(20, 1))
    assert cost(old, other).tokens == cost(made, other).tokens
    table = old.model.get_input_embeddings().weight
    assert torch.equal(made.model.get_input_embeddings().weight[: len(table)], table)
    again, _ = grown(open_model(str(llama)), seen, RECIPE, 80, tmp_path, looks.append)
    pairs = zip(made.model.parameters(), again.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_texts_that_need_no_words_leave_the_base_alone(llama: Path, tmp_path: Path) -> None:
    """Where no pair is frequent enough the base is what it was, and nothing is trained."""
    opened = open_model(str(llama))
    made, words = grown(opened, pieces(domain(3)), RECIPE, 40, tmp_path)
    assert made is opened
    assert words == ()
    assert not list(tmp_path.iterdir())
