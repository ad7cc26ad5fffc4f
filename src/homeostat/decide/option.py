"""Ways to answer better, each with what a small probe of it has gained on held-out labels, and which of them to take.

From the cheapest to the dearest: other words before a request, verified answers shown beside it, trainings on what was
verified, what a teacher says of requests that nobody has labeled; and another base, which is only proposed. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from homeostat.config.schema import Decide
from homeostat.decide.outcome import Outcome, come_true, ratio
from homeostat.decide.toll import Toll
from homeostat.types.decision import Action
from homeostat.types.report import Score

CHEAPEST = "cheapest"
"""The strategy that has options probed."""
PROMPT, RETRIEVE = "prompt", "retrieve"
"""Options that train nothing."""
DISTIL = "distil"
"""The option that learns from what a teacher says; every other one is named after its recipe."""
BASE = "base"
"""How the name of an option begins that stands on another base."""
_HOUR_S = 3600.0
NOTHING = Toll()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a short training on so many rows has gained."""

    rows: int
    gain: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One way, as a probe has found it."""

    name: str
    gain: Score
    """Rise of the metric per request over the champion: paired, on labels that nothing of it was chosen by, 95 %."""
    cpu_s: float
    """Expected CPU-seconds to make a candidate of it."""
    gpu_s: float = 0.0
    """Expected GPU-seconds."""
    more_cpu_s: float = 0.0
    """CPU-seconds by which every answer becomes dearer; below 0 where it becomes cheaper."""
    says: str = ""
    """What it is, and what was tried."""
    instruction: str = ""
    """`prompt`: the instruction that was best."""
    shown: int = 0
    """`retrieve`: verified answers that stand before a request."""
    by: str = "words"
    """`retrieve`: what those most like a request are found by, its `words` or the model's own `states` of it."""
    student: str = ""
    """`distil`: the version that goes on learning."""
    teachers: tuple[str, ...] = ()
    """`distil`: the versions that teach it."""
    probed: Score | None = None
    """The gain that the probe has measured, where `gain` is as much of it as came true in earlier turns."""
    base: str = ""
    """The other base that it stands on; empty for all but those that are proposed."""
    points: tuple[Point, ...] = ()
    """A training: what was tried, fewest rows first."""
    short: Score | None = None
    """What the largest of these has gained by itself, where `gain` is what their curve comes to on all rows; None where
    `gain` is a probe's own."""

    @property
    def way(self) -> str:
        """What earlier turns are compared with: a gain that a curve told comes true otherwise than a probe's own."""
        return f"{self.name} by its curve" if self.short else self.name

    @property
    def action(self) -> Action:
        """What it is to choose it."""
        known = {PROMPT: Action.PROMPT, RETRIEVE: Action.RETRIEVE, DISTIL: Action.DISTIL}
        return Action.BASE if self.base else known.get(self.name, Action.RETRAIN)

    @property
    def sure(self) -> bool:
        """Whether its gain is beyond chance: of what the probe measured, for how much of it comes true is a doubt about
        its size.
        """
        measured = self.probed or self.gain
        return measured.n > 0 and measured.low > 0.0


def learned(option: Option, outcomes: Sequence[Outcome]) -> Option:
    """The option with as much of its gain as came true in the earlier turns that went its way; as it is without any."""
    known = ratio(outcomes, option.way)
    if not known.n or not option.gain.n:
        return option
    says = f"{option.says} (by {known.n} of the earlier turns, {known.mean:.2f} of what its probe gains comes true)"
    return replace(option, gain=come_true(option.gain, known), probed=option.gain, says=says)


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """An option in the user's own unit, over the horizon."""

    option: Option
    value: float
    interval: tuple[float, float]
    cost: float
    """Of making it, of trying it on users, and of answering with it."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What the cost is made of, by name; what is nothing is left out."""

    @property
    def bill(self) -> float:
        """What of the cost is paid: all but the risk."""
        return self.cost - self.parts.get("risk", 0.0)

    @property
    def net(self) -> float:
        """What it is worth beyond its cost."""
        return self.value - self.cost

    @property
    def sure(self) -> bool:
        """Whether it is a win beyond chance: its gain is, or what cheaper answers save is more than may be lost."""
        return self.option.sure or (self.saves and self.interval[0] - self.cost > 0.0)

    @property
    def saves(self) -> bool:
        """Whether answers become so much cheaper that it costs less than nothing."""
        return self.option.gain.n > 0 and self.option.more_cpu_s < 0.0 and self.cost < 0.0


def priced(option: Option, settings: Decide, beside: Toll = NOTHING) -> Priced:
    """What an option is worth and costs over the horizon; `beside`: what a turn costs whatever it makes."""
    stake = settings.horizon_requests * settings.value_per_correct
    cpu_s = option.cpu_s + settings.horizon_requests * option.more_cpu_s
    cost = _at(cpu_s, settings.price_per_cpu_hour) + _at(option.gpu_s, settings.price_per_gpu_hour)
    answering = _at(settings.horizon_requests * option.more_cpu_s, settings.price_per_cpu_hour)
    making = _at(option.cpu_s, settings.price_per_cpu_hour) + _at(option.gpu_s, settings.price_per_gpu_hour)
    parts = {"making": making, "answering": answering, "judge": beside.judge, "risk": beside.risk}
    interval = (stake * option.gain.low, stake * option.gain.high)
    value = stake * option.gain.mean
    return Priced(option=option, value=value, interval=interval, cost=cost + beside.total, parts=costs(parts))


def costs(parts: Mapping[str, float]) -> dict[str, float]:
    """The parts of a cost that are not nothing."""
    return {name: part for name, part in parts.items() if part}


def _at(seconds: float, price: float) -> float:
    """Seconds at a price an hour, where nothing at any price costs nothing."""
    return seconds / _HOUR_S * price if seconds and price else 0.0


def picked(options: Sequence[Option], settings: Decide, gap: float | None, beside: Toll = NOTHING) -> Priced | None:
    """The option to take; None where none gains beyond chance and pays.

    Of those that close the gap to a missed objective, the one that costs least; where none does, or there is no gap,
    the one that is worth most beyond its cost.
    """
    helps = [one for one in _helping(options, settings, beside) if not one.option.base]
    closes = [one for one in helps if gap is not None and one.option.gain.mean >= gap]
    if closes:
        return min(closes, key=lambda one: (one.cost, -one.value))
    return max(helps, key=lambda one: one.net, default=None)


def proposed(
    options: Sequence[Option], settings: Decide, taken: Priced | None, beside: Toll = NOTHING
) -> Priced | None:
    """The other base to propose: the one that is worth most, if it is a win beyond chance, pays, and is worth more than
    what is taken; None where none is.
    """
    found = [one for one in _helping(options, settings, beside) if one.option.base]
    best = max(found, key=lambda one: one.net, default=None)
    return best if best is not None and (taken is None or best.net > taken.net) else None


def _helping(options: Sequence[Option], settings: Decide, beside: Toll) -> list[Priced]:
    """Those that are a win beyond chance and pay."""
    known = (priced(option, settings, beside) for option in options)
    return [one for one in known if one.sure and one.net >= 0.0 and math.isfinite(one.cost)]
