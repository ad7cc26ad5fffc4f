"""A change of shares alone is found, dated and named; nothing is said of shares that stay, whatever they are, or that
follow the hour.
"""

import json

import numpy as np
import pytest

from homeostat.monitor.detectors.proportions import FIRM, HORIZONS, RATIOS, Proportions, stakes
from homeostat.monitor.seasons import DAY_S, HOURS

EVEN = np.full(6, 1 / 6)
SKEWED = np.array([0.62, 0.2, 0.1, 0.05, 0.02, 0.01])


def drawn(seed, *stretches):
    """Kinds drawn from shares, (shares, rows) after each other."""
    rng = np.random.default_rng([seed, 77])
    return np.concatenate([rng.choice(len(shares), rows, p=shares) for shares, rows in stretches])


def seconds(rows, step=1.0):
    return np.arange(rows) * step


def alarms(kinds, *, c=500_000, step=1.0, first=300, size=10**9):
    """Rows, starts, and kinds of all alarms."""
    detector, found, times = Proportions(6, c, first=first, seed=3), [], seconds(len(kinds), step)
    for at in range(0, len(kinds), size):
        some = slice(at, at + size)
        found += [(at + a.row, a.alarm.since_time, a.kind) for a in detector.take(kinds[some], times[some])]
    return found


