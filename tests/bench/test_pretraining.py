"""The comparison of pretrained and random weights prints one line that a machine can read."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from homeostat.builtin.resources import model_path

BENCH = Path(__file__).parents[2] / "bench"
WORDS = {"bills": "pay invoice", "travel": "plane ticket", "music": "play song"}


@pytest.fixture
def base(tmp_path: Path) -> str:
    """A model of one small layer with the built-in tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(model_path())
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, tie_word_embeddings=True, initializer_range=0.2,
    )  # fmt: skip
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "tiny")
    tokenizer.save_pretrained(tmp_path / "tiny")
    return str(tmp_path / "tiny")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A file in the shape of CLINC150's: 90 rows to train on, 30 to test."""
    splits = {
        split: [[f"{words} {offset + n}", label] for n in range(count) for label, words in WORDS.items()]
        for split, count, offset in (("train", 30, 0), ("test", 10, 500))
    }
    with gzip.open(tmp_path / "data_full.json.gz", "wt") as out:
        json.dump(splits, out)
    return tmp_path / "data_full.json.gz"


@pytest.mark.slow
def test_three_models_beside_each_other(
    base: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Each is scored on all test rows with its interval, and the gain is told row by row."""
    monkeypatch.syspath_prepend(str(BENCH))
    given = ["--base", base, "--data", str(data), "--cache", str(tmp_path / "cache"), "--epochs", "2"]
    monkeypatch.setattr(sys, "argv", ["pretraining.py", *given])

    importlib.import_module("pretraining").main()

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= line.keys()
    assert (line["bar"], line["n"], line["goal"]) == ("builtin", 30, 0.9)
    assert set(line["accuracy"]) == {"lora", "full", "random"}
    assert all(low <= mean <= high for mean, low, high in line["accuracy"].values())
    assert line["value"] == max(line["accuracy"][name][0] for name in ("lora", "full"))
