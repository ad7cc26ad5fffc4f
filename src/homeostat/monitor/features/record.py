"""Features of the record: how sure the model was, what the reply took, when it was asked for, and with which tags."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from scipy import special

from homeostat.config.schema import Decide
from homeostat.monitor.features.feature import LONGEST, Feature, Floats, Labels, Rows, Shape

_MS_AN_HOUR = 3_600_000
_SHORT = 10
"""Characters without which a request has no fragmentation: one token more or less would be all of it."""
_LEAST = 15
"""Known rows without which there is no line."""


def tag(name: str) -> Feature:
    """The feature that a tag is: its value in each row, empty where a row has none."""

    def values(rows: Rows, known: Rows) -> Labels:
        return np.array([row.tags.get(name, "")[:LONGEST] for row in rows], dtype=np.str_)

    return Feature(shape=Shape.LABEL, unit="of the requests", of=values)


def hour_of(time: float) -> str:
    """The hour of the week of a moment, in UTC: `Mon 14`; empty at the moment 0, which stands for an unknown one, and
    where the calendar has no such day.
    """
    try:
        return f"{datetime.fromtimestamp(time, UTC):%a %H}" if time else ""
    except (OverflowError, OSError, ValueError):
        return ""


def _positive(values: list[float]) -> Floats:
    """Values that a record leaves at 0 when nobody measured them."""
    return np.array([value if value > 0 else math.nan for value in values], dtype=np.float64)


def _confidence(rows: Rows, known: Rows) -> Floats:
    return _positive([row.confidence for row in rows])


def _entropy(rows: Rows, known: Rows) -> Floats:
    """Unknown where the confidence is: an entropy of 0 is a value, a confidence of 0 is not."""
    return np.array([row.entropy if row.confidence > 0 else math.nan for row in rows], dtype=np.float64)


def margins(sure: Floats, entropy: Floats) -> Floats:
    """About how much likelier the likeliest label is than the second, float64[rows] in [-1, 1].

    A row keeps the probability p of its label and the entropy over all, not the second label's probability. What is
    left, 1 - p, is taken to fall off geometrically over the other labels, as steeply as the entropy says. Exact of two
    labels; below 0 where a label was drawn that was not the likeliest, or the rest does not fall off so.
    """
    rest = np.clip(1 - sure, 1e-12, 1.0)
    among = (entropy + sure * np.log(np.clip(sure, 1e-12, 1.0))) / rest + np.log(rest)
    first = np.interp(np.maximum(among, 0.0), _SPREAD[::-1], _FIRST[::-1])
    return np.asarray(sure - (1 - sure) * first, dtype=np.float64)


_FIRST = np.linspace(1e-4, 1.0, 4000)
"""First share of a geometric distribution, and below its entropy in nats."""
_SPREAD = (special.entr(_FIRST) + special.entr(1 - _FIRST)) / _FIRST


def _margin(rows: Rows, known: Rows) -> Floats:
    """Of labels alone: of a text, means over its tokens are all that is kept."""
    labels = np.array([row.reply_tokens <= 1 for row in rows], dtype=bool)
    return np.where(labels, margins(_confidence(rows, known), _entropy(rows, known)), math.nan)


def _latency(rows: Rows, known: Rows) -> Floats:
    return _positive([row.latency_ms for row in rows])


def _tokens(rows: Rows, known: Rows) -> Floats:
    return _positive([float(row.prompt_tokens + row.reply_tokens) for row in rows])


def cost(an_hour: float) -> Feature:
    """What replies cost, if each keeps a machine busy for as long as it takes and an hour of that has this price: at
    most that, where several are answered at once.
    """

    def values(rows: Rows, known: Rows) -> Floats:
        return _latency(rows, known) * an_hour * 1000 / _MS_AN_HOUR

    return Feature(shape=Shape.NUMBER, unit=f"per 1,000 replies, at {an_hour:g} an hour", of=values, twin="latency")


def _fragmentation(rows: Rows, known: Rows) -> Floats:
    """Tokens of the prompt per character of the request, less those that every prompt has (template, instruction).

    How many these are is told by the known rows: where a line through their tokens over their characters begins. A
    tokenizer cuts what it was not made for into pieces, down to bytes, of which a character may take four.
    """
    length, tokens = _sizes(known)
    if len(length) < _LEAST or np.ptp(length) == 0:
        return np.full(len(rows), math.nan)
    start = np.polyfit(length, tokens, 1, w=length**-1.5)[1]  # short texts say most of where the line begins
    length, tokens = _sizes(rows, whole=True)
    enough = (length >= _SHORT) & (tokens > 0)
    return np.where(enough, (tokens - np.clip(start, 0, tokens)) / np.maximum(length, 1), math.nan)


def _sizes(rows: Rows, *, whole: bool = False) -> tuple[Floats, Floats]:
    """Characters and prompt tokens of the rows in which both are known and the text is not short, or of the whole."""
    found = np.array([[len(row.text), row.prompt_tokens] for row in rows], dtype=np.float64).reshape(-1, 2)
    kept = found if whole else found[(found[:, 0] >= _SHORT) & (found[:, 1] > 0)]
    return kept[:, 0], kept[:, 1]


def _hours(rows: Rows, known: Rows) -> Labels:
    return np.array([hour_of(row.time) for row in rows], dtype=np.str_)


CONFIDENCE = Feature(shape=Shape.NUMBER, unit="confidence", of=_confidence)
ENTROPY = Feature(shape=Shape.NUMBER, unit="nats of entropy", of=_entropy)
MARGIN = Feature(shape=Shape.NUMBER, unit="between the two likeliest labels", of=_margin)
LATENCY = Feature(shape=Shape.NUMBER, unit="ms per reply", of=_latency)
TOKENS = Feature(shape=Shape.NUMBER, unit="tokens per interaction", of=_tokens)
FRAGMENTATION = Feature(shape=Shape.NUMBER, unit="tokens per character", of=_fragmentation, learns=True)
COST = cost(Decide().price_per_cpu_hour)
HOUR_OF_WEEK = Feature(shape=Shape.LABEL, unit="of the requests", of=_hours)
