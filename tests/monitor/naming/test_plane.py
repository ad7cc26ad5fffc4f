"""A map of requests before a change and since: true to embeddings, the same every time, honest about what it hides."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.naming.plane import LEAST, POINTS, Plane, plane_of
from homeostat.types.interaction import Interaction
from monitor.desk import said

WORDS = ("invoice", "parcel", "garden", "music")


def cloud(middle: np.ndarray, n: int, seed: int, word: str = "order", spread: np.ndarray | float = 1.0) -> list:
    """Requests around a middle, all with the same word among others, float16 as the log keeps them."""
    rng, first = np.random.default_rng(seed), seed * 10_000
    points = (middle + spread * rng.normal(size=(n, len(middle)))).astype(np.float16)
    return [
        said(first + k, f"please {word} {word} {rng.integers(0, 50)} today", embedding=x.tobytes())
        for k, x in enumerate(points)
    ]


def places(plane: Plane) -> np.ndarray:
    return np.array([(point.x, point.y) for point in plane.points])


@pytest.mark.parametrize("hidden", [12, 300])
def test_the_plane_is_that_of_the_singular_values(hidden: int) -> None:
    """Shares of the variance and places are those of numpy's decomposition, of fewer numbers than rows and of more."""
    spread = np.concatenate([[5.0, 3.0], np.full(hidden - 2, 0.5)])
    before, since = (cloud(np.zeros(hidden), 100, seed, spread=spread) for seed in (1, 2))
    found = plane_of(before, since)
    x = np.array([np.frombuffer(row.embedding, np.float16) for row in before], np.float64)
    units = (x - x.mean(0)) / np.maximum(x.std(0), 0.01 * np.median(x.std(0)) + 1e-12)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    u, s, _ = np.linalg.svd(units - units.mean(0), full_matrices=False)
    assert found.axes == pytest.approx(s[:2] ** 2 / np.square(s).sum(), rel=1e-9)
    assert np.abs(places(found)[:100]) == pytest.approx(np.abs(u[:, :2] * s[:2]), abs=1e-9)
    assert places(found)[:100].mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-12)
    assert found.hidden == hidden


def test_what_comes_since_does_not_draw_the_plane() -> None:
    """The requests before lie where they lay, whatever comes after them."""
    before = cloud(np.zeros(16), 120, 1)
    plain = plane_of(before, cloud(np.zeros(16), 60, 2))
    moved = plane_of(before, cloud(np.full(16, 8.0), 300, 3))
    assert places(plain)[:120] == pytest.approx(places(moved)[:120], abs=1e-12)
    assert plain.axes == moved.axes


def test_a_map_does_not_turn_over() -> None:
    """The same requests in another order lie at the same places: no sign is left to chance."""
    before, since = cloud(np.zeros(16), 200, 1), cloud(np.ones(16), 100, 2)
    shuffled = [before[k] for k in np.random.default_rng(0).permutation(200)]
    there = {point.id: (point.x, point.y) for point in plane_of(shuffled, since).points}
    for point in plane_of(before, since).points:
        assert there[point.id] == pytest.approx((point.x, point.y), abs=1e-8)


def test_a_new_cloud_is_the_group_that_has_grown_most() -> None:
    """First, with the word that it has alone, its share of either side, and one of its requests as example."""
    middles = np.random.default_rng(0).normal(size=(4, 16)) * 4
    before = [row for k in range(3) for row in cloud(middles[k], 80, k + 1, WORDS[k])]
    since = [row for k in range(3) for row in cloud(middles[k], 40, k + 11, WORDS[k])] + cloud(
        middles[3], 60, 20, WORDS[3]
    )
    found = plane_of(before, since)
    first = found.groups[0]
    assert "music" in first.name
    assert (first.before, first.after) == (0.0, pytest.approx(1 / 3, abs=0.01))
    assert "music" in first.example
    assert sum(group.before for group in found.groups) == pytest.approx(1.0)
    assert sum(group.after for group in found.groups) == pytest.approx(1.0)


