"""A policy as the configuration states it: triggers, a strategy, an action, and what holds it back.

`asked` looks at the triggers; what is remembered between two looks is a `Memory`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, tzinfo
from typing import TypeVar

from homeostat.config.schema import Config, Policy
from homeostat.decide.budget import Book, Budget, Given, budget
from homeostat.decide.hours import Hours, period, quiet_until, span, stretches, zone
from homeostat.decide.stated import objectives_of
from homeostat.decide.strategy import STRATEGIES
from homeostat.decide.trigger.catalogue import made
from homeostat.decide.trigger.counts import Enough
from homeostat.decide.trigger.fallen import Missed
from homeostat.decide.trigger.schedule import Cron, Every, fired
from homeostat.decide.trigger.sight import Past, Sight, Standing, Trigger
from homeostat.decide.value import Bounds
from homeostat.errors import TakenName, UnknownKey, WrongType, did_you_mean

T = TypeVar("T")
G = TypeVar("G")
DRILL = "drill"
"""The action of policies that decide nothing: by their schedule every task is drilled."""
BUILT_IN = Policy(any={"enough": True}, look="")
"""What decides where a task names no policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A policy that has been read."""

    name: str = ""
    any: Mapping[str, Trigger]
    all: Mapping[str, Trigger] = field(default_factory=dict)
    strategy: str = "value"
    action: str = "retrain"
    look_s: float = 0.0
    hold: int = 1
    rearm: float = 1.0
    cool_s: float = 0.0
    budget: Budget = field(default_factory=lambda: Budget({}))
    quiet: tuple[Hours, ...] = ()
    zone: tzinfo = UTC

    @property
    def triggers(self) -> dict[str, Trigger]:
        """All triggers, each by its place: `any.labels`."""
        both = {f"any.{name}": one for name, one in self.any.items()}
        return both | {f"all.{name}": one for name, one in self.all.items()}

    @property
    def reads(self) -> frozenset[str]:
        """The costly parts of a sight that its triggers look at."""
        return frozenset().union(*(one.reads for one in self.triggers.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a rule remembers of a task between two looks."""

    time: float = 0.0
    """Of the last look."""
    champion: str = ""
    acted: str = ""
    told: float = 0.0
    """When it was last written down that nothing was done."""
    triggers: Mapping[str, Past] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where one trigger stands."""

    trigger: str
    """`any.labels`"""
    fires: bool
    standing: Standing
    held: int
    armed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of a look."""

    due: bool
    """Whether a decision is due."""
    stands: tuple[Stand, ...]
    because: str
    """Which triggers fired, or where those stand that did not."""
    memory: Memory
    """If nothing comes of it."""
    opened: Memory
    """If a turn is opened."""


def asked(rule: Rule, sight: Sight, memory: Memory) -> Asked:
    """Look at all triggers: one of `any`, where there are some, and all of `all`. A person who asks is always heard."""
    renewed = bool(memory.champion) and memory.champion != sight.champion
    acted = bool(memory.champion) and memory.acted != sight.acted
    stands, pasts = [], {}
    for place, trigger in rule.triggers.items():
        past = memory.triggers.get(place, Past())
        standing = trigger.standing(sight, past, rule.zone)
        armed = _armed(rule, standing, past, renewed=renewed, acted=acted)
        held = past.held + 1 if standing.holds else 0
        pasts[place] = replace(past, held=held, armed=armed)
        fires = armed and standing.holds and held >= rule.hold
        stands.append(Stand(trigger=place, fires=fires, standing=standing, held=held, armed=armed))
    due = _due(stands) or sight.manual
    after = Memory(time=sight.time, champion=sight.champion, acted=sight.acted, told=memory.told, triggers=pasts)
    firing = {one.trigger for one in stands if one.fires}
    opened = {place: fired(past, sight) if place in firing else past for place, past in pasts.items()}
    return Asked(
        due=due,
        stands=tuple(stands),
        because=_because(rule, stands, due=due),
        memory=after,
        opened=replace(after, triggers=opened),
    )


