"""Linear readings: what they compute, and that a real model's states and words tell labels apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.llm.features import Floats, grams
from homeostat.train.few.heads import BUCKETS, Look, Prototypes, Ridge, Rows, unit
from homeostat.train.few.shots import Method, Reader, Shots
from shown import Shown


@pytest.fixture(scope="module")
def reader(llama: Path) -> Reader:
    return Reader.of(str(llama))


def shots(each: int, seed: int = 0, *, names: bool = True) -> Shots:
    """Examples of three labels."""
    return Shots.of([(t, label) for label in tiny.LABELS for t in tiny.texts(label, each, seed)], names=names)


def right(method: Method, reader: Reader, given: Shots) -> float:
    """Share of 90 unseen texts that are told right."""
    texts = [(text, label) for label in given.labels for text in tiny.texts(label, 30, 9)]
    said = method.learn(reader, given).label([text for text, _ in texts])
    return float(np.mean([a == label for a, (_, label) in zip(said, texts, strict=True)]))


@pytest.mark.parametrize("method", [Ridge(), Prototypes(), Rows()], ids=["ridge", "prototypes", "rows"])
def test_examples_teach(reader: Reader, method: Method) -> None:
    """Of three labels forty examples of each teach far more than guessing, and the base stays as it is."""
    before = {name: tensor.clone() for name, tensor in reader.opened.model.state_dict().items()}
    assert right(method, reader, shots(40)) > 0.6
    assert all(torch.equal(tensor, before[name]) for name, tensor in reader.opened.model.state_dict().items())


@pytest.mark.parametrize("method", [Ridge(), Prototypes(), Rows()], ids=["ridge", "prototypes", "rows"])
def test_few_examples_teach(reader: Reader, method: Method, shown: Shown) -> None:
    """Of ten examples of each of three labels more unseen texts are told right than by guessing."""
    more = [right(method, reader, shots(10, 20 + draw)) - 1 / 3 for draw in shown.draws(3)]
    shown.over("share of unseen rows told right by ten examples of each label, more than by guessing", more, least=0.1)


@pytest.mark.parametrize("method", [Ridge(), Prototypes()], ids=["ridge", "prototypes"])
def test_words_count(reader: Reader, method: Ridge | Prototypes) -> None:
    """On a base that was never trained, n-grams beside the states tell more of unseen texts right."""
    alone = type(method)(words=False)
    assert right(method, reader, shots(12)) > right(alone, reader, shots(12)) + 0.1


def features(reader: Reader, given: Shots, texts: tuple[str, ...]) -> Floats:
    """What is looked at, computed apart: a state in the examples' units, of length 1, then n-grams."""
    known, states = reader.states(given.texts), reader.states(texts)
    dense = (states - known.mean(0)) / known.std(0)
    return np.concatenate([dense / np.linalg.norm(dense, axis=1, keepdims=True), grams(texts, BUCKETS)], axis=1)


def test_ridge_is_the_batch_solution(reader: Reader) -> None:
    """Scores are those of ridge regression on all examples at once, a column for each label in its order."""
    given, texts = shots(2), tuple(tiny.texts("late_delivery", 5, 4))
    rows, hot = features(reader, given, given.texts), np.eye(3)[list(given.at)]
    wanted = np.linalg.solve(rows.T @ rows + 0.5 * np.eye(rows.shape[1]), rows.T @ hot)
    answers = Ridge(ridge=0.5).learn(reader, given)
    np.testing.assert_allclose(answers.score(texts), features(reader, given, texts) @ wanted, atol=1e-8)
    assert answers.labels == given.labels


def test_columns_follow_the_labels(reader: Reader) -> None:
    """Labels given in another order than the examples' have their scores in that order."""
    examples = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 2, 0)]
    turned = Shots.of(examples, tiny.LABELS[::-1], names=False)
    plain = Shots.of(examples, names=False)
    scores = [Ridge().learn(reader, given).score(["lost parcel"]) for given in (plain, turned)]
    np.testing.assert_allclose(scores[0], scores[1][:, ::-1], atol=1e-9)


def test_prototypes_are_nearest_means(reader: Reader) -> None:
    """A score is the mean of what each example's likeness to the text is, up to a factor of the label's own."""
    given, texts = shots(3), tuple(tiny.texts("broken_pump", 4, 4))
    rows, asked = features(reader, given, given.texts), features(reader, given, texts)
    means = np.stack([rows[np.array(given.at) == k].mean(0) for k in range(3)])
    wanted = asked @ means.T / np.linalg.norm(means, axis=1)
    np.testing.assert_allclose(Prototypes().learn(reader, given).score(texts), wanted, atol=1e-9)


def test_rows_are_logistic_regression(reader: Reader) -> None:
    """At the rows that are found the gradient of loss plus pull is next to nothing."""
    given = shots(4)
    answers, states = Rows(pull=1e-2).learn(reader, given), torch.tensor(reader.states(given.texts))
    rows = torch.tensor(answers.weights.T).requires_grad_(True)
    strength = 1e-2 * states.square().sum(1).mean()
    loss = torch.nn.functional.cross_entropy(states @ rows.T, torch.tensor(given.at)) + strength * rows.square().sum()
    loss.backward()
    assert rows.grad is not None
    assert float(rows.grad.abs().max()) < 1e-2
    at_zero = torch.zeros_like(rows).requires_grad_(True)
    torch.nn.functional.cross_entropy(states @ at_zero.T, torch.tensor(given.at)).backward()
    assert at_zero.grad is not None
    assert float(at_zero.grad.abs().max()) > 20 * float(rows.grad.abs().max())


def test_units_are_the_examples() -> None:
    """A look has mean 0 and spread 1 over the examples, and a direction without spread does no harm."""
    states = np.random.default_rng(0).standard_normal((6, 4)) * 3 + 1
    states[:, 2] = 5.0
    seen = Look.at(states, words=False)(states, [""] * 6)
    assert np.isfinite(seen).all()
    np.testing.assert_allclose(np.linalg.norm(seen, axis=1), 1.0)
    np.testing.assert_array_equal(unit(np.zeros((1, 3))), np.zeros((1, 3)))


def test_a_ridge_head_is_kept_as_it_answers(reader: Reader) -> None:
    """What a version would hold says the same of texts as the method does, and probabilities that a softmax of scores
    sharpened by leaving rows out gives.
    """
    rows = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 4, 3)]
    shots, texts = Shots.of(rows), tiny.texts(tiny.LABELS[1], 12, 9)
    made, kept = Ridge().learn(reader, shots), Ridge().kept(reader, shots)
    assert (kept.labels, kept.pool) == (shots.labels, "last")
    assert np.allclose(kept.scores(reader.states(texts), texts), made.score(texts), atol=1e-9)
    assert kept.sharpness > 1.0
    bare = Ridge(words=False).kept(reader, shots)
    assert np.allclose(bare.scores(reader.states(texts), texts), Ridge(words=False).learn(reader, shots).score(texts))
