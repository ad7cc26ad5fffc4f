"""Labels as token sequences: short codes where there are many or long labels, else the label's own words.

A code is one token: of the tokenizer's reserved `<|code_k|>` where it has them, else of the rarest whole tokens of its
vocabulary. Label k of a version always has code k, so a label set grows without moving an old label's code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from homeostat.errors import UnsuitedModel

FEW = 16
"""Up to this many labels, each of one token, are spelled out; more are aliased to codes."""


@dataclass(slots=True)
class Node:
    """A node of the prefix trie of label token sequences."""

    children: dict[int, Node] = field(default_factory=dict)
    label: int = -1
    """Index of the label that ends here, or -1."""


@dataclass(frozen=True, slots=True)
class LabelCodes:
    """The token sequence of every label, and the trie that shares their prefixes."""

    labels: tuple[str, ...]
    sequences: tuple[tuple[int, ...], ...]

    @property
    def single(self) -> bool:
        """Whether every label is one token, so that one position's logits score them all."""
        return all(len(s) == 1 for s in self.sequences)

    def trie(self) -> Node:
        """The root of the prefix trie."""
        root = Node()
        for index, sequence in enumerate(self.sequences):
            node = root
            for token in sequence:
                node = node.children.setdefault(token, Node())
            node.label = index
        return root


@lru_cache(maxsize=8)
def code_tokens(tokenizer: Any) -> tuple[int, ...]:
    """Token ids that may serve as codes, in the order in which they are given out."""
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    reserved = [vocabulary[f"<|code_{k}|>"] for k in range(10_000) if f"<|code_{k}|>" in vocabulary]
    if reserved:
        return tuple(reserved)
    special = set(tokenizer.all_special_ids)
    return tuple(sorted((t for t in vocabulary.values() if t not in special), reverse=True)[:2048])


def encode_labels(tokenizer: Any, labels: Sequence[str], *, alias: bool | None = None) -> LabelCodes:
    """Token sequences for `labels`; `alias` forces codes on or off, None decides by number and length.

    A label that is spelled out ends with the end-of-sequence token, so that no label is a prefix of another.

    Raises:
        UnsuitedModel: the vocabulary has fewer codes than there are labels.
    """
    spelled = [(*tokenizer(label, add_special_tokens=False)["input_ids"],) for label in labels]
    if alias is None:
        alias = len(labels) > FEW or any(len(s) > 1 for s in spelled)
    if not alias:
        end = tokenizer.eos_token_id
        return LabelCodes(tuple(labels), tuple((*s, end) for s in spelled))
    codes = code_tokens(tokenizer)
    if len(labels) > len(codes):
        raise UnsuitedModel(
            f"{len(labels)} labels, but the tokenizer has only {len(codes)} code tokens", fix="use fewer labels"
        )
    return LabelCodes(tuple(labels), tuple((codes[k],) for k in range(len(labels))))
