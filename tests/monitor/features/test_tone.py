"""The tone of requests and of replies is told of English, and of what else holds its worst words."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.features.tone import REPLY_TOXICITY, TOXICITY, tone_of
from monitor.desk import desk, said


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("where is my parcel, you idiots", "toxic"),
        ("where is my parcel, please", "clean"),
        ("ok", "clean"),
        ("mein Paket ist noch nicht angekommen und niemand meldet sich", ""),
        ("mein Paket ist noch nicht da, what the fuck", "toxic"),
        ("где моя посылка", ""),
        ("12 34", ""),
        ("", ""),
    ],
)
def test_tone(text: str, tone: str) -> None:
    """Of another language nothing is said unless an English word says it."""
    assert tone_of(text) == tone


def test_requests_and_replies_are_two_features() -> None:
    """Each reads its own text."""
    row = said(1, "you idiots", reply="we are sorry to hear that")
    assert (TOXICITY.of([row], ()).tolist(), REPLY_TOXICITY.of([row], ()).tolist()) == (["toxic"], ["clean"])
    assert len(TOXICITY.of([], ())) == 0


def test_customers_are_mostly_clean() -> None:
    """Of 1,000 messages to a desk nearly all are told, hardly any as toxic."""
    found = TOXICITY.of(desk()[:1000], ())
    assert np.mean(found == "clean") > 0.98
    assert np.mean(found == "toxic") < 0.01
