"""Requests that lie near each other are grouped, and the words that tell a group from the rest are found."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.naming.clusters import groups, nearest, strange_groups, telling
from monitor.desk import said


def clouds(sizes: tuple[int, ...], *, embedded: bool = True) -> list:
    """Requests around as many middles, each with a word of its own; with embeddings of 16 numbers, or none."""
    rng, words = np.random.default_rng(0), ("invoice", "parcel", "garden", "music")
    middles = rng.normal(size=(len(sizes), 16)) * 4
    rows = []
    for cloud, size in enumerate(sizes):
        for _ in range(size):
            point = (middles[cloud] + rng.normal(size=16)).astype(np.float16).tobytes() if embedded else b""
            text = f"please {words[cloud]} {words[cloud]} {rng.integers(0, 50)} today"
            rows.append(said(len(rows), text, embedding=point, confidence=0.9))
    return rows


def best(rows: list, inside: range) -> float:
    """How well the best group tells these rows from the others, in [-1, 1]."""
    wanted = np.isin(np.arange(len(rows)), inside)
    found = groups(rows, seed=0)
    return max(float(one[wanted].mean() - one[~wanted].mean()) for one in found)


def test_clouds_are_groups() -> None:
    """By embeddings, and by words where there are none."""
    for embedded in (True, False):
        rows = clouds((150, 150, 100, 60), embedded=embedded)
        assert best(rows, range(400, 460)) > 0.9


def test_the_strangest_are_cut_by_themselves() -> None:
    """Twenty rows in a thousand that no cut of all rows isolates are a group of the strange ones."""
    rng = np.random.default_rng(1)
    rows = clouds((1000,))
    points = rng.normal(size=(1000, 16))
    points[980:, 3:] += 1.2
    rows = [
        said(k, row.text, embedding=p.astype(np.float16).tobytes())
        for k, (row, p) in enumerate(zip(rows, points, strict=True))
    ]
    strangeness = np.column_stack([(np.arange(1000) >= 980) + rng.random(1000)] * 2)
    wanted = np.arange(1000) >= 980

    found = strange_groups(rows, strangeness, seed=0)
    gap = max(float(one[wanted].mean() - one[~wanted].mean()) for one in found)
    assert gap > best(rows, range(980, 1000)) + 0.02
    assert gap > 0.85


def test_few_rows_are_no_groups() -> None:
    """Less than fifteen to a group says nothing."""
    assert groups(clouds((20,)), seed=0) == []
    assert strange_groups(clouds((20,)), np.zeros((20, 2)), seed=0) == []
    assert groups([said(k, "the same", embedding=np.ones(4, np.float16).tobytes()) for k in range(200)], seed=0) == []


def test_telling_words_are_those_that_the_others_lack() -> None:
    """A word of the group alone comes first, what all say does not come at all, and no word is told twice."""
    inside = [f"the oil change for my car number {k}" for k in range(30)]
    outside = [f"the invoice for my order number {k}" for k in range(300)]
    told = telling(inside, outside)
    assert {word for name in told for word in name.split()} >= {"oil", "car"}
    assert not {"the", "number", "my"} & set(told)
    assert len({word for name in told for word in name.split()}) == len(" ".join(told).split())
    assert telling(["one"], []) in ((), ("one",))


def test_examples_are_those_nearest_to_the_middle() -> None:
    """Not the ones at the rim."""
    rows = clouds((40,))
    points = np.array([np.frombuffer(row.embedding, np.float16) for row in rows], dtype=float)
    shown = nearest(rows, np.arange(40), 5)
    distance = np.linalg.norm(points - points.mean(axis=0), axis=1)
    assert len(shown) == 5
    assert distance[shown].mean() < distance.mean()
