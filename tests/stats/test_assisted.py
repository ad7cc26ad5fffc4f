"""A judge makes labels worth more where it is good, and proves nothing that is not so whatever it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from homeostat.stats.assisted import MOST, Assisted
from homeostat.stats.planned import Plan, Planned

PLAN = Plan(rows=200, alpha=0.05, square=1.0)
JUDGES: dict[str, dict[str, float]] = {
    "blind": {"knows": 0.0},
    "strong": {"knows": 0.9},
    "pleased by the candidate": {"knows": 0.6, "leans": 0.5},
    "says the opposite": {"knows": -0.9},
}


def words(truth: np.ndarray, rng: np.random.Generator, knows: float, leans: float = 0.0) -> np.ndarray:
    """What a judge says: the truth (its opposite) so often, else anything; in favor of the candidate in so many."""
    said = np.where(rng.random(truth.shape) < abs(knows), np.sign(knows) * truth, rng.choice([-1.0, 1.0], truth.shape))
    return np.where(rng.random(truth.shape) < leans, 1.0, said)


def drawn(rows: int, games: int, gain: float, seed: int, **judge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of rows on which two versions differ, what a judge says of them, and of others on average."""
    rng = np.random.default_rng(seed)

    def truth() -> np.ndarray:
        return np.where(rng.random((rows, games)) < (1.0 + gain) / 2.0, 1.0, -1.0)

    labels = truth()
    rest = sum((words(truth(), rng, **judge) for _ in range(MOST)), np.zeros((rows, games))) / MOST
    return labels, words(labels, rng, **judge), rest


def played(rows: int, games: int, gain: float, seed: int, bound: float = 0.0, **judge: float) -> np.ndarray:
    """Labels after which each game has shown the claim; 0 where it has not."""
    game, first = Assisted(np.full(games, bound), PLAN), np.zeros(games, np.int64)
    for k, (label, told, rest) in enumerate(zip(*drawn(rows, games, gain, seed, **judge), strict=True)):
        game.update(label, told, rest, MOST)
        first[(game.p <= PLAN.alpha) & (first == 0)] = k + 1
    return first


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
def test_who_is_not_better_is_not_shown_to_be(judge: dict[str, float]) -> None:
    """At the edge, over all looks: at most alpha, within the error of 600 draws, whatever the judge; margins too."""
    shown = np.mean(played(250, 600, 0.0, 3, **judge) > 0)
    assert shown <= 0.05 + 2 * (0.05 * 0.95 / 600) ** 0.5
    shown = np.mean(played(250, 600, -0.3, 4, bound=-0.3, **judge) > 0)
    assert shown <= 0.05 + 2 * (0.05 * 0.95 / 600) ** 0.5


def test_a_good_judge_saves_labels_and_a_blind_one_costs_none() -> None:
    """Labels by which 80 of 100 candidates are shown to be better: a quarter fewer with a strong judge."""

    def needed(**judge: Any) -> float:
        first = played(300, 300, 0.25, 5, **judge)
        return float(np.quantile(np.where(first == 0, 10_000, first), 0.8))

    alone = needed(knows=0.0)
    assert needed(knows=0.9) <= 0.75 * alone
    assert needed(knows=0.6, leans=0.5) <= 1.1 * alone


def test_without_a_judge_it_is_the_plain_game() -> None:
    """To the bit: labels with no rows beside them are bet on as ever."""
    labels = np.random.default_rng(1).choice([-1.0, 0.0, 1.0], 120, p=[0.2, 0.4, 0.4])
    plain, assisted = Planned(-0.05, PLAN), Assisted(-0.05, PLAN)
    plain.extend(labels)
    for k, label in enumerate(labels):
        assisted.update(label, told=float(k % 2), rest=0.5, beside=0)
    assert assisted.p[0] == plain.p[0]
    assert assisted.game.n == 120


def test_how_far_a_judge_is_heeded_follows_from_labels() -> None:
    """Not at all before any; by how much its word tells of them, less what so few rows beside a label leave open."""
    game = Assisted(0.0, PLAN)
    assert [float(one[0]) for one in game.heeded(MOST)] == [0.0, 1.0]
    rng = np.random.default_rng(2)
    for label in rng.choice([-1.0, 1.0], 2000):
        game.update(label, told=0.5 * label, rest=0.0, beside=MOST)
    weight, worth = (float(one[0]) for one in game.heeded(MOST))
    assert weight == 1.0  # the slope of 2, times 4/5, is more than is heeded
    assert worth == pytest.approx(1.0 / (1.0 - 0.5), rel=0.02)
    assert [float(one[0]) for one in game.heeded(0)] == [0.0, 1.0]


def test_what_is_beyond_its_reach_is_not_taken() -> None:
    """A label, or a rating, is in [-1, 1]."""
    game = Assisted(0.0, PLAN)
    for wrong in ((1.5, 0.0, 0.0), (0.0, -1.1, 0.0), (0.0, 0.0, 2.0)):
        with pytest.raises(ValueError, match="not in"):
            game.update(*wrong, 1)
    assert game.game.n == 0
