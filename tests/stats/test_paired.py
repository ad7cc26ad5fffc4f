"""Paired tests keep their level at the boundary, counted over every outcome, and have the power they should."""

from functools import cache

import numpy as np
import pytest
from scipy import optimize, stats

from homeostat.stats.paired import mcnemar_superiority, noninferiority, tango
from homeostat.stats.power import needed


@cache
def p_noninferior(wins, losses, n, margin):
    """Its p-value by counts, remembered, because enumerations ask for the same one often."""
    return noninferiority([1] * wins + [-1] * losses + [0] * (n - wins - losses), margin)


def refusal_rate(n, margin, win, lose, alpha):
    """Probability, over all outcomes of n rows, that the test claims non-inferiority at `alpha`."""
    cells = [(w, x) for w in range(n + 1) for x in range(n + 1 - w)]
    hits = [c for c in cells if p_noninferior(*c, n, margin) <= alpha]
    return sum(stats.multinomial.pmf([w, x, n - w - x], n, [win, lose, 1 - win - lose]) for w, x in hits)


def test_mcnemar_is_the_exact_binomial_tail():
    """Eight wins and two losses: the chance of eight or more heads in ten."""
    assert mcnemar_superiority(8, 2) == pytest.approx(56 / 1024)
    assert mcnemar_superiority(0, 0) == 1.0


@pytest.mark.parametrize("discordance", [0.05, 0.3, 1.0])
def test_mcnemar_keeps_its_level_at_the_boundary(discordance):
    """With wins as likely as losses, 5 % or less of all outcomes of 40 rows are called superior."""
    n, wrong = 40, 0.0
    for differing in range(n + 1):
        tail = sum(
            stats.binom.pmf(w, differing, 0.5)
            for w in range(differing + 1)
            if mcnemar_superiority(w, differing - w) <= 0.05
        )
        wrong += stats.binom.pmf(differing, n, discordance) * tail

    assert wrong <= 0.05


def test_mcnemar_refuses_negative_counts():
    """A count is not negative."""
    with pytest.raises(ValueError, match="losses"):
        mcnemar_superiority(-1, 2)


@pytest.mark.parametrize("discordance", [0.1, 0.137, 0.26, 0.5, 0.81, 1.0])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_noninferiority_keeps_its_level_at_the_boundary(discordance, alpha):
    """At a true difference of -margin, whatever the rate of disagreement, at most alpha of all outcomes pass."""
    margin = 0.1

    rate = refusal_rate(25, margin, (discordance - margin) / 2, (discordance + margin) / 2, alpha)

    assert rate <= alpha


def test_noninferiority_uses_most_of_its_level():
    """The exact test is not merely safe: at the worst rate of disagreement it spends most of alpha."""
    rates = [refusal_rate(25, 0.1, (q - 0.1) / 2, (q + 0.1) / 2, 0.05) for q in np.linspace(0.15, 1.0, 12)]

    assert max(rates) > 0.035


def test_noninferiority_has_the_power_of_the_table():
    """With the rows that the power table asks for, about 80 % of equal candidates are shown to be non-inferior."""
    discordance, margin = 0.1, 0.05
    n = needed(discordance, 0.0, margin)
    rng = np.random.default_rng(0)
    counts = rng.multinomial(n, [discordance / 2, discordance / 2, 1 - discordance], size=400)

    passed = np.mean([p_noninferior(int(w), int(x), n, margin) <= 0.05 for w, x, _ in counts])

    assert 0.72 <= passed <= 0.88


def test_noninferiority_grows_with_losses_and_falls_with_the_margin():
    """More losses are weaker evidence; a wider margin is easier to keep."""
    by_losses = [p_noninferior(5, losses, 200, 0.05) for losses in range(0, 30, 3)]
    by_margin = [p_noninferior(6, 8, 200, margin) for margin in (0.0, 0.02, 0.05, 0.1)]

    assert by_losses == sorted(by_losses)
    assert by_margin == sorted(by_margin, reverse=True)


def test_noninferiority_without_a_difference_needs_rows_all_the_same():
    """Fifty equal rows do not prove a margin of 5 points; five hundred do."""
    assert p_noninferior(0, 0, 50, 0.05) > 0.05
    assert p_noninferior(0, 0, 500, 0.05) < 0.001


def test_noninferiority_of_scores_is_a_one_sided_t_test():
    """Real-valued differences are tested against -margin with Student's t."""
    d = np.array([0.4, -0.3, 0.2, 0.15, -0.1])
    expected = stats.ttest_1samp(d, -0.2, alternative="greater").pvalue

    assert noninferiority(d, 0.2) == pytest.approx(expected)


def test_noninferiority_of_constant_scores_is_decided_by_the_margin():
    """Differences without spread are above the margin or they are not."""
    assert noninferiority([-0.5, -0.5], 0.6) == 0.0
    assert noninferiority([-0.5, -0.5], 0.4) == 1.0


@pytest.mark.parametrize(("differences", "margin"), [([], 0.1), ([0.3], 0.1), ([1, 0], 1.0), ([1, 0], -0.1)])
def test_noninferiority_refuses_what_it_cannot_judge(differences, margin):
    """No rows, a single real value, or a margin that is none."""
    with pytest.raises(ValueError, match=r"rows|spread"):
        noninferiority(differences, margin)


@pytest.mark.parametrize(("wins", "losses", "difference"), [(5, 2, -0.1), (0, 3, -0.02), (7, 7, 0.05), (1, 0, -0.3)])
def test_tango_uses_the_likeliest_variance_under_the_null(wins, losses, difference):
    """Its closed form equals a numerical maximization of the likelihood with the difference held."""
    n = 40

    def unlikely(lose):
        return -stats.multinomial.logpmf(
            [wins, losses, n - wins - losses], n, [lose + difference, lose, 1 - 2 * lose - difference]
        )

    floor, ceiling = max(0.0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    lose = optimize.minimize_scalar(unlikely, bounds=(floor, ceiling), method="bounded", options={"xatol": 1e-12}).x
    expected = (wins - losses - n * difference) / np.sqrt(n * (2 * lose + difference - difference**2))

    assert tango(np.array([wins]), np.array([losses]), n, difference)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("margin", [0.0, 0.02, 0.1, 0.3])
def test_tango_rises_with_wins_at_any_number_of_differing_rows(margin):
    """The exact test's bisection rests on this."""
    for n in (1, 9, 60):
        for differing in range(n + 1):
            wins = np.arange(differing + 1)
            assert (np.diff(tango(wins, differing - wins, n, -margin)) >= -1e-12).all()
