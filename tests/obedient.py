"""A decoder of some ten thousand weights that does as it is told, trained on the spot: for what words alone can change.

It knows sixteen items by heart and four places they belong to. Told to sort by `product`, it says the right place; told
anything else, it goes by a scheme of its own, which is right for four of them. Shown verified answers, it says what the
last of them says: it learns from its context, as large models do, and knows nothing of the request but that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tiny import CHAT, TEMPLATE

PLACES = ("north", "south", "east", "west")
ITEMS = (
    *("amber", "birch", "coral", "delta", "ember", "fjord", "grape", "hazel"),
    *("igloo", "jumbo", "kayak", "lemon", "mango", "nylon", "onyx", "pearl"),
)
RIGHT = {item: PLACES[k % 4] for k, item in enumerate(ITEMS)}
OWN = {item: PLACES[(k + (k % 4 > 0)) % 4] for k, item in enumerate(ITEMS)}
"""What it says if it is not told to sort by product."""
FILLER = ("please", "about", "my", "the", "is", "where")
OTHER = ("route", "sort", "by", ".", ":", ",", '"', "not", "labels", "[UNK]")
WORDS = (*CHAT, *PLACES, *ITEMS, *FILLER, *OTHER, "product")
_AT = {word: k for k, word in enumerate(WORDS)}
STEPS, ROWS, WIDTH = 400, 24, 48


def tokenizer() -> Any:
    """A token for each word, and one for all that it does not know."""
    made = Tokenizer(models.WordLevel(_AT, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        unk_token="[UNK]",
        extra_special_tokens=["<|user|>", "<|assistant|>", "<|system|>"],
        model_max_length=256,
        chat_template=TEMPLATE,
    )


def request(rng: np.random.Generator, item: str = "") -> str:
    """A request about an item, one of them if none is named."""
    words = [item or str(rng.choice(ITEMS)), *rng.choice(FILLER, 2, replace=False)]
    return " ".join(map(str, rng.permutation(words)))


def obedient(folder: Path) -> Path:
    """The model, trained for some seven CPU-seconds and saved."""
    torch.manual_seed(0)
    said = tokenizer()
    shape = LlamaConfig(
        vocab_size=len(said),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=said.eos_token_id,
        pad_token_id=said.pad_token_id,
    )
    model = LlamaForCausalLM(shape)
    _train(model)
    model.save_pretrained(folder)
    said.save_pretrained(folder)
    return folder


def _train(model: Any) -> None:
    rng = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, weight_decay=0.0)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = 6e-3 * min(1.0, (step + 1) / 40) * min(1.0, 2.0 * (STEPS - step) / STEPS)
        rows = [_row(rng) for _ in range(ROWS)]
        longest = max(len(row) for row in rows)
        tokens = torch.tensor([[_AT["<|pad|>"]] * (longest - len(row)) + row for row in rows])
        logits = model(input_ids=tokens[:, :-1], attention_mask=(tokens[:, :-1] != _AT["<|pad|>"]).long()).logits
        loss = functional.cross_entropy(logits[:, -2:].reshape(-1, len(WORDS)), tokens[:, -2:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def _row(rng: np.random.Generator) -> list[int]:
    """A conversation that ends with the reply and its end."""
    product, shots = rng.random() < 0.5, int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
    told = ["route", *rng.choice([*OTHER, *PLACES, *FILLER, *["[UNK]"] * 8], int(rng.integers(0, 9)))]
    told.insert(int(rng.integers(0, len(told) + 1)), "product") if product else None
    words, place = ["<|system|>", *told, "<|end|>"], ""
    for _ in range(shots):
        place = str(rng.choice(PLACES))
        words += ["<|user|>", *request(rng).split(), "<|end|>", "<|assistant|>", place, "<|end|>"]
    item = str(rng.choice(ITEMS))
    reply = place or (RIGHT if product else OWN)[item]
    words += ["<|user|>", *request(rng, item).split(), "<|end|>", "<|assistant|>", reply, "<|end|>"]
    return [_AT[word] for word in words]
