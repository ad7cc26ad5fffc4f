"""Looks at the triggers of a task as often as its policy says, and at who comes first where several want to begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homeostat.decide.policy import halt
from homeostat.decide.rank import first
from homeostat.decide.record import record, remember, remembered
from homeostat.decide.rule import Asked, Memory, Rule, asked, rule_of
from homeostat.decide.sentence import held_up
from homeostat.decide.value import Case, Evidence, at_best, weigh
from homeostat.loop import steps
from homeostat.loop.deciding.concluding import bounds_of
from homeostat.loop.deciding.seeing import Seen, clock, see
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.types.decision import Decision
from homeostat.types.report import Score
from homeostat.types.version import Version

TOLD_S = 86_400.0
"""Time between two rows that say why nothing was done, of a policy whose triggers do not fire."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A turn that is due."""

    task: str
    until: float
    """The moment up to which it looks."""
    rule: Rule
    memory: Memory
    """What the policy remembers once it is opened."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the triggers of a task found."""

    rule: Rule
    seen: Seen
    found: Asked
    idle: str
    """Why no turn may start; empty where one may."""


def look(shop: Workshop, task: str, champion: Version, *, at: float | None = None) -> Look:
    """Look at the triggers now; nothing is written."""
    rule = rule_of(shop.config, task)
    at = clock(shop.config, shop.store, task) if at is None else at
    seen = see(shop.config, shop.store, task, rule, champion, at=at)
    memory = remembered(shop.store, rule.name, task) if rule.name else Memory()
    found = asked(rule, seen.sight, memory)
    return Look(rule, seen, found, _idle(shop, task, seen, found))


def due(shop: Workshop, task: str, champion: Version) -> Opening | None:
    """The turn that is to be opened, if one is; what the triggers have to remember is kept, and once a day a row says
    why nothing was done.
    """
    rule = rule_of(shop.config, task)
    at = clock(shop.config, shop.store, task)
    memory = remembered(shop.store, rule.name, task) if rule.name else Memory()
    if rule.look_s and memory.time <= at < memory.time + rule.look_s:
        return None
    now = look(shop, task, champion, at=at)
    if not now.idle:
        return Opening(task, now.seen.until, rule, now.found.opened)
    if rule.name:
        after = now.found.memory
        if at - after.told >= TOLD_S:
            note(shop, task, now)
            after = replace(after, told=at)
        if after != memory:
            remember(shop.store, rule.name, task, after)
    return None


def note(shop: Workshop, task: str, now: Look) -> Decision:
    """Write down that nothing was done, and why."""
    at = now.seen.sight.time
    around = bounds_of(shop.config, shop.store, task, at=at, untriggered=now.idle)
    evidence, settings = _unmeasured(task, now.seen), shop.config.deciding(task)
    return record(shop.store, evidence, settings, now=at, turn=f"look.{task}.{at!r}", bounds=around)


def ranked(shop: Workshop, openings: Sequence[Opening]) -> list[Opening]:
    """The openings in the order in which they come, those under one budget by what they win per cost."""
    sharing: dict[str, list[Opening]] = {}
    for opening in openings:
        key = opening.rule.name if opening.rule.budget.limits else f" {opening.task}"
        sharing.setdefault(key, []).append(opening)
    return [one for group in sharing.values() for one in _first(shop, group)]


def _first(shop: Workshop, group: Sequence[Opening]) -> list[Opening]:
    if len(group) < 2:
        return list(group)
    by_task = {one.task: one for one in group}
    worths = {
        task: at_best(evidence(shop, task, one.until), shop.config.deciding(task)) for task, one in by_task.items()
    }
    return [by_task[task] for task in first(worths)]


def evidence(shop: Workshop, task: str, until: float) -> Evidence:
    """What a turn opened now would have measured."""
    now = Now("", task, until)
    return steps.gather(shop, now, steps.watch(shop, now).split())


def _idle(shop: Workshop, task: str, seen: Seen, found: Asked) -> str:
    if not found.due:
        return found.because or "nothing triggers it but a person"
    around = bounds_of(shop.config, shop.store, task, at=seen.sight.time)
    reason = halt(around)
    if not reason:
        return ""
    known, settings = _unmeasured(task, seen), shop.config.deciding(task)
    case = Case(evidence=known, settings=settings, worth=weigh(known, settings), lost=0.0, bounds=around)
    return held_up(reason, case)


def _unmeasured(task: str, seen: Seen) -> Evidence:
    """Evidence before anything is measured."""
    return Evidence(
        task=task,
        gain=Score(mean=0.0, low=-1.0, high=1.0, n=0),
        n_labels=seen.sight.labels,
        requests=round(seen.sight.requests),
        train_cpu_s=0.0,
        signals=seen.sight.signals,
    )
