"""Rows of one user count as one: what looks sure of rows alone is not, and what is sure of users stays so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.groups import guards
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.slices import gated, lost, slices
from homeostat.evaluate.suites.beside import beside
from homeostat.stats.intervals import paired
from homeostat.stats.paired import mcnemar_superiority, noninferiority
from homeostat.types.report import Outcome, Verdict
from homeostat.types.suite import Terms
from homeostat.types.task import Task

SETTINGS = Evaluate()


def rows(wins: int, losses: int, n: int, each: int = 1, group: str = "known labels") -> list[PairedRow]:
    """So many users, of which the candidate alone has so many right, and the champion alone; each asks so often."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return [
        PairedRow(group=group, candidate=a, champion=b, cluster=f"{group} {k}" if each > 1 else "", slices=("a=b",))
        for k, (a, b) in enumerate(outcomes)
        for _ in range(each)
    ]


def judged(given: list[PairedRow]) -> Verdict:
    report = compare(Task(name="routing"), "ver_new", "ver_old", given, SETTINGS, now=7.0)
    return gate(report, given, SETTINGS)


def test_rows_alone_get_the_exact_tests() -> None:
    """Whether each is of a user of its own, or of nobody."""
    alone = rows(30, 12, 400)
    for given in (alone, [replace(row, cluster=str(k)) for k, row in enumerate(alone)]):
        sample = Sample.of(given)
        assert sample.clusters is None
        assert (len(sample), sample.worth) == (400, 400)
        assert sample.p_above(0.0) == mcnemar_superiority(30, 12)
        assert sample.p_above(-0.05) == noninferiority(sample.values, 0.05)
        assert sample.p_lost() == mcnemar_superiority(12, 30)
        assert sample.score(0.9) == paired(sample.values, np.zeros(400), 0.9)
        assert sample.variance == pytest.approx(float(np.var(sample.values)))


def test_a_user_who_asks_often_is_one_user() -> None:
    """Twelve users won and six lost show nothing; that each asked ten times shows no more."""
    one, ten = Sample.of(rows(12, 6, 60)), Sample.of(rows(12, 6, 60, each=10))
    assert (len(ten), ten.worth) == (600, 60)
    assert Sample(ten.values).p_above(0.0) < 1e-5
    assert ten.p_above(0.0) > 0.05
    assert ten.p_above(-0.02) > 0.05
    assert one.score(0.9).mean == pytest.approx(ten.score(0.9).mean)
    assert ten.score(0.9).low < 0.0 < Sample(ten.values).score(0.9).low
    assert ten.variance > 5.0 * one.variance


def test_clusters_that_differ_show_no_less_than_the_exact_test_allows() -> None:
    """Users whose rows make up for each other are no reason to be surer than of rows alone."""
    values = np.tile([1.0, -1.0, 1.0, 0.0], 40)
    mixed = Sample(values, np.repeat(np.arange(40), 4))
    assert mixed.p_above(0.0) == Sample(values).p_above(0.0)
    assert Sample(values, np.zeros(160, np.int64)).p_above(0.0) == 1.0  # one user says nothing of others
    everything = Sample(values, np.zeros(160, np.int64)).score(0.9)
    assert (everything.low, everything.high) == (-1.0, 1.0)


@pytest.mark.parametrize("bound", [0.0, -0.05, 0.01])
def test_what_is_sure_of_many_users_stays_sure(bound: float) -> None:
    """A gain of twenty points among 300 users is shown at every bound."""
    sample = Sample.of(rows(70, 10, 300, each=3))
    assert sample.p_above(bound) <= 1e-4
    assert sample.p_lost() > 0.99
    assert Sample.of(rows(10, 70, 300, each=3)).p_lost() < 1e-4


def test_the_gate_does_not_pass_what_few_heavy_users_gained() -> None:
    """The same rows: of nobody they pass, of sixty users they do not; nor are they refused for what a few lost."""
    gained, fallen = rows(12, 6, 60, each=20), rows(3, 12, 60, each=20)
    alone = [replace(row, cluster="") for row in gained]
    assert judged(alone).outcome is Outcome.PASS
    assert judged(gained).outcome is Outcome.UNSURE
    assert judged([replace(row, cluster="") for row in fallen]).outcome is Outcome.FAIL
    assert judged(rows(8, 9, 60, each=20)).outcome is Outcome.UNSURE
    assert judged(rows(110, 10, 600, each=2)).outcome is Outcome.PASS


def test_groups_and_slices_are_as_large_as_their_users() -> None:
    """A thousand rows of a hundred users are too few to ask a proof of; which they are hangs on nobody's replies."""
    given = rows(5, 5, 100, each=10)
    assert [guard.gated for guard in guards(given, SETTINGS)] == [False]
    assert [guard.gated for guard in guards(rows(5, 5, 300, each=2), SETTINGS)] == [True]
    more = [*given, *[replace(row, slices=()) for row in rows(0, 0, 300, group="other")]]
    assert gated(slices(more), SETTINGS) == ()
    harmed = [*rows(0, 2, 40, each=10), *[replace(row, slices=()) for row in rows(0, 0, 300, group="other")]]
    assert lost(slices(harmed), replace(SETTINGS, margin=0.01, small_margin=0.01)) == ()
    report = compare(Task(name="routing"), "ver_new", "ver_old", rows(9, 1, 300), SETTINGS, now=7.0)
    suite = beside(report, rows(9, 1, 300), rows(5, 5, 100, each=10, group="golden"), {"golden": Terms()}, SETTINGS)
    assert not suite.suites["golden"].gated


@pytest.mark.slow
@pytest.mark.parametrize(("bound", "lose"), [(0.0, 0.05), (-0.05, 0.1)])
def test_a_candidate_at_the_boundary_is_shown_as_seldom_as_alpha_says(bound: float, lose: float) -> None:
    """1,200 rows of 400 users who fare alike: at most 5 % of 600 runs, where rows alone show it in more than 9 %."""
    rng, shown, alone = np.random.default_rng(11), 0, 0
    for _ in range(600):
        users = rng.choice([1.0, -1.0, 0.0], 400, p=[0.05, lose, 0.95 - lose])
        whose = rng.integers(0, 400, 1200)
        sample = Sample(users[whose], whose)
        shown += sample.p_above(bound) <= 0.05
        alone += Sample(sample.values).p_above(bound) <= 0.05
    assert shown <= 0.05 * 600 + 2.0 * (0.05 * 0.95 * 600) ** 0.5
    assert alone > 0.09 * 600
