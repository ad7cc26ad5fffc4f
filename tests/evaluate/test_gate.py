"""The gate lets through what is better and lost nothing, and by luck no more often than alpha."""

from bisect import bisect_left
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.groups import SMALL
from homeostat.evaluate.score import PairedRow, fingerprint
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Kind, Task

TASK = Task(name="routing")
SETTINGS = Evaluate()
RUNS = 10_000


def counted(group: str, n: int, wins: int, losses: int) -> tuple[PairedRow, ...]:
    """Rows of which the candidate alone has `wins` right and the champion alone `losses`."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return tuple(PairedRow(group=group, candidate=mine, champion=theirs) for mine, theirs in outcomes)


def judge(
    rows: tuple[PairedRow, ...], settings: Evaluate = SETTINGS, target: tuple[str, ...] = ()
) -> tuple[Report, Verdict]:
    report = compare(TASK, "ver_new", "ver_old", rows, settings, now=7.0, target=target)
    return report, gate(report, rows, settings, target=target, artifact="hash of the folder")


def pass_rate(
    known: tuple[PairedRow, ...], n: int, difference: float, *, discordance: float = 0.1, settings: Evaluate = SETTINGS
) -> float:
    """Share of RUNS in which the gate passes, the group `tested` being drawn anew each time beside the known rows.

    The verdict hangs on the counts alone, and at a given number of losses more wins never make it worse; so the fewest
    wins that pass are looked up once per number of losses.
    """
    report, _ = judge(known + counted("tested", n, 0, 0), settings)

    def passes(wins: int, losses: int) -> bool:
        rows = known + counted("tested", n, wins, losses)
        return gate(replace(report, rows=fingerprint(rows)), rows, settings).outcome is Outcome.PASS

    @cache
    def fewest(losses: int) -> int:
        return bisect_left(range(losses + 64), True, key=lambda wins: passes(wins, losses))

    chances = [(discordance + difference) / 2, (discordance - difference) / 2, 1 - discordance]
    draws = np.random.default_rng(0).multinomial(n, chances, size=RUNS)
    return float(np.mean([int(wins) >= fewest(int(losses)) for wins, losses, _ in draws]))


NOISE = 3 * np.sqrt(0.05 * 0.95 / RUNS)
"""Three standard errors of a share of 0.05 over RUNS simulations."""


@pytest.mark.slow
@pytest.mark.parametrize("discordance", [0.05, 0.1, 0.2])
def test_no_gain_passes_at_most_alpha(discordance: float) -> None:
    """A candidate that is exactly as good as the champion passes at most 5 % of the time."""
    assert pass_rate((), 500, 0.0, discordance=discordance) <= 0.05 + NOISE


@pytest.mark.slow
def test_a_loss_at_the_margin_passes_at_most_alpha() -> None:
    """A group large enough for the strict margin that lost exactly that much is let through at most 5 % of the time,
    however much is won elsewhere.
    """
    settings = Evaluate(margin=0.03)
    assert pass_rate(counted("gained", 300, 200, 10), 700, -0.03, settings=settings) <= 0.05 + NOISE


def test_labels_without_rows_change_the_sentence_alone() -> None:
    """Nothing is claimed of what no row speaks of, and it is said."""
    rows = counted("a", 500, 60, 5)
    report, plain = judge(rows)
    silent = gate(report, rows, SETTINGS, artifact="hash of the folder", untested=["refund"])
    assert silent == replace(plain, because=plain.because + "; no test rows of: refund")


@pytest.mark.slow
def test_a_slice_of_500_that_lost_five_points() -> None:
    """With 500 rows in a slice that is worse by five points, others being much better: promoted at most 5 %."""
    others = counted("slice 1", 250, 80, 1) + counted("slice 2", 250, 80, 1)
    assert pass_rate(others, 500, -0.05) <= 0.05 + NOISE


@pytest.mark.slow
def test_power_where_nothing_was_lost() -> None:
    """At the least number of rows a group that lost nothing gets through about 80 % of the time, as planned."""
    assert pass_rate(counted("gained", 300, 200, 10), 247, 0.0) == pytest.approx(0.8, abs=0.06)


def test_a_real_improvement_passes() -> None:
    """Better where it should be and unchanged elsewhere: pass, with a sentence, p-values and the artifact's hash."""
    rows = counted("new intents", 300, 140, 8) + counted("old intents", 1600, 48, 50)
    report, verdict = judge(rows, target=("new intents",))
    assert verdict.outcome is Outcome.PASS
    assert verdict.because == (
        "+44.0 points (38.7 to 49.1, n=300) in new intents and +6.8 points (5.5 to 8.2, n=1,900) overall; "
        "nothing lost where it was good: old intents -0.1 (-1.2 to +0.9)"
    )
    assert set(verdict.tests) == {"new intents", "overall", "old intents"}
    assert max(verdict.tests.values()) <= SETTINGS.alpha
    assert (verdict.artifact, verdict.report, verdict.candidate) == ("hash of the folder", report.id, "ver_new")


def test_forgetting_is_refused_though_the_whole_is_better() -> None:
    """A candidate that gains overall but broke a guarded group fails, and the sentence names the group."""
    rows = counted("new intents", 1200, 900, 10) + counted("old intents", 400, 8, 120)
    _, verdict = judge(rows)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("refused: it forgot — old intents -28.0 points (-")


def test_worse_overall_is_refused() -> None:
    """A candidate that is shown to be worse fails."""
    _, verdict = judge(counted("all", 400, 10, 40))
    assert verdict.outcome is Outcome.FAIL


