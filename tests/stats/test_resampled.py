"""Figures that are no means have intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from homeostat.metrics.classification import label_sums, macro_f1_of_targets, macro_of
from homeostat.stats.intervals import mean_interval
from homeostat.stats.resampled import Floats, resampled

LABELS = ["often", "some", "rare"]
SHARES = [0.7, 0.22, 0.08]
RIGHT = [0.9, 0.75, 0.5]


def ratio(sums: Floats) -> Floats:
    """A ratio of two sums."""
    return sums[..., :1] / sums[..., 1:]


def replies(rng: np.random.Generator, target: np.ndarray, right: list[float]) -> list[str]:
    """Replies that are right so often by label, and else any other label."""
    hit = rng.random(len(target)) < np.array(right)[target]
    other = (target + rng.integers(1, 3, len(target))) % 3
    return [LABELS[k] for k in np.where(hit, target, other)]


def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """int[rows]: targets, a rare one among them."""
    return rng.choice(3, n, p=SHARES)


def truth() -> float:
    """The macro F1 of very many rows."""
    rng = np.random.default_rng(10_000)
    target = drawn(rng, 400_000)
    sums = label_sums(replies(rng, target, RIGHT), [LABELS[k] for k in target], LABELS).sum(0)
    return float(macro_of(sums)[2])


@pytest.mark.slow
def test_macro_f1_with_a_rare_class_is_covered() -> None:
    """Three hundred rows, of which 24 are of a class that is right half of the time: in 92 of 100 draws or more."""
    held, wanted = [], truth()
    for seed in range(300):
        rng = np.random.default_rng(seed)
        target = drawn(rng, 300)
        sums = label_sums(replies(rng, target, RIGHT), [LABELS[k] for k in target], LABELS)
        score = resampled(sums, macro_of, draws=600, seed=seed)[2].score()
        held.append(score.low <= wanted <= score.high)
    assert np.mean(held) >= 0.92


def test_no_difference_is_shown_of_two_that_are_alike() -> None:
    """Two versions that are as good: the p-value of "the first is better" is at most 0.05 in no more than a tenth of
    the draws (a twentieth is meant), and says just what the lower end of the 90 % interval says.
    """
    shown = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        target = drawn(rng, 200)
        names = [LABELS[k] for k in target]
        mine, theirs = (label_sums(replies(rng, target, RIGHT), names, LABELS) for _ in range(2))
        (found,) = resampled(mine, macro_f1_of_targets, minus=theirs, draws=400, seed=seed)
        shown.append(found.p_above(0.0) <= 0.05)
        assert (found.score(0.9).low > 0.0) == shown[-1] or abs(found.p_above(0.0) - 0.05) < 0.005
    assert np.mean(shown) <= 0.1


def test_as_scipy_says() -> None:
    """The interval of a ratio is that of SciPy's BCa, but for the draws."""
    rng = np.random.default_rng(1)
    values = np.stack([rng.gamma(2.0, 3.0, 80), rng.gamma(4.0, 1.0, 80)], axis=-1)
    mine = resampled(values, ratio, draws=4000)[0].score()
    peer = stats.bootstrap(
        (values[:, 0], values[:, 1]),
        lambda a, b: a.sum() / b.sum(),
        paired=True,
        vectorized=False,
        n_resamples=4000,
        method="BCa",
        rng=np.random.default_rng(2),
    ).confidence_interval
    width = peer.high - peer.low
    assert (mine.low, mine.high) == pytest.approx((peer.low, peer.high), abs=0.08 * width)


def test_clusters_are_drawn_whole() -> None:
    """Rows that come in equal tens are worth a tenth: the interval is that of one row of each ten."""
    rng = np.random.default_rng(0)
    one = np.stack([rng.normal(1.0, 0.3, 50), np.ones(50)], axis=-1)
    ten, clusters = np.repeat(one, 10, axis=0), np.repeat(np.arange(50), 10)
    together, alone = resampled(ten, ratio, clusters)[0].score(), resampled(ten, ratio)[0].score()
    plain = mean_interval(one[:, 0])
    assert together.high - together.low == pytest.approx(plain.high - plain.low, rel=0.1)
    assert alone.high - alone.low < 0.5 * (together.high - together.low)
    assert together.n == 500


def test_what_no_draw_changes() -> None:
    """Rows that are all alike give the figure for both ends; a p-value is never zero."""
    (found,) = resampled(np.ones((20, 2)), ratio, draws=500)
    assert (found.score().low, found.score().high) == (1.0, 1.0)
    assert (found.p_above(0.5), found.p_above(1.0)) == (1 / 500, 1.0)


def test_rows_are_there_and_the_same() -> None:
    """No rows, too few clusters and other rows are refused."""
    for sums, clusters, minus in (
        (np.ones((0, 2)), None, None),
        (np.ones((3, 2)), np.zeros(2, np.int64), None),
        (np.ones((3, 2)), None, np.ones((2, 2))),
    ):
        with pytest.raises(ValueError, match="rows"):
            resampled(sums, ratio, clusters, minus=minus)


def test_the_same_seed_gives_the_same_interval() -> None:
    """So that what a command prints can be printed again; another seed moves it a little."""
    values = np.stack([np.random.default_rng(0).gamma(2.0, 1.0, 60), np.ones(60)], axis=-1)
    one, again, other = (resampled(values, ratio, draws=400, seed=seed)[0].score() for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert one.low == pytest.approx(other.low, rel=0.1)


def test_several_figures_at_once_are_each_as_by_themselves() -> None:
    """Figures that are told together share their draws and nothing else."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 1.0, (50, 2))

    def both(sums: Floats) -> Floats:
        """A ratio, and its inverse."""
        return np.concatenate([ratio(sums), 1.0 / ratio(sums)], axis=-1)

    first, second = resampled(values, both, draws=500)
    (alone,) = resampled(values, ratio, draws=500)
    assert first.score() == alone.score()
    assert second.mean == pytest.approx(1.0 / first.mean)
    # The inverse falls where the ratio rises, so the ends change places.
    assert second.score().low == pytest.approx(1.0 / first.score().high, rel=0.02)


def test_a_stricter_level_is_wider() -> None:
    """At every level the figure lies inside, and p-values fall as the bound does."""
    (found,) = resampled(np.random.default_rng(0).gamma(2.0, 1.0, (50, 2)), ratio, draws=1000)
    widths = [found.score(level).high - found.score(level).low for level in (0.5, 0.9, 0.99)]
    assert widths == sorted(widths)
    bounds = [found.score(0.9).low - step for step in (0.0, 0.05, 0.2)]
    assert [found.p_above(bound) for bound in bounds] == sorted((found.p_above(b) for b in bounds), reverse=True)
