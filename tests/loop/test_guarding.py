"""Test rows carry what the gate asks of guard metrics, and name nobody."""

from __future__ import annotations

from dataclasses import replace

from small_project import TASK

from homeostat.evaluate.guarded import CALIBRATION, MACRO_F1
from homeostat.evaluate.score import from_lines
from homeostat.loop import judging
from homeostat.loop.workshop import Workshop
from loop.bystander import NOW, candidate


def test_reports_tell_guard_metrics_and_name_nobody(shop: Workshop) -> None:
    """What was replied, how sure, and which rows are of one user, by number; both metrics with paired differences."""
    suite = shop.suite(TASK)
    shop.put_suite(TASK, [replace(row, tags={"user": f"ann{k // 4}"}) for k, row in enumerate(suite)])
    report = shop.store.reports.get(judging.evaluate(shop, NOW, candidate(shop)))
    text = shop.store.blobs.text(report.rows)
    rows = from_lines(text)
    assert "ann" not in text
    assert all(len(row.sure) == 2 and row.said[0] == row.said[1] for row in rows)
    assert len({row.cluster for row in rows}) == len(rows) // 4
    assert [report.groups[name].n for name in (MACRO_F1, CALIBRATION)] == [160, 160]
    assert report.groups[CALIBRATION].mean == 0.0
