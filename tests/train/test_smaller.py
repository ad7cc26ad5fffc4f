"""A smaller base made of a larger one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.smaller import SPARE, smaller

TEXTS = [text for label in tiny.LABELS for text in tiny.texts(label, 20, 0)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five layers."""
    return tiny.llama(tmp_path_factory.mktemp("base"), layers=5)


def test_layers_are_taken_evenly(base: Path, tmp_path: Path) -> None:
    """The first, the last and those between; their weights are the large one's."""
    made = smaller(str(base), tmp_path, layers=3, texts=())
    assert made.layers == (0, 2, 4)
    large, small = open_model(str(base)).model, open_model(str(tmp_path)).model
    for k, place in enumerate(made.layers):
        pairs = zip(small.model.layers[k].parameters(), large.model.layers[place].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
    assert made.parameters == sum(t.numel() for t in small.parameters()) < made.of


def test_the_vocabulary_that_texts_need(base: Path, tmp_path: Path) -> None:
    """Texts it was cut for are read piece by piece as before, in fewer numbers; others in more pieces, without loss."""
    made = smaller(str(base), tmp_path, layers=1, texts=TEXTS, words=400, labels=3)
    large, small = (AutoTokenizer.from_pretrained(path) for path in (base, tmp_path))
    assert len(small) == made.vocabulary < len(large)
    for text in TEXTS:
        assert small.tokenize(text) == large.tokenize(text)
    for text in ("Größe 円 🤖", "an utterly foreign sentence"):
        assert small.decode(small(text)["input_ids"]) == text
    codes = [token for token in small.get_vocab() if token.startswith("<|code_")]
    assert len(codes) == 3 + SPARE
    few = smaller(str(base), tmp_path / "few", layers=1, texts=TEXTS, words=5, labels=3)
    assert few.vocabulary < made.vocabulary


@torch.no_grad()
def test_words_mean_what_they_meant(base: Path, tmp_path: Path) -> None:
    """With all layers and the words of a text, it says of that text what the large one says, over what both know."""
    smaller(str(base), tmp_path, layers=5, texts=TEXTS, words=400, labels=3)
    large, small = open_model(str(base)), open_model(str(tmp_path))
    known = small.tokenizer.get_vocab()
    shared = sorted(known, key=known.__getitem__)
    at = large.tokenizer.convert_tokens_to_ids(shared)
    for text in TEXTS[:5]:
        said = [
            predict(model, [Rendered(Renderer(model.tokenizer).prompt(tiny.ROUTING, text), (0,))]).logits[0]
            for model in (large, small)
        ]
        assert torch.allclose(said[0][at], said[1][[known[token] for token in shared]], atol=1e-5)


def test_the_built_in_model_becomes_a_third(tmp_path: Path) -> None:
    """Two layers and some words of it: a model that opens, with a third of the parameters."""
    made = smaller("builtin", tmp_path, layers=2, texts=TEXTS, words=200, labels=3)
    assert made.parameters < made.of / 3
    assert open_model(str(tmp_path)).tokenizer.chat_template


@pytest.mark.parametrize("layers", [0, 6])
def test_what_cannot_be_taken(base: Path, tmp_path: Path, layers: int) -> None:
    """No layers, or more than there are, and models that are no decoders are refused."""
    with pytest.raises(UnsuitedModel, match="layers"):
        smaller(str(base), tmp_path, layers=layers, texts=())
    with pytest.raises(UnsuitedModel, match="stack"):
        smaller(str(tiny.t5(tmp_path / "t5")), tmp_path, layers=1, texts=())
