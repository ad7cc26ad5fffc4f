"""The built-in model, and a copy of it that knows nothing."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

import tiny
from homeostat.builtin.resources import model_path, traffic_path
from homeostat.train.bases.compare import parted
from homeostat.train.bases.probe import Rows
from homeostat.types.dataset import Example

INTENTS = (
    "refund_request",
    "delivery_delay",
    "order_status",
    "plants_not_growing",
    "account_login",
    "wifi_setup",
    "payment_failed",
    "discount_code",
)


@pytest.fixture(scope="session")
def ignorant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in architecture and tokenizer with weights drawn at random."""
    if not (model_path() / "model.safetensors").exists():
        pytest.skip("the built-in model is not there")
    folder = tmp_path_factory.mktemp("ignorant")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(model_path() / name, folder / name)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model_path())).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def support() -> Rows:
    """Requests of eight intents, sixty of each, of the built-in traffic, and a short training."""
    found: dict[str, list[Example]] = {intent: [] for intent in INTENTS}
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if len(found.get(row["label"], range(60))) < 60:
                found[row["label"]].append(Example(text=row["text"], target=row["label"]))
    learn, exam = parted([row for rows in zip(*found.values(), strict=True) for row in rows])
    return Rows(task=tiny.ROUTING, labels=INTENTS, learn=learn, exam=exam, steps=24)


@pytest.fixture
def rows() -> Rows:
    """Five intents told by a few words each, and a short training."""
    learn, exam = parted(tiny.examples(tuple(tiny.WORDS), each=40))
    return Rows(task=tiny.ROUTING, labels=tuple(tiny.WORDS), learn=learn, exam=exam, steps=12)
