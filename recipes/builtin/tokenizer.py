"""Trains the tokenizer of the built-in model: byte-level BPE, single digits, chat and label-code tokens.

    python recipes/builtin/tokenizer.py --data ../shared/data --out build/builtin/tokenizer

Label codes are 384 reserved tokens. A task with many or long labels gives each label one of them, so that scoring all
labels costs one forward pass over the prompt.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import corpus

VOCABULARY = 8192
CODES = [f"<|code_{n}|>" for n in range(384)]
CHAT = ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>", "<|pad|>"]
SPLIT = r"""'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+"""
TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}<|assistant|>{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# Words of today that the corpora, mostly old books and abstracts, would otherwise cut into pieces.
EVERYDAY = Path(__file__).with_name("everyday.txt")


def sample(data: Path) -> Iterator[str]:
    """A balanced sample of the sources, and everyday words in both cases."""
    for source, count in ((corpus.arxiv, 9000), (corpus.books, 4000), (corpus.small, 800)):
        yield from islice(
            source(data), 0, None, max(1, {corpus.arxiv: 37879, corpus.books: 10000}.get(source, 800) // count)
        )
    words = EVERYDAY.read_text().split()
    yield from (" ".join(words + [w.capitalize() for w in words]) for _ in range(400))


def train(data: Path) -> PreTrainedTokenizerFast:
    """The trained tokenizer with its chat template."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=CHAT + CODES,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample(data), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",
        pad_token="<|pad|>",
        model_max_length=512,
        extra_special_tokens=["<|user|>", "<|assistant|>", "<|system|>", *CODES],
        padding_side="left",
    )
    fast.chat_template = TEMPLATE
    return fast


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    train(args.data).save_pretrained(args.out)


if __name__ == "__main__":
    main()
