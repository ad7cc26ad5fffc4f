"""What a version takes to answer: of several processes one figure with its interval, kept with the version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from small_project import START, TASK, configuration, tiny_base

from homeostat.builtin.resources import model_path
from homeostat.llm.memory import Held
from homeostat.loop.asking.memory import kept, memory, of_runs
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.card import card
from homeostat.release.differ import diff
from homeostat.release.record import record
from homeostat.store.notes import MEMORY
from homeostat.types.suite import Case, Suite
from homeostat.types.version import Version


def held(peak: int, device: int = 0) -> Held:
    return Held(base=100, version=10, libraries=40, loaded=60, peak=peak, device=device, requests=7)


def test_several_processes_are_one_figure() -> None:
    """The mean of what each held at most, with an interval that is as wide as they differ."""
    found = of_runs([held(90), held(100), held(110)])
    assert (found.base, found.version, found.requests, found.device) == (100, 10, 7, "memory")
    assert (found.peak.mean, found.peak.n) == (100.0, 3)
    assert found.peak.low < 90 < 110 < found.peak.high
    assert found.steps["loaded"].low == found.steps["loaded"].high == 60.0


def test_where_there_is_a_gpu_its_memory_counts() -> None:
    """The most of the GPU takes the place of the process's, and is called so."""
    found = of_runs([held(90, 30), held(100, 32)])
    assert (found.device, found.peak.mean) == ("GPU", 31.0)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """Two versions of a bare base, and four test rows."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    config = configuration(tmp_path / "project", tiny_base(tmp_path / "base"))
    with closing(Workshop.open(config)) as opened:
        for name in ("a", "b"):
            opened.store.versions.put(
                Version(id=f"ver_{name}", task=TASK, time=START, base=config.model.base, kind="base", labels=("x", "y"))
            )
        opened.put_suite(TASK, [Exam(text=f"row {k}", target="x", time=START) for k in range(4)])
        yield opened


def test_what_was_measured_last_is_on_record(shop: Workshop) -> None:
    """The card and the comparison of two versions tell it, the newest measurement; and that there is none."""
    one, other = (shop.store.versions.get(f"ver_{name}") for name in ("a", "b"))
    assert "Memory: not measured" in card(shop.store, one.id)
    assert diff(shop.store, one, other)["memory"] == {}
    for peak in (90, 95):
        of = of_runs([held(1_000_000 * peak), held(1_000_000 * peak + 4)])
        shop.store.events.append(one.id, MEMORY, {name: getattr(of, name) for name in of.__slots__})
    assert record(shop.store, one)["memory"]["peak"]["mean"] == 95_000_002.0
    assert (kept(shop.store, one.id), kept(shop.store, other.id)) == (of, None)
    said = card(shop.store, one.id)
    assert "while it answered 7 requests" in said
    assert "| most | 95,000,002 |" in said
    told = diff(shop.store, one, other)["memory"]
    assert told["base"] == [100, None]
    assert told["peak, memory"][0]["n"] == 2


@pytest.mark.slow
def test_it_answers_test_rows_and_suites_and_keeps_what_it_took(shop: Workshop) -> None:
    """Two processes, each with the four rows and the suite's three requests; a real process holds more than its
    weights, and what is kept is what was given back.
    """
    cases = tuple(Case(text=f"case {k}", expect="x") for k in range(3))
    keep(shop.store, Suite(name="golden", task=TASK, check="equals", cases=cases))
    version = shop.store.versions.get("ver_a")
    found = memory(shop, version, shop.suite_at(TASK, START), START, runs=2)
    assert (found.requests, found.peak.n, found.version) == (7, 2, 0)
    assert 1_000_000 < found.base < found.steps["libraries"].mean < found.peak.mean
    assert record(shop.store, version)["memory"]["peak"]["mean"] == found.peak.mean
    assert kept(shop.store, version.id) == found
