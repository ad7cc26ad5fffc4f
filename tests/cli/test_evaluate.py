"""Scoring versions on the suite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request, version
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotFound, NotReleasable
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.proven import vouch
from homeostat.types.report import Base
from homeostat.types.suite import Case, Suite

LABELS = ("refund", "delivery")


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A champion that knows one label, a candidate that knows two, and a suite that shows itself row by row."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS[:1])
    version(shop.store, "new", labels=LABELS, time=START + 5)
    shop.put_suite(
        "routing",
        [Exam(text=f"row {k}", target=LABELS[k % 2], time=START + k, until=START + 100) for k in range(12)],
    )
    yield shop
    shop.close()


def test_a_candidate_beside_the_champion(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Both on the same rows, those seen so far; the gate's verdict with its sentence; nothing is written."""
    found = homeostat("eval", "ver_new", "--config", small, "--json").json
    report, verdict = found["report"], found["verdict"]
    assert (report["candidate"], report["champion"]) == ("ver_new", "ver_old")
    assert report["difference"]["n"] == 6  # rows 0 to 5: the world has shown no more by the candidate's time
    assert report["champion_score"]["mean"] == 0.5  # one label, right on every other row
    assert set(report["groups"]) == {"known labels", "new labels"}
    assert verdict["outcome"] in {"pass", "fail", "unsure"}
    assert verdict["because"]
    assert workshop.store.reports.list() == []
    assert workshop.store.verdicts.list() == []


