"""Later labels close what is no mean of right replies: guard metrics, gaps between groups, disturbed suites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.account import charged, due
from homeostat.evaluate.again import concluded, opened, stand
from homeostat.evaluate.asked import Asked, Ground, Later
from homeostat.evaluate.besides import first_values, values_of
from homeostat.evaluate.fair import Demand, Measure, fair_findings
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.guarded import CALIBRATION, FORM, MACRO_F1
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.suites.beside import beside
from homeostat.stats.planned import Plan, Planned
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.suite import Terms
from homeostat.types.task import Task

SETTINGS, LIVE = Evaluate(), 0.05
UNDER = "suite robust under typos"


def texts(n: int, mine: float, theirs: float, seed: int = 0) -> list[PairedRow]:
    """Texts that candidate and champion give the right form so often; the candidate's agree a little better."""
    luck = np.random.default_rng(seed).random((n, 2))
    return [
        PairedRow(
            id=f"int_{k}",
            group="replies",
            candidate=0.62 + 0.02 * (k % 2),
            champion=0.6,
            formed=(float(a < mine), float(b < theirs)),
        )
        for k, (a, b) in enumerate(luck.tolist())
    ]


def labeled(n: int, *, sure: tuple[float, float] = (0.8, 0.8), gap: float = 0.0, seed: int = 0) -> list[PairedRow]:
    """Labels of which both get four in five right, the candidate fewer of one group."""
    rng = np.random.default_rng(seed)
    found = []
    for k, (a, b) in enumerate(rng.random((n, 2)).tolist()):
        who, target = "de" if k % 2 else "en", "refund" if k % 4 < 2 else "login"
        mine, theirs = a < 0.8 - gap * (who == "de"), b < 0.8
        said = (target if mine else "other", target if theirs else "other")
        found.append(
            PairedRow(
                id=f"int_{k}",
                group="known labels",
                candidate=float(mine),
                champion=float(theirs),
                tags={"language": who},
                target=target,
                said=said,
                sure=sure,
            )
        )
    return found


def looked(
    rows: Sequence[PairedRow], fair: Sequence[Demand] = (), suite: Sequence[PairedRow] = ()
) -> tuple[Report, list[PairedRow], Verdict]:
    """The gate's first word."""
    report, every = compare(Task(name="routing"), "ver_new", "ver_old", rows, SETTINGS, now=7.0), list(rows)
    if suite:
        report = beside(report, rows, suite, {row.group: Terms() for row in suite}, SETTINGS)
        every += suite
    return report, every, charged(gate(report, every, SETTINGS, fair=fair), report, due([], SETTINGS.alpha))


def later(rows: Sequence[PairedRow], **more: bool) -> list[Later]:
    return [Later(row=row, differ=row.candidate != row.champion, **more) for row in rows]


def test_a_form_that_was_left_open_is_shown_by_later_texts() -> None:
    """A champion that is always of the right form, a candidate that failed on 15 of 400: not excluded to be worse by
    five points. Later replies show that it is not; where five of a hundred are lost they do not.
    """
    first = texts(385, 1.1, 1.1) + [replace(row, formed=(0.0, 1.0)) for row in texts(15, 1.1, 1.1)]
    report, rows, unsure = looked(first)
    assert unsure.tests[FORM] > SETTINGS.alpha
    claims, left = opened(unsure, report, rows, SETTINGS, Ground(live=LIVE))
    claim = next(one for one in claims if one.name == FORM)
    assert (claim.what, claim.bound, left) == (FORM, -0.05, [])
    assert 0.0 < claim.level < 0.05
    good, poor = later(texts(1200, 0.985, 1.0, 3)), later(texts(1200, 0.95, 1.0, 4))
    assert stand(claim, good, None, 0.05).shown
    assert not stand(claim, poor, None, 0.05).shown
    assert values_of(claim, later(texts(9, 1.0, 1.0), lot=True)).size == 0  # asked for because the two differ
    said = concluded(unsure, [stand(claim, good[:50], None, 0.05)], left, 50, now=9.0)
    assert f"{FORM} (nothing lost, by 5.0 points): " in said.because
    assert said.outcome is Outcome.UNSURE


def test_a_confidence_that_says_too_much_is_not_passed_by_later_labels() -> None:
    """The Brier score, row by row: a candidate as sure as the champion gets through, a surer one does not."""
    report, rows, unsure = looked(labeled(400))
    unsure = replace(unsure, outcome=Outcome.UNSURE, tests={**unsure.tests, CALIBRATION: 0.2})
    claim = next(one for one in opened(unsure, report, rows, SETTINGS, Ground(live=LIVE))[0] if one.name == CALIBRATION)
    values = first_values(claim, labeled(400))
    assert abs(values.mean()) < 0.05
    assert np.all(np.abs(values) <= 1.0)
    assert stand(claim, later(labeled(1300, seed=5)), None, 0.05).shown
    over = later(labeled(900, sure=(1.0, 0.8), seed=6))  # 0.2 beside 0.16
    assert not stand(replace(claim, bound=-0.02), over, None, 0.05).shown