def test_equal_is_unsure() -> None:
    """Rows that show neither a gain nor a loss decide nothing; identical replies neither."""
    assert judge(counted("all", 400, 20, 20))[1].outcome is Outcome.UNSURE
    assert judge(counted("all", 400, 0, 0))[1].outcome is Outcome.UNSURE


def test_tiny_groups_are_never_gated_alone() -> None:
    """Twenty groups of ten rows, one of them wholly lost, are one pool: none blocks the promotion by itself."""
    tiny = tuple(row for i in range(19) for row in counted(f"tag {i}", 10, 1, 0)) + counted("tag 19", 10, 0, 10)
    report, verdict = judge(counted("main", 500, 120, 10) + tiny)
    assert report.gated == ("main",)
    assert set(verdict.tests) == {"overall", "main"}
    assert verdict.outcome is Outcome.PASS
    assert report.groups["tag 19"].mean == -1.0
    assert report.groups[SMALL].n == 200


def test_a_pool_shown_to_be_harmed_is_refused() -> None:
    """Small groups that together are shown to have lost more than the margin fail the candidate, however few."""
    tiny = tuple(row for i in range(20) for row in counted(f"tag {i}", 10, 0, 3))
    _, verdict = judge(counted("main", 500, 120, 10) + tiny)
    assert verdict.outcome is Outcome.FAIL
    assert "small groups -30.0 points" in verdict.because


def test_a_target_that_does_not_gain_is_not_passed() -> None:
    """Where a target is named, a gain overall does not stand in for a gain there."""
    rows = counted("new intents", 300, 5, 5) + counted("old intents", 1600, 200, 20)
    assert judge(rows)[1].outcome is Outcome.PASS
    _, verdict = judge(rows, target=("new intents",))
    assert verdict.outcome is Outcome.UNSURE
    assert verdict.because.startswith("undecided: +0.0 points (-1.9 to +1.9, n=300) in new intents does not prove")


def test_a_tiny_target_is_not_asked_for_a_proof() -> None:
    """One right answer of the first three rows of a new label proves nothing there; the gain overall decides. With rows
    enough the target has to show it; and a loss that is shown in a tiny one refuses.
    """
    others = counted("old intents", 1600, 200, 20)
    tiny = counted("new intents", 3, 1, 0)
    verdict = judge(tiny + others, target=("new intents",))[1]
    assert verdict.outcome is Outcome.PASS
    assert "too few rows to demand a proof: new intents +33.3" in verdict.because
    assert set(verdict.tests) == {"overall", "old intents"}
    assert judge(counted("new intents", 60, 1, 0) + others, target=("new intents",))[1].outcome is Outcome.UNSURE
    assert judge(counted("new intents", 20, 0, 15) + others, target=("new intents",))[1].outcome is Outcome.FAIL


def test_min_gain_must_be_exceeded() -> None:
    """A gain that is surely smaller than the least one asked for fails; one that surely exceeds it passes."""
    rows = counted("all", 2000, 80, 40)
    assert judge(rows, Evaluate(min_gain=0.005))[1].outcome is Outcome.PASS
    assert judge(rows, Evaluate(min_gain=0.015))[1].outcome is Outcome.UNSURE
    assert judge(rows, Evaluate(min_gain=0.05))[1].outcome is Outcome.FAIL


def test_real_valued_scores() -> None:
    """Shares of chrF are tested by the mean of their differences: a gain passes, a loss fails, noise is unsure."""
    task = Task(name="replies", kind=Kind.TEXT, metric="chrf")
    rng = np.random.default_rng(5)
    champion = rng.uniform(0.2, 0.6, 400)
    for shift, outcome in ((0.05, Outcome.PASS), (-0.05, Outcome.FAIL), (0.0, Outcome.UNSURE)):
        mine = champion + shift + rng.normal(0, 0.1, 400) - 0.001
        rows = [PairedRow(candidate=float(a), champion=float(b)) for a, b in zip(mine, champion, strict=True)]
        report = compare(task, "ver_new", "ver_old", rows, SETTINGS, now=7.0)
        assert report.metric == "chrf"
        assert gate(report, rows, SETTINGS).outcome is outcome


def test_strict_settings_decide_nothing() -> None:
    """An alpha of zero asks for certainty, which no rows give: unsure, not an error."""
    _, verdict = judge(counted("all", 400, 100, 0), Evaluate(alpha=0.0))
    assert verdict.outcome is Outcome.UNSURE


def test_a_single_row() -> None:
    """One row is compared and decides nothing, right-or-wrong or real-valued."""
    assert judge(counted("all", 1, 1, 0))[1].outcome is Outcome.UNSURE
    assert judge((PairedRow(candidate=0.7, champion=0.2),))[1].outcome is Outcome.UNSURE


def test_the_same_rows_give_the_same_ids() -> None:
    """A step that is run again writes the same report and the same verdict; other rows, another one."""
    rows = counted("all", 400, 30, 10)
    assert judge(rows) == judge(rows)
    assert judge(rows)[0].rows == fingerprint(rows)
    assert judge(rows)[0].id != judge(counted("all", 400, 30, 11))[0].id


def test_other_rows_than_the_report_are_refused() -> None:
    """A verdict cannot be given on rows that the report was not made from; nothing cannot be compared."""
    report, _ = judge(counted("all", 400, 30, 10))
    with pytest.raises(ValueError, match="other rows"):
        gate(report, counted("all", 400, 31, 10), SETTINGS)
    with pytest.raises(ValueError, match="no rows"):
        compare(TASK, "ver_new", "ver_old", [], SETTINGS, now=7.0)