def test_labels_without_test_rows_are_named(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A label that the candidate knows and the suite does not hold is named at the end of the gate's sentence."""
    grown = workshop.store.versions.get("ver_new")
    workshop.store.versions.put(replace(grown, labels=(*grown.labels, "hologram")))
    ran = homeostat("eval", "ver_new", "--config", small)
    assert "; no test rows of: hologram\n" in ran.out


def test_newer_requests_show_more_of_the_suite(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The suite counts up to the newest request, and how many are to come is told; retired rows count no more."""
    request(workshop.store, 9, "ver_old")
    ran = homeostat("eval", "ver_old", "--config", small)
    assert "10 test rows are asked; 2 more count once requests have come to their time" in ran.out + ran.err
    assert homeostat("eval", "ver_new", "--config", small, "--json").json["report"]["difference"]["n"] == 10
    request(workshop.store, 150, "ver_old")
    ran = homeostat("eval", "ver_new", "--config", small)
    assert ran.code == EmptyStream.exit
    assert "E202" in ran.err


def test_the_champion_alone(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Who is compared with himself is scored alone."""
    found = homeostat("eval", "ver_old", "--config", small, "--json").json
    assert found["score"]["mean"] == 1.0  # one row by then, of the label it knows
    assert found["score"]["n"] == 1
    assert "accuracy of ver_old" in homeostat("eval", "ver_old", "--config", small).out


def test_a_table_with_the_verdict_under_it(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Scores with intervals, the paired difference, then the gate's words, and that nothing was spent for them."""
    ran = homeostat("eval", "ver_new", "--against", "ver_old", "--config", small)
    assert ran.code == 0
    assert "difference" in ran.out
    assert "n = 6" in ran.out
    said, _, note = ran.out.partition("\nThis was a look: ")
    assert said.strip().splitlines()[-1].partition(":")[0] in {"pass", "fail", "unsure"}
    assert "nothing of the task's account is spent" in note
    assert workshop.store.verdicts.list() == []


def golden(*, at_least: float | None = None, margin: float | None = None) -> Suite:
    """Two cases, one of a label that the champion cannot say."""
    cases = tuple(Case(text=f"case of {label}", expect=label) for label in LABELS)
    return Suite(name="golden", task="routing", check="equals", cases=cases, at_least=at_least, margin=margin)


def test_suites_are_asked_too(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Alone, each part has its score; beside another, both scores, the difference and what is demanded."""
    keep(workshop.store, golden())
    alone = homeostat("eval", "ver_old", "--config", small, "--json").json
    assert (alone["suites"]["suite golden"]["mean"], alone["score"]["n"]) == (0.5, 1)
    assert "suite golden" in homeostat("eval", "ver_old", "--config", small).out
    report = homeostat("eval", "ver_new", "--config", small, "--json").json["report"]
    assert report["suites"]["suite golden"]["champion"]["mean"] == 0.5
    assert report["difference"]["n"] == 6  # the suite's rows stand apart
    out = homeostat("eval", "ver_new", "--config", small).out
    assert "suite golden" in out
    assert "no loss that is shown" in out  # two cases prove nothing
    assert "worst:" not in out
    wrong = replace(
        golden(), name="wrong", cases=(Case(text="case", expect="nothing"), Case(text="case 2", expect="n"))
    )
    keep(workshop.store, wrong)
    for flags in ([], ["--against", "ver_new"]):
        assert "worst: suite wrong, 0.0" in homeostat("eval", "ver_new", *flags, "--config", small).out


def test_the_slice_that_suffers_most_is_told(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Under each disturbance, with its intervals and of how many; in the document too, alone and beside another."""
    tags = [{"plan": "free" if k % 3 else "paid"} for k in range(48)]
    rows = [Exam(text=f"row {k}", target=LABELS[k % 2], time=START, tags=tags[k]) for k in range(48)]
    workshop.put_suite("routing", rows)
    keep(workshop.store, Suite(name="loud", task="routing", check="equals", test_rows=48, under=("shouted",)))
    part = "suite loud under shouted"
    alone = homeostat("eval", "ver_old", "--config", small, "--json").json["weakest"][part]
    assert (alone["among"], alone["shown"], alone["beyond"]["mean"]) == (4, False, 0.0)  # it says one thing to all
    report = homeostat("eval", "ver_new", "--config", small, "--json").json["report"]
    worst = report["suites"][part]["weakest"]
    assert worst["score"]["n"] == worst["plain"]["n"] == sum(worst["slice"] in _slices(row) for row in rows)
    assert worst["beyond"]["low"] < worst["beyond"]["mean"] < worst["beyond"]["high"]
    for asked in ("ver_old", "ver_new"):
        out = homeostat("eval", asked, "--config", small).out
        assert "which slice suffers most; intervals hold for all that were looked at" in out
        assert "no, of 4" in out


def _slices(row: Exam) -> set[str]:
    return {f"plan={row.tags['plan']}", f"label {row.target}"}


def test_a_broken_suite_is_a_refusal(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Who loses a case that all must get right is refused, whatever the test rows say."""
    keep(workshop.store, golden(at_least=1.0))
    version(workshop.store, "mute", labels=("nothing",), time=START + 5)
    verdict = homeostat("eval", "ver_mute", "--config", small, "--json").json["verdict"]
    assert verdict["outcome"] == "fail"
    assert verdict["because"].startswith("refused: suite golden demands 100.0 % and gets 0.0 %")
    assert "at least 100.0 %" in homeostat("eval", "ver_mute", "--config", small).out


def test_an_exchanged_base_is_told(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """One line for each version that was proven over other bytes, and in every document; else none."""
    quiet = homeostat("eval", "ver_new", "--config", small)
    assert "E407" not in quiet.out + quiet.err
    assert homeostat("eval", "ver_new", "--config", small, "--json").json["warnings"] == []
    old = workshop.store.versions.get("ver_old")
    vouch(workshop.store, old, Base(name=workshop.config.model.weights, content="0" * 64))
    for flags in ((), ("--detail",)):
        ran = homeostat("eval", "ver_new", *flags, "--config", small)
        (line,) = [line for line in ran.err.splitlines() if line.startswith("E407")]
        assert "ver_old was proven over" in line
        assert "figures are of what is here" in line
        asked = homeostat("eval", "ver_old", *flags, "--config", small, "--json")
        assert (asked.json["warnings"], "E407" in asked.err) == ([line], False)


def test_versions_of_two_tasks_are_not_compared(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """An error that names the other task."""
    version(workshop.store, "other", task="replies")
    ran = homeostat("eval", "ver_new", "--against", "ver_other", "--config", small)
    assert ran.code == NotReleasable.exit
    assert "replies" in ran.err


def test_no_suite_no_score(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """An error that says where test rows come from."""
    workshop.put_suite("routing", [])
    ran = homeostat("eval", "ver_new", "--config", small)
    assert ran.code == EmptyStream.exit
    assert "homeostat import" in ran.err


def test_no_such_version(homeostat: Run, shop: Path) -> None:
    """An error."""
    assert homeostat("eval", "ver_nobody", "--config", shop).code == NotFound.exit
