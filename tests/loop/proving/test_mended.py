"""Suites that grow by themselves: what a champion got wrong and the next one right, of test rows and live requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Tasks
from homeostat.evaluate.gate import compare
from homeostat.evaluate.score import PairedRow, to_lines
from homeostat.loop.proving.examining import asked, fence
from homeostat.loop.proving.mended import grown, mended
from homeostat.loop.proving.suites import keep
from homeostat.loop.proving.wear import row_id
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import promote, rollback
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.suite import Case, Suite
from homeostat.types.version import Version

TASK = "routing"
SUITE = Suite(name="fixed", task=TASK, check="equals", fixed=2)
EXAMS = [Exam(text=f"test {k}", target="refund", time=float(k)) for k in range(4)]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """Four test rows, and three versions, of which one answers."""
    config = Config(folder=str(tmp_path / "p"), tasks={TASK: Tasks()})
    with closing(Workshop.open(config)) as opened:
        for name in "abc":
            known = Version(id=f"ver_{name}", task=TASK, time=0.0, base="builtin", kind="base", labels=("refund",))
            opened.store.versions.put(known)
        opened.put_suite(TASK, EXAMS)
        promote(opened.store, TASK, "ver_a", "first", now=10.0)
        keep(opened.store, SUITE)
        yield opened


def gated(shop: Workshop, candidate: str, champion: str, won: set[int], *, at: float) -> None:
    """A report in which the candidate has these test rows right and the champion has not; both have the others."""
    rows = [
        PairedRow(id=row_id(row), group="known labels", candidate=1.0, champion=float(k not in won))
        for k, row in enumerate(EXAMS)
    ]
    report = compare(shop.config.task(TASK), candidate, champion, rows, shop.config.evaluate, now=at)
    shop.store.reports.put(replace(report, id=f"rep_{candidate}", rows=shop.store.blobs.put_text(to_lines(rows))))


def live(shop: Workshop, id: str, candidate: str, replies: tuple[str, str], *, source: str = "ann") -> None:
    """A request that both answered, candidate first, and of which somebody said that `refund` is right."""
    row = Interaction(id=id, task=TASK, time=20.0, text=f"live {id}", reply=replies[1], version="ver_a")
    copy = replace(row, id=f"{id}s", reply=replies[0], version=candidate, role=Role.SHADOW, of=id)
    shop.store.interactions.add([row, copy])
    said = {"kind": FeedbackKind.LABEL, "value": "refund", "time": 21.0, "source": source}
    shop.store.feedback.add([Feedback(id=f"fbk_{id}", interaction=id, **said)])


def texts(shop: Workshop, until: float = 99.0) -> list[str]:
    return [case.text for case in mended(shop, TASK, until)]


def test_what_the_next_champion_gets_right_is_a_case(shop: Workshop) -> None:
    """From its release on; of one that was never released nothing was mended, and a way back mends nothing."""
    gated(shop, "ver_b", "ver_a", {1, 2}, at=12.0)
    gated(shop, "ver_c", "ver_a", {3}, at=13.0)
    assert texts(shop) == []
    promote(shop.store, TASK, "ver_b", "better", now=30.0)
    assert mended(shop, TASK, 99.0) == [Case(text=f"test {k}", expect="refund") for k in (1, 2)]
    assert texts(shop, until=29.0) == []
    rollback(shop.store, TASK, "complaints", now=40.0)
    assert texts(shop) == ["test 1", "test 2"]


def test_live_requests_count_as_people_say(shop: Workshop) -> None:
    """What the champion got wrong and the candidate right, by people; a judge's word mends nothing."""
    live(shop, "int_1", "ver_b", ("refund", "login"))
    live(shop, "int_2", "ver_b", ("login", "refund"))
    live(shop, "int_3", "ver_b", ("refund", "refund"))
    live(shop, "int_4", "ver_b", ("refund", "login"), source="judge:large")
    live(shop, "int_5", "ver_c", ("refund", "login"))
    promote(shop.store, TASK, "ver_b", "better", now=30.0)
    assert texts(shop) == ["live int_1"]
    assert texts(shop, until=20.5) == []  # nobody had said so yet


def test_a_suite_grows_and_is_fenced(shop: Workshop) -> None:
    """By the newest that it wants, none of them twice; what it asks is fenced from training, live requests too."""
    assert asked(shop, shop.config.task(TASK), 99.0) == ([], {})
    gated(shop, "ver_b", "ver_a", {0, 1}, at=12.0)
    live(shop, "int_1", "ver_b", ("refund", "login"))
    promote(shop.store, TASK, "ver_b", "better", now=30.0)
    (suite,) = grown(shop, TASK, 99.0)
    assert [case.text for case in suite.cases] == ["test 1", "live int_1"]
    questions, demanded = asked(shop, shop.config.task(TASK), 99.0)
    assert ([one.text for one in questions], list(demanded)) == (["test 1", "live int_1"], ["suite fixed"])
    assert "live int_1" in fence(shop, TASK)
    keep(shop.store, replace(SUITE, cases=(Case(text="live int_1", expect="refund"),)))
    (own,) = grown(shop, TASK, 99.0)
    assert [case.text for case in own.cases] == ["live int_1", "test 0", "test 1"]
    keep(shop.store, replace(SUITE, fixed=0, cases=(Case(text="mine", expect="refund"),)))
    assert fence(shop, TASK) == [*(row.text for row in EXAMS), "mine"]


def test_what_was_erased_is_no_case(shop: Workshop) -> None:
    """A test row that is gone, and a report whose rows are."""
    gated(shop, "ver_b", "ver_a", {1, 2}, at=12.0)
    promote(shop.store, TASK, "ver_b", "better", now=30.0)
    shop.put_suite(TASK, EXAMS[2:])
    assert texts(shop) == ["test 2"]
    shop.store.erasure.remove_blobs([shop.store.reports.get("rep_ver_b").rows])
    assert texts(shop) == []
