"""Policies that can be tried on a history: each sees what it would have seen, and says when to retrain.

The shadow-gain rule and its square-root form measure what retraining would win; the others measure time, change, or
loss. Cumulative excess is that of CARA (Mahadevan and Mathioudakis 2023, 2310.04216); the square-root rule is that of
economic order quantities, for a loss that grows evenly.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from homeostat.decide.replay.history import Floats
from homeostat.decide.trigger.schedule import SLACK_S

DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Both sides, in one unit."""

    per_wrong: float = 1.0
    """What a wrong reply costs."""
    retraining: float
    """What a retraining costs, its evaluation included."""
    look: float = 0.0
    """What a policy that keeps a fresh challenger pays for it at each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is known at the end of a step."""

    time: float
    """Seconds since 1970."""
    since: float
    """When the model in service was trained."""
    requests: float
    """Of this step."""
    served: Floats
    """float[n]: how right the model in service was on this step's labeled rows."""
    fresh: Floats
    """The same of a challenger trained with all before this step."""
    alarm: float
    """Where a drift detector alarmed in this step, its statistic in units of its threshold; 0 where none did."""
    frozen: Floats | None = None
    """The same of a challenger of the age of the model in service; None where the model is of the same kind."""

    @property
    def gain(self) -> float:
        """What the fresh challenger was righter by than the frozen one, per request."""
        return float(self.fresh.mean() - self.stale.mean()) if len(self.fresh) else 0.0

    @property
    def stale(self) -> Floats:
        """What the fresh challenger is measured beside."""
        return self.served if self.frozen is None else self.frozen


class Policy(Protocol):
    """Told of each step in order; begins anew whenever it retrains."""

    def retrain(self, look: Look) -> bool:
        """Whether to retrain now, with all that is known."""


Make = Callable[[Prices], Policy]


@dataclass(slots=True)
class Never:
    """The first champion for good."""

    def retrain(self, look: Look) -> bool:
        """No."""
        return False


@dataclass(slots=True)
class Always:
    """At the end of every step."""

    def retrain(self, look: Look) -> bool:
        """Yes."""
        return True


@dataclass(slots=True)
class Periodic:
    """Whenever the model in service is so old."""

    seconds: float

    def retrain(self, look: Look) -> bool:
        """Whether it is; half a minute early counts as then."""
        return look.time - look.since >= self.seconds - SLACK_S


@dataclass(slots=True)
class Drift:
    """At every alarm of a drift detector, whatever it would win."""

    def retrain(self, look: Look) -> bool:
        """Whether there was one."""
        return look.alarm > 0


@dataclass(slots=True)
class Drop:
    """When accuracy has fallen so far below what it was when the model was new."""

    points: float = 0.05
    smooth: float = 0.3
    """Weight of the newest step in the running mean."""
    _new: float = field(init=False, default=math.nan)
    _now: float = field(init=False, default=math.nan)

    def retrain(self, look: Look) -> bool:
        """Whether it has, by the labeled rows of this and earlier steps."""
        if not len(look.served):
            return False
        accuracy = float(look.served.mean())
        if math.isnan(self._new):
            self._new = self._now = accuracy
            return False
        self._now += self.smooth * (accuracy - self._now)
        if self._now > self._new - self.points:
            return False
        self._new = self._now = math.nan
        return True


@dataclass(slots=True)
class Excess:
    """When the errors above those the model made when it was new have cost what retraining costs."""

    prices: Prices
    _new: float = field(init=False, default=math.nan)
    _lost: float = field(init=False, default=0.0)

    def retrain(self, look: Look) -> bool:
        """Whether they have."""
        if not len(look.served):
            return False
        wrong = 1.0 - float(look.served.mean())
        if math.isnan(self._new):
            self._new = wrong
        self._lost = max(0.0, self._lost + look.requests * self.prices.per_wrong * (wrong - self._new))
        if self._lost < self.prices.retraining:
            return False
        self._new, self._lost = math.nan, 0.0
        return True


@dataclass(slots=True)
class SkiRental:
    """When what a fresh challenger would have won has come to what retraining costs. The product's own rule."""

    prices: Prices
    _lost: float = field(init=False, default=0.0)

    def retrain(self, look: Look) -> bool:
        """Whether it has. What a challenger lost counts against it, down to nothing."""
        self._lost = max(0.0, self._lost + look.requests * self.prices.per_wrong * look.gain)
        if self._lost < self.prices.retraining:
            return False
        self._lost = 0.0
        return True


@dataclass(slots=True)
class SquareRoot:
    """When the gain, growing as it does, has reached the height at which retraining costs least in the long run."""

    prices: Prices
    steps: int = 3
    """Steps that the gain is the mean of."""
    _gains: deque[float] = field(init=False)
    _age: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._gains = deque(maxlen=self.steps)

    def retrain(self, look: Look) -> bool:
        """Whether the mean gain has reached √(2 · cost · slope / traffic)."""
        self._gains.append(look.gain)
        self._age += 1
        mean = sum(self._gains) / len(self._gains)
        stake, price = look.requests * self.prices.per_wrong, self.prices.retraining
        if price and (mean <= 0 or stake <= 0 or mean < math.sqrt(2 * price * (mean / self._age) / stake)):
            return False
        self._gains.clear()
        self._age = 0
        return True


def _periodic(days: float) -> Make:
    return lambda prices: Periodic(seconds=days * DAY)


POLICIES: Mapping[str, Make] = {
    "never": lambda prices: Never(),
    "always": lambda prices: Always(),
    "daily": _periodic(1),
    "weekly": _periodic(7),
    "monthly": _periodic(30),
    "quarterly": _periodic(91),
    "yearly": _periodic(365),
    "drift": lambda prices: Drift(),
    "performance": lambda prices: Drop(),
    "excess": Excess,
    "value": SkiRental,
    "square-root": SquareRoot,
}
"""Name -> how it is made for these prices. `value` is what decides in a turn."""
FRESH = frozenset({"value", "square-root"})
"""Policies that keep a fresh challenger, and pay for it."""
