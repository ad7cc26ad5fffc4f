"""Features of what was replied."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from homeostat.monitor.features.reply import (
    FORMAT,
    LABELS,
    PREDICTION,
    REFUSAL,
    REPETITION,
    REPLY,
    REPLY_WORDS,
    repeated,
)
from monitor.desk import said


def replies(*given, confidence=0.9):
    """Interactions with these replies."""
    return [said(k, "?", reply=reply, confidence=confidence) for k, reply in enumerate(given)]


def test_refusals_are_told_from_answers() -> None:
    """By how a reply begins."""
    assert REFUSAL.of(replies("I'm sorry, but no.", "refund"), ()).tolist() == ["refused", "answered"]


def test_nothing_said_is_neither() -> None:
    """A row without a reply is unknown to every feature of replies."""
    rows = replies("")
    assert REFUSAL.of(rows, ()).tolist() == REPLY.of(rows, ()).tolist() == [""]
    assert np.isnan([REPLY_WORDS.of(rows, ())[0], REPETITION.of(rows, ())[0]]).all()


def test_a_format_is_broken_only_where_there_was_one() -> None:
    """Where most known replies are JSON, one that is not is broken; where they are texts, nothing is known."""
    asked, free = replies(*[json.dumps({"n": n}) for n in range(5)], "oops"), replies("a", "b", '{"c": 1}')
    new = replies('{"n": 9}', "sorry, here is your JSON: {", "")
    assert FORMAT.of(new, asked).tolist() == ["valid", "broken", ""]
    assert FORMAT.of(new, free).tolist() == ["", "", ""]


def test_repetition_is_the_share_of_runs_said_before() -> None:
    """None in a sentence, most in a loop, unknown of two words."""
    assert repeated("one two three four five") == 0.0
    assert repeated("very very very very very very") == pytest.approx(3 / 4)
    assert repeated("a b c a b c") == pytest.approx(1 / 4)
    assert math.isnan(repeated("order status"))


def test_words_per_reply() -> None:
    """Counted as in requests."""
    assert REPLY_WORDS.of(replies("Yes, of course.", "no"), ()).tolist() == [3.0, 1.0]


def test_a_prediction_spreads_what_is_left() -> None:
    """A column per known label and one for all others; the reply's own has its confidence, and a row sums to one."""
    rows = [said(1, "?", reply="a", confidence=0.7), said(2, "?", reply="new", confidence=0.4), said(3, "?", reply="b")]
    found = PREDICTION.of(rows, replies("a", "b", "b"))
    assert found[0].tolist() == pytest.approx([0.7, 0.15, 0.15])
    assert found[1].tolist() == pytest.approx([0.3, 0.3, 0.4])
    assert np.isnan(found[2]).all()  # nobody knows how sure it was


def test_texts_are_no_predictions() -> None:
    """Where replies are hardly ever the same, or always, there are no labels to predict."""
    rows = replies("a", "b")
    assert np.isnan(PREDICTION.of(rows, replies(*map(str, range(LABELS + 1))))).all()
    assert np.isnan(PREDICTION.of(rows, replies("a", "a"))).all()