def test_groups_that_were_not_shown_to_be_alike_are_shown_by_later_labels() -> None:
    """Each ordered pair by itself; one that is ten points behind stays open, and the sentence names it."""
    demand = Demand(tag="language", measure=Measure.ACCURACY, margin=0.1)
    first = labeled(500, gap=0.06, seed=1)
    report, rows, unsure = looked(first, [demand])
    name = fair_findings(first, [demand], SETTINGS)[0].name
    assert unsure.tests[name] > SETTINGS.alpha
    claims, left = opened(unsure, report, rows, SETTINGS, Ground(live=LIVE, fair=(demand,)))
    gaps = [one for one in claims if one.gap is not None]
    assert {one.name for one in gaps} == {"accuracy by language, en over de", "accuracy by language, de over en"}
    assert name in {one.name for one in gaps}
    assert left == []
    alike, behind = later(labeled(1600, seed=2)), later(labeled(1600, gap=0.1, seed=3))
    assert all(stand(one, alike, None, 0.05).shown for one in gaps)
    shown = {one.name: stand(one, behind, None, 0.05).shown for one in gaps}
    assert shown == {"accuracy by language, en over de": False, "accuracy by language, de over en": True}
    said = concluded(unsure, [stand(one, behind, None, 0.05) for one in gaps], left, 1600, now=9.0).because
    assert "accuracy by language, en over de (at most 10.0 points apart): 800 pairs labeled" in said


@pytest.mark.parametrize(
    ("measure", "among"),
    [
        (Measure.EQUAL_OPPORTUNITY, {"recall"}),
        (Measure.EQUALIZED_ODDS, {"recall", "false"}),
        (Measure.DEMOGRAPHIC_PARITY, {"share"}),
    ],
)
def test_every_measure_is_asked_again_as_it_was_asked(measure: Measure, among: set[str]) -> None:
    """By label; what is put side by side are the rows that the measure is about, and their means are the gate's."""
    demand = Demand(tag="language", measure=measure, margin=0.1, label="refund")
    rows = labeled(1200, gap=0.1, seed=8)
    report, every, unsure = looked(rows, [demand])
    names = [one.name for one in fair_findings(rows, [demand], SETTINGS) if one.required]
    unsure = replace(unsure, outcome=Outcome.UNSURE, tests={**unsure.tests, **dict.fromkeys(names, 0.4)})
    gaps = [one for one in opened(unsure, report, every, SETTINGS, Ground(live=LIVE, fair=(demand,)))[0] if one.gap]
    assert {one.gap.among for one in gaps if one.gap} <= among
    for found in fair_findings(rows, [demand], SETTINGS):
        for claim in gaps:
            if claim.name == found.name:
                assert -first_values(claim, rows).mean() == pytest.approx(-found.score.mean, abs=0.03)


def test_a_gap_at_its_margin_is_shown_as_seldom_as_its_level_says() -> None:
    """2,000 candidates whose groups are just ten points apart, looked at after every one of 400 pairs of rows."""
    rng, level = np.random.default_rng(9), 0.05
    game = Planned(np.full(2000, -0.1), Plan(rows=200, alpha=level, square=1.0))
    more, less = (rng.random((400, 2000)) < share for share in (0.8, 0.7))
    game.extend(less.astype(float) - more)
    assert 0.0 < float((game.p <= level).mean()) <= level


def test_a_suite_of_test_rows_gets_a_case_with_every_label() -> None:
    """A list of cases does not: nothing to come belongs to it, nor to a macro F1."""
    rng = np.random.default_rng(10)
    asked = [
        PairedRow(id=f"suite.{k}", group=part, candidate=float(mine), champion=1.0)
        for part in (UNDER, "suite golden")
        for k, mine in enumerate(rng.random(300) < 0.975)
    ]
    report, rows, unsure = looked(labeled(400), suite=asked)
    opens = {UNDER: 0.2, "suite golden": 0.2, MACRO_F1: 0.2}
    unsure = replace(unsure, outcome=Outcome.UNSURE, tests={**unsure.tests, **opens})
    claims, left = opened(unsure, report, rows, SETTINGS, Ground(live=LIVE, disturbed=(UNDER,)))
    assert left == ["suite golden", MACRO_F1]
    claim = next(one for one in claims if one.what == UNDER)
    assert claim.bound == -report.suites[UNDER].margin
    assert first_values(claim, rows).mean() == pytest.approx(-0.025, abs=0.02)
    plain = later(labeled(1500, seed=11))
    kept = [replace(pair, suites={UNDER: (1.0, 1.0)}) for pair in plain]
    lost = [replace(pair, suites={UNDER: (float(k % 10 > 0), 1.0)}) for k, pair in enumerate(plain)]
    assert stand(claim, kept, None, 0.05).shown
    assert not stand(claim, lost, None, 0.05).shown
    assert stand(claim, plain, None, 0.05).n == 0


def test_the_target_is_left_out_of_what_guards() -> None:
    """A confident reply to a new label says nothing of the old ones."""
    claim = Asked(name=FORM, bound=-0.05, level=0.01, rows=50, gain=False, what=FORM, without=("new labels",))
    new = [replace(row, group="new labels") for row in texts(30, 0.0, 1.0)]
    assert values_of(claim, later([*texts(20, 1.0, 1.0), *new])).tolist() == [0.0] * 20
