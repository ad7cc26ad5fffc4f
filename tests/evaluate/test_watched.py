"""The gate for those who look again says at every look what the rows prove, and keeps its word over all looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.groups import SMALL
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.watched import Watch
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Task

TASK = Task(name="routing")
SETTINGS = Evaluate(margin=0.05)


def drawn(rates: dict[str, tuple[float, float]], n: int, seed: int = 0) -> list[PairedRow]:
    """Rows of groups in turn, each won or lost alone at the group's rates."""
    rng, names, rows = np.random.default_rng(seed), list(rates), []
    for k in range(n):
        win, lose = rates[names[k % len(names)]]
        luck = rng.random()
        mine, theirs = float(luck < win), float(win <= luck < win + lose)
        rows.append(PairedRow(id=str(k), group=names[k % len(names)], candidate=mine, champion=theirs))
    return rows


def look(rows: list[PairedRow], watch: Watch, **more: str) -> tuple[Report, Verdict]:
    """The report and the verdict on rows that have come so far."""
    once = compare(TASK, "ver_new", "ver_old", rows, watch.settings, now=7.0, target=watch.target)
    report = watch.report(once, rows)
    return report, watch.verdict(report, rows, **more)


def test_a_good_candidate_is_unsure_until_it_passes() -> None:
    """Better everywhere: the first rows say unsure and how many would decide, later ones pass, as one look does."""
    watch = Watch(settings=SETTINGS, planned={"a": 400, "b": 400})
    rows = drawn({"a": (0.12, 0.03), "b": (0.12, 0.03)}, 800)
    outcomes = [look(rows[:n], watch)[1] for n in (40, 800)]
    assert [one.outcome for one in outcomes] == [Outcome.UNSURE, Outcome.PASS]
    assert outcomes[0].because.startswith("undecided: ")
    assert " such rows would decide" in outcomes[0].because
    report, verdict = look(rows, watch, artifact="hash of the folder")
    assert verdict.because == (
        "+6.8 points (4.7 to 9.4, n=800) overall; "
        "nothing lost where it was good: a +6.2 (3.0 to 10.1), b +7.2 (4.6 to 11.4)"
    )
    assert (verdict.artifact, verdict.report, verdict.candidate) == ("hash of the folder", report.id, "ver_new")
    assert set(verdict.tests) == {"overall", "a", "b"}
    assert max(verdict.tests.values()) <= SETTINGS.alpha
    once = compare(TASK, "ver_new", "ver_old", rows, SETTINGS, now=7.0)
    assert gate(once, rows, SETTINGS).outcome is Outcome.PASS
    watched, single = report.difference, once.difference
    assert single.high - single.low < watched.high - watched.low < 1.5 * (single.high - single.low)
    assert report.id != once.id
    assert report.candidate_score == once.candidate_score


def test_what_was_proven_stays_proven() -> None:
    """A later row takes nothing back: the p-values of looks never rise."""
    watch = Watch(settings=SETTINGS, planned={"a": 300, "b": 300})
    rows = drawn({"a": (0.15, 0.05), "b": (0.05, 0.05)}, 600, seed=3)
    seen = [watch.p_values(rows[:n]) for n in (50, 200, 400, 600)]
    for name in seen[0]:
        values = [tests[name] for tests in seen]
        assert values == sorted(values, reverse=True)


def test_a_slice_that_is_broken_is_refused() -> None:
    """Better overall and twenty points worse in one slice: it fails, early, and the sentence names the slice."""
    watch = Watch(settings=SETTINGS, planned={"a": 400, "b": 400})
    _, verdict = look(drawn({"a": (0.3, 0.02), "b": (0.02, 0.22)}, 400), watch)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("refused: it forgot — b -")


def test_equal_is_unsure() -> None:
    """No gain is not shown to be one, and not shown to be none."""
    watch = Watch(settings=SETTINGS, planned={"a": 400})
    assert look(drawn({"a": (0.05, 0.05)}, 400), watch)[1].outcome is Outcome.UNSURE


@pytest.mark.slow
def test_a_group_at_its_margin_passes_at_most_alpha() -> None:
    """80 runs, one group having lost exactly what may be lost: 5 % are ever shown not to have, but for luck."""
    watch, passed = Watch(settings=SETTINGS, planned={"good": 250, "bad": 250}), 0
    for seed in range(80):
        rows = drawn({"good": (0.3, 0.02), "bad": (0.025, 0.075)}, 500, seed)
        passed += watch.p_values(rows)["bad"] <= SETTINGS.alpha
    assert passed <= 80 * 0.05 + 3 * np.sqrt(80 * 0.05 * 0.95)


