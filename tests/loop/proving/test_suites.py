"""The book of a task's suites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.errors import NotFound
from homeostat.loop.proving.suites import drop, keep, kept, suites
from homeostat.store import Store
from homeostat.types.suite import Case, Suite

GOLDEN = Suite(
    name="golden",
    task="routing",
    check="equals",
    cases=(Case(text="Geld zurück", expect="refund"), Case(text="a", expect="b", check="contains")),
    under=("typos",),
    at_least=1.0,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def test_a_suite_comes_back_as_it_was(store: Store) -> None:
    """By name, for its task alone; added twice it is added once."""
    assert keep(store, GOLDEN)
    assert not keep(store, GOLDEN)
    assert keep(store, replace(GOLDEN, name="a", margin=0.25, test_rows=9))
    assert suites(store, "routing") == [replace(GOLDEN, name="a", margin=0.25, test_rows=9), GOLDEN]
    assert suites(store, "replies") == []


def test_the_audit_log_has_who_changed_what_candidates_are_held_to(store: Store) -> None:
    """Once for each change, with the hash of what the suite says; adding it again as it is changes nothing."""
    store.sign_as("ana")
    keep(store, GOLDEN)
    keep(store, GOLDEN)
    said = kept(store, "routing")["golden"]
    drop(store, "routing", "golden")
    assert [(one.who, one.what, one.about, one.hash) for one in store.audit.list()] == [
        ("ana", "suite kept", "golden of routing", said),
        ("ana", "suite dropped", "golden of routing", ""),
    ]
    assert store.verify() == []


def test_cases_without_a_family_are_kept_as_before_there_were_any(store: Store) -> None:
    """So that a suite that has not changed keeps its hash; with a family it comes back with it."""
    keep(store, GOLDEN)
    known = json.loads(store.blobs.text(kept(store, "routing")["golden"]))
    assert [sorted(case) for case in known["cases"]] == [["check", "expect", "text"]] * 2
    assert not known.keys() & {"benchmarks", "documents", "files"}
    twins = tuple(replace(case, family="money") for case in GOLDEN.cases)
    assert keep(store, replace(GOLDEN, cases=twins))
    assert suites(store, "routing") == [replace(GOLDEN, cases=twins)]
    assert suites(store, "routing")[0].worth == 1


def test_what_counted_once_is_still_there(store: Store) -> None:
    """A suite that was replaced, and one that was dropped, keep their files through a cleaning: one that speaks of
    files of its own is no folder's list.
    """
    keep(store, replace(GOLDEN, name="general", benchmarks="tasks", documents=5, files="a" * 64))
    keep(store, GOLDEN)
    first = kept(store, "routing")["golden"]
    keep(store, replace(GOLDEN, margin=0.5))
    second = kept(store, "routing")["golden"]
    drop(store, "routing", "golden")
    assert list(kept(store, "routing")) == ["general"]
    assert first != second
    assert not set(store.collect_garbage(dry_run=True).blobs) & {first, second}
    keep(store, GOLDEN)
    assert kept(store, "routing")["golden"] == first


def test_an_unknown_one_cannot_be_dropped(store: Store) -> None:
    """With the nearest that there is."""
    keep(store, GOLDEN)
    with pytest.raises(NotFound, match="golden"):
        drop(store, "routing", "goldn")
