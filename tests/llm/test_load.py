"""Opening models: what is there, what is not, what is damaged, what could run code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, LlamaConfig, T5Config

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm.load import family_of, locate, open_model, open_tokenizer, width_of


@pytest.fixture
def copy(llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama, tmp_path / "model"))


def test_a_model_opens_in_evaluation_mode(llama: Path) -> None:
    """An opened model computes in float32 on the CPU, drops nothing out, and has a filler and its own limit."""
    opened = open_model(str(llama))
    assert (opened.family, opened.model.training, opened.tokenizer.model_max_length) == ("decoder", False, 128)
    assert opened.model.dtype == (torch.bfloat16 if torch.cuda.is_available() else torch.float32)
    assert opened.tokenizer.pad_token_id is not None


def test_families_are_told_apart() -> None:
    """A configuration says whether a model decodes, encodes or does both."""
    assert family_of(LlamaConfig(architectures=["LlamaForCausalLM"])) == "decoder"
    assert family_of(BertConfig()) == "encoder"
    assert family_of(T5Config()) == "seq2seq"


def test_the_width_is_read_without_weights(llama: Path, copy: Path) -> None:
    """The configuration says it; a folder that is damaged or not there is named as when it is opened."""
    assert width_of(str(llama)) == 48
    (copy / "config.json").write_text("{")
    with pytest.raises(CorruptWeights):
        width_of(str(copy))
    with pytest.raises(ModelNotFound):
        width_of("./nowhere")


def test_the_model_knows_the_limit_where_the_tokenizer_does_not(tmp_path: Path) -> None:
    """A tokenizer that says nothing of length takes the model's; RoBERTa loses the places below the filler's."""
    assert open_model(str(tiny.bert(tmp_path / "bert"))).tokenizer.model_max_length == 64
    assert open_model(str(tiny.roberta(tmp_path / "roberta"))).tokenizer.model_max_length == 64


@pytest.mark.parametrize("base", ["./nowhere", "/nowhere/at/all", "~/nowhere-at-all", "some/where/deep"])
def test_a_missing_folder_is_named(base: str) -> None:
    """What looks like a path and is none raises an error that names it."""
    with pytest.raises(ModelNotFound, match=r"nowhere|some/where/deep"):
        open_model(base)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    """A folder with no configuration is not a model."""
    with pytest.raises(ModelNotFound, match=r"config\.json"):
        locate(str(tmp_path))


def test_a_hub_name_is_passed_on() -> None:
    """A name that is no path is left for the hub."""
    assert locate("somebody/some-model") == "somebody/some-model"
    with pytest.raises(ModelNotFound, match="did you mean `builtin`"):
        locate("buildin")


def test_pickled_weights_are_refused(copy: Path) -> None:
    """A folder whose weights are pickled is never read."""
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(UnsafeWeights, match="safetensors"):
        open_model(str(copy))
    with pytest.raises(UnsafeWeights, match="safetensors"):
        open_model(str(copy), weights=copy)


def test_missing_weights_of_a_version_are_named(llama: Path, tmp_path: Path) -> None:
    """Other weights that are not there are an error, not the base's own."""
    with pytest.raises(ModelNotFound):
        open_model(str(llama), weights=tmp_path / "gone")


def test_truncated_weights_are_corrupt(copy: Path) -> None:
    """Half a weights file raises the error of damaged weights."""
    data = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(CorruptWeights):
        open_model(str(copy))


def test_incomplete_weights_are_corrupt(copy: Path) -> None:
    """A tensor that is not in the file is not made up."""
    tensors = load_file(copy / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CorruptWeights, match="lack 1 tensors"):
        open_model(str(copy))


def test_weights_of_another_shape_are_corrupt(copy: Path) -> None:
    """Weights that do not fit the configuration raise the error of damaged weights."""
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))
    with pytest.raises(CorruptWeights):
        open_model(str(copy))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_a_damaged_file_beside_the_weights_is_corrupt(copy: Path, file: str) -> None:
    """A configuration or a tokenizer that cannot be read raises the error of a damaged folder."""
    (copy / file).write_text("{ half a fi")
    with pytest.raises(CorruptWeights, match="cannot be loaded"):
        open_model(str(copy))


def test_a_tokenizer_of_another_model_is_refused(copy: Path) -> None:
    """A tokenizer that knows more tokens than the model has embeddings does not belong to it."""
    tiny.chat_tokenizer(codes=300).save_pretrained(copy)
    with pytest.raises(UnsuitedModel, match="tokenizer knows tokens"):
        open_model(str(copy))


def test_a_tokenizer_without_the_end_mark_is_refused(copy: Path) -> None:
    """A decoder whose tokenizer cannot end a reply is refused."""
    file = copy / "tokenizer_config.json"
    file.write_text(json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "eos_token"}))
    with pytest.raises(UnsuitedModel, match="end-of-sequence"):
        open_model(str(copy))


@pytest.mark.slow
def test_opening_and_saving_are_silent(llama: Path, tmp_path: Path) -> None:
    """No bar of a library is drawn into the terminal when models are opened and saved."""
    program = (
        "import sys; from pathlib import Path; from homeostat.llm.load import open_model\n"
        "from homeostat.train.adapt.full import Full; from homeostat.train.adapt.lora import Lora\n"
        "base, out = sys.argv[1:]; opened = open_model(base); Full().save(opened.model, Path(out) / 'full')\n"
        "open_model(base, Path(out) / 'full'); Lora().attach(opened.model)\n"
        "Lora().save(opened.model, Path(out) / 'lora')\n"
        "Lora().attach(open_model(base).model, Path(out) / 'lora')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(llama), str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_a_tokenizer_without_weights_is_the_one_with_them(llama: Path, bert: Path) -> None:
    """The same tokens and the same limit; a base that is no decoder is refused, for no server takes it."""
    own, with_weights = open_tokenizer(str(llama)), open_model(str(llama)).tokenizer
    assert own.get_vocab() == with_weights.get_vocab()
    assert (own.model_max_length, own.pad_token_id) == (with_weights.model_max_length, with_weights.pad_token_id)
    with pytest.raises(UnsuitedModel, match="family encoder"):
        open_tokenizer(str(bert))
