"""What a line of the configuration makes of a backtest, value by value: `homeostat backtest --what-if LINE=VALUES`.

A line is any key of the file that a backtest looks at, and beside these `cost`, `calendar`, `drift` and `performance`:
what a retraining costs, and the lines of three built-in policies. Every value is read as the file would be, so that
what cannot stand there is refused in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.config.load import load
from homeostat.config.schema import Config, Decide, Monitor
from homeostat.decide.replay.history import History
from homeostat.decide.replay.policies import DAY, Drift, Drop, Make, Periodic, Policy, Prices
from homeostat.decide.replay.whatif import Case, WhatIf, tried, wanted
from homeostat.decide.rule import DRILL, Rule, rule_of
from homeostat.decide.rule import read as read_policy
from homeostat.errors import UnknownKey, WrongType
from homeostat.loop.backtests.backtest import YAML, Answered, made_of

FLAG = "--what-if"
COST, CALENDAR, DRIFT, PERFORMANCE = "cost", "calendar", "drift", "performance"
OWN = (COST, CALENDAR, DRIFT, PERFORMANCE)
"""Lines that are no key of the file."""
POLICIES = "policies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What values are tried on."""

    file: Path
    """The project's file."""
    task: str
    answered: Answered
    cost: float
    """Of a retraining."""
    look: float = 0.0
    """Of a look at a fresh challenger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """All of a configuration that a backtest of one policy looks at."""

    rule: Rule
    decide: Decide
    objective: float | None
    monitor: Monitor
    """With nothing but what the detector is told."""


def suppose(ground: Ground, text: str) -> WhatIf:
    """What comes of each value of a line.

    Raises:
        WrongType: it is no line with values, or nothing of it matters to a backtest; and what `load` and `rule_of`
            raise of a value.
    """
    key, values = wanted(text)
    histories: dict[Monitor, History] = {}

    def history(monitor: Monitor) -> History:
        """One for each setting of the detector: the models and their replies are the same."""
        if monitor not in histories:
            histories[monitor] = ground.answered.history(monitor)
        return histories[monitor]

    if key in OWN:
        cases = [_own(ground, key, value, history) for value in values]
        return tried(key, YAML if key == COST else key, cases)
    return _read(ground, key, values, history)


def _own(ground: Ground, key: str, value: str, history: Callable[[Monitor], History]) -> Case:
    """A value of a line that is no key of the file."""
    config, number = load(ground.file), _number(key, value)
    terms = _terms(config, ground.task, "")
    prices, monitor = _prices(ground, terms), terms.monitor
    in_force = False
    if key == COST:
        in_force, prices = number == ground.cost, replace(prices, retraining=number)
        make: Make = made_of(config, ground.task, terms.rule)
    elif key == DRIFT:
        in_force, monitor = number == monitor.false_alarm_every, replace(monitor, false_alarm_every=round(number))
        make = _always(Drift)
    elif key == PERFORMANCE:
        in_force, make = number == Drop().points, _always(lambda: Drop(points=number))
    else:
        make = _always(lambda: Periodic(seconds=number * DAY))
    return Case(value=value, history=history(monitor), prices=prices, make=make, fresh=key == COST, in_force=in_force)


def _always(policy: Callable[[], Policy]) -> Make:
    """The same whatever the prices."""
    return lambda prices: policy()


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not number >= 0.0 or (number == 0.0 and key != COST):
        raise WrongType(f"`{key}` takes numbers above 0, got '{value}'", where=f"{FLAG} {key}", fix=f"{key}=1,2,4")
    return number


def _read(ground: Ground, key: str, values: Sequence[str], history: Callable[[Monitor], History]) -> WhatIf:
    """Values of a key of the file."""
    own = _policy(key)
    plain = load(ground.file)
    new = bool(own) and own not in plain.policies
    before = None if new else _terms(plain, ground.task, own)
    found = []
    for value in values:
        config = load(ground.file, [f"{key}={value}"], flag=FLAG)
        terms = _terms(config, ground.task, own)
        found.append((value, terms, made_of(config, ground.task, terms.rule)))
    if all(terms == found[0][1] for _, terms, _ in found):
        fix = f"a key of `policies`, `decide.…`, `monitor.false_alarm_every`, or one of {', '.join(OWN)}"
        raise WrongType(f"nothing that a backtest looks at depends on `{key}`", where=f"{FLAG} {key}", fix=fix)
    cases = [
        Case(
            value=value,
            history=history(terms.monitor),
            prices=_prices(ground, terms),
            make=make,
            fresh=True,
            in_force=terms == before,
        )
        for value, terms, make in found
    ]
    note = f"the file has no policy '{own}': it has this line alone" if new else ""
    return tried(key, own or YAML, cases, note)


def _policy(key: str) -> str:
    """The policy of the file that a key is of; empty where it is of none.

    Raises:
        UnknownKey: `policies` alone, or a policy and no line of it.
    """
    first, *rest = key.split(".")
    if first != POLICIES:
        return ""
    if len(rest) < 2:
        raise UnknownKey(f"`{key}` is no line of a policy", where=FLAG, fix="e.g. policies.steady.hold=1,2,3")
    return rest[0]


def _terms(config: Config, task: str, policy: str) -> _Terms:
    """Raises as `rule_of`."""
    if policy and config.policies[policy].action == DRILL:
        what, fix = f"policy '{policy}' drills and decides nothing", "name a policy that retrains"
        raise WrongType(what, where=FLAG, fix=fix)
    return _Terms(
        rule=read_policy(policy, config.policies[policy]) if policy else rule_of(config, task),
        decide=config.deciding(task),
        objective=config.tasks[task].objective_at_least,
        monitor=_told(config.monitor),
    )


def _told(monitor: Monitor) -> Monitor:
    """What a drift detector of a backtest is told of the settings; the rest as if nobody had said anything."""
    return Monitor(
        seed=monitor.seed,
        false_alarm_every=monitor.false_alarm_every,
        min_reference=monitor.min_reference,
    )


def _prices(ground: Ground, terms: _Terms) -> Prices:
    return Prices(per_wrong=terms.decide.value_per_correct, retraining=ground.cost, look=ground.look)
