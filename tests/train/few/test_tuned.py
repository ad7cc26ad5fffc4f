"""A few steps from a start: they learn, leave the base alone, and begin where they are told to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import Diverged
from homeostat.llm.render import Rendered
from homeostat.train.adapt.lora import Lora
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.few.slate import Slate
from homeostat.train.few.tuned import Tuned
from homeostat.train.samples import Sample
from shown import Shown

QUICK = Tuned(steps=30, rate=0.3, rank=4)


@pytest.fixture(scope="module")
def reader(llama: Path) -> Reader:
    return Reader.of(str(llama))


def shots(each: int = 10) -> Shots:
    return Shots.of([(t, label) for label in tiny.LABELS for t in tiny.texts(label, each, 0)])


def right(answers: object) -> float:
    """Share of 90 unseen texts that are told right."""
    texts = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 30, 9)]
    said = answers.label([text for text, _ in texts])  # type: ignore[attr-defined]
    return float(np.mean([a == label for a, (_, label) in zip(said, texts, strict=True)]))


def test_steps_learn_and_the_base_stays(reader: Reader) -> None:
    """Thirty steps on ten examples of each label tell far more right than none, on a copy; scores are probabilities."""
    before = {name: tensor.clone() for name, tensor in reader.opened.model.state_dict().items()}
    answers = QUICK.learn(reader, shots())
    assert right(answers) > right(replace(QUICK, steps=0).learn(reader, shots())) + 0.2
    np.testing.assert_allclose(np.exp(answers.score(["a", "b c"])).sum(1), 1.0, rtol=1e-5)
    assert answers.score([]).shape == (0, 3)
    after = reader.opened.model.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@pytest.mark.slow
def test_few_examples_teach(reader: Reader, shown: Shown) -> None:
    """Of ten examples of each label, thirty steps make far more unseen texts right than the start alone does."""
    more = []
    for draw in shown.draws(2):
        given = Shots.of([(t, label) for label in tiny.LABELS for t in tiny.texts(label, 10, 20 + draw)])
        after, before = (replace(QUICK, steps=steps, seed=draw).learn(reader, given) for steps in (QUICK.steps, 0))
        more.append(right(after) - right(before))
    shown.over("share of unseen rows told right by ten examples of each label, more than before", more, least=0.15)


def test_the_seed_draws_the_start(reader: Reader) -> None:
    """Equal seeds answer alike, to the last bit; another one otherwise."""
    some = [replace(QUICK, steps=3, seed=seed).learn(reader, shots(2)).score(["lost van"]) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(some[0], some[1])
    assert np.abs(some[0] - some[2]).max() > 1e-6


def test_it_goes_on_from_a_start(llama: Path, reader: Reader, tmp_path: Path) -> None:
    """B of the start is where it begins; rows of the start's own labels are not taken over."""
    slate = Slate(Reader.of(str(llama)).opened, 3, Lora(rank=4), None)
    slate.lay(("light_out", "wrong_bill"))
    torch.manual_seed(1)
    for tensor in slate.parameters:
        tensor.data += 0.3 * torch.randn_like(tensor)
    slate.lora.save(slate.opened.model, tmp_path)
    begun = replace(QUICK, steps=0, start=tmp_path).learn(reader, shots())
    slate.lay(tiny.LABELS)
    torch.testing.assert_close(begun.slate.parameters[0], slate.parameters[0])
    assert begun.slate.rows is not None
    assert slate.rows is not None
    torch.testing.assert_close(begun.slate.rows.read(), slate.rows.read(), rtol=0.05, atol=1e-3)


def test_all_examples_are_seen(reader: Reader) -> None:
    """More examples than a step takes are seen in parts, each once in a pass."""
    given = shots(4)
    samples = [Sample(Rendered((k,), (0,))) for k in range(len(given.texts))]
    drawn = replace(QUICK, rows=6)._drawn(samples)
    parts = [next(drawn) for _ in range(3)]
    assert [len(part) for part in parts] == [5, 5, 5]
    assert sorted(map(repr, samples)) == sorted(repr(sample) for part in parts for sample in part)


def test_too_high_a_rate_is_told(reader: Reader) -> None:
    """Steps that lead to no number end with an error, and the base is as it was."""
    with pytest.raises(Diverged):
        Tuned(steps=20, rate=1e38).learn(reader, shots(2))
    assert np.isfinite(reader.states(["a"])).all()
