"""The book of what is held back: kept, told of, released, never lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_project import TASK

from homeostat.config.schema import Curate
from homeostat.curate.build import build
from homeostat.curate.snapshot import gather
from homeostat.curate.suspect import Suspicion
from homeostat.errors import NotFound
from homeostat.loop.listening.held import ALONE, book, hold, lines, release, wait, without_held
from homeostat.store import Store
from homeostat.types.task import Task
from homeostat.types.version import Version
from loop.liars import NOW, champion, honest, lies, log


def group(*held: str, name: str = "source=loud") -> Suspicion:
    return Suspicion(group=name, held=held, contradicting=len(held), n=9, p=1e-6, since=NOW, until=NOW + 9.0)


def taught(store: Store, version: Version, until: float) -> dict[str, str]:
    """Interaction -> target, of what a dataset would teach anew."""
    inputs = gather(store, Task(name=TASK), champion=version, evaluation=(), until=until)
    made = build(without_held(store, inputs), Curate(near_duplicate=1.0))
    return {row.interaction: row.target for row in made.examples if row.interaction}


def test_the_book(tmp_path: Path) -> None:
    """A group is new once; what comes to it later is added; what was released stays so, and the feedback is there."""
    with champion(tmp_path) as (store, version):
        said = lies(4, source="loud")
        log(store, said)
        ids = [told.id for _, told in said]
        assert hold(store, TASK, version.id, group(*ids[:2]))
        assert not hold(store, TASK, version.id, group(*ids))
        assert not hold(store, TASK, version.id, group(*ids))
        assert dict(book(store, TASK).held) == dict.fromkeys(ids, "source=loud")
        assert [(line.feedback, line.source, line.said) for line in lines(store, TASK)] == [
            (id, "loud", "login") for id in ids
        ]
        assert release(store, TASK, ids[0], NOW + 900.0) == (ids[0],)
        assert set(book(store, TASK).held) == set(ids[1:])
        assert release(store, TASK, "source=loud", NOW + 901.0) == tuple(ids[1:])
        assert not hold(store, TASK, version.id, group(*ids))
        assert book(store, TASK).held == {}
        assert len(store.feedback.of([request.id for request, _ in said])) == 4


def test_what_is_not_held_cannot_be_released(tmp_path: Path) -> None:
    """The groups that there are stand in the message."""
    with champion(tmp_path) as (store, version):
        log(store, lies(1))
        hold(store, TASK, version.id, group("fbk_a3_0"))
        with pytest.raises(NotFound, match="source=loud"):
            release(store, TASK, "source=quiet", NOW)


def test_what_is_held_is_not_learned_until_it_is_released(tmp_path: Path) -> None:
    """Then it counts as said at that moment, also for a champion whose dataset is younger than the statement."""
    with champion(tmp_path) as (store, version):
        said = lies(3, source="loud")
        log(store, [*honest(20), *said])
        asked = {request.id for request, _ in said}
        assert asked <= set(taught(store, version, NOW + 5000.0))
        hold(store, TASK, version.id, group(*(told.id for _, told in said)))
        assert not asked & set(taught(store, version, NOW + 5000.0))
        younger = replace(store.datasets.get(version.dataset), id="dst_2", time=NOW + 6000.0)
        store.datasets.put(younger)
        later = replace(version, id="ver_2", dataset="dst_2")
        assert taught(store, later, NOW + 8000.0) == {}
        release(store, TASK, "all", NOW + 7000.0)
        assert set(taught(store, later, NOW + 8000.0)) == asked


def test_an_earlier_statement_takes_the_place_of_one_that_is_held(tmp_path: Path) -> None:
    """Whoever labels what somebody has labeled does not take the true label away."""
    with champion(tmp_path) as (store, version):
        (request, told), *_ = pairs = honest(10)
        log(store, pairs)
        lie = replace(told, id="fbk_lie", value="leak", source="loud", time=told.time + 500.0)
        store.feedback.add([lie])
        assert taught(store, version, NOW + 5000.0)[request.id] == "leak"
        hold(store, TASK, version.id, group("fbk_lie"))
        assert taught(store, version, NOW + 5000.0)[request.id] == told.value


def test_what_waits_counts_once_it_has_company(tmp_path: Path) -> None:
    """From then on, also for a champion whose dataset is younger than the statement; it may be doubted again."""
    with champion(tmp_path) as (store, version):
        said = lies(3, source="odd")
        log(store, [*honest(20), *said])
        asked, ids = {request.id for request, _ in said}, [told.id for _, told in said]
        wait(store, TASK, version.id, ids, (), NOW + 600.0)
        assert dict(book(store, TASK).held) == dict.fromkeys(ids, ALONE)
        assert not asked & set(taught(store, version, NOW + 5000.0))
        younger = replace(store.datasets.get(version.dataset), id="dst_2", time=NOW + 6000.0)
        store.datasets.put(younger)
        later = replace(version, id="ver_2", dataset="dst_2")
        wait(store, TASK, later.id, ids[2:], ids[:2], NOW + 7000.0)
        assert dict(book(store, TASK).shared) == dict.fromkeys(ids[:2], NOW + 7000.0)
        assert set(taught(store, later, NOW + 8000.0)) == {request.id for request, _ in said[:2]}
        assert hold(store, TASK, later.id, group(*ids))
        assert dict(book(store, TASK).held) == {**dict.fromkeys(ids[:2], "source=loud"), ids[2]: ALONE}


def test_who_waits_is_written_down_once(tmp_path: Path) -> None:
    """Looks at which nothing changes write nothing, and what was released, or had company once, waits no more."""
    with champion(tmp_path) as (store, version):
        said = lies(3, source="odd")
        log(store, said)
        ids = [told.id for _, told in said]
        wait(store, TASK, version.id, ids[:2], (), NOW)
        kept = store.events.list(f"feedback:{TASK}")
        wait(store, TASK, version.id, ids[:2], ids[2:], NOW)
        assert store.events.list(f"feedback:{TASK}") == kept
        assert release(store, TASK, ALONE, NOW) == tuple(ids[:2])
        wait(store, TASK, version.id, ids[:2], (), NOW)
        assert book(store, TASK).held == {}


def test_what_is_doubted_does_not_count_for_company(tmp_path: Path) -> None:
    """Two accounts of a doubted group say the same: that ends no doubt."""
    with champion(tmp_path) as (store, version):
        said = lies(2, source="loud")
        log(store, said)
        ids = [told.id for _, told in said]
        hold(store, TASK, version.id, group(*ids))
        wait(store, TASK, version.id, (), ids, NOW)
        assert set(book(store, TASK).held) == set(ids)
