"""What would be decided today about every task, and what would come of it, found out without writing anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from homeostat.decide.budget import Book, booked
from homeostat.decide.option import CHEAPEST
from homeostat.decide.policy import decide
from homeostat.decide.rank import first
from homeostat.decide.record import book, booking, decided, remembered
from homeostat.decide.rule import Memory, Stand
from homeostat.decide.value import Bounds, Evidence, at_best
from homeostat.loop.deciding.concluding import bounds_of
from homeostat.loop.noticing import looking
from homeostat.loop.noticing.looking import Look, look
from homeostat.loop.undoing.drilling import Coming, comings
from homeostat.loop.workshop import Workshop
from homeostat.types.decision import Action, Decision
from homeostat.types.turn import AWAITING, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Today's decision about one task."""

    task: str
    policy: str
    """Name of its policy; empty for the built-in one."""
    time: float
    """The moment of it, in seconds since 1970."""
    stands: tuple[Stand, ...] = ()
    """Where every trigger stands."""
    decision: Decision | None = None
    """What would be decided; None where no version answers the task, or a turn is under way."""
    weighed: Decision | None = None
    """What the strategy says whether triggered or not, with the evidence."""
    left: Mapping[str, float] = field(default_factory=dict)
    """What is left of the budget, by kind."""
    limits: Mapping[str, float] = field(default_factory=dict)
    renews: float = 0.0
    """When the budget's period ends; 0 without one."""
    happens: str
    """What would happen."""
    next: float = math.inf
    """When the triggers will be looked at again or a schedule is due, at the latest; infinite where nobody knows."""
    due: bool = False
    """Whether a turn would look."""
    until: float = 0.0
    """The moment up to which it would."""
    drills: tuple[Coming, ...] = ()
    """The next drill by each policy that drills."""


def plans(shop: Workshop, tasks: Sequence[str]) -> list[Plan]:
    """Today's decisions about tasks, in the order in which they would come: what one takes, the next has no more."""
    looks: dict[str, Look] = {}
    idle: dict[str, Plan] = {}
    for task in tasks:
        stuck = _stuck(shop, task)
        if stuck is not None:
            idle[task] = stuck
        else:
            looks[task] = look(shop, task, shop.champion(task))
    known = {task: looking.evidence(shop, task, now.seen.until) for task, now in looks.items()}
    waiting = [task for task in looks if looks[task].idle]
    worths = {task: at_best(known[task], shop.config.deciding(task)) for task in looks if task not in waiting}
    books: dict[str, Book] = {}
    found = []
    for task in (*first(worths), *waiting):
        name = looks[task].rule.name
        plan = _plan(shop, task, looks[task], known[task], books.get(name))
        if plan.decision is not None and plan.decision.action.makes and name:
            new = booking(plan.decision, known[task], f"next {task}", plan.time)
            books[name] = booked(books.get(name, book(shop.store, name)), new)
        found.append(plan)
    drills = {plan.task: comings(shop.config, shop.store, plan.task) for plan in (*found, *idle.values())}
    return [replace(plan, drills=tuple(drills[plan.task])) for plan in (*found, *idle.values())]


def _stuck(shop: Workshop, task: str) -> Plan | None:
    """The plan of a task about which nothing can be decided now; None where something can."""
    policy = shop.config.tasks[task].policy
    if shop.store.aliases.get(task, "champion") is None:
        return Plan(task=task, policy=policy, time=0.0, happens="nothing: no version answers it yet")
    under_way = shop.store.turns.under_way(task)
    return Plan(task=task, policy=policy, time=0.0, happens=_goes_on(under_way[-1])) if under_way else None


def _goes_on(turn: Turn) -> str:
    if turn.state == AWAITING:
        return f"nothing before somebody answers: `homeostat approve {turn.id}` ({turn.because})"
    return f"{turn.story} {turn.id} is under way"


def _plan(shop: Workshop, task: str, now: Look, evidence: Evidence, ahead: Book | None) -> Plan:
    at, settings = now.seen.sight.time, shop.config.deciding(task)
    around = bounds_of(shop.config, shop.store, task, at=at, ahead=ahead, untriggered=now.idle)
    decision, _ = decided(shop.store, evidence, settings, now=now.seen.until, turn="", bounds=around)
    weighs = Bounds(strategy=now.rule.strategy) if now.rule.strategy == CHEAPEST else None
    weighed, _ = decide(evidence, settings, now=now.seen.until, turn="", bounds=weighs)
    memory = remembered(shop.store, now.rule.name, task) if now.rule.name else Memory()
    comes = [when for stand in now.found.stands if (when := stand.standing.next) is not None]
    comes += [memory.time + now.rule.look_s] if now.rule.look_s else []
    comes += [around.quiet_until, around.cool_until] if now.found.due else []  # what is due waits for no more than that
    return Plan(
        task=task,
        policy=now.rule.name,
        time=at,
        stands=now.found.stands,
        decision=decision,
        weighed=weighed,
        left=around.left,
        limits=around.limits,
        renews=around.renews,
        happens=_happens(decision, now),
        next=min((when for when in comes if when > at), default=math.inf),
        due=not now.idle,
        until=now.seen.until,
    )


def _happens(decision: Decision, now: Look) -> str:
    if decision.action.makes:
        waits = now.rule.action == "propose"
        return "a turn starts, and waits until somebody approves it" if waits else "a turn starts"
    if now.idle:
        return "nothing"
    return "a turn looks, and ends there" if decision.action is Action.WAIT else "labels are asked for"


def without_id(plan: Plan) -> Plan:
    """The plan with no ids of decisions that nobody has made."""
    decision = replace(plan.decision, id="") if plan.decision else None
    return replace(plan, decision=decision, weighed=replace(plan.weighed, id="") if plan.weighed else None)
