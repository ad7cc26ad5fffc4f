"""The arms beside ours: never, naive, joint, and joint on all labels, on the test rows seen so far."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import cpu_count
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

import torch

from homeostat.collect.stream import Split, StreamRow
from homeostat.curate.mix import superseded
from homeostat.curate.snapshot import examples
from homeostat.llm.local import LocalBackend
from homeostat.loop.making.learn import start_of
from homeostat.loop.story.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.story.processes import helpers
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import proportion
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

MOST_STEPS = 160
"""Steps after which a comparison arm is cut off in the demo; the benches train them to the end."""
NICENESS = 19
"""How far the arms step back: behind the gateway, and behind the worker, which steps back itself."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An arm and how it did on the test rows seen so far."""

    arm: Arm
    right: list[float]

    @property
    def score(self) -> Score:
        """Accuracy over all rows."""
        return proportion(int(sum(self.right)), len(self.right))


class Comparison:
    """never, naive, ours, joint and joint on all labels, on the same test rows: as many at once as there are cores.

    They step back behind everything else, so the story goes on meanwhile. Joint retraining on every label needs nothing
    of it and begins at once, the others when the turns are over.
    """

    def __init__(self, shop: Workshop, task: str, rows: Sequence[StreamRow], live: Sequence[StreamRow]) -> None:
        """`rows` are those of the stream, `live` those of them that are replayed; both in the order of time."""
        end = live[-1].time
        self.rows = [row for row in rows if row.split is Split.TEST and row.time <= end < row.until]
        """The test rows that are seen by the end, on which every arm is measured."""
        self._shop, self._task = shop, task
        context = helpers()
        self._said: Queue[tuple[str, float]] = context.Queue()
        self._pool = ProcessPoolExecutor(cpu_count(), context, initializer=_begin, initargs=(self._said,))
        self._arms: dict[str, Future[Compared]] = {}
        history = [row for row in rows if row.split is Split.HISTORY]
        self._train("joint_all_labels", self._base, [_all_labels(history, live, task)], self._joint)

    def go_on(self, first: Version) -> None:
        """Begin with the arms that learn what ours has learned by now, the longest first."""
        store, settings = self._shop.store, self._shop.config.train
        schedule = lessons(store, self._task, first)
        if schedule:
            self._train("joint", self._base, [schedule[-1]], self._joint)
            self._train("naive", start_of(self._shop, first), schedule, named("naive", settings))
        for name, version in (("ours", self._shop.champion(self._task)), ("never", first)):
            self._submit(self._work(name, start_of(self._shop, version), prior=version.prior))

    def wait(self, scene: Scene) -> dict[str, Compared]:
        """The arms, when all are there."""
        done: dict[str, float] = {}
        with (
            self._pool,
            scene.bar("arms", len(self._arms), "what else could have been done is trained and scored") as bar,
        ):
            while not all(each.done() for each in self._arms.values()):
                with suppress(Empty):
                    name, share = self._said.get(timeout=0.5)
                    done[name] = share
                bar.to(sum(done.values()), note=", ".join(name for name, share in done.items() if share < 1.0))
        return {name: each.result() for name, each in self._arms.items()}

    def give_up(self) -> None:
        """Begin no further arm."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _base(self) -> Start:
        return Start(base=self._shop.config.model.weights)

    @property
    def _joint(self) -> Recipe:
        return replace(named("joint", self._shop.config.train), max_steps=MOST_STEPS)

    def _train(self, name: str, start: Start, schedule: list[Lesson], recipe: Recipe) -> None:
        folder = self._shop.run_folder("arms") / name
        self._submit(replace(self._work(name, start), schedule=schedule, recipe=recipe, folder=folder))

    def _work(self, name: str, start: Start, prior: tuple[float, ...] = ()) -> _Work:
        rows = [(row.text, row.label) for row in self.rows]
        return _Work(name=name, task=self._shop.config.task(self._task), start=start, rows=rows, prior=prior)

    def _submit(self, work: _Work) -> None:
        self._arms[work.name] = self._pool.submit(_done, work)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What a process of its own needs to make one arm and to score it."""

    name: str
    task: Task
    start: Start
    rows: list[tuple[str, str]]
    prior: tuple[float, ...] = ()
    schedule: list[Lesson] = field(default_factory=list)
    """Empty for an arm that is there already."""
    recipe: Recipe = field(default_factory=Recipe)
    folder: Path = Path()


_told: list[Queue[tuple[str, float]]] = []
"""In a process of the pool: where it says how far it is."""


def _begin(told: Queue[tuple[str, float]]) -> None:
    os.nice(NICENESS)
    torch.set_num_threads(1)
    _told[:] = [told]


def _done(work: _Work) -> Compared:
    """Make the arm, if it is not there yet, and score it."""

    def report(values: dict[str, float]) -> None:
        _told[0].put((work.name, 0.9 * values["step"] / values["steps"]))

    arm = Arm(name=work.name, start=work.start, prior=work.prior)
    if work.schedule:
        make, settle = (naive, list) if work.name == "naive" else (joint, _settled)
        schedule = settle(work.schedule)
        arm = replace(make(work.task, work.start, schedule, work.recipe, work.folder, report), name=work.name)
    # As training computes: for all arms alike, and twice as fast as what answers users where the hardware has it.
    backend = LocalBackend(work.start.base, precision="auto")
    right = outcomes(backend, work.task, arm, work.rows)
    _told[0].put((work.name, 1.0))
    return Compared(arm, right)


def _settled(schedule: Sequence[Lesson]) -> list[Lesson]:
    """Without what newer labels have made wrong, as curation leaves it out for ours."""
    return [replace(lesson, known=_right(lesson.known)) for lesson in schedule]


def _right(known: Sequence[Example]) -> list[Example]:
    wrong = superseded(known, (), Kind.LABEL)
    return [row for number, row in enumerate(known) if number not in wrong]


def lessons(store: Store, task: str, first: Version) -> list[Lesson]:
    """What each turn that trained brought, as the arms are given it."""
    out: list[Lesson] = []
    known, labels = examples(store, first.dataset), list(first.labels)
    for turn in store.turns.list(task):
        names = [left for step, left in turn.diary.items() if step.startswith("curate.")]
        if not names:
            continue
        new = [e for e in examples(store, names[-1]) if e.origin is Origin.NEW]
        new = [e for e in new if e.interaction not in {k.interaction for k in known if k.interaction}]
        labels += [e.target for e in new if e.target not in labels]
        known = [*known, *new]
        distinct = tuple(dict.fromkeys(labels))
        out.append(Lesson(time=turn.time, new=new, known=list(known), labels=distinct))
    return out


def _all_labels(history: Sequence[StreamRow], live: Sequence[StreamRow], task: str) -> Lesson:
    """Had every live request been labeled."""
    known = [Example(text=row.text, target=row.label, task=task, time=row.time) for row in (*history, *live)]
    labels = tuple(dict.fromkeys(row.target for row in known))
    return Lesson(time=live[-1].time, new=known[len(history) :], known=known, labels=labels)
