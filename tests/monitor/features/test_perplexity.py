"""How likely words are: replies to the model that wrote them, requests to a model of those that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.monitor.features.perplexity import PERPLEXITY, REQUEST_PERPLEXITY, Letters
from homeostat.monitor.features.text import RARITY
from monitor.desk import desk, said


def test_a_reply_is_as_perplexing_as_its_tokens_are_unlikely_on_average() -> None:
    """Exp of minus the mean log-probability of four tokens; unknown of a label, and where nothing was measured."""
    logs = [-0.1, -2.0, -0.5, -1.4]
    rows = [
        said(1, "?", reply="four tokens it is", confidence=math.exp(np.mean(logs)), reply_tokens=4),
        said(2, "?", reply="refund", confidence=0.5, reply_tokens=1),
        said(3, "?", reply="of somebody else's", reply_tokens=4),
    ]
    found = PERPLEXITY.of(rows, ())
    assert found[0] == pytest.approx(math.exp(1.0))
    assert np.isnan(found[1:]).all()


def test_the_probabilities_of_the_next_letter_sum_to_one() -> None:
    """After any beginning, over the 65,536 characters that it counts with, but for rounding."""
    model = Letters(["abab", "abba", "cab"])
    for start in ("", "a", "ab", "abab", "zzz"):
        whole = 2.0 ** -(model.bits([start])[0] * len(start)) if start else 1.0
        seen = [2.0 ** -(model.bits([start + letter])[0] * (len(start) + 1)) / whole for letter in "abcX"]
        assert sum(seen[:3]) + seen[3] * (65_536 - 3) == pytest.approx(1.0, abs=1e-3)


def test_against_a_model_by_hand() -> None:
    """After two times `a`, once `b`: Witten and Bell's estimate with shorter contexts, computed with fractions."""
    model = Letters(["aab"])
    lowest = (2 + 2 * 2**-16) / (3 + 2)  # a: two of three letters, two kinds
    first = (1 + 1 * lowest) / (1 + 1)  # at the start: one a of one, at each longer context the same once more
    for _ in range(3):
        first = (1 + 1 * first) / (1 + 1)
    assert model.bits(["a"])[0] == pytest.approx(-math.log2(first))


def test_it_sees_what_rarity_cannot() -> None:
    """Requests of known words in another order, and known words spelled with slips: rarity tells the first from the
    desk's own in no more than half of the cases, perplexity in most.
    """
    known, new = list(desk()[:900]), list(desk()[900:1200])
    rng = np.random.default_rng(0)
    mixed = [said(k, " ".join(rng.permutation(row.text.split()))) for k, row in enumerate(new)]
    rank = lambda feature, rows: float(np.mean(feature.of(rows, known)[:, None] > feature.of(new, known)[None]))  # noqa: E731
    assert rank(RARITY, mixed) == pytest.approx(0.5, abs=0.02)
    assert rank(REQUEST_PERPLEXITY, mixed) > 0.75


def test_what_is_known_is_less_perplexing_than_what_is_not() -> None:
    """The same texts before and after they were learned from, others of the desk in between, keys at random last."""
    known, new = list(desk()[:600]), list(desk()[600:900])
    keys = [said(k, "".join(np.random.default_rng(k).choice(list("qwertzuiop asdfgh"), 80))) for k in range(50)]
    own, other, noise = (float(np.median(REQUEST_PERPLEXITY.of(rows, known))) for rows in (known, new, keys))
    assert own < other < 6 < noise


def test_nothing_known_and_nothing_said_are_unknown() -> None:
    """Without known rows, without letters, and without rows; a text that UTF-8 cannot hold is a text too."""
    assert np.isnan(REQUEST_PERPLEXITY.of([said(1, "hello")], [])).all()
    assert np.isnan(REQUEST_PERPLEXITY.of([said(1, "hello")], [said(2, "")])).all()
    found = REQUEST_PERPLEXITY.of([said(1, ""), said(2, "broken \ud83d text")], [said(3, "a text")])
    assert math.isnan(found[0])
    assert found[1] > 1
    assert len(REQUEST_PERPLEXITY.of([], [said(3, "a text")])) == 0


def test_batches_and_long_texts_change_nothing() -> None:
    """Rows read in two parts are what they are in one, and of a long text the first thousand characters count."""
    model = Letters(["the quick brown fox"])
    texts = ["the fox", "brown", "x" * 3000] * 350
    assert model.bits(texts).tolist() == pytest.approx((model.bits(texts[:3]).tolist()) * 350)
    assert model.bits(["x" * 3000])[0] == model.bits(["x" * 1000])[0]
