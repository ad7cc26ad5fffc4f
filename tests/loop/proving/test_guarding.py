"""Test rows carry what the gate asks of guard metrics, and name nobody."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from small_project import TASK

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.evaluate.figures import well_formed
from homeostat.evaluate.guarded import CALIBRATION, MACRO_F1
from homeostat.evaluate.score import PairedRow, from_lines
from homeostat.loop.proving import judging
from homeostat.loop.proving.guarding import guarded
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.task import Kind
from homeostat.types.version import Version
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


def test_of_texts_the_form_alone_is_kept(tmp_path: Path) -> None:
    """Whether each reply is of the form of the right one, and never the reply itself."""
    tasks = {"replies": Tasks(kind=Kind.TEXT)}
    config = Config(folder=str(tmp_path / "p"), model=Model(base=str(tiny.llama(tmp_path / "base"))), tasks=tasks)
    with closing(Workshop.open(config)) as shop:
        one, two = (
            Version(id=id, task="replies", time=0.0, base=config.model.base, kind="base") for id in ("ver_1", "ver_2")
        )
        rows = [
            Exam(text=f"ask {k}", target="7" if k % 2 else "words", time=0.0, tags={"episode": "ann"}) for k in range(6)
        ]
        plain = [PairedRow(id=str(k), group="replies", candidate=0.1, champion=0.1) for k in range(6)]
        found = guarded(shop, rows, plain, (one, two))
        said = shop.replies(shop.config.task("replies"), one, [row.text for row in rows])
    assert [row.formed[0] for row in found] == [
        well_formed(reply, row.target) for reply, row in zip(said, rows, strict=True)
    ]
    assert all(row.formed[0] == row.formed[1] for row in found)  # two names of one model
    assert all(row.said == ("", "") and not row.sure and not row.target for row in found)
    assert {row.cluster for row in found} == {"0"}
