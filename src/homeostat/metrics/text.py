"""Scores of free text: chrF against a reference, and perplexity."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ORDER = 6
_BETA = 2.0


def chrf(replies: Sequence[str], references: Sequence[str]) -> float:
    """The chrF of a corpus on the field's scale, 0 to 100: an F-score of character n-grams, recall counting four times.

    n-grams of one to six characters, white space left out; counts are summed over the corpus before they are divided,
    so a long text weighs more than a short one. The same number as `sacrebleu.corpus_chrf`. Popović 2015, "chrF:
    character n-gram F-score for automatic MT evaluation" (WMT15, W15-3049; not on arXiv).

    Raises:
        ValueError: no rows, or unequal lengths.
    """
    if len(replies) != len(references):
        raise ValueError(f"{len(replies)} replies for {len(references)} references")
    if not replies:
        raise ValueError("no rows to score")
    total = [[0, 0, 0] for _ in range(_ORDER)]
    for reply, reference in zip(replies, references, strict=True):
        for sums, counts in zip(total, _matches(reply, reference), strict=True):
            for i, count in enumerate(counts):
                sums[i] += count
    return _f_score(total)


def chrf_row(reply: str, reference: str) -> float:
    """The chrF of one reply, 0 to 100, for paired comparisons. The same number as `sacrebleu.sentence_chrf`."""
    return _f_score(_matches(reply, reference))


def chrf_sums(replies: Sequence[str], references: Sequence[str]) -> Floats:
    """float64[rows, 18]: n-grams of the reply, of the reference, and of both, by order; their sums give `chrf_of`."""
    pairs = zip(replies, references, strict=True)
    return np.array([np.ravel(_matches(*pair)) for pair in pairs], np.float64).reshape(-1, 3 * _ORDER)


def chrf_of(sums: Floats) -> Floats:
    """float64[…, 1]: the chrF, 0 to 100, of rows that were summed: the number of `chrf`."""
    said, meant, both = (sums[..., k::3] for k in range(3))
    usable = (said > 0) & (meant > 0)
    orders = np.maximum(usable.sum(-1, keepdims=True), 1)
    precision, recall = (
        np.where(usable, both / np.maximum(of, 1e-300), 0.0).sum(-1, keepdims=True) / orders for of in (said, meant)
    )
    weighed = _BETA**2 * precision + recall
    return np.asarray(100 * (1 + _BETA**2) * precision * recall / np.where(weighed > 0, weighed, 1.0), np.float64)


def perplexity_of(sums: Floats) -> Floats:
    """float64[…, 1]: the perplexity of rows whose log-probabilities (nats) and tokens were summed."""
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(-sums[..., :1] / np.maximum(sums[..., 1:2], 1e-300)), np.float64)


def perplexity(log_probabilities: Sequence[float]) -> float:
    """Exp of the mean negative log-probability (nats) of the reference's tokens; 1 is certainty.

    Give every token of the corpus, not one mean per text, or short texts weigh too much. Infinite where it overflows.

    Raises:
        ValueError: no tokens.
    """
    if not len(log_probabilities):
        raise ValueError("no tokens to score")
    mean = -math.fsum(log_probabilities) / len(log_probabilities)
    return math.exp(mean) if mean < 700 else math.inf


def _matches(reply: str, reference: str) -> list[list[int]]:
    """Per order: n-grams of the reply, n-grams of the reference, and how many they share."""
    said, meant = "".join(reply.split()), "".join(reference.split())
    return [_match(_ngrams(said, n), _ngrams(meant, n)) for n in range(1, _ORDER + 1)]


def _match(said: Counter[str], meant: Counter[str]) -> list[int]:
    # A reference too short for this order cannot be matched, so the reply's n-grams do not count against it.
    return [said.total() if meant else 0, meant.total(), (said & meant).total()]


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def _f_score(counts: Sequence[Sequence[int]]) -> float:
    """F-beta of precision and recall, each averaged over the orders that both sides have."""
    usable = [(both / said, both / meant) for said, meant, both in counts if said and meant]
    if not usable:
        return 0.0
    precision = sum(p for p, _ in usable) / len(usable)
    recall = sum(r for _, r in usable) / len(usable)
    if precision + recall == 0:
        return 0.0
    return 100 * (1 + _BETA**2) * precision * recall / (_BETA**2 * precision + recall)
