"""A judge that says more of a candidate than people do is found out; one that is right about it is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.overrated import FEWEST, Compared, Times, heeded, longer, looked, overrated
from homeostat.evaluate.score import PairedRow
from homeostat.types.report import Outcome, Verdict
from homeostat.types.task import Task

ALPHA = 0.05


def requests(
    seed: int, n: int = 300, *, gain: float = 0.0, liking: float = 0.0, hack: float = 0.0, told: float = 0.4
) -> list[Compared]:
    """Requests of which people's difference is `gain` on average and the judge's as much as that, `hack` more, and
    `liking` more for a reply that is as much longer as can be; candidates write a third more.
    """
    rng = np.random.default_rng(seed)
    quality = rng.normal(gain, 0.25, n)
    length = np.clip(rng.normal(0.15 if liking else 0.0, 0.15, n), -0.9, 0.9)
    judge = np.clip(quality + hack + liking * length + rng.normal(0.0, 0.2, n), -1.0, 1.0)
    people = np.clip(quality + rng.normal(0.0, 0.2, n), -1.0, 1.0)
    spoke = rng.random(n) < told
    return [
        Compared(judge=float(j), people=float(p) if said else None, length=float(x))
        for j, p, x, said in zip(judge, people, length, spoke, strict=True)
    ]


def flagged(runs: int, **how: float) -> tuple[float, float]:
    """Shares of the draws in which people, and the length, speak against the judge."""
    found = [overrated("judge", requests(seed, **how), ALPHA) for seed in range(runs)]  # type: ignore[arg-type]
    kept = [one for one in found if one is not None]
    assert len(kept) == runs
    return float(np.mean([one.by_people for one in kept])), float(np.mean([one.by_length for one in kept]))


def test_a_gain_that_people_do_not_see_is_found_and_an_honest_one_is_not() -> None:
    """A judge that is pleased by twenty points where people see nothing is found in most draws; one whose gain is
    people's too, or half people's, in no more than alpha allows.
    """
    assert flagged(60, hack=0.2)[0] >= 0.8
    assert max(flagged(60, gain=0.15)) <= ALPHA
    assert flagged(120, gain=0.08, hack=0.08, told=0.08)[0] <= 0.1  # the edge: half arrives; few people, weak proof


def test_a_liking_for_length_is_found_without_a_word_of_people() -> None:
    """What is left at equal length is told by the judge alone; a gain that people see clears longer replies."""
    assert flagged(60, liking=1.2, told=0.0)[1] >= 0.9
    assert flagged(60, liking=0.8, gain=0.1)[1] <= ALPHA
    assert flagged(60, gain=0.1, told=0.0)[1] <= ALPHA


def test_its_figures_are_those_of_least_squares() -> None:
    """The gain at equal length is the intercept of the regression on length, with its robust interval (HC0 here)."""
    rows = requests(3, n=400, liking=0.6)
    found = overrated("judge", rows, ALPHA)
    assert found is not None
    assert found.even is not None
    x = np.column_stack([np.ones(400), [row.length for row in rows]])
    y = np.array([row.judge for row in rows])
    fit, *_ = np.linalg.lstsq(x, y, rcond=None)
    inner = np.linalg.inv(x.T @ x)
    spread = inner @ (x.T * (y - x @ fit) ** 2) @ x @ inner
    assert found.even.mean == pytest.approx(float(fit[0]), abs=1e-12)
    assert (found.even.high - found.even.low) / 2 == pytest.approx(1.645 * spread[0, 0] ** 0.5, rel=0.02)
    assert found.rating.mean == pytest.approx(float(y.mean()))
    assert overrated("judge", [replace(row, length=0.2) for row in rows], ALPHA).even is None  # type: ignore[union-attr]


def test_requests_of_one_user_are_not_many() -> None:
    """Twenty requests of each of six users, all of them alike, prove nothing that sixty would."""
    rng = np.random.default_rng(5)
    mood = rng.normal(0.05, 0.3, 6)
    rows = [Compared(judge=0.4, people=float(mood[k % 6]), cluster=f"u{k % 6}") for k in range(120)]
    together, alone = (overrated("judge", some, ALPHA) for some in (rows, [replace(r, cluster="") for r in rows]))
    assert together is not None
    assert alone is not None
    assert together.people is not None
    assert alone.people is not None
    assert together.people.high - together.people.low > 3 * (alone.people.high - alone.people.low)
    assert together.p_people > alone.p_people


def test_looks_share_a_level() -> None:
    """What is divided among looks is asked of each; too few requests say nothing."""
    rows = requests(1, hack=0.15)
    ps = [
        found.p_people for parts in (1, 12) if (found := overrated("judge", rows, ALPHA, parts=(parts, 1))) is not None
    ]
    assert ps[0] == ps[1]
    once, often = (overrated("judge", rows, 2.5 * ps[0], parts=(parts, 1)) for parts in (1, 12))
    assert once is not None
    assert often is not None
    assert once.by_people
    assert not often.by_people
    assert overrated("judge", rows[: FEWEST - 1], ALPHA) is None
    with pytest.raises(ValueError, match="no level"):
        overrated("judge", rows, 0.0)


def test_each_is_asked_anew_only_as_what_it_needs_has_doubled() -> None:
    """Between, what was found stays, whatever the rows say by then; a gain that people see clears a longer reply."""
    bent, told = requests(1, n=640, hack=0.25, told=0.0), requests(4, n=640, hack=0.25, told=1.0)
    first, then = looked("judge", [*told[:40], *bent[:40]], ALPHA, None, Times())
    assert first is not None
    assert then == (2, 3, 1, 1)
    assert looked("judge", [*told[:40], *bent[:100]], ALPHA, first, then) == (first, then)
    more, now = looked("judge", [*told[:40], *bent[:300]], ALPHA, first, then)
    assert more is not None
    assert now == (2, 5, 1, 2)
    assert (more.p_people, more.by_people) == (first.p_people, first.by_people)
    assert more.rating.n == 340
    again, _ = looked("judge", [*told[:80], *bent[:300]], ALPHA, more, now)
    assert again is not None
    assert again.by_people
    assert again.p_people < more.p_people
    assert looked("judge", told[:10], ALPHA, None, Times()) == (None, Times())
    likes, seen = requests(3, n=300, liking=1.2, told=0.0), requests(5, n=300, liking=1.2, gain=0.3, told=1.0)
    long, then = looked("judge", likes, ALPHA, None, Times())
    assert long is not None
    assert long.by_length
    cleared, _ = looked("judge", [*likes[:270], *seen[:40]], ALPHA, long, then)
    assert cleared is not None
    assert not cleared.shown


def test_how_much_longer() -> None:
    """Twice as long is a third, the other way round minus that; nothing beside nothing is none."""
    assert longer("ab" * 500, "a" * 500) == pytest.approx(1 / 3, abs=1e-3)
    assert longer("a", "a" * 9) == -longer("a" * 9, "a")
    assert longer("", "") == 0.0


def passed() -> Verdict:
    """A gate's PASS."""
    rows = [PairedRow(id=str(k), group="all", candidate=1.0, champion=float(k % 3 > 0)) for k in range(600)]
    report = compare(Task(name="routing"), "ver_new", "ver_old", rows, Evaluate(), now=1.0)
    verdict = gate(report, rows, Evaluate())
    assert verdict.outcome is Outcome.PASS
    return verdict


def test_a_verdict_warns_and_asks_for_people_where_it_rests_on_a_judge() -> None:
    """With figures; nothing is said of a judge that is right, and one that fails stays so."""
    verdict = passed()
    honest, bent = (overrated("judge:large", requests(2, gain=g, hack=h), ALPHA) for g, h in ((0.2, 0.0), (0.0, 0.2)))
    assert honest is not None
    assert bent is not None
    assert heeded(verdict, [honest], alone=True) == verdict
    warned = heeded(verdict, [honest, bent], alone=False)
    assert warned.outcome is Outcome.PASS
    assert warned.because.startswith(f"{verdict.because}; mind that judge:large says +")
    assert "it overrates the candidate (p = " in warned.because
    unsure = heeded(verdict, [bent], alone=True)
    assert unsure.outcome is Outcome.UNSURE
    assert unsure.because.startswith("undecided: +33.3 points")
    assert "that is a judge's word alone" in unsure.because
    assert unsure.tests == verdict.tests
    failed = replace(verdict, outcome=Outcome.FAIL)
    assert heeded(failed, [bent], alone=True).outcome is Outcome.FAIL
