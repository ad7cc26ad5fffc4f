"""What is picked for its doubt teaches more than what chance draws, and chance draws some, by which to measure."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from homeostat.builtin.resources import traffic_path
from homeostat.curate.pick import DRAWN, pick
from homeostat.llm.features import grams
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction

WIDTH = 2048


def asked(k: int, text: str, confidence: float = 0.5) -> Interaction:
    return Interaction(
        id=f"int_{k:05}", task="t", time=float(k), text=text, reply="a", version="ver_1", confidence=confidence
    )


def test_no_text_is_asked_twice() -> None:
    """Nor more than there are; asked again with the same seed it is the same."""
    rows = [asked(k, f"Where is my parcel{'?' * (k % 3)}") for k in range(9)] + [asked(9, "a refund please")]
    found = pick(rows, 20, seed=1)
    assert len(found) == 2
    assert found == pick(rows, 20, seed=1)
    assert pick([], 5, seed=1) == []


def test_chance_draws_its_share() -> None:
    """Fifteen in a hundred, each request as likely as any other, whatever the model thinks of it."""
    rows = [asked(k, f"request number {k}", confidence=k / 200) for k in range(200)]
    counts = np.zeros(200)
    for seed in range(400):
        drawn = [one.request for one in pick(rows, 20, seed) if one.drawn]
        assert len(drawn) == round(DRAWN * 20)
        counts[[int(one.id[4:]) for one in drawn]] += 1
    assert abs(counts[:100].sum() / counts.sum() - 0.5) < 0.05


def test_doubtful_requests_of_many_kinds() -> None:
    """Sixty doubtful ones of one kind do not keep out the ten of another; sure ones are not asked."""
    rows = [asked(k, f"the lamp of pod {k} is flashing", 0.1) for k in range(60)]
    rows += [asked(90 + k, f"my invoice {k} shows another sum", 0.2) for k in range(10)]
    rows += [asked(100 + k, f"hello there {k}", 0.99) for k in range(300)]
    picked = [one.request for one in pick(rows, 20, seed=3) if not one.drawn]
    assert all(one.confidence < 0.5 for one in picked)
    assert 1 <= sum("invoice" in one.text for one in picked) <= 10  # by doubt alone all would be lamps
    assert sum("lamp" in one.text for one in picked) >= 3


def test_hidden_states_tell_kinds_apart_too() -> None:
    """Where words say nothing, what the model made of them does."""
    generator = np.random.default_rng(0)
    kinds = generator.normal(size=(3, 16)) * 5

    def request(k: int, kind: int) -> Interaction:
        state = (kinds[kind] + generator.normal(size=16)).astype(np.float16).tobytes()
        return replace(asked(k, f"please have a look at it, number {k}", 0.1), embedding=state)

    rows = [request(k, kind) for k, kind in enumerate([0] * 12 + [1] * 2 + [2])]
    found = [{rows.index(one.request) for one in pick(rows, 4, seed) if not one.drawn} for seed in range(20)]
    every = np.mean([len({0 if k < 12 else 1 if k < 14 else 2 for k in picked}) == 3 for picked in found])
    assert every >= 0.25  # 24 of 455 threes that chance could take hold one of each


@pytest.mark.slow
def test_picked_labels_teach_more_than_drawn_ones() -> None:
    """On the built-in traffic: a head that knows half of the intents well learns the others sooner from requests that
    are picked, at the same number of labels, in the mean of eight draws.
    """
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    gains = [_gain(rows, seed) for seed in range(8)]
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains)) > 0.0


def _gain(rows: list[dict[str, str]], seed: int) -> float:
    """Accuracy after 80 picked labels less that after 80 drawn ones."""
    generator = np.random.default_rng(seed)
    texts, labels = np.array([row["text"] for row in rows]), np.array([row["label"] for row in rows])
    places = generator.permutation(len(rows))[:4000]
    known = set(generator.permutation(sorted(set(labels)))[: len(set(labels)) // 2])
    taught = [p for p in places[:1500] if labels[p] in known][:300]
    pool, test = places[1500:3000], places[3000:]
    head = RidgeHead(WIDTH)
    head.add(grams([str(t) for t in texts[taught]], WIDTH), [str(label) for label in labels[taught]])
    scores = grams([str(t) for t in texts[pool]], WIDTH) @ head.weights()
    requests = [asked(int(p), str(texts[p]), float(score.max())) for p, score in zip(pool, scores, strict=True)]
    picked = [int(one.request.id[4:]) for one in pick(requests, 80, seed)]
    drawn = generator.choice(pool, size=80, replace=False)

    def right(more: list[int]) -> float:
        learner = RidgeHead(WIDTH)
        given = [*taught, *more]
        learner.add(grams([str(t) for t in texts[given]], WIDTH), [str(label) for label in labels[given]])
        said = learner.predict(grams([str(t) for t in texts[test]], WIDTH))
        return float(np.mean([a == b for a, b in zip(said, labels[test], strict=True)]))

    return right(picked) - right(list(drawn))
