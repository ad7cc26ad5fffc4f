"""chrF is sacrebleu's to the sixth digit; perplexity is the definition."""

import math
import random

import numpy as np
import pytest
import sacrebleu

from homeostat.metrics.text import chrf, chrf_of, chrf_row, chrf_sums, perplexity, perplexity_of

WORDS = [
    "the",
    "refund",
    "für",
    "order",
    "n° 4471",
    "way,",
    "sorry!",
    "返品",
    "я",
    "€12.50",
    "x",
    "A",
    "—",
    "''",
    "...",
]


def corpus(seed, rows=40):
    """Replies and references that share some words: short, long, empty and odd ones among them."""
    rng = random.Random(seed)
    references = [" ".join(rng.choices(WORDS, k=rng.randint(0, 12))) for _ in range(rows)]
    replies = [
        " ".join(w for w in r.split() if rng.random() < 0.7) + rng.choice(["", " no", "\n", "  x"]) for r in references
    ]
    return replies, references


@pytest.mark.parametrize("seed", range(8))
def test_chrf_of_a_corpus_equals_sacrebleu(seed):
    """Counts are pooled over the corpus as sacrebleu pools them."""
    replies, references = corpus(seed)

    assert chrf(replies, references) == pytest.approx(sacrebleu.corpus_chrf(replies, [references]).score, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_chrf_of_a_row_equals_sacrebleu(seed):
    """Every single row too, the short and the empty ones included."""
    for reply, reference in zip(*corpus(seed), strict=True):
        assert chrf_row(reply, reference) == pytest.approx(sacrebleu.sentence_chrf(reply, [reference]).score, abs=1e-6)


def test_chrf_ends_of_the_scale():
    """Equal texts score 100, texts without a common character 0."""
    assert chrf(["We shipped it."], ["We shipped it."]) == pytest.approx(100.0)
    assert chrf(["abc"], ["xyz"]) == 0.0


@pytest.mark.parametrize(("replies", "references"), [([], []), (["a"], [])])
def test_chrf_refuses_no_rows_or_unequal_lengths(replies, references):
    """There is no score of nothing."""
    with pytest.raises(ValueError, match=r"rows|replies"):
        chrf(replies, references)


def test_perplexity_of_even_guessing_is_the_number_of_choices():
    """A model that gives each of eight tokens one eighth is as unsure as a die with eight faces."""
    assert perplexity([math.log(1 / 8)] * 5) == pytest.approx(8.0)
    assert perplexity([0.0, 0.0]) == 1.0


def test_perplexity_of_the_impossible_is_infinite():
    """A token of no probability does not raise an overflow."""
    assert perplexity([-math.inf]) == math.inf
    assert perplexity([-2000.0]) == math.inf


def test_perplexity_refuses_no_tokens():
    """There is no score of nothing."""
    with pytest.raises(ValueError, match="tokens"):
        perplexity([])


@pytest.mark.parametrize("seed", range(4))
def test_sums_say_what_the_corpus_says(seed):
    """ChrF and perplexity are functions of sums over rows: a row that counts twice counts twice."""
    replies, references = corpus(seed)
    weights = [k % 3 for k in range(len(replies))]
    again = [k for k, w in enumerate(weights) for _ in range(w)]
    whole = chrf([replies[k] for k in again], [references[k] for k in again])
    assert chrf_of(np.array(weights) @ chrf_sums(replies, references))[0] == pytest.approx(whole)
    logs = [[-0.5, -1.0], [-2.0], [-0.1, -0.2, -0.3]]
    sums = np.array([(sum(row), len(row)) for row in logs])
    assert perplexity_of(sums.sum(0))[0] == pytest.approx(perplexity([x for row in logs for x in row]))
