"""When a change came: a guess, and a stretch that holds the truth as often as it says."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.naming.change import change_of, normal_scores


def stepped(rng: np.random.Generator, step: float, at: int = 400, rows: int = 700) -> np.ndarray:
    """Two channels of log-normal numbers, of which the first steps up."""
    scores = rng.normal(size=(rows, 2))
    scores[at:, 0] += step
    return np.exp(scores)


def test_a_clear_step_is_found_to_the_row() -> None:
    """Three deviations: within three rows, and the stretch is as short."""
    found = change_of(stepped(np.random.default_rng(0), 3.0))
    assert found is not None
    assert abs(found.row - 400) <= 3
    assert found.low <= 400 <= found.high
    assert found.high - found.low < 20


def test_the_stretch_holds_the_change() -> None:
    """In 100 streams with a step of one deviation, nine times in ten or more; and it is not half of the rows."""
    found = [change_of(stepped(np.random.default_rng(seed), 1.0)) for seed in range(100)]
    held = [one is not None and one.low <= 400 <= one.high for one in found]
    assert np.mean(held) >= 0.9
    assert np.median([one.high - one.low for one in found if one is not None]) < 60


def test_unknown_scores_and_short_sequences() -> None:
    """NaN counts for nothing, a channel without a value too, and of few rows nothing is said."""
    scores = stepped(np.random.default_rng(1), 3.0)
    scores[::2, 0] = np.nan
    scores[:, 1] = np.nan
    found = change_of(scores)
    assert found is not None
    assert abs(found.row - 400) <= 6
    assert change_of(scores[:19]) is None


def test_normal_scores_are_the_normal_deviates_of_ranks() -> None:
    """Monotone, symmetric, ties shared, equal values unremarkable."""
    assert np.allclose(normal_scores(np.array([5.0, 1.0, 9.0])), [0.0, -0.6745, 0.6745], atol=1e-4)
    assert normal_scores(np.array([2.0, 2.0, 2.0])).tolist() == [0.0, 0.0, 0.0]
    assert normal_scores(np.array([np.nan, 1.0])).tolist() == [0.0, 0.0]
