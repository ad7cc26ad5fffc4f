"""A backend is known again by what it gives: after a move, and not after an exchange."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import tiny
from homeostat.llm.embedding.embedder import Changed, Embedder, NoVectors, Vectors, opened
from homeostat.llm.embedding.encoder import Encoder
from homeostat.llm.embedding.ngrams import Ngrams
from homeostat.llm.embedding.steady import NEAR, ROWS, SENTENCES, Steady, _apart, packed, unpacked
from server import speaking, vectors

TEXTS = [text for label in tiny.LABELS for text in tiny.texts(label, 40, 5)]


class Rounded:
    """A backend whose vectors differ a little with every call, as those of a server under load do."""

    def __init__(self, below: Embedder, error: float) -> None:
        self.below, self.error, self.rng = below, error, np.random.default_rng(0)

    def embed(self, texts: list[str]) -> Vectors:
        """The vectors, each number a little off."""
        exact = self.below.embed(texts)
        return np.asarray(exact * (1 + self.error * self.rng.standard_normal(exact.shape)), dtype=np.float32)


def known(embedder: Embedder) -> Steady:
    steady = Steady(embedder)
    assert not steady.look()
    return steady


def distance(first: Embedder, second: Embedder) -> float:
    return _apart(first.embed(list(SENTENCES)), second.embed(list(SENTENCES)), np.arange(len(SENTENCES)))


def test_the_same_weights_elsewhere_are_the_same(llama: Path, tmp_path: Path) -> None:
    """A copy of the folder is known by what was kept of the other, under the same name; nothing begins anew."""
    before = known(Encoder(str(llama)))
    moved = opened(str(shutil.copytree(llama, tmp_path / "moved")))
    copy = Steady(moved, unpacked(packed(before.prints), before.width))
    assert copy.look()
    assert copy.backend == before.backend


def test_half_precision_is_the_same_and_another_seed_is_not(llama: Path, tmp_path: Path) -> None:
    """Rounding of weights stays below half of the line; weights from another seed are five times over it and more."""
    model = AutoModelForCausalLM.from_pretrained(llama).to(torch.bfloat16).float()
    model.save_pretrained(tmp_path / "rounded")
    AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path / "rounded")
    base = Encoder(str(llama))
    assert distance(base, Encoder(str(tmp_path / "rounded"))) < 0.5 * NEAR
    assert distance(base, Encoder(str(tiny.llama(tmp_path / "other", seed=4)))) > 5 * NEAR


def test_a_model_that_was_trained_on_is_another(llama: Path, tmp_path: Path) -> None:
    """Weights that have moved by three tenths of their spread are seen, though the width is what it was."""
    model = AutoModelForCausalLM.from_pretrained(llama)
    torch.manual_seed(0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.3 * weights.std() * torch.randn_like(weights) if weights.ndim > 1 else 0.0)
    model.save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(llama).save_pretrained(tmp_path)
    assert distance(Encoder(str(llama)), Encoder(str(tmp_path))) > NEAR


def test_rounding_on_the_way_changes_nothing(bert: Path) -> None:
    """Vectors that differ in the third digit are those of the same backend, look by look and batch by batch."""
    steady = known(Rounded(Encoder(str(bert)), 1e-3))
    backend = steady.backend
    for _ in range(len(SENTENCES)):
        assert steady.look()
        steady.embed(TEXTS[:10])
    assert steady.backend == backend


def test_a_server_that_changes_its_model_is_caught_in_the_same_batch(llama: Path, bert: Path) -> None:
    """Both have 48 numbers, so no shape tells them apart; not one vector of the other model comes back, and when it
    has been looked at anew, it is another backend.
    """
    behind: list[Embedder] = [Encoder(str(llama))]
    with speaking(vectors(lambda said: behind[0].embed(said))) as (url, _):
        steady = known(opened(f"{url}#small"))
        first = steady.backend
        assert steady.embed(TEXTS).shape == (len(TEXTS), 48)
        behind[0] = Encoder(str(bert))
        for _ in range(len(SENTENCES)):  # whichever sentence is in the batch
            with pytest.raises(Changed, match="other vectors"):
                steady.embed(TEXTS[:3])
        assert not steady.look()
        assert steady.backend != first
        np.testing.assert_allclose(steady.embed(TEXTS), behind[0].embed(TEXTS), atol=1e-5)


def test_one_of_two_servers_behind_an_address_is_caught(llama: Path, bert: Path) -> None:
    """Where every other request is answered by another model, no batch of that one is used, however long it goes on."""
    turn = [Encoder(str(llama)), Encoder(str(bert))]
    asked = [0]

    def either(said: list[str]) -> Vectors:
        asked[0] += 1
        return turn[asked[0] % 2].embed(said)

    with speaking(vectors(either)) as (url, _):
        asked[0] = 1
        steady = known(opened(f"{url}#small"))  # looked at by the first
        with pytest.raises(Changed):
            steady.embed(TEXTS[:5])
        np.testing.assert_allclose(steady.embed(TEXTS[:5]), turn[0].embed(TEXTS[:5]), atol=1e-5)


def test_texts_come_back_in_order_without_the_sentences(llama: Path) -> None:
    """Over several batches, and for none at all."""
    steady = known(Encoder(str(llama)))
    assert len(TEXTS) > ROWS
    np.testing.assert_allclose(steady.embed(TEXTS), Encoder(str(llama)).embed(TEXTS), atol=1e-5)
    assert steady.embed([]).shape == (0, 48)


def test_a_backend_that_tells_nothing_apart_is_none() -> None:
    """One vector for every text would make every distance nothing."""

    class Constant:
        def embed(self, texts: list[str]) -> Vectors:
            return np.ones((len(texts), 4), np.float32)

    with pytest.raises(NoVectors, match="the same vector"):
        Steady(Constant()).look()


@pytest.mark.parametrize("shape", [(3,), (1, 4), (9, 0)])
def test_what_is_no_row_for_each_text_is_none(shape: tuple[int, ...]) -> None:
    """A plugin may do anything; what it gives is held to be a finite row for each text."""

    class Odd:
        def embed(self, texts: list[str]) -> Vectors:
            return np.zeros(shape, np.float32)

    with pytest.raises(NoVectors, match=r"for 8 texts"):
        Steady(Odd()).look()


def test_prints_are_kept_in_half_precision() -> None:
    """Two bytes a number, good enough to know a backend by; what is too large is cut off and not infinite."""
    steady = known(Ngrams())
    kept = packed(steady.prints)
    assert len(kept) == 2 * steady.prints.size
    again = Steady(Ngrams(), unpacked(kept, steady.width))
    assert again.look()
    assert again.backend == steady.backend
    assert np.isfinite(unpacked(packed(np.full((1, 2), 1e9, np.float32)), 2)).all()
