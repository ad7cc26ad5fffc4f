"""What would have come of other lines: one policy led through one history, once for each value of one of its lines.

Each value stands beside the oracle and beside the best calendar in hindsight, at the same prices. A line that is best
in hindsight need not be best next year: `WhatIf.halves` chooses one by the first half of the time and asks the second.
Pure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from homeostat.decide.replay.history import History
from homeostat.decide.replay.policies import Make, Periodic, Policy, Prices
from homeostat.decide.replay.replay import Outcome, replay_made
from homeostat.errors import WrongType

POINTS = 9
"""Values of a range."""
WIDE = 8.0
"""From so many times on the ends of a range lie so far apart that its values are multiples of each other."""
_NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"(?P<before>.*?)(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER})(?P<after>.*)", re.IGNORECASE)
_FIX = "e.g. policies.steady.any.drop=0.02..0.2, or cost=10,20,40"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One value, and what it makes of the policy, the prices or the detector."""

    value: str
    history: History
    prices: Prices
    make: Make
    fresh: bool = False
    """Whether the policy pays for its looks."""
    in_force: bool = False
    """Whether it is so already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one value."""

    value: str
    in_force: bool
    outcome: Outcome
    oracle: Outcome
    """At the same prices."""
    calendar: Outcome
    """The cheapest of all calendars at the same prices, from one step to all of them."""
    halves: tuple[float, float]
    """What the policy cost in the first half of the steps and in the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halves:
    """Whether what was best in the first half of the time was good in the second."""

    chosen: str
    """The value that cost least in the first half."""
    cost: float
    """Of it in the second half."""
    best: str
    """The value that cost least in the second."""
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What came of all values of a line."""

    key: str
    policy: str
    """The policy that was led through the history."""
    note: str = ""
    """What is to be known of it."""
    tries: tuple[Tried, ...]
    halves: Halves | None = None
    """None where values differ in prices: what two of them cost cannot be compared."""

    @property
    def best(self) -> Tried:
        """The value that costs least beside its oracle."""
        return min(self.tries, key=lambda each: each.outcome.ratio)


def wanted(text: str) -> tuple[str, list[str]]:
    """The line and its values: of `a=1,2,3` these, of `a=1..9` nine from one end to the other, text around them kept;
    of `a=["0 3 1,15 * *", every week]` what YAML makes of it. Values that lie far apart are multiples of each other,
    others as far apart as each other; between whole numbers, whole ones.

    Raises:
        WrongType: it is none of these.
    """
    key, equals, said = text.partition("=")
    found = _listed(said.strip()) if said.strip().startswith("[") else _ranged(said)
    found = list(dict.fromkeys(found))
    if not equals or not key.strip() or len(found) < 2 or not all(found):
        raise WrongType("not a line and two values or more", where=f"--what-if {text}", fix=_FIX)
    return key.strip(), found


def _listed(said: str) -> list[str]:
    try:
        values = yaml.safe_load(said)
    except yaml.YAMLError:
        return []
    return [one if isinstance(one, str) else yaml.safe_dump(one).partition("\n")[0] for one in values]


def _ranged(said: str) -> list[str]:
    match = _RANGE.fullmatch(said.strip())
    if not match:
        return [one.strip() for one in said.split(",")]
    whole = not any(set(match[end]) & set(".eE") for end in ("low", "high"))
    low, high = float(match["low"]), float(match["high"])
    few = whole and 0 <= high - low < POINTS
    between = [low + k for k in range(round(high - low) + 1)] if few else _spread(low, high)
    told = [f"{one:.0f}" if whole else f"{float(f'{one:.3g}'):.12g}" for one in between]
    return [f"{match['before']}{one}{match['after']}" for one in told]


def _spread(low: float, high: float) -> list[float]:
    far = low > 0 and high / low >= WIDE
    parts = [k / (POINTS - 1) for k in range(POINTS)]
    return [low * math.pow(high / low, part) if far else low + (high - low) * part for part in parts]


def tried(key: str, policy: str, cases: Sequence[Case], note: str = "") -> WhatIf:
    """What comes of each case, in their order."""
    calendars: dict[tuple[int, Prices], Outcome] = {}
    found = []
    for case in cases:
        alike = (id(case.history), case.prices)
        calendars.setdefault(alike, calendar(case.history, case.prices))
        made, best = replay_made(case.history, case.prices, {policy: case.make}, {policy} if case.fresh else ())
        found.append(
            Tried(
                value=case.value,
                in_force=case.in_force,
                outcome=made,
                oracle=best,
                calendar=calendars[alike],
                halves=_halved(case, made),
            )
        )
    comparable = len({case.prices for case in cases}) == 1 and all(case.history.steps > 3 for case in cases)
    return WhatIf(key=key, policy=policy, note=note, tries=tuple(found), halves=_apart(found) if comparable else None)


def calendar(history: History, prices: Prices) -> Outcome:
    """The cheapest in hindsight of the calendars of one step, of two, and so on; its name says its length in days."""
    step = float(history.times[-1] - history.times[0]) / history.steps
    lengths = {f"every {k * step / 86_400.0:.3g} days": _every(k * step) for k in range(1, history.steps)}
    return min(replay_made(history, prices, lengths)[:-1], key=lambda each: each.cost)


def _every(seconds: float) -> Make:
    def make(prices: Prices) -> Policy:
        return Periodic(seconds=seconds)

    return make


def _halved(case: Case, made: Outcome) -> tuple[float, float]:
    """What it cost in each half of the steps; retrainings count where they were made."""
    history, prices, middle = case.history, case.prices, case.history.steps // 2
    lost = [
        float(asked) * (1.0 - right) * prices.per_wrong
        for asked, right in zip(history.requests, made.course, strict=True)
    ]
    early = sum(moment < history.times[middle] for moment in made.retrained)
    looked = prices.look * case.fresh
    first = sum(lost[:middle]) + early * prices.retraining + looked * middle
    second = sum(lost[middle:]) + (len(made.retrained) - early) * prices.retraining
    return first, second + looked * (history.steps - middle)


def _apart(tries: Sequence[Tried]) -> Halves:
    chosen, best = min(tries, key=lambda each: each.halves[0]), min(tries, key=lambda each: each.halves[1])
    return Halves(chosen=chosen.value, cost=chosen.halves[1], best=best.value, least=best.halves[1])
