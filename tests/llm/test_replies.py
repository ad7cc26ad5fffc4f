"""From what a model says to replies: the likeliest label, how sure, how far members disagree, whose row is whose."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import tiny
from homeostat.llm.backend import Request
from homeostat.llm.generate import Generated
from homeostat.llm.head import Said
from homeostat.llm.replies import Group, Scored, picked, told, written


@pytest.fixture
def group() -> Group:
    """Three requests to one version, from the middle of a larger batch."""
    requests = [Request(task=tiny.ROUTING, text=text, version="ver_1") for text in ("a", "b", "c")]
    return Group([4, 0, 2], requests, [(1, 2), (3,), (4, 5, 6)])


SCORES = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]]).log()
POOLED = torch.arange(6, dtype=torch.float32).view(3, 2)


def test_the_likeliest_label_is_replied(group: Group) -> None:
    """With its probability, the entropy over all labels in nats, what was read, and the state at half precision."""
    replies = picked(group, Scored(SCORES, POOLED), tiny.LABELS)
    assert [reply.text for reply in replies] == [tiny.LABELS[0], tiny.LABELS[2], tiny.LABELS[1]]
    assert [reply.confidence for reply in replies] == pytest.approx([0.7, 0.8, 0.4])
    entropy = -sum(p * math.log(p) for p in (0.7, 0.2, 0.1))
    assert replies[0].entropy == pytest.approx(entropy, rel=1e-5)
    assert [reply.prompt_tokens for reply in replies] == [2, 1, 3]
    assert np.array_equal(np.frombuffer(replies[1].embedding, np.float16), [2.0, 3.0])


def test_a_label_without_a_chance_adds_no_entropy(group: Group) -> None:
    """Minus infinity is a probability of 0 and not a number that is none."""
    sure = torch.tensor([[0.0, -torch.inf, -torch.inf]] * 3)
    assert [reply.entropy for reply in picked(group, Scored(sure, POOLED), tiny.LABELS)] == [0.0] * 3


def test_disagreement_is_that_of_members(group: Group) -> None:
    """Row by row where there are members, and 0 where one answers alone."""
    alone = picked(group, Scored(SCORES, POOLED), tiny.LABELS)
    several = picked(group, Scored(SCORES, POOLED, torch.tensor([0.0, 0.5, 0.25])), tiny.LABELS)
    assert [reply.disagreement for reply in alone] == [0.0, 0.0, 0.0]
    assert [reply.disagreement for reply in several] == [0.0, 0.5, 0.25]
    assert [reply.text for reply in several] == [reply.text for reply in alone]


def test_what_a_head_and_a_decoder_said(group: Group) -> None:
    """A head's text with its own confidence; tokens as text, the mean log-probability as a probability."""
    said = [Said(text=str(k), confidence=0.5, entropy=0.1 * k) for k in range(3)]
    assert [reply.text for reply in told(group, said, POOLED)] == ["0", "1", "2"]
    made = Generated(
        tokens=[(1,), (2, 3), ()], log_probability=[-0.5, -1.0, 0.0], entropy=[0.1, 0.2, 0.0], pooled=POOLED
    )

    class Tokenizer:
        def decode(self, tokens: tuple[int, ...], *, skip_special_tokens: bool) -> str:
            return " ".join(map(str, tokens)) + " "

    replies = written(group, made, Tokenizer())
    assert [reply.text for reply in replies] == ["1", "2 3", ""]
    assert [reply.reply_tokens for reply in replies] == [1, 2, 0]
    assert [reply.confidence for reply in replies] == pytest.approx([math.exp(-0.5), math.exp(-1.0), 1.0])


def test_a_part_of_a_group_keeps_its_places(group: Group) -> None:
    """And the same requests can be asked of another version."""
    part = group.only([2, 0])
    assert (part.at, [r.text for r in part.requests], part.prompts) == ([2, 4], ["c", "a"], [(4, 5, 6), (1, 2)])
    other = group.of("ver_2")
    assert {request.version for request in other.requests} == {"ver_2"}
    assert (other.at, other.prompts, group.first.version) == (group.at, group.prompts, "ver_1")
