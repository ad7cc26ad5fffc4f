"""Asking a base as it is: its labels named in the instruction and spelled out, with examples as earlier turns or none.

For large models that follow instructions. It needs no training, and every request carries the labels and examples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import log_softmax
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.features import Floats
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.render import LABEL_ROOM, Renderer
from homeostat.llm.trie import trie_scores
from homeostat.train.few.shots import Answers, Reader, Shots
from homeostat.train.prior import NOTHING
from homeostat.train.rows import in_words
from homeostat.types.task import Task

ROWS = 16
"""Rows of one forward pass: each is as long as all examples together."""


@dataclass(frozen=True, slots=True)
class Asked(Answers):
    """A base with what it is told before every request."""

    labels: tuple[str, ...]
    reader: Reader
    task: Task
    told: tuple[tuple[str, str], ...]
    """Earlier turns, as (role, content)."""
    codes: LabelCodes
    bias: Floats
    """float64[labels]: what it says when it is asked about nothing (contextual calibration, 2102.09690)."""

    def score(self, texts: Sequence[str]) -> Floats:
        """float64[texts, labels]: log-probabilities of the labels spelled out, the bias taken off."""
        told = _said(self.reader, self.task, self.told, self.codes, texts) - self.bias
        return np.asarray(log_softmax(told, axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """Zero-shot prompting, or few-shot."""

    shown: bool = False
    """Whether it is shown the examples, as many as fit into its context."""

    def learn(self, reader: Reader, shots: Shots) -> Asked:
        """Learn nothing; put the request together, and ask about nothing.

        Raises:
            UnsuitedModel: the base is no decoder.
        """
        if reader.opened.family != "decoder":
            raise UnsuitedModel("only a decoder can spell labels out", fix="use `ridge`")
        words = [in_words(label) for label in shots.labels]
        task = Task(name="few", instruction=f"{reader.instruction} Labels: {', '.join(words)}.".strip())
        codes = encode_labels(reader.opened.tokenizer, words, alias=False)
        told = _turns(shots) if self.shown else ()
        bias = _said(reader, task, told, codes, NOTHING).mean(0)
        return Asked(shots.labels, reader, task, told, codes, bias)


def _turns(shots: Shots) -> tuple[tuple[str, str], ...]:
    """The examples as turns, one of each label after the other, so that those that fit are of all labels."""
    met: defaultdict[int, int] = defaultdict(int)
    order = []
    for k, at in enumerate(shots.at):
        order.append((met[at], at, k))
        met[at] += 1
    rows = [(shots.texts[k], in_words(shots.labels[at])) for _, at, k in sorted(order, reverse=True)]
    return tuple(turn for text, label in rows for turn in (("user", text), ("assistant", label)))


@torch.no_grad()
def _said(
    reader: Reader, task: Task, told: Sequence[tuple[str, str]], codes: LabelCodes, texts: Sequence[str]
) -> Floats:
    """float64[texts, labels]: log-probabilities among the labels; the oldest turns that do not fit are left out."""
    limit = min(int(reader.opened.tokenizer.model_max_length), 4096)
    room = sum(len(sequence) for sequence in codes.sequences)
    renderer = Renderer(reader.opened.tokenizer, max_tokens=limit - max(0, room - LABEL_ROOM))
    prompts = [renderer.prompt(task, text, told) for text in texts]
    root, found = codes.trie(), list[Tensor]()
    for start in range(0, len(prompts), ROWS):
        found.append(trie_scores(reader.opened, prompts[start : start + ROWS], root, len(codes.labels))[0])
    scores = torch.cat(found) if found else torch.zeros(0, len(codes.labels))
    return np.asarray(scores.log_softmax(-1).double().cpu().numpy())
