"""Drills by the clock: whether one is due by a policy whose action is `drill`, and what keeps it waiting.

What is due waits while a turn is under way, a candidate is tried, quiet hours last, or nobody asks. However many
moments of a schedule have passed meanwhile, one drill comes of them. Its id is told from the moment from which the
schedule was counted, so whatever is killed between two steps, the same drill is found again and none is begun twice.

Loads no model library, for commands tell of it too.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from homeostat.config.schema import Config
from homeostat.decide.hours import quiet_until
from homeostat.decide.rule import Rule, drilling, rule_of
from homeostat.decide.trigger.sight import Past, Sight
from homeostat.decide.trigger.sight import clock as told
from homeostat.loop.deciding.seeing import clock
from homeostat.release.drills import due as due_kind
from homeostat.release.drills import order
from homeostat.release.states import is_open
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.turn import PUSHED, Turn

LULL_S = 3600.0
"""Time without a request after which a drill waits for the next one: nobody would meet what is broken, and of what
nobody meets nothing is seen.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """The next drill of a task by one policy."""

    task: str
    policy: str
    drill: str
    """Id that it will have."""
    due: bool
    """Whether its moment has come."""
    next: float
    """That moment where it has not, in seconds since 1970; else now."""
    waits: str
    """Why it is not begun although it is due; empty where it is, or is not due."""
    kind: str
    """What will be broken, as things stand now."""
    counted: bool = True
    """Whether a worker has looked, which begins the schedule; where not, `next` is as if one looked now."""


def comings(config: Config, store: Store, task: str) -> list[Coming]:
    """The next drill of a task by each policy that drills, nearest first; none of a task that no version answers."""
    if store.aliases.get(task, "champion") is None:
        return []
    rules = drilling(config)
    at, kind = clock(config, store, task), due_kind(store, task) if rules else ""
    return sorted((_coming(config, store, task, rule, at, kind) for rule in rules), key=lambda one: one.next)


def opened(config: Config, store: Store, task: str) -> Turn | None:
    """The drill of a task that is due, written down with what is ordered; None where none is, or one waits.

    A schedule is counted from the first look on: a policy that is new in the file drills nobody at once.
    """
    rules = drilling(config)
    at = clock(config, store, task) if rules else 0.0
    for rule in rules:
        if store.state.get(_key(rule, task)) is None:
            store.state.put(_key(rule, task), at)
            continue
        one = _coming(config, store, task, rule, at)
        if one.due and not one.waits:
            turn = _written(store, one)
            store.state.put(_key(rule, task), at)
            if turn is not None:
                return turn
    return None


def _coming(config: Config, store: Store, task: str, rule: Rule, at: float, kind: str = "") -> Coming:
    known = store.state.get(_key(rule, task))
    since = at if known is None else float(known)
    sight = Sight(time=at, champion="", retrained=since)
    stands = [one.standing(sight, Past(), rule.zone) for one in rule.any.values()]
    due = any(one.holds for one in stands)
    return Coming(
        task=task,
        policy=rule.name,
        drill=ids.derived("trn", task, "drill", rule.name, since),
        due=due,
        next=at if due else min((one.next for one in stands if one.next is not None), default=math.inf),
        waits=_waits(config, store, task, rule, at) if due else "",
        kind=kind,
        counted=known is not None,
    )


def _waits(config: Config, store: Store, task: str, rule: Rule, at: float) -> str:
    """What keeps a drill of this task from being begun now."""
    busy = [turn.id for turn in store.turns.under_way(task)]
    release = store.releases.current(task)
    busy += release.tried if release is not None and is_open(release) else ()
    if busy:
        return f"{busy[0]} is under way"
    own = rule_of(config, task)
    quiet = max(quiet_until(one.quiet, at, one.zone) for one in (rule, own))
    if quiet:
        return f"quiet hours until {told(quiet, rule.zone)}"
    return "" if at - store.interactions.newest(task) < LULL_S else "nobody has asked for an hour"


def _written(store: Store, one: Coming) -> Turn | None:
    """The order and the row of the drill; None where the row is there, and the worker looks after it."""
    if any(turn.id == one.drill for turn in store.turns.list(one.task)):
        return None
    order(store, one.task, one.drill, due_kind(store, one.task), policy=one.policy)
    turn = Turn(id=one.drill, task=one.task, time=time.time(), diary={PUSHED: ""})
    store.turns.put(turn)
    return turn


def _key(rule: Rule, task: str) -> str:
    return f"drills:{rule.name}:{task}"
