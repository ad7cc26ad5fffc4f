"""Guard metrics: losses that no mean shows are refused, at a rate of errors that simulation holds to alpha."""

from __future__ import annotations

from dataclasses import replace

import pytest
from guards import GOOD, LEVEL, SETTINGS, SURER, alone, counts, edge, labeled, macro_f1, of, written
from sklearn.metrics import f1_score

from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.guarded import CALIBRATION, FORM, MACRO_F1, guard_findings, measures
from homeostat.evaluate.score import PairedRow, from_lines, to_lines
from homeostat.types.report import Outcome
from homeostat.types.task import Task


def test_macro_f1_is_that_of_scikit_learn() -> None:
    """The difference of what rows add is the difference of the figures, over the labels that are targets."""
    rows = labeled(0, 400, (0.9, 0.8, 0.4), (0.88, 0.8, 0.6))
    target = [row.target for row in rows]
    mine, theirs = (
        f1_score(target, [row.said[side] for row in rows], labels=sorted(set(target)), average="macro")
        for side in (0, 1)
    )
    assert of(rows, MACRO_F1).score.mean == pytest.approx(mine - theirs)
    assert macro_f1(GOOD) - macro_f1(edge()) == pytest.approx(SETTINGS.small_margin)


@pytest.mark.slow
def test_a_loss_of_macro_f1_at_the_margin_is_passed_as_seldom_as_alpha_says() -> None:
    """A rare label is lost so far that macro F1 is five points lower: shown as no loss in 5 of 100 draws, give or take;
    no loss at all is shown to be none in most draws, and never called one.
    """
    worse = edge()
    falsely, _ = counts(lambda seed: labeled(seed, 600, worse), MACRO_F1, range(200))
    rightly, refused = counts(lambda seed: labeled(seed, 600, GOOD), MACRO_F1, range(50))
    assert falsely <= 16
    assert rightly >= 45
    assert refused == 0


@pytest.mark.slow
def test_users_are_counted_and_not_their_rows() -> None:
    """At the margin, with three rows of each user that fare alike: rows alone would pass it too often."""
    worse = edge()
    draws = {seed: labeled(seed, 1200, worse, users=400) for seed in range(100)}
    falsely, _ = counts(lambda seed: draws[seed], MACRO_F1, range(100))
    by_rows, _ = counts(lambda seed: alone(draws[seed]), MACRO_F1, range(100))
    assert falsely <= 10
    assert by_rows > 1.5 * falsely


def test_calibration_at_the_margin() -> None:
    """Confidence so far too high at the same replies that the Brier score is worse by five points is passed as seldom
    as alpha says; the same confidence always is; thirty points too high is refused.
    """
    falsely, _ = counts(lambda seed: labeled(seed, 400, LEVEL, LEVEL, oversure=SURER), CALIBRATION, range(100))
    rightly, refused = counts(lambda seed: labeled(seed, 400, LEVEL, LEVEL), CALIBRATION, range(5))
    _, broken = counts(lambda seed: labeled(seed, 400, LEVEL, LEVEL, oversure=0.3), CALIBRATION, range(50))
    assert falsely <= 10
    assert (rightly, refused) == (5, 0)
    assert broken >= 30


def test_form_at_the_margin() -> None:
    """Five points fewer replies of the right form: shown as no loss in a twentieth of the draws, give or take."""
    falsely, _ = counts(lambda seed: written(seed, 400, 0.93, 0.98), FORM, range(100))
    rightly, refused = counts(lambda seed: written(seed, 400, 0.98, 0.98), FORM, range(25))
    assert falsely <= 10
    assert rightly >= 22
    assert refused == 0


def judged(rows: list[PairedRow]) -> tuple[Outcome, str]:
    """What the whole gate says."""
    report = compare(Task(name="routing"), "ver_new", "ver_old", rows, SETTINGS, now=0.0)
    assert {MACRO_F1, CALIBRATION} <= set(report.groups)
    assert {MACRO_F1, CALIBRATION} <= set(report.gated)
    verdict = gate(report, rows, SETTINGS)
    return verdict.outcome, verdict.because


def test_the_gate_refuses_what_the_mean_hides() -> None:
    """A candidate that is right more often and claims to be certain of everything is refused for it, in words; the
    same one with honest confidence passes.
    """
    better, worse = (0.97, 0.9, 0.85), (0.85, 0.8, 0.7)
    honest = labeled(1, 1600, better, worse)
    assert judged(honest)[0] is Outcome.PASS
    boastful = [
        replace(row, sure=(1.0, row.sure[1]), said=row.said)
        for row in labeled(1, 1600, (0.66, 0.6, 0.5), (0.6, 0.55, 0.45))
    ]
    outcome, because = judged(boastful)
    assert outcome is Outcome.FAIL
    assert because.startswith("refused: it lost — calibration (Brier score) -")
    assert "where at most 5.0 may be lost" in because


def test_few_rows_are_asked_for_no_proof() -> None:
    """Sixty rows, or a label with three, are told of and not gated; fewer than twelve are not told of."""
    few = [found.required for found in guard_findings(labeled(0, 60, (0.9,) * 3, (0.9,) * 3), SETTINGS)]
    assert few == [False, False]
    rows = labeled(0, 900, (0.9,) * 3, (0.9,) * 3)
    uneven = [row for row in rows if row.target != "rare"] + [row for row in rows if row.target == "rare"][:3]
    assert [found.required for found in guard_findings(uneven, SETTINGS)] == [False, True]
    assert guard_findings(rows[:11], SETTINGS) == []


def test_gains_on_the_target_cover_nothing() -> None:
    """Rows of the target are left out, and so are rows that carry no replies."""
    rows = labeled(0, 300, (0.5,) * 3, (0.9,) * 3)
    won = [replace(row, group="new labels", said=(row.target, "x")) for row in labeled(1, 900, (0.9,) * 3, (0.9,) * 3)]
    assert len(measures([*rows, *won], ["new labels"])[0].differences) == 300
    assert of([*rows], MACRO_F1).refuted
    assert measures([PairedRow(candidate=1.0, champion=1.0)] * 50) == []


def test_rows_are_read_as_they_were_written() -> None:
    """With replies, confidence, form and cluster."""
    rows = (*labeled(0, 12, (0.9,) * 3, (0.9,) * 3, users=3), *written(0, 2, 0.5, 0.5))
    assert from_lines(to_lines(rows)) == rows


def test_a_pass_names_what_was_kept() -> None:
    """The verdict's sentence and its tests hold every guard metric that was asked for a proof."""
    rows = labeled(1, 1600, (0.97, 0.9, 0.85), (0.85, 0.8, 0.7))
    report = compare(Task(name="routing"), "ver_new", "ver_old", rows, SETTINGS, now=0.0)
    verdict = gate(report, rows, SETTINGS)
    assert {MACRO_F1, CALIBRATION} <= set(verdict.tests)
    assert all(verdict.tests[name] <= SETTINGS.alpha for name in (MACRO_F1, CALIBRATION))
    assert "nothing lost where it was good" in verdict.because
    assert report.groups[MACRO_F1].mean == pytest.approx(of(rows, MACRO_F1).score.mean)
