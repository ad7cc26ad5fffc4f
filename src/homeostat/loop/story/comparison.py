"""The arms beside ours: never, naive, joint, and joint on all labels, on the test rows seen so far."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import cpu_count
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

import torch

from homeostat.collect.stream import StreamRow
from homeostat.curate.snapshot import examples
from homeostat.llm.local import LocalBackend
from homeostat.loop.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.learn import start_of
from homeostat.loop.story.processes import helpers
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.intervals import proportion
from homeostat.train.named import named
from homeostat.train.precision import SHORT, computing, has_bfloat16
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Score
from homeostat.types.task import Task
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the arms need to know of a story whose turns are over."""

    shop: Workshop
    task: str
    first: Version
    """The first champion."""
    live: Sequence[StreamRow]
    """The whole of the traffic: an arm is measured on the test rows seen by its end."""

    @property
    def rows(self) -> list[Exam]:
        """The test rows seen by the end."""
        return self.shop.suite_at(self.task, self.live[-1].time)


class Comparison:
    """never, naive, ours, joint and joint on all labels, on the same test rows: as many at once as there are cores.

    They are under way from the beginning and step back behind everything else, so the story may go on meanwhile.
    """

    def __init__(self, told: Told) -> None:
        context = helpers()
        self._said: Queue[tuple[str, float]] = context.Queue()
        self._pool = ProcessPoolExecutor(cpu_count(), context, initializer=_begin, initargs=(self._said,))
        self._arms = {work.name: self._pool.submit(_done, work) for work in _works(told)}

    def wait(self, scene: Scene) -> dict[str, Compared]:
        """The arms, when all are there."""
        done: dict[str, float] = {}
        with self._pool, scene.bar("arms", len(self._arms)) as bar:
            while not all(each.done() for each in self._arms.values()):
                with suppress(Empty):
                    name, share = self._said.get(timeout=0.5)
                    done[name] = share
                bar.to(sum(done.values()), note=", ".join(name for name, share in done.items() if share < 1.0))
        return {name: each.result() for name, each in self._arms.items()}

    def give_up(self) -> None:
        """Begin no further arm."""
        self._pool.shutdown(wait=False, cancel_futures=True)


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


def _works(told: Told) -> list[_Work]:
    """The longest first, so that none is waited for alone."""
    shop, config = told.shop, told.shop.config
    task, folder, base = config.task(told.task), shop.run_folder("arms"), Start(base=config.model.base)
    ours, schedule = shop.champion(told.task), lessons(told)
    rows = [(row.text, row.target) for row in told.rows]
    ready = [
        _Work(name=name, task=task, start=start_of(shop, version), prior=version.prior, rows=rows)
        for name, version in (("ours", ours), ("never", told.first))
    ]
    if not schedule:
        return ready
    capped, last = replace(named("joint", config.train), max_steps=MOST_STEPS), schedule[-1]
    plain = named("naive", config.train)
    return [
        _Work(name=name, task=task, start=start, rows=rows, schedule=given, recipe=recipe, folder=folder / name)
        for name, start, given, recipe in (
            ("joint_all_labels", base, [_all_labels(told, last)], capped),
            ("joint", base, [last], capped),
            ("naive", start_of(shop, told.first), schedule, plain),
        )
    ] + ready


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
        make = naive if work.name == "naive" else joint
        arm = replace(make(work.task, work.start, work.schedule, work.recipe, work.folder, report), name=work.name)
    backend = LocalBackend(work.start.base)
    # As training computes: for all arms alike, and twice as fast as what answers users where the hardware has it.
    with computing(backend.device, SHORT, bfloat16=has_bfloat16()):
        right = outcomes(backend, work.task, arm, work.rows)
    _told[0].put((work.name, 1.0))
    return Compared(arm, right)


def lessons(told: Told) -> list[Lesson]:
    """What each turn that trained brought, as the arms are given it."""
    store, out = told.shop.store, []
    known = examples(store, told.first.dataset)
    labels = list(told.first.labels)
    for turn in store.turns.list(told.task):
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


def _all_labels(told: Told, last: Lesson) -> Lesson:
    """The last lesson, had every live request up to then been labeled."""
    known = [e for e in last.known if not e.interaction]
    live = [r for r in told.live if r.time <= last.time]
    known += [Example(text=r.text, target=r.label, task=told.task, time=r.time) for r in live]
    labels = tuple(dict.fromkeys([*last.labels, *(r.label for r in live)]))
    return Lesson(time=last.time, new=known, known=known, labels=labels)
