"""Features of what was replied: its length, its label, and whether it refuses, breaks its format or repeats itself."""

from __future__ import annotations

import math

import numpy as np

from homeostat.metrics.form import is_json, refuses
from homeostat.monitor.features.feature import LONGEST, Feature, Floats, Labels, Rows, Shape
from homeostat.monitor.features.text import words_of

NGRAM = 3
"""Words that are a repetition when they come again in the same order."""
LABELS = 200
"""Different replies from which on a task is taken to write texts and not to give labels."""


def repeated(reply: str) -> float:
    """Share of a reply's runs of NGRAM words that stood in it before; NaN where it has fewer words."""
    words = words_of(reply)
    runs = [tuple(words[k : k + NGRAM]) for k in range(len(words) - NGRAM + 1)]
    return 1 - len(set(runs)) / len(runs) if runs else math.nan


def _reply_words(rows: Rows, known: Rows) -> Floats:
    return np.array([len(words_of(row.reply)) if row.reply else math.nan for row in rows])


def _replies(rows: Rows, known: Rows) -> Labels:
    return np.array([row.reply.strip()[:LONGEST] for row in rows], dtype=np.str_)


def _refusals(rows: Rows, known: Rows) -> Labels:
    said = ("answered", "refused")
    return np.array([said[refuses(row.reply)] if row.reply else "" for row in rows], dtype=np.str_)


def _formats(rows: Rows, known: Rows) -> Labels:
    """Whether replies are still JSON; unknown where most of the known ones are not, for nobody asked for it then."""
    asked = sum(is_json(row.reply) for row in known) > len(known) / 2
    said = ("broken", "valid")
    return np.array([said[is_json(row.reply)] if asked and row.reply else "" for row in rows], dtype=np.str_)


def _repetition(rows: Rows, known: Rows) -> Floats:
    return np.array([repeated(row.reply) for row in rows], dtype=np.float64)


def _predictions(rows: Rows, known: Rows) -> Floats:
    """Per row the probability of each label that the known rows have, and of all others together.

    The log keeps the probability of the label replied. The rest of it is spread evenly over the other columns.
    """
    labels = sorted({row.reply.strip() for row in known if row.reply})
    if not 1 < len(labels) <= LABELS:
        return np.full((len(rows), 1), math.nan)
    column = {label: k for k, label in enumerate(labels)}
    sure = np.array([row.confidence if row.reply and row.confidence else math.nan for row in rows])
    out = np.repeat((1 - sure)[:, None] / len(labels), len(labels) + 1, axis=1)
    out[np.arange(len(rows)), [column.get(row.reply.strip(), len(labels)) for row in rows]] = sure
    return out


REPLY_WORDS = Feature(shape=Shape.NUMBER, unit="words per reply", of=_reply_words)
REPLY = Feature(shape=Shape.LABEL, unit="of the replies", of=_replies)
REFUSAL = Feature(shape=Shape.LABEL, unit="of the replies", of=_refusals)
FORMAT = Feature(shape=Shape.LABEL, unit="of the replies", of=_formats, learns=True)
REPETITION = Feature(shape=Shape.NUMBER, unit="of a reply said before in it", of=_repetition)
PREDICTION = Feature(shape=Shape.VECTOR, unit="probability of each label", of=_predictions, learns=True)
