"""What two versions do on a task's suites."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from small_project import DAY, START, TASK, configuration, rows, tiny_base

from homeostat.builtin.resources import model_path
from homeostat.evaluate.gate import compare
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow, fingerprint
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.loop.proving.examining import answered, asked, beside_suites, fence, scored
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.intervals import proportion
from homeostat.types.suite import Case, Suite
from homeostat.types.version import Version

LABELS = ("refund", "delivery", "login", "invoice")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """Two versions of a model that knows nothing, one of which can only say `refund`, and twelve test rows."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    config = configuration(tmp_path / "project", tiny_base(tmp_path / "base"))
    with closing(Workshop.open(config)) as opened:
        for name, labels in (("one", LABELS[:1]), ("all", LABELS)):
            opened.store.versions.put(
                Version(id=f"ver_{name}", task=TASK, time=START, base=config.model.base, kind="base", labels=labels)
            )
        exams = [
            Exam(text=text, target=label, time=START + k * DAY) for k, (text, label) in enumerate(rows(LABELS, 12, 3))
        ]
        opened.put_suite(TASK, exams)
        yield opened


def suite(**more: object) -> Suite:
    cases = (Case(text="Give me my money back", expect="refund"), Case(text="I cannot log in", expect="login"))
    return Suite(**{"name": "golden", "task": TASK, "check": "equals", "cases": cases, **more})  # type: ignore[arg-type]


def test_a_version_is_judged_by_what_it_says(shop: Workshop) -> None:
    """Who can say one thing alone is right where that is right, plainly and disturbed."""
    keep(shop.store, suite(under=("typos",)))
    task = shop.config.task(TASK)
    questions, demanded = asked(shop, task, START)
    assert list(demanded) == ["suite golden", "suite golden under typos"]
    assert answered(shop, task, shop.store.versions.get("ver_one"), questions) == [1.0, 0.0, 1.0, 0.0]
    said = shop.replies(task, shop.store.versions.get("ver_all"), [one.text for one in questions])
    right = [float(reply == one.expect) for reply, one in zip(said, questions, strict=True)]
    assert answered(shop, task, shop.store.versions.get("ver_all"), questions) == right


def test_borrowed_rows_are_those_shown_so_far(shop: Workshop) -> None:
    """As many as are wanted, disturbed, and the same ones whatever comes later."""
    keep(shop.store, suite(name="robust", cases=(), test_rows=3, under=("shouted",)))
    task = shop.config.task(TASK)
    shown = {exam.text.upper() for exam in shop.suite_at(TASK, START + 1.5 * DAY)}
    early, _ = asked(shop, task, START + 1.5 * DAY)
    assert {one.text for one in early} == shown
    late, _ = asked(shop, task, START + 90 * DAY)
    assert len(late) == 3
    assert late == asked(shop, task, START + 99 * DAY)[0]
    assert all(one.text == disturbed(one.plain, "shouted") for one in late)


def test_a_report_gets_its_suites(shop: Workshop) -> None:
    """With the rows that they rest on; without suites it stays as it was."""
    test_rows = [PairedRow(id="0", group="known labels", candidate=1.0, champion=1.0)]
    task, settings = shop.config.task(TASK), shop.config.evaluate
    plain = compare(task, "ver_one", "ver_all", test_rows, settings, now=START)
    assert beside_suites(shop, plain, test_rows, START) == (plain, test_rows)
    keep(shop.store, suite())
    report, found = beside_suites(shop, plain, test_rows, START)
    assert report.suites["suite golden"].candidate.mean == 0.5
    assert report.rows == fingerprint(found)
    assert [row.group for row in found] == ["known labels", "suite golden", "suite golden"]


def test_a_family_of_cases_counts_once(shop: Workshop) -> None:
    """Beside the champion and alone: twelve cases of six families fare alike two by two, and are worth six."""
    cases = tuple(
        Case(text=f"{word} {k}", expect="refund" if k % 2 else "login", family=f"frame {k}")
        for k in range(6)
        for word in ("Give me my money back", "I want a refund")
    )
    keep(shop.store, suite(cases=cases))
    task = shop.config.task(TASK)
    test_rows = [PairedRow(id="0", group="known labels", candidate=1.0, champion=1.0)]
    plain = compare(task, "ver_one", "ver_all", test_rows, shop.config.evaluate, now=START)
    report, found = beside_suites(shop, plain, test_rows, START)
    assert [row.cluster for row in found[1:]] == [case.family for case in cases]
    assert Sample.of(found[1:]).worth == 6
    alone = scored(shop, shop.store.versions.get("ver_one"), START)["suites"]["suite golden"]
    assert (alone.mean, alone.n) == (0.5, 12)
    assert alone == report.suites["suite golden"].candidate
    assert alone.high - alone.low > 1.2 * (proportion(6, 12).high - proportion(6, 12).low)


def test_what_tests_is_never_trained_on(shop: Workshop) -> None:
    """Test rows of all times, and every case of every suite."""
    keep(shop.store, suite())
    assert {"I cannot log in", *(exam.text for exam in shop.suite(TASK))} <= set(fence(shop, TASK))


def test_a_version_alone(shop: Workshop) -> None:
    """Its score on the rows shown so far, and on every part of every suite."""
    keep(shop.store, suite())
    version = shop.store.versions.get("ver_one")
    found = scored(shop, version, START + 90 * DAY)
    shown = shop.suite_at(TASK, START + 90 * DAY)
    assert (found["version"], found["metric"], found["score"].n) == ("ver_one", "accuracy", len(shown))
    assert found["score"].mean == sum(row.target == "refund" for row in shown) / len(shown)
    assert found["suites"]["suite golden"].mean == 0.5


def test_test_rows_of_one_user_count_once(shop: Workshop) -> None:
    """Borrowed by a suite, disturbed and plain, and alone: twelve rows of four users are worth four, as in the gate;
    rows of nobody known each count.
    """
    exams = shop.suite_at(TASK, START + 99 * DAY)
    keep(shop.store, suite(cases=(), test_rows=12, under=("shouted",)))
    loose = {one.family for one in asked(shop, shop.config.task(TASK), START + 99 * DAY)[0]}
    before = scored(shop, shop.store.versions.get("ver_one"), START + 99 * DAY)["score"]
    shop.put_suite(TASK, [replace(row, tags={"user": f"who wants {row.target}"}) for row in exams])
    questions = asked(shop, shop.config.task(TASK), START + 99 * DAY)[0]
    users = {row.text: row.tags["user"] for row in shop.suite_at(TASK, START + 99 * DAY)}
    assert loose == {""}
    assert len({(users[one.plain], one.family) for one in questions}) == 4
    assert len({one.family for one in questions}) == 4
    assert not any(user in one.family for user in users.values() for one in questions)
    after = scored(shop, shop.store.versions.get("ver_one"), START + 99 * DAY)["score"]
    assert (before.n, after.n, after.mean) == (12, 12, before.mean)
    assert after.high - after.low > before.high - before.low
