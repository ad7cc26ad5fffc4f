"""What is doubted is written down as it comes in: a signal once, and everything that is held back for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from small_project import TASK

from homeostat.loop.listening.doubting import DETECTOR, Doubter
from homeostat.loop.listening.held import ALONE, book, release
from homeostat.types.signal import Moved
from homeostat.types.task import Kind, Task
from loop.liars import NOW, champion, honest, in_time, lies, log


def test_a_burst_is_told_once_and_all_of_it_is_held(tmp_path: Path) -> None:
    """Statements come in a few at a time: one signal that shows some of them and says how sure that is, long before
    the last one; another look, and one by a worker that begins anew, tell nothing more.
    """
    said = lies(30, source="loud")
    pairs = in_time(honest(), said)
    with champion(tmp_path) as (store, version):
        doubter, told = Doubter(store, Task(name=TASK), version), []
        for start in range(0, len(pairs), 10):
            log(store, pairs[start : start + 10])
            told += [(start, signal) for signal in doubter.tick()]
        ((when, signal),) = told
        assert (signal.moved, signal.detector, signal.slice) == (Moved.FEEDBACK, DETECTOR, "source=loud")
        assert signal.statistic >= signal.threshold
        assert store.signals.list(TASK) == [signal]
        assert set(signal.examples) <= {request.id for request, _ in said}
        assert sum(told.source == "loud" for _, told in pairs[: when + 10]) <= 12
        assert set(book(store, TASK).held) == {told.id for _, told in said}
        assert doubter.tick() == []
        assert Doubter(store, Task(name=TASK), version).tick() == []


def test_who_is_trusted_is_not_doubted(tmp_path: Path) -> None:
    """Nor is what a person has released, by a worker that begins anew either."""
    with champion(tmp_path) as (store, version):
        log(store, in_time(honest(), lies(30, source="desk")))
        assert Doubter(store, Task(name=TASK), version, trusted=("desk",)).tick() == []
        assert len(Doubter(store, Task(name=TASK), version).tick()) == 1
        release(store, TASK, "all", NOW + 5000.0)
        assert Doubter(store, Task(name=TASK), version).tick() == []
        assert book(store, TASK).held == {}


def test_what_the_champion_has_learned_already_is_not_judged(tmp_path: Path) -> None:
    """Feedback from before its dataset is none of its business."""
    with champion(tmp_path) as (store, version):
        old = [(request, told) for request, told in lies(30, source="loud") if told.time <= NOW]
        log(store, in_time(honest(), old))
        assert Doubter(store, Task(name=TASK), version).tick() == []


def test_a_task_of_text_is_listened_to_without_a_witness(tmp_path: Path) -> None:
    """Ratings of one source that are unlike everybody's are told."""
    with champion(tmp_path) as (store, version):
        log(store, in_time(honest(rated=True), lies(30, source="loud", said="0.0")))
        (signal,) = Doubter(store, Task(name=TASK, kind=Kind.TEXT), version).tick()
        assert signal.slice == "source=loud"


def test_a_lone_contradiction_waits_and_nobody_is_told(tmp_path: Path) -> None:
    """Until somebody else says the same of such a request; a worker that begins anew finds what stands in the book."""
    (lie,) = lies(1, source="odd")
    request, told = lie
    second = replace(request, id="int_second", text=f"{request.text} please", time=request.time + 900.0)
    agrees = replace(told, id="fbk_second", interaction=second.id, source="new", time=told.time + 900.0)
    with champion(tmp_path) as (store, version):
        log(store, in_time(honest(), [lie]))
        doubter = Doubter(store, Task(name=TASK), version)
        assert doubter.tick() == []
        assert dict(book(store, TASK).held) == {told.id: ALONE}
        log(store, [(second, agrees)])
        assert Doubter(store, Task(name=TASK), version).tick() == doubter.tick() == []
        assert book(store, TASK).held == {}
        assert set(book(store, TASK).shared) == {told.id}
