"""Features of the record: how sure the model was, what the reply took, when it was asked for, and with which tags."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np

from homeostat.monitor.features.feature import LONGEST, Feature, Floats, Labels, Rows, Shape


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


def _latency(rows: Rows, known: Rows) -> Floats:
    return _positive([row.latency_ms for row in rows])


def _tokens(rows: Rows, known: Rows) -> Floats:
    return _positive([float(row.prompt_tokens + row.reply_tokens) for row in rows])


def _hours(rows: Rows, known: Rows) -> Labels:
    return np.array([hour_of(row.time) for row in rows], dtype=np.str_)


CONFIDENCE = Feature(shape=Shape.NUMBER, unit="confidence", of=_confidence)
ENTROPY = Feature(shape=Shape.NUMBER, unit="nats of entropy", of=_entropy)
LATENCY = Feature(shape=Shape.NUMBER, unit="ms per reply", of=_latency)
TOKENS = Feature(shape=Shape.NUMBER, unit="tokens per interaction", of=_tokens)
HOUR_OF_WEEK = Feature(shape=Shape.LABEL, unit="of the requests", of=_hours)
