"""The arms beside ours: never, naive, joint, and joint on all labels, on the test rows seen so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homeostat.curate.snapshot import examples
from homeostat.llm.local import LocalBackend
from homeostat.loop.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.learn import start_of
from homeostat.loop.story.script import TASK, Story
from homeostat.loop.workshop import Exam
from homeostat.stats.intervals import proportion
from homeostat.train.named import named
from homeostat.train.run import Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Score

MOST_STEPS = 300
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
    """never, naive, ours, joint and joint on all labels, on the same test rows."""
    shop, config = story.shop, story.config
    task, folder = config.task(TASK), shop.run_folder("arms")
    first, base = start_of(shop, story.first), Start(base=config.model.base)
    schedule = lessons(story)
    arms = [Arm(name="never", start=first)]
    ours = shop.champion(TASK)
    arms.append(Arm(name="ours", start=start_of(shop, ours)))
    capped = replace(named("joint", config.train), max_steps=MOST_STEPS)
    with story.scene.bar("arms", 1) as bar:
        if schedule:
            arms.append(naive(task, first, schedule, named("naive", config.train), folder, bar.training))
            arms.append(joint(task, base, schedule[-1:], capped, folder, bar.training))
            everything = joint(task, base, [_all_labels(story, schedule[-1])], capped, folder / "all", bar.training)
            arms.append(
                Arm(
                    name="joint_all_labels",
                    start=everything.start,
                    cost=everything.cost,
                    labels_used=everything.labels_used,
                )
            )
    backend = LocalBackend(config.model.base, threads=config.model.threads)
    pairs = [(row.text, row.target) for row in rows]
    return {arm.name: Compared(arm, outcomes(backend, task, arm, pairs)) for arm in arms}


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
