"""The gate holds a candidate to what suites demand, and to nothing that they do not."""

from __future__ import annotations

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.suites.beside import beside
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.suite import Terms
from homeostat.types.task import Task

TASK, SETTINGS = Task(name="routing"), Evaluate()


def counted(group: str, n: int, wins: int, losses: int) -> tuple[PairedRow, ...]:
    """Rows of which the candidate alone has `wins` right and the champion alone `losses`."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return tuple(PairedRow(group=group, candidate=mine, champion=theirs) for mine, theirs in outcomes)


WON = counted("known labels", 800, 90, 5)
PART = "suite golden"


def judged(asked: tuple[PairedRow, ...], demand: Terms) -> tuple[Report, Verdict]:
    report = compare(TASK, "ver_new", "ver_old", WON, SETTINGS, now=7.0)
    report = beside(report, WON, asked, {PART: demand}, SETTINGS)
    return report, gate(report, [*WON, *asked], SETTINGS)


def test_a_suite_says_nothing_about_the_mean() -> None:
    """Its rows stand apart: the overall difference is that of the test rows, and the verdict names the part."""
    report, verdict = judged(counted(PART, 900, 0, 0), Terms(margin=0.03))
    assert (report.difference.n, list(report.groups)) == (800, ["known labels"])
    assert report.suites[PART].difference.n == 900
    assert verdict.outcome is Outcome.PASS
    assert "suite golden +0.0" in verdict.because
    assert set(verdict.tests) == {"overall", "known labels", PART}


def test_a_loss_on_a_suite_refuses_what_won_everywhere_else() -> None:
    """With 900 cases, six points worse: refused, and it is called a loss."""
    _, verdict = judged(counted(PART, 900, 10, 64), Terms(margin=0.03))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("refused: it lost — suite golden -6.0 points")


def test_what_cannot_be_shown_is_not_demanded() -> None:
    """Twelve cases of which one was lost decide nothing by themselves."""
    report, verdict = judged(counted(PART, 12, 0, 1), Terms())
    assert not report.suites[PART].gated
    assert verdict.outcome is Outcome.PASS
    assert "too few rows to demand a proof: suite golden" in verdict.because


def test_a_demand_on_these_very_cases_needs_no_statistics() -> None:
    """One of twelve wrong where all must be right is refused, with the count."""
    _, verdict = judged(counted(PART, 12, 0, 1), Terms(at_least=1.0))
    assert verdict.outcome is Outcome.FAIL
    said = "refused: suite golden demands 100.0 % and gets 91.7 % (n=12, the champion 100.0 %)"
    assert verdict.because == said


def test_nobody_is_refused_for_what_the_champion_cannot_do_either() -> None:
    """A demand that the champion fails holds the candidate to the champion: what is as good, or better, may pass."""
    wrong = tuple(PairedRow(group=PART, candidate=0.0, champion=0.0) for _ in range(3))
    assert judged(counted(PART, 9, 0, 0) + wrong, Terms(at_least=1.0))[1].outcome is Outcome.PASS
    assert judged(counted(PART, 9, 0, 1) + wrong, Terms(at_least=1.0))[1].outcome is Outcome.FAIL


def test_a_part_without_cases_is_no_part() -> None:
    """A suite of test rows before the first of them has been shown."""
    report, verdict = judged((), Terms(at_least=1.0))
    assert (report.suites, verdict.outcome) == ({}, Outcome.PASS)