def _armed(rule: Rule, standing: Standing, past: Past, *, renewed: bool, acted: bool) -> bool:
    """Whether a trigger may fire: one that lasts, once something was done, not before it has fallen, or another version
    answers.
    """
    if standing.value is None:
        return past.armed
    below = standing.value < rule.rearm * standing.line
    if acted and standing.lasts and not renewed:
        return below
    return past.armed or renewed or below


def _due(stands: list[Stand]) -> bool:
    some = [one.fires for one in stands if one.trigger.startswith("any.")]
    every = [one.fires for one in stands if one.trigger.startswith("all.")]
    return bool(stands) and (not some or any(some)) and all(every)


def _because(rule: Rule, stands: list[Stand], *, due: bool) -> str:
    told = [one for one in stands if one.fires] if due else [one for one in stands if not one.fires]
    return "; ".join(f"{_name(one.trigger)}: {one.standing.says}{_held(rule, one)}" for one in told)


def _name(place: str) -> str:
    return place.partition(".")[2]


def _held(rule: Rule, stand: Stand) -> str:
    if not stand.standing.holds or stand.fires:
        return ""
    if not stand.armed:
        return ", and something was done about it already"
    return f", for {stand.held} of {rule.hold} looks"


def bounds(
    rule: Rule,
    *,
    at: float,
    retrained: float | None,
    book: Book = (),
    labels: Callable[[float], Given] = lambda since: Given(0, 0.0),
    untriggered: str = "",
) -> Bounds:
    """What the rule lays around a decision.

    Args:
        rule: the policy.
        at: the moment of the decision, in seconds since 1970.
        retrained: when it last decided to retrain this task; None where it never did.
        book: what its turns have taken, this one's left out.
        labels: from a moment on, how many were given, and what they cost.
        untriggered: why no decision is due; empty where one is.
    """
    start, end = period(rule.budget.per, at, rule.zone)
    given = labels(start) if {"labels", "money"} & rule.budget.limits.keys() else Given(0, 0.0)
    return Bounds(
        policy=rule.name,
        strategy=rule.strategy,
        action=rule.action,
        time=at,
        untriggered=untriggered,
        quiet_until=quiet_until(rule.quiet, at, rule.zone),
        cool_until=0.0 if retrained is None or not rule.cool_s else retrained + rule.cool_s,
        left=rule.budget.left(book, given, at, rule.zone),
        limits=rule.budget.limits,
        given=given.labels,
        given_cost=given.money,
        renews=end if rule.budget.limits else 0.0,
        per=rule.budget.per,
    )


def rule_of(config: Config, task: str) -> Rule:
    """The rule of a task: that of the policy it names, or the built-in one.

    Raises:
        UnknownKey: it names a policy that there is not.
        UnknownPlugin, WrongType: the policy names a trigger or a strategy that there is not, or a value is none; or it
            is one that drills.
    """
    name = config.tasks[task].policy
    if not name:
        return _BUILT_IN
    if name not in config.policies:
        fix = did_you_mean(name, config.policies) if config.policies else "add it under `policies`"
        raise UnknownKey(f"unknown policy '{name}'", where=f"tasks.{task}.policy", fix=fix)
    if config.policies[name].action == DRILL:
        fix = "leave it there: it holds for every task by itself; name another policy, or none, for retraining"
        raise WrongType(f"policy '{name}' drills and decides nothing", where=f"tasks.{task}.policy", fix=fix)
    return read(name, config.policies[name])


def deciding(config: Config) -> dict[str, Rule]:
    """The policies that decide about retraining, by name. Raises as `rule_of`."""
    return {name: read(name, one) for name, one in config.policies.items() if one.action != DRILL}


def drilling(config: Config) -> list[Rule]:
    """The policies by which tasks are drilled, in the order of the file. Raises as `rule_of`."""
    return [read(name, one) for name, one in config.policies.items() if one.action == DRILL]


