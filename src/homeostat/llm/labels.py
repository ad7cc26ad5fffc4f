"""Labels as token sequences: a word of its own or a short code for each, or all spelled out.

A code is one token: of the tokenizer's reserved `<|code_k|>` where it has them, else of the rarest whole tokens of its
vocabulary. Label k of a version always has code k, and whether a label is written as a word depends on nothing that
comes after it, so a label set grows without moving an old label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from homeostat.errors import UnsuitedModel
from homeostat.llm.render import ids_of

FEW = 16
"""Of the first so many labels, those that are one token are written as themselves; all others are aliased to codes."""


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
    """Token sequences for `labels`: None writes each as a word or a code, True as codes, False spells all of them out.

    A label that is spelled out ends with the end-of-sequence token, so that no label is a prefix of another.

    Raises:
        UnsuitedModel: the vocabulary has fewer codes than there are labels.
    """
    words = [ids_of(tokenizer, x, marks=False) for x in labels]
    if alias is False:
        return LabelCodes(tuple(labels), tuple((*word, tokenizer.eos_token_id) for word in words))
    codes = code_tokens(tokenizer)
    if len(labels) > len(codes):
        raise UnsuitedModel(
            f"{len(labels)} labels, but the tokenizer has only {len(codes)} code tokens", fix="use fewer labels"
        )
    taken = {*codes, *tokenizer.all_special_ids}
    sequences: list[tuple[int, ...]] = []
    for k, word in enumerate(words):
        own = alias is None and k < FEW and len(word) == 1 and word[0] not in taken
        sequences.append(word if own else (codes[k],))
        taken.update(sequences[-1])
    return LabelCodes(tuple(labels), tuple(sequences))
