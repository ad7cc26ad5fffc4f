"""From a few examples to something that answers: by name, by default, and on the built-in model for real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, read_stream
from homeostat.errors import UnknownPlugin
from homeostat.stats.intervals import paired
from homeostat.train.few.shot import DEFAULT, METHODS, few_shot
from homeostat.train.few.shots import Reader
from homeostat.train.few.tuned import Tuned

EXAMPLES = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 2, 0)]


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_answers(llama: Path, name: str) -> None:
    """Each name gives something that has a score for every label and tells one of them."""
    answers = few_shot(str(llama), EXAMPLES, method=name)
    assert answers.labels == tiny.LABELS
    assert answers.score(["lost parcel", "pump"]).shape == (2, 3)
    assert set(answers.label(["lost parcel", "pump"])) <= set(tiny.LABELS)


def test_names_are_told_apart_from_methods(llama: Path) -> None:
    """A misspelled name is told with the right one; a method with its own parameters is taken as it is."""
    with pytest.raises(UnknownPlugin, match="unknown method 'rigde'") as unknown:
        few_shot(str(llama), EXAMPLES, method="rigde")
    assert "ridge" in unknown.value.fix
    reader = Reader.of(str(llama))
    made = few_shot(reader, EXAMPLES, method=Tuned(steps=1, rank=2))
    assert made.score(["a"]).shape == (1, 3)


def test_the_default_is_a_method() -> None:
    """What answers where nobody names a method is among those that are measured."""
    assert DEFAULT in METHODS


@pytest.fixture(scope="module")
def support() -> tuple[Reader, dict[str, list[str]]]:
    """The built-in model, and the built-in traffic's requests of ten labels."""
    rows: list[StreamRow] = [row for row in read_stream(traffic_path())[0] if row.split is not Split.TEST]
    texts: dict[str, list[str]] = {}
    for row in rows:
        texts.setdefault(row.label, []).append(row.text)
    most = sorted(texts, key=lambda label: (-len(texts[label]), label))[:10]
    some = {label: list(dict.fromkeys(texts[label]))[:15] for label in most}
    reader, every = Reader.of("builtin"), [text for each in some.values() for text in each]
    reader.known.update(zip(every, reader.states(every), strict=True))
    return reader, some


def test_one_example_of_each_and_a_name(support: tuple[Reader, dict[str, list[str]]]) -> None:
    """On the built-in model, one example of each of ten labels tells far more of unseen requests right than guessing,
    surely more with the labels' names than without, and so do the names alone.
    """
    reader, texts = support
    asked = [(text, label) for label, some in texts.items() for text in some[3:]]
    right: dict[str, list[float]] = {"both": [], "example": [], "name": []}
    for k in range(3):
        examples = [(some[k], label) for label, some in texts.items()]
        ways = {
            "both": few_shot(reader, examples),
            "example": few_shot(reader, examples, names=False),
            "name": few_shot(reader, [], labels=list(texts)),
        }
        for way, answers in ways.items():
            said = answers.label([text for text, _ in asked])
            right[way] += [float(a == label) for a, (_, label) in zip(said, asked, strict=True)]
    shares = {way: float(np.mean(marks)) for way, marks in right.items()}
    assert shares["both"] > 0.3, shares
    assert paired(right["both"], right["example"]).low > 0, shares
    assert shares["name"] > 0.25, shares
