"""The arms beside ours: never, naive, joint, and joint on all labels, on the test rows seen so far."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import cpu_count
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

import torch

from homeostat.curate.snapshot import examples
from homeostat.llm.local import LocalBackend
from homeostat.loop.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.learn import start_of
from homeostat.loop.story.processes import helpers
from homeostat.loop.story.script import TASK, Story
from homeostat.loop.workshop import Exam
from homeostat.stats.intervals import proportion
from homeostat.train.named import named
from homeostat.train.precision import SHORT, computing, has_bfloat16
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Score
from homeostat.types.task import Task

MOST_STEPS = 160
"""Steps after which a comparison arm is cut off in the demo; the benches train them to the end."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An arm and how it did on the test rows seen so far."""

    arm: Arm
    right: list[float]

    @property
    def score(self) -> Score:
        """Accuracy over all rows."""
        return proportion(int(sum(self.right)), len(self.right))


def compare(story: Story, rows: Sequence[Exam]) -> dict[str, Compared]:
    """never, naive, ours, joint and joint on all labels, on the same test rows; as many at once as there are cores."""
    works = _works(story, [(row.text, row.target) for row in rows])
    context = helpers()
    told: Queue[tuple[str, float]] = context.Queue()
    with (
        ProcessPoolExecutor(cpu_count(), context, initializer=_begin, initargs=(told,)) as pool,
        story.scene.bar("arms", len(works)) as bar,
    ):
        under_way = {work.name: pool.submit(_done, work) for work in works}
        done: dict[str, float] = {}
        while not all(each.done() for each in under_way.values()):
            with suppress(Empty):
                name, share = told.get(timeout=0.5)
                done[name] = share
            bar.to(sum(done.values()), note=", ".join(name for name, share in done.items() if share < 1.0))
        return {name: each.result() for name, each in under_way.items()}


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


def _works(story: Story, rows: list[tuple[str, str]]) -> list[_Work]:
    """The longest first, so that none is waited for alone."""
    shop, config = story.shop, story.config
    task, folder, base = config.task(TASK), shop.run_folder("arms"), Start(base=config.model.base)
    ours, schedule = shop.champion(TASK), lessons(story)
    ready = [
        _Work(name=name, task=task, start=start_of(shop, version), prior=version.prior, rows=rows)
        for name, version in (("ours", ours), ("never", story.first))
    ]
    if not schedule:
        return ready
    capped, last = replace(named("joint", config.train), max_steps=MOST_STEPS), schedule[-1]
    plain = named("naive", config.train)
    return [
        _Work(name=name, task=task, start=start, rows=rows, schedule=given, recipe=recipe, folder=folder / name)
        for name, start, given, recipe in (
            ("joint_all_labels", base, [_all_labels(story, last)], capped),
            ("joint", base, [last], capped),
            ("naive", start_of(shop, story.first), schedule, plain),
        )
    ] + ready


_told: list[Queue[tuple[str, float]]] = []
"""In a process of the pool: where it says how far it is."""


def _begin(told: Queue[tuple[str, float]]) -> None:
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


def lessons(story: Story) -> list[Lesson]:
    """What each turn that trained brought, as the arms are given it."""
    store, out = story.shop.store, []
    known = examples(store, story.first.dataset)
    labels = list(story.first.labels)
    for turn in store.turns.list(TASK):
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


def _all_labels(story: Story, last: Lesson) -> Lesson:
    """The last lesson, had every live request up to then been labeled."""
    known = [e for e in last.known if not e.interaction]
    live = [r for r in story.live if r.time <= last.time]
    known += [Example(text=r.text, target=r.label, task=TASK, time=r.time) for r in live]
    labels = tuple(dict.fromkeys([*last.labels, *(r.label for r in live)]))
    return Lesson(time=last.time, new=known, known=known, labels=labels)
