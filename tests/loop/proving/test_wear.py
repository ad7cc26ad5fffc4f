"""Test rows wear: what has gated twelve candidates proves no gain any more, and guards apart from all others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_project import START, TASK

from homeostat.config.schema import Config, Tasks
from homeostat.evaluate.account import charged, due
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow, to_lines
from homeostat.loop.proving import judging
from homeostat.loop.proving.wear import RETIRED, WORN, rested, row_id, used, worn
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.report import Outcome, Verdict
from loop.bystander import NOW, candidate

NEEDED = 247


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Workshop]:
    """A store and a suite of 250 rows; nobody asks a model."""
    config = Config(folder=str(tmp_path / "project"), tasks={TASK: Tasks()})
    with closing(Workshop.open(config)) as opened:
        opened.put_suite(TASK, exams("old", 250))
        yield opened


def exams(name: str, n: int) -> list[Exam]:
    return [Exam(text=f"{name} request {k}", target="x", time=START) for k in range(n)]


def judged(shop: Workshop, d: np.ndarray, rows: Sequence[Exam], *, wear: bool = True) -> Verdict:
    """What the gate and the account say of a candidate that differs so from the champion, and written down."""
    pairs = [
        PairedRow(id=row_id(row), group="known", candidate=float(x > 0), champion=float(x < 0))
        for row, x in zip(rows, d, strict=True)
    ]
    settings, known = shop.config.evaluate, shop.store.verdicts.list(TASK)
    report = compare(shop.config.task(TASK), "ver_new", "ver_old", pairs, settings, now=START)
    report = replace(report, id=f"rep_{len(known)}", rows=shop.store.blobs.put_text(to_lines(pairs)))
    age = worn(shop.store, report, pairs) if wear else 0
    verdict = charged(gate(report, pairs, settings), report, replace(due(known, settings.alpha), worn=age))
    shop.store.reports.put(report)
    shop.store.verdicts.put(replace(verdict, id=f"vdt_{len(known)}"))
    return verdict


def test_rows_retire_when_they_are_worn_and_others_suffice(bare: Workshop) -> None:
    """Until twelve candidates they gate; after that too if nothing else is there, but prove nothing; with fresh rows in
    number they only guard.
    """
    old, good = bare.suite(TASK), np.array([1] * 40 + [0] * 210)
    for _ in range(WORN):
        assert rested(bare, TASK, old).gating == tuple(old)
        assert judged(bare, good, old).outcome is Outcome.PASS
    assert set(used(bare.store, TASK).values()) == {WORN}
    late = judged(bare, good, old)
    assert late.outcome is Outcome.UNSURE
    assert f"its test rows have gated {WORN} candidates before" in late.because
    few, many = exams("few", NEEDED - 1), exams("many", NEEDED)
    assert rested(bare, TASK, [*old, *few]).gating == (*old, *few)
    found = rested(bare, TASK, [*old, *many])
    assert (found.gating, found.retired) == (tuple(many), tuple(old))


def test_rows_of_a_report_that_was_erased_are_not_counted(bare: Workshop) -> None:
    """What is gone is not read."""
    judged(bare, np.ones(250), bare.suite(TASK))
    bare.store.blobs.erase(bare.store.reports.list(TASK)[-1].rows)
    assert used(bare.store, TASK) == {}


def votes(shop: Workshop, candidates: int, *, wear: bool) -> list[Outcome]:
    """What is said of candidates of a maker who keeps to what did well: each answers some requests otherwise, where the
    champion and the other answer are right with even chances; he is told the mean. All of them are truly no better.
    """
    rng, rows = np.random.default_rng(4), shop.suite(TASK)
    side, liked, said = rng.choice([-1, 1], len(rows)), np.zeros(len(rows)), []
    for k in range(candidates):
        changed = liked > 0 if k == candidates - 1 else rng.random(len(rows)) < 0.3
        said.append(judged(shop, changed * side, rows, wear=wear).outcome)
        liked += np.sign((changed * side).sum()) * (changed - 0.3)
    return said


@pytest.mark.slow
def test_who_adapts_to_rows_that_never_change_gets_through(bare: Workshop, tmp_path: Path) -> None:
    """The account alone lets the 80th candidate of an adaptive maker pass, who on worn rows gets nowhere."""
    assert votes(bare, 80, wear=False)[-1] is Outcome.PASS
    config = replace(bare.config, folder=str(tmp_path / "other"))
    with closing(Workshop.open(config)) as other:
        other.put_suite(TASK, bare.suite(TASK))
        assert Outcome.PASS not in votes(other, 80, wear=True)


def test_a_turn_asks_retired_rows_whether_anything_was_lost(shop: Workshop) -> None:
    """They stand in the report as a part of their own; the mean is that of the fresh rows."""
    copy = candidate(shop)
    shop.config = replace(shop.config, evaluate=replace(shop.config.evaluate, small_margin=0.2))
    for k in range(WORN):
        now = replace(NOW, turn=f"trn_{k}")
        judging.gate(shop, now, judging.evaluate(shop, now, copy), copy)
    suite = shop.suite(TASK)
    fresh = [replace(row, text=f"{row.text} again") for row in suite[:100]]
    shop.put_suite(TASK, [*suite, *fresh])
    now = replace(NOW, turn="trn_last")
    report = shop.store.reports.get(judging.evaluate(shop, now, copy))
    assert (report.candidate_score.n, report.suites[RETIRED].candidate.n) == (100, 220)
    verdict = shop.store.verdicts.get(judging.gate(shop, now, report.id, copy))
    assert verdict.tests[RETIRED] <= 0.05
    assert verdict.spent is not None
    assert (verdict.spent.place, verdict.spent.worn) == (WORN + 1, 0)