def read(name: str, policy: Policy) -> Rule:
    """A policy of the configuration as a rule. Raises as `rule_of`."""
    where = f"policies.{name}"
    STRATEGIES.get(policy.strategy)
    some, every = _triggers(policy.any, f"{where}.any"), _triggers(policy.all, f"{where}.all")
    if policy.action == DRILL:
        _hold_drills(policy, some, where)
    return Rule(
        name=name,
        any=some if some or every else {"enough": Enough()},
        all=every,
        strategy=policy.strategy,
        action=policy.action,
        look_s=_taken(span, policy.look, f"{where}.look"),
        hold=policy.hold,
        rearm=policy.rearm,
        cool_s=_taken(span, policy.cool_down, f"{where}.cool_down"),
        budget=_taken(budget, policy.budget, f"{where}.budget"),
        quiet=_taken(stretches, policy.quiet, f"{where}.quiet"),
        zone=_taken(zone, policy.zone, f"{where}.zone"),
    )


def hold(config: Config, taken: Mapping[str, object]) -> None:
    """Read every policy, and that of every task; a name in `taken` is none for a policy.

    Raises:
        TakenName: one is called as a built-in policy is.
        UnknownKey, UnknownPlugin, WrongType: as `rule_of`; a task without an objective is held to it.
    """
    for name, policy in config.policies.items():
        if name in taken:
            fix = "call it otherwise: `homeostat backtest` knows both by name"
            raise TakenName(f"'{name}' is the name of a built-in policy", where=f"policies.{name}", fix=fix)
        read(name, policy)
    for task in config.tasks:
        _hold_objective(config, task, rule_of(config, task))


def _hold_objective(config: Config, task: str, rule: Rule) -> None:
    known = {one.name for one in objectives_of(config, task)}
    meant = {place: one for place, one in rule.triggers.items() if isinstance(one, Missed)}
    for place, one in meant.items():
        if one.name and one.name not in known:
            what, fix = f"'{task}' has no objective '{one.name}'", did_you_mean(one.name, known)
            raise UnknownKey(what, where=f"policies.{rule.name}.{place}", fix=fix)
    own = [place for place, one in meant.items() if one.at_least is None and not one.name]
    if own and not known:
        raise WrongType(
            f"'{task}' has no objective to miss",
            where=f"policies.{rule.name}.{own[0]}",
            fix=f"write `objective: 0.9` there, or give tasks.{task}.objectives",
        )


def _hold_drills(policy: Policy, triggers: Mapping[str, Trigger], where: str) -> None:
    """Hold that a policy that drills has a schedule, and nothing that only a decision goes by."""
    plain = replace(Policy(), any=policy.any, action=DRILL, quiet=policy.quiet, zone=policy.zone)
    needless = [one.name for one in fields(Policy) if getattr(policy, one.name) != getattr(plain, one.name)]
    if needless:
        fix = "a policy that drills takes `any: {schedule: …}`, `quiet` and `zone`"
        raise WrongType(f"a drill goes by no `{needless[0]}`", where=f"{where}.{needless[0]}", fix=fix)
    fix = 'write `any: {schedule: "0 10 * * 2"}`, or `any: {schedule: every 2 weeks}`'
    if not triggers or not all(isinstance(one, Cron | Every) for one in triggers.values()):
        raise WrongType("drills go by the clock alone", where=f"{where}.any", fix=fix)
    if any(isinstance(one, Every) and one.low != one.high for one in triggers.values()):
        raise WrongType("drills come at one distance, not between two", where=f"{where}.any", fix=fix)


def _triggers(values: Mapping[str, object], where: str) -> dict[str, Trigger]:
    """Triggers by name; a list of values is a trigger for each."""
    found = {}
    for name, value in values.items():
        if not isinstance(value, list):
            found[name] = made(name, value, f"{where}.{name}")
            continue
        for place, one in enumerate(value):
            found[f"{name}[{place}]"] = made(name, one, f"{where}.{name}[{place}]")
    return found


def _taken(take: Callable[[G], T], value: G, where: str) -> T:
    try:
        return take(value)
    except ValueError as problem:
        text = str(problem)
        what, _, fix = text.partition("; ")
        prefix = "" if text.startswith(("not ", "no ", "'")) else f"{where.rpartition('.')[2]} "
        raise WrongType(f"{prefix}{what}", where=where, fix=fix or "docs/how-to/write-a-policy.md") from None


_BUILT_IN = replace(read("", BUILT_IN), name="")
