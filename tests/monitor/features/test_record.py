"""Features of the record: 0 is unknown where nobody measures 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special
from tokenizers import Tokenizer

from homeostat.builtin.resources import model_path
from homeostat.monitor.features.record import (
    CONFIDENCE,
    COST,
    ENTROPY,
    FRAGMENTATION,
    HOUR_OF_WEEK,
    LATENCY,
    MARGIN,
    TOKENS,
    cost,
    hour_of,
    tag,
)
from monitor.desk import desk, said

ROWS = [
    said(1, "?", confidence=0.8, entropy=0.0, latency_ms=12.5, prompt_tokens=30, reply_tokens=2, tags={"a": "x"}),
    said(2, "?"),
]


def test_what_was_measured_is_said_and_what_was_not_is_unknown() -> None:
    """An entropy of 0 is a value where there is a confidence; a confidence, latency or cost of 0 is none."""
    for feature, value in ((CONFIDENCE, 0.8), (ENTROPY, 0.0), (LATENCY, 12.5), (TOKENS, 32.0)):
        found = feature.of(ROWS, ())
        assert found[0] == value
        assert math.isnan(found[1])


def test_a_tag_is_a_feature() -> None:
    """Its value, empty where a row has none."""
    assert tag("a").of(ROWS, ()).tolist() == ["x", ""]


def test_the_hour_of_the_week() -> None:
    """In UTC, 168 of them; moments that no calendar holds are unknown, and so is the moment 0."""
    assert hour_of(1_700_000_000.0) == "Tue 22"
    assert hour_of(1_700_000_000.0 + 7 * 86400) == "Tue 22"
    assert len({hour_of(1_700_000_000.0 + 3600 * k) for k in range(400)}) == 168
    assert [hour_of(0.0), hour_of(1e18), hour_of(-1e18)] == ["", "", ""]
    assert HOUR_OF_WEEK.of([said(1, "?", time=1_700_000_000.0)], ()).tolist() == ["Tue 22"]


def test_nothing_is_an_array_too() -> None:
    """Without rows every feature has no values."""
    assert all(len(feature.of([], ())) == 0 for feature in (CONFIDENCE, ENTROPY, LATENCY, TOKENS, HOUR_OF_WEEK))
    assert CONFIDENCE.of([], ()).dtype == np.float64


# ── margin ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def likely(p: np.ndarray) -> list:
    """Rows as a model leaves them that gives these probabilities, float[rows, labels], to its labels."""
    entropy = special.entr(p).sum(axis=1)
    return [
        said(k, "?", confidence=float(p[k].max()), entropy=float(entropy[k]), reply_tokens=1) for k in range(len(p))
    ]


def test_the_margin_between_two_labels_is_exact() -> None:
    """Of two labels nothing else is left than the second one's probability."""
    first = np.array([0.5, 0.6, 0.9, 0.999])
    found = MARGIN.of(likely(np.stack([first, 1 - first], axis=1)), ())
    assert found == pytest.approx(2 * first - 1, abs=1e-3)


def test_the_margin_among_many_labels_is_told_from_two_numbers() -> None:
    """Of softmaxes over 50 labels whose second likeliest is near or far behind, of all confidences: a twentieth off on
    average, and nearer than the best that confidence alone can tell.
    """
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(2000, 50)) * rng.uniform(0.5, 5, (2000, 1))
    p = special.softmax(logits, axis=1)
    second, first = np.partition(p, -2, axis=1)[:, -2:].T
    found = MARGIN.of(likely(p), ())
    by_confidence = np.polyval(np.polyfit(first, first - second, 5), first)
    assert np.abs(found - (first - second)).mean() < 0.05
    assert np.abs(found - (first - second)).mean() < 0.7 * np.abs(by_confidence - (first - second)).mean()


def test_a_text_has_no_margin() -> None:
    """Means over its tokens are all that is kept."""
    assert np.isnan(MARGIN.of([said(1, "?", confidence=0.8, entropy=0.3, reply_tokens=7)], ())).all()


# ── fragmentation and cost ──────────────────────────────────────────────────────────────────────────────────────────

HEAD = 23
"""Tokens that a template puts before every request."""


def counted(texts: list[str], tokenizer: Tokenizer) -> tuple[list, np.ndarray]:
    """Rows with the tokens that a real tokenizer makes of a template and each text, and tokens per character."""
    tokens = [len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts]
    rows = [said(k, text, prompt_tokens=HEAD + n) for k, (text, n) in enumerate(zip(texts, tokens, strict=True))]
    return rows, np.array([n / len(text) for n, text in zip(tokens, texts, strict=True)])


def test_fragmentation_is_what_the_served_tokenizer_cuts() -> None:
    """By the built-in model's tokenizer: an eighth off on average, though nobody says how long the template is."""
    tokenizer = Tokenizer.from_file(str(model_path() / "tokenizer.json"))
    known, _ = counted([row.text for row in desk()[:400]], tokenizer)
    rows, true = counted([row.text for row in desk()[400:700]], tokenizer)
    found = FRAGMENTATION.of(rows, known)
    whole = np.isfinite(found)
    assert whole.mean() > 0.95
    assert np.abs(found[whole] / true[whole] - 1).mean() < 0.125
    slips = [text.translate(str.maketrans("aeo", "qxz")) for text in (row.text for row in desk()[400:700])]
    foreign = ["где моя посылка и почему никто не отвечает"] * 20
    for texts, times in ((slips, 1.3), (foreign, 2.0)):
        cut, real = counted(texts, tokenizer)
        assert np.nanmean(FRAGMENTATION.of(cut, known)) > times * np.nanmean(found)
        assert np.nanmean(FRAGMENTATION.of(cut, known)) == pytest.approx(real.mean(), rel=0.15)


def test_where_tokens_were_not_counted_there_is_no_fragmentation() -> None:
    """Nor where the known ones were not, or the text is short."""
    known = [said(k, "a word " * (2 + k % 9), prompt_tokens=9 + k % 9) for k in range(40)]
    rows = [
        said(90, "nobody counted these"),
        said(91, "short", prompt_tokens=12),
        said(92, "a word " * 4, prompt_tokens=12),
    ]
    assert np.isfinite(FRAGMENTATION.of(rows, known)).tolist() == [False, False, True]
    assert np.isnan(FRAGMENTATION.of(rows, [])).all()
    assert np.isnan(FRAGMENTATION.of(rows, [said(k, "where is my parcel") for k in range(40)])).all()


def test_a_reply_costs_what_its_time_costs() -> None:
    """A thousand replies of 3.6 seconds are an hour; unknown where the time is."""
    rows = [said(1, "?", latency_ms=3600.0), said(2, "?")]
    assert cost(2.5).of(rows, ())[0] == pytest.approx(2.5)
    assert math.isnan(cost(2.5).of(rows, ())[1])
    assert COST.of(rows, ())[0] == pytest.approx(0.1)
    assert COST.twin == "latency"
