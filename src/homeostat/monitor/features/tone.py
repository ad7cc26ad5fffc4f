"""Features of the tone: whether requests and replies insult, swear or threaten, as far as English words tell."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from homeostat.metrics.toxic import toxicity
from homeostat.monitor.features.feature import Feature, Labels, Rows, Shape
from homeostat.monitor.features.language import language_of
from homeostat.monitor.features.text import script_of

TOXIC, CLEAN = "toxic", "clean"


def tone_of(text: str) -> str:
    """TOXIC, CLEAN, or empty where English words say nothing: of another language, and without letters."""
    if toxicity(text):
        return TOXIC
    return CLEAN if script_of(text) == "LATIN" and language_of(text) in ("en", "") else ""


def _tones(texts: Iterable[str]) -> Labels:
    return np.array([tone_of(text) for text in texts], dtype=np.str_)


def _requests(rows: Rows, known: Rows) -> Labels:
    return _tones(row.text for row in rows)


def _replies(rows: Rows, known: Rows) -> Labels:
    return _tones(row.reply for row in rows)


TOXICITY = Feature(shape=Shape.LABEL, unit="of the requests", of=_requests)
REPLY_TOXICITY = Feature(shape=Shape.LABEL, unit="of the replies", of=_replies)