def test_the_plan_says_who_is_gated_alone() -> None:
    """A group that is planned to be large is asked for its proof from the first row; small and unknown ones are pooled,
    however many rows of them come, so that no look changes the claims.
    """
    watch = Watch(settings=SETTINGS, planned={"large": 1000, "small": 100})
    rows = drawn({"large": (0.1, 0.02), "small": (0.1, 0.02), "new": (0.1, 0.02)}, 30)
    report, verdict = look(rows, watch)
    assert report.gated == ("large",)
    assert report.groups[SMALL].n == 20
    assert set(verdict.tests) == {"overall", "large"}
    assert "too few rows to demand a proof: small groups" in verdict.because
    many = drawn({"new": (0.1, 0.02), "large": (0.1, 0.02)}, 600)
    assert look(many, watch)[0].gated == ("large",)


def test_a_planned_group_without_rows_keeps_the_verdict_open() -> None:
    """Nothing is known of it, and that is said."""
    watch = Watch(settings=SETTINGS, planned={"a": 400, "b": 400})
    report, verdict = look(drawn({"a": (0.4, 0.02)}, 300), watch)
    assert verdict.outcome is Outcome.UNSURE
    assert "is not excluded in b +0.0 (-100.0 to +100.0, n=0)" in verdict.because
    assert report.groups["b"].n == 0


def test_a_target_has_to_gain() -> None:
    """Where a target is named, and has rows enough by plan, a gain elsewhere does not stand in for it."""
    rates = {"new": (0.05, 0.05), "old": (0.3, 0.02)}
    planned = {"new": 200, "old": 300}
    assert look(drawn(rates, 400), Watch(settings=SETTINGS, planned=planned))[1].outcome is Outcome.PASS
    aimed = look(drawn(rates, 400), Watch(settings=SETTINGS, planned=planned, target=("new",)))[1]
    assert aimed.outcome is Outcome.UNSURE
    assert set(aimed.tests) == {"overall", "new", "old"}
    gained = look(drawn(rates | {"new": (0.4, 0.02)}, 400), Watch(settings=SETTINGS, planned=planned, target=("new",)))
    assert gained[1].outcome is Outcome.PASS


def test_no_loss_at_all_and_any_loss() -> None:
    """Margins of nothing and of everything are bounds that can be played for."""
    for margin in (0.0, 1.0):
        settings = Evaluate(margin=margin, small_margin=margin)
        _, verdict = look(drawn({"a": (0.5, 0.01)}, 120), Watch(settings=settings, planned={"a": 120}))
        assert verdict.outcome is Outcome.PASS


def test_other_rows_are_refused() -> None:
    """A report speaks of its own rows."""
    watch = Watch(settings=SETTINGS, planned={"a": 100})
    rows = drawn({"a": (0.5, 0.01)}, 40)
    report, _ = look(rows, watch)
    with pytest.raises(ValueError, match="other rows"):
        watch.verdict(report, rows[:-1])


def test_who_comes_back_is_heard_once() -> None:
    """Users with eight rows that fare alike: a loss of the margin is called none by rows alone, by users hardly ever;
    intervals are those of users, and users who ask once are told of as before, a little later.
    """
    watch, said = Watch(settings=SETTINGS, planned={"a": 250}), {"users": 0, "rows": 0}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        fates = rng.choice([1, -1, 0], 60, p=[0.05, 0.1, 0.85])
        rows = [
            PairedRow(id=f"{u} {k}", group="a", candidate=float(d > 0), champion=float(d < 0), cluster=f"user {u}")
            for u, d in enumerate(fates.tolist())
            for k in range(8)
        ]
        alone = [replace(row, cluster="") for row in rows]
        said["users"] += watch.p_values(rows)["a"] <= SETTINGS.alpha
        said["rows"] += watch.p_values(alone)["a"] <= SETTINGS.alpha
    assert said["users"] <= 1
    assert said["rows"] >= 2
    assert said["users"] < said["rows"]
    users, single = look(rows, watch)[0].groups["a"], look(alone, watch)[0].groups["a"]
    assert users.mean == single.mean
    assert users.n == single.n
    assert users.low <= single.low < single.high <= users.high
    once = [replace(row, cluster=f"user {k}") for k, row in enumerate(alone)]
    told, before = (watch.p_values(each)["a"] for each in (once, alone))
    assert before <= told <= 1.3 * before
