"""A model as an encoder: what its vectors are made of, and what cannot be one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BertModel

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm.embedding.encoder import LONGEST, ROWS, Encoder

TEXTS = ["where is my parcel", "the pump leaks", "my money back please since I was charged twice today"]


def by_hand(folder: Path, text: str) -> np.ndarray:
    """The mean of the last hidden states of one text, of length 1, by the library alone."""
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        said = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    mean = said.hidden_states[-1][0].mean(0)
    return np.asarray((mean / mean.norm()).numpy())


def test_the_mean_over_the_tokens_of_each_text(llama: Path) -> None:
    """As the library gives it for each text alone: what fills up a batch has no part in it."""
    found = Encoder(str(llama)).embed(TEXTS)
    assert (found.shape, found.dtype) == ((3, 48), np.float32)
    for row, text in zip(found, TEXTS, strict=True):
        np.testing.assert_allclose(row, by_hand(llama, text), atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "bert", "t5"])
def test_every_family_reads(family: str, request: pytest.FixtureRequest) -> None:
    """A decoder, an encoder and the reading half of a model that does both; in any batch the same."""
    encoder = Encoder(str(request.getfixturevalue(family)))
    many = [text for label in tiny.LABELS for text in tiny.texts(label, ROWS // 2, 1)]
    found = encoder.embed(many)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(found[70], encoder.embed([many[70]])[0], atol=1e-5)
    assert encoder.embed([]).shape == (0, 48)


def test_a_sentence_encoder_has_no_head(bert: Path, tmp_path: Path) -> None:
    """Its checkpoint has the reader alone, which is no base to train, and all that is needed here; the same weights
    with a head give the same vectors.
    """
    BertModel.from_pretrained(bert, add_pooling_layer=False).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(bert).save_pretrained(tmp_path)
    np.testing.assert_allclose(Encoder(str(tmp_path)).embed(TEXTS), Encoder(str(bert)).embed(TEXTS), atol=1e-6)


def test_long_and_empty_texts(bert: Path) -> None:
    """A long one is read as far as the model has places; one without tokens is nowhere."""
    encoder = Encoder(str(bert))
    long = "the pump leaks " * 4 * LONGEST
    found = encoder.embed([long, long + "and my money back", ""])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert np.isfinite(found).all()


def test_a_text_without_tokens_is_nowhere(llama: Path) -> None:
    """A tokenizer that adds no marks makes none of an empty text: zeros, and the others as they are without it."""
    encoder = Encoder(str(llama))
    found = encoder.embed(["", TEXTS[0], ""])
    assert not found[[0, 2]].any()
    np.testing.assert_allclose(found[1], encoder.embed([TEXTS[0]])[0], atol=1e-6)
    assert not encoder.embed([""]).any()


def test_the_builtin_model_may_be_it() -> None:
    """The bare base, whatever was trained of it since, so that its vectors mean the same through all releases."""
    try:
        found = Encoder("builtin").embed(TEXTS)
    except (ModelNotFound, UnsafeWeights):
        pytest.skip("the built-in model is not there")
    assert found.shape[0] == 3
    assert found.shape[1] >= 64


def test_what_could_run_code_is_not_opened(llama: Path, tmp_path: Path) -> None:
    """A folder with pickled weights alone is refused, by the name of the knob."""
    folder = Path(shutil.copytree(llama, tmp_path / "model"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(UnsafeWeights) as refused:
        Encoder(str(folder))
    assert refused.value.where == "monitor.embedding"


def test_what_is_incomplete_is_not_opened(llama: Path, tmp_path: Path) -> None:
    """Tensors that hidden states depend on must not be drawn by lot."""
    folder = Path(shutil.copytree(llama, tmp_path / "model"))
    tensors = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if "layers.1.mlp" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CorruptWeights, match="lack 3 tensors"):
        Encoder(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(CorruptWeights):
        Encoder(str(folder))


def test_a_tokenizer_without_filler_is_told(llama: Path, tmp_path: Path) -> None:
    """It could read one text at a time only, and nobody would know why that is slow."""
    folder = Path(shutil.copytree(llama, tmp_path / "model"))
    told = json.loads((folder / "tokenizer_config.json").read_text())
    for mark in ("pad_token", "eos_token"):
        told.pop(mark, None)
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(UnsuitedModel, match="filler"):
        Encoder(str(folder))
