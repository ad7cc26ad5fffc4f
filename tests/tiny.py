"""Real language models of a few ten thousand weights, from a seed, with tokenizers trained on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertForMaskedLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5ForConditionalGeneration,
)

from homeostat.train.quantize import quantize
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task

ROUTING = Task(name="routing", instruction="route")
REPLIES = Task(name="replies", kind=Kind.TEXT)
LABELS = ("refund_request", "late_delivery", "broken_pump")
WORDS = {
    "refund_request": ["money", "back", "refund", "pay", "charged", "twice", "card", "return", "cash", "sum"],
    "late_delivery": ["parcel", "late", "where", "courier", "waiting", "days", "tracking", "shipped", "lost", "van"],
    "broken_pump": ["pump", "noise", "broken", "leaks", "water", "stopped", "motor", "grinding", "wet", "hum"],
    "wrong_bill": ["invoice", "total", "vat", "wrong", "number", "address", "copy", "tax", "figure", "sheet"],
    "light_out": ["lamp", "dark", "light", "flashing", "bulb", "dim", "glow", "red", "panel", "switch"],
}
FILLER = [
    "hello",
    "please",
    "the",
    "my",
    "it",
    "is",
    "and",
    "I",
    "since",
    "you",
    "today",
    "again",
    "thanks",
    "with",
    "for",
]
CHAT = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|pad|>"]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def texts(label: str, count: int, seed: int) -> list[str]:
    """Sentences of filler with three of the label's words in each."""
    draw = torch.Generator().manual_seed(1000 * seed + list(WORDS).index(label))

    def pick(words: Sequence[str], n: int) -> list[str]:
        return [words[k] for k in torch.randperm(len(words), generator=draw)[:n].tolist()]

    made = []
    for _ in range(count):
        words = pick(WORDS[label], 3) + pick(FILLER, int(torch.randint(1, 7, (1,), generator=draw)))
        made.append(" ".join(words[k] for k in torch.randperm(len(words), generator=draw).tolist()))
    return made


def examples(
    labels: Sequence[str] = LABELS, each: int = 20, seed: int = 0, origin: Origin = Origin.NEW
) -> list[Example]:
    """Labeled sentences, `each` of every label, the labels in turn."""
    columns = [[Example(text=t, target=label, origin=origin) for t in texts(label, each, seed)] for label in labels]
    return [row for rows in zip(*columns, strict=True) for row in rows]


def _byte_pairs(special: Sequence[str], vocabulary: int = 480) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([t for label in WORDS for t in texts(label, 40, 7)], trainer)
    return tokenizer


def chat_tokenizer(*, codes: int = 40, template: str | None = TEMPLATE, length: int = 128) -> Any:
    """Byte pairs with the marks of a chat and reserved codes, as the built-in model's."""
    reserved = [f"<|code_{k}|>" for k in range(codes)]
    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs([*CHAT, *reserved]),
        eos_token="<|end|>",
        pad_token="<|pad|>",
        extra_special_tokens=["<|user|>", "<|assistant|>", "<|system|>", *reserved],
        model_max_length=length,
        chat_template=template,
    )


def _save(folder: Path, model: Any, tokenizer: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def llama(folder: Path, *, tokenizer: Any = None, hidden: int = 48, layers: int = 2, seed: int = 0) -> Path:
    """A decoder with about 80,000 weights."""
    tokenizer = tokenizer or chat_tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        initializer_range=0.15,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return _save(folder, LlamaForCausalLM(config), tokenizer)


def adapter(folder: Path, base: Path, seed: int) -> Path:
    """An adapter that was never trained and says something else for every seed."""
    torch.manual_seed(seed)
    model = LlamaForCausalLM.from_pretrained(base)
    model.add_adapter(LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", init_lora_weights=False))
    model.save_pretrained(folder)
    return folder


def four_bits(folder: Path, base: Path) -> Path:
    """The same model in four bits; where the library that computes with them is not there, the test is left out."""
    pytest.importorskip("bitsandbytes", reason="the extra four-bit is not installed")
    return quantize(str(base), folder).folder


def masked_tokenizer() -> Any:
    """Byte pairs with the marks of an encoder."""
    return PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=512,
    )


def _encoder_settings(vocabulary: int) -> dict[str, Any]:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 96,
        "initializer_range": 0.1,
        "pad_token_id": 0,
    }


def bert(folder: Path) -> Path:
    """An encoder of 64 places."""
    tokenizer = masked_tokenizer()
    torch.manual_seed(0)
    config = BertConfig(**_encoder_settings(len(tokenizer)), max_position_embeddings=64)
    return _save(folder, BertForMaskedLM(config), tokenizer)


def roberta(folder: Path) -> Path:
    """An encoder that counts its 64 places from behind the filler's id."""
    tokenizer = masked_tokenizer()
    torch.manual_seed(0)
    config = RobertaConfig(**_encoder_settings(len(tokenizer)), max_position_embeddings=65)
    return _save(folder, RobertaForMaskedLM(config), tokenizer)


def t5(folder: Path, *, tied: bool = True) -> Path:
    """A sequence-to-sequence model; tied, it scales its hidden states before the head."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_byte_pairs(["<pad>", "</s>", "<unk>"]),
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=64,
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=48,
        d_kv=12,
        d_ff=96,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
        tie_word_embeddings=tied,
        dropout_rate=0.0,
    )
    return _save(folder, T5ForConditionalGeneration(config), tokenizer)