BASIS = np.linalg.qr(np.random.default_rng(4).normal(size=(32, 2)))[0].T
"""Two directions of 32 along which requests vary, float64[2, 32]."""


def flat(n: int, seed: int, shift: np.ndarray) -> list[Interaction]:
    """Requests that vary along BASIS, and a little everywhere, moved by `shift`."""
    rng = np.random.default_rng(seed)
    x = 3 * rng.normal(size=(n, 2)) @ BASIS + 0.3 * rng.normal(size=(n, 32)) + shift
    return [said(seed * 1000 + k, "order", embedding=one.astype(np.float16).tobytes()) for k, one in enumerate(x)]


def test_how_much_of_the_move_the_plane_shows_is_said() -> None:
    """Nearly all of a move along what varied before, nearly nothing of one across it, and no figure of no move."""
    before, across = flat(400, 1, np.zeros(32)), np.random.default_rng(6).normal(size=32)
    across -= BASIS.T @ (BASIS @ across)
    along = plane_of(before, flat(400, 2, 4 * BASIS[0])).seen
    hidden = plane_of(before, flat(400, 3, 2 * across / np.linalg.norm(across))).seen
    assert along is not None
    assert along > 0.8
    assert hidden is not None
    assert hidden < 0.2
    unmoved = [plane_of(before, flat(400, seed, np.zeros(32))).seen for seed in range(10, 20)]
    assert unmoved.count(None) >= 9


def test_at_most_so_many_are_drawn_and_the_same_for_the_same_seed() -> None:
    """By lot: another seed draws others."""
    before, since = cloud(np.zeros(8), POINTS + 300, 1), cloud(np.zeros(8), 50, 2)
    found = plane_of(before, since, seed=7)
    assert [point.current for point in found.points].count(False) == POINTS
    assert [point.current for point in found.points].count(True) == 50
    assert found == plane_of(before, since, seed=7)
    assert {p.id for p in found.points} != {p.id for p in plane_of(before, since, seed=8).points}


def test_topics_lie_in_the_middle_of_their_requests() -> None:
    """On the same map; a topic without an embedding is left out."""
    before, since = cloud(np.zeros(8), 100, 1), cloud(np.full(8, 3.0), 100, 2)
    found = plane_of(before, since, topics={"late": since, "gone": [said(1, "x")]})
    assert list(found.topics) == ["late"]
    assert found.topics["late"] == pytest.approx(places(found)[100:].mean(axis=0), abs=1e-9)


def test_without_embeddings_there_is_no_map() -> None:
    """Behind a server that tells none; and it is said why there is none."""
    rows = [said(k, "x") for k in range(200)]
    found = plane_of(rows[:100], rows[100:])
    assert (found.points, found.groups, found.hidden) == ((), (), 0)
    assert found.because == "The log holds no embeddings of these requests."


def test_what_cannot_be_laid_on_the_map_is_passed_over() -> None:
    """Another base's embeddings, and such as are no numbers; too few that are left, and all the same, are said."""
    before, since = cloud(np.zeros(8), 60, 1), cloud(np.zeros(8), LEAST, 2)
    strange = [said(1, "x", embedding=np.zeros(5, np.float16).tobytes()), said(2, "y")]
    strange.append(said(3, "z", embedding=np.full(8, np.nan, np.float16).tobytes()))
    assert len(plane_of([*strange, *before], [*since, *strange]).points) == 60 + LEAST
    few = plane_of(before, since[1:])
    assert (
        few.because
        == "Too few requests with an embedding to draw a map: 60 before and 29 since, where it takes 30 of each."
    )
    same = [said(k, "x", embedding=np.ones(4, np.float16).tobytes()) for k in range(100)]
    assert plane_of(same, same).because == "The embeddings of the requests before are all the same."
    one = [said(k, "x", embedding=np.float16(k).tobytes()) for k in range(100)]
    assert {point.y for point in plane_of(one, one).points} == {0.0}
