"""The trie gives every label the score it has alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from homeostat.llm import trie
from homeostat.llm.forward import predict
from homeostat.llm.labels import Node, encode_labels
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.llm.trie import trie_scores

NAMES = ["pump", "pump noise", "pump noise loud", "pumps", "lamp", "lamp dim", "late delivery", "late", "x"]
TOKENIZER = tiny.chat_tokenizer()


@torch.no_grad()
def by_force(opened: Opened, prompt: Sequence[int], sequences: Sequence[Sequence[int]]) -> torch.Tensor:
    """Each label's log-probability from a forward pass of its own."""
    scores = []
    for sequence in sequences:
        logs = opened.model(input_ids=torch.tensor([[*prompt, *sequence]])).logits[0].log_softmax(-1)
        scores.append(sum(logs[len(prompt) - 1 + k, token] for k, token in enumerate(sequence)))
    return torch.stack(scores)


@torch.no_grad()
def test_labels_that_share_prefixes_score_as_each_alone(decoder: Opened) -> None:
    """Labels of several tokens, one the beginning of another, score in the trie as by brute force."""
    codes = encode_labels(decoder.tokenizer, NAMES, alias=False)
    prompts = [(50, 51, 52), (60,), tuple(range(70, 90))]
    scores, pooled = trie_scores(decoder, prompts, codes.trie(), len(NAMES))
    for k, prompt in enumerate(prompts):
        torch.testing.assert_close(scores[k], by_force(decoder, prompt, codes.sequences), rtol=0, atol=1e-4)
    alone = predict(decoder, [Rendered(p, (0,)) for p in prompts]).pooled
    torch.testing.assert_close(pooled, alone, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=15)
@given(
    labels=st.lists(st.text(alphabet="pumlae noi", min_size=1, max_size=12), unique=True, min_size=1, max_size=8),
    prompt=st.lists(st.integers(50, 300), min_size=1, max_size=12),
)
def test_any_labels_score_as_each_alone(decoder: Opened, labels: list[str], prompt: list[int]) -> None:
    """Whatever the labels and the prompt, the trie and brute force agree to 1e-4."""
    codes = encode_labels(decoder.tokenizer, labels, alias=False)
    with torch.no_grad():
        scores, _ = trie_scores(decoder, [prompt], codes.trie(), len(labels))
    torch.testing.assert_close(scores[0], by_force(decoder, prompt, codes.sequences), rtol=0, atol=1e-4)


@torch.no_grad()
def test_many_rows_are_passed_in_parts(decoder: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the logits of all rows would take too much memory at once, parts of the batch give the same scores."""
    codes = encode_labels(decoder.tokenizer, NAMES, alias=False)
    prompts = [tuple(range(50, 52 + k)) for k in range(5)]
    whole, _ = trie_scores(decoder, prompts, codes.trie(), len(NAMES))
    monkeypatch.setattr(trie, "LOGITS", 1)
    parts, _ = trie_scores(decoder, prompts, codes.trie(), len(NAMES))
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-4)


@torch.no_grad()
def test_labels_of_one_trie_are_a_distribution(decoder: Opened) -> None:
    """Over all continuations of one token and the end mark, the probabilities of the labels add up to less than one."""
    codes = encode_labels(decoder.tokenizer, NAMES, alias=False)
    scores, _ = trie_scores(decoder, [(50, 51)], codes.trie(), len(NAMES))
    assert 0 < float(scores.exp().sum()) < 1


@torch.no_grad()
def test_an_empty_trie_scores_nothing(decoder: Opened) -> None:
    """Without labels there are no scores."""
    assert trie_scores(decoder, [(50, 51)], Node(), 0)[0].shape == (1, 0)
