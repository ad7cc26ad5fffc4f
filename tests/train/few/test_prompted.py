"""A base as it is, asked with labels spelled out: what it is told, and that what is said without a request is off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.train.few.prompted import Prompted
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.prior import NOTHING
from homeostat.types.task import Task

EXAMPLES = [("lost parcel", "late_delivery"), ("money back", "refund_request"), ("van is late", "late_delivery")]
WORDS = ("late delivery", "refund request")


@pytest.fixture(scope="module")
def reader(llama: Path) -> Reader:
    return Reader.of(str(llama), instruction="route")


def test_a_label_is_as_likely_as_its_spelling(llama: Path, reader: Reader) -> None:
    """Scores are what the backend of the gateway says of the spelled labels under the same instruction, less the mean
    of what it says about nothing; examples change nothing unless they are shown.
    """
    answers = Prompted().learn(reader, Shots.of(EXAMPLES))
    task = Task(name="few", instruction="route Labels: late delivery, refund request.", labels=WORDS)
    backend, texts = LocalBackend(str(llama)), ["my parcel", "cash please"]
    said = np.stack(backend.score([Request(task=task, text=text, version="") for text in texts]))
    bias = np.stack(backend.score([Request(task=task, text=text, version="") for text in NOTHING])).mean(0)
    wanted = said - bias - np.log(np.exp(said - bias).sum(1, keepdims=True))
    np.testing.assert_allclose(answers.score(texts), wanted, atol=1e-4)
    without = Prompted().learn(reader, Shots.of([], answers.labels))
    np.testing.assert_allclose(without.score(texts), wanted, atol=1e-4)


def test_examples_are_earlier_turns(reader: Reader) -> None:
    """They stand before the request, the last ones of all labels, and change what is said."""
    shots = Shots.of(EXAMPLES, names=False)
    answers = Prompted(shown=True).learn(reader, shots)
    assert answers.told[:2] == (("user", "van is late"), ("assistant", "late delivery"))
    assert {content for role, content in answers.told[2:] if role == "assistant"} == set(WORDS)
    plain = Prompted().learn(reader, shots)
    assert np.abs(answers.score(["my parcel"]) - plain.score(["my parcel"])).max() > 1e-4


def test_what_does_not_fit_is_left_out(reader: Reader) -> None:
    """With more examples than the context holds, the request is still answered."""
    many = Shots.of([(text, label) for label in tiny.LABELS for text in tiny.texts(label, 30, 0)])
    scores = Prompted(shown=True).learn(reader, many).score(["lost parcel"])
    assert scores.shape == (1, 3)
    assert np.isfinite(scores).all()


def test_nothing_asked_nothing_said(reader: Reader) -> None:
    """No texts, no scores and no labels."""
    answers = Prompted().learn(reader, Shots.of(EXAMPLES))
    assert answers.score([]).shape == (0, 2)
    assert answers.label([]) == []


def test_only_decoders_spell(tmp_path: Path) -> None:
    """An encoder is refused, with what to use instead."""
    with pytest.raises(UnsuitedModel, match="only a decoder") as refused:
        Prompted().learn(Reader(open_model(str(tiny.bert(tmp_path)))), Shots.of(EXAMPLES))
    assert "ridge" in refused.value.fix