def by_the_book(kinds, times, first, u):
    """The definition written out, row by row: the statistic after each row."""
    n, chance, order = kinds.max() + 1, *shares_first(kinds[:first])
    counts, m = np.zeros((24, n)), np.zeros(n * len(RATIOS) + len(HORIZONS))
    lows, ranks, levels = np.zeros((2, n - 1)), np.zeros((2, n - 1)), []
    fade = 1 - 1 / np.array(HORIZONS)
    own = stakes(np.bincount(kinds[:first], minlength=n))
    for row, (kind, hour) in enumerate(zip(kinds[first:], times[first:] // 3600 % 24, strict=True)):
        f, place, before = np.ones_like(m), list(order).index(kind), counts[int(hour)]
        now_low, now_rank = np.zeros(n - 1), np.zeros(n - 1)
        for question in range(min(place + 1, n - 1)):
            yes, left = before[order[question]], before[order[question:]].sum()
            lot = u[row, question]
            p = lot * (yes + 1) / (left + 1) if question == place else (yes + lot * (left - yes + 1)) / (left + 1)
            low, now_rank[question] = p < chance[question], 1
            now_low[question] = low
            f[: n * len(RATIOS)] *= np.exp((own.yes if low else own.no)[:, question])
            for k in range(len(HORIZONS)):
                believed = (lows[k, question] + FIRM * chance[question]) / (ranks[k, question] + FIRM)
                f[n * len(RATIOS) + k] *= (
                    believed / chance[question] if low else (1 - believed) / (1 - chance[question])
                )
        lows, ranks = (lows + now_low) * fade[:, None], (ranks + now_rank) * fade[:, None]
        before[kind] += 1
        m = (m + 1) * f
        levels.append(np.log(m.mean()))
    return levels


def shares_first(kinds):
    """The chance of a yes to each question, and the order of the kinds, by the first requests."""
    known = np.bincount(kinds)
    order = np.argsort(-known, kind="stable")
    share = (known[order] + 0.5) / (known.sum() + len(known) / 2)
    return (share / share[::-1].cumsum()[::-1])[:-1], order


def test_it_is_the_definition():
    """Row by row, over several hours, with a change in the middle: the same statistic as the definition gives."""
    kinds, first = drawn(0, (EVEN[:3] * 2, 260), (np.array([0.1, 0.3, 0.6]), 200)), 60
    times, detector, levels = seconds(460, 60.0), Proportions(3, np.inf, first=60, seed=3), []
    for row in range(460):
        list(detector.take(kinds[row : row + 1], times[row : row + 1]))
        levels.append(detector.level)

    lots = 1 - np.random.Generator(np.random.PCG64(3)).random((400, 2))
    assert np.allclose(levels[first:], by_the_book(kinds, times, first, lots))
    assert np.isneginf(levels[first - 1])


def test_every_bet_is_fair():
    """On an even rank, each bet on each question pays one on average, and the others as it says."""
    for known in (np.array([90, 5, 3, 2]), np.array([0, 40, 40, 20])):
        own = stakes(known)
        paid = own.chance * np.exp(own.yes) + (1 - own.chance) * np.exp(own.no)
        assert np.allclose(paid, 1.0)
        grows = own.yes[len(RATIOS) * own.order[0] + RATIOS.index(3.0)]
        assert grows[0] > 0
        assert np.allclose(grows[1:], 0.0)  # who is left when the commonest is out has the shares that it had


@pytest.mark.parametrize("shares", [pytest.param(EVEN, marks=pytest.mark.slow), SKEWED], ids=["even", "skewed"])
def test_false_alarms_are_as_rare_as_promised(shares):
    """Whatever the shares: at c = 100, no more than one alarm in 100 requests, though it alarms."""
    found = alarms(drawn(1, (shares, 12_000)), c=100, first=20)

    assert 20 < len(found) < 12_000 / 100


def test_a_kind_that_grows_is_found_dated_and_named():
    """From a twentieth to a seventh of the requests: told within 400, dated within 150, and of which kind."""
    after = np.append(SKEWED[:3] * 0.85 / 0.92, [0.15 * 0.85 / 0.92, 0.02, 0.01])
    row, since, kind = alarms(drawn(2, (SKEWED, 3000), (after / after.sum(), 1500)))[0]

    assert 3000 < row < 3400
    assert abs(since - 3000) < 150
    assert kind == 3


def test_a_kind_that_goes_is_found():
    """A fifth of the requests comes no more; then it begins anew, and says no more of it."""
    after = np.delete(SKEWED, 1) / 0.8
    found = alarms(drawn(3, (SKEWED, 3000), (np.insert(after, 1, 0.0), 3000)))

    assert [3000 < row < 3400 for row, _, _ in found] == [True]


def test_shares_that_follow_the_hour_are_no_change():
    """Two kinds change places every twelve hours. Told by the hour of the day nothing moved; were all requests of one
    hour, everything would have.
    """
    rng, step = np.random.default_rng(4), 120.0
    night = (seconds(7200, step) % DAY_S) < DAY_S / 2
    kinds = np.where(night, rng.choice(6, 7200, p=SKEWED), rng.choice(6, 7200, p=SKEWED[::-1]))

    assert alarms(kinds, step=step) == []
    assert len(alarms(kinds)) > 5


@pytest.mark.slow
def test_weeks_that_repeat_are_told_apart():
    """Weekends have other shares. Once that has been seen to repeat, requests are ranked by the hour of the week."""
    step, rows = 300.0, 7 * 288 * 5
    weekend = (seconds(rows, step) // DAY_S % 7) >= 5
    rng = np.random.default_rng(5)
    kinds = np.where(weekend, rng.choice(6, rows, p=SKEWED[::-1]), rng.choice(6, rows, p=SKEWED))
    detector = Proportions(6, 500_000, first=300, seed=3)

    told = [one.row for one in detector.take(kinds, seconds(rows, step))]

    assert detector.cells == HOURS
    assert [row for row in told if row > rows * 4 // 5] == []


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 37, 1000])
def test_batches_do_not_matter(size):
    """Row by row or all at once: the same alarms."""
    kinds = drawn(6, (EVEN, 700), (SKEWED, 400), (EVEN, 300))

    assert alarms(kinds, c=10_000, size=size) == alarms(kinds, c=10_000)
    assert alarms(kinds, c=10_000)


@pytest.mark.parametrize("cut", [100, 700, 1000])
def test_a_restart_changes_nothing(cut):
    """State through JSON while it learns, watches, or has alarmed: it goes on as if nothing had been."""
    kinds, times = drawn(7, (EVEN, 800), (SKEWED, 800)), seconds(1600)
    whole, first = (Proportions(6, 10_000, first=300, seed=3) for _ in range(2))
    expected = [one.row for one in whole.take(kinds, times)]

    found = [one.row for one in first.take(kinds[:cut], times[:cut])]
    second = Proportions(6, 10_000, first=300, seed=3)
    second.load(json.loads(json.dumps(first.state(), allow_nan=False)))
    found += [cut + one.row for one in second.take(kinds[cut:], times[cut:])]

    assert found == expected
    assert expected
    assert second.level == pytest.approx(whole.level)


def test_requests_of_no_kind_are_passed_over():
    """They are neither counted nor take part in time."""
    kinds, times = drawn(8, (EVEN, 900), (SKEWED, 400)), seconds(1300)
    among = np.insert(kinds, np.arange(0, 1300, 3), -1)
    detector = Proportions(6, 10_000, first=300, seed=3)

    told = [
        int((among[: one.row] >= 0).sum()) for one in detector.take(among, np.insert(times, np.arange(0, 1300, 3), 0.0))
    ]

    assert told == [row for row, _, _ in alarms(kinds, c=10_000)]


def test_the_state_does_not_grow():
    """Eight weeks leave hardly more than two do: counts have more digits."""
    detector, lengths = Proportions(6, 10**9, first=300, seed=3), []
    for at in range(0, 4032, 1008):
        list(detector.take(drawn(at, (EVEN, 1008)), at * 1200.0 + seconds(1008, 1200.0)))
        lengths.append(len(json.dumps(detector.state())))

    assert lengths[-1] < 1.4 * lengths[0]
