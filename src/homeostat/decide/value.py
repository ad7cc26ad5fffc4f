"""What is known when a decision is due, and what each choice is worth in the user's own unit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from homeostat.config.schema import Decide
from homeostat.decide.option import CHEAPEST, Priced, costs, picked, proposed
from homeostat.decide.option import Option as Option
from homeostat.decide.outcome import Outcome, come_true, ratio
from homeostat.decide.toll import Judging, Risk, Toll, toll
from homeostat.types.decision import Action
from homeostat.types.report import Score
from homeostat.types.signal import Signal

_SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What has been measured since the champion was trained. Metrics lie between 0 and 1."""

    task: str
    metric: str = "accuracy"
    gain: Score
    """Shadow gain: a cheap head kept fresh minus the same head frozen at the champion's date, paired, on labels that
    neither had seen when it answered. `n` of 0: nothing was measured."""
    lately: float | None = None
    """The same on the labels since the last decision alone: what was lost on the requests since then. None where there
    are none; then it is taken to be `gain`."""
    accuracy: Score | None = None
    """The champion's metric on the same labeled rows; what it lacks to 1 is the most that can be gained."""
    n_labels: int
    """Labels given since the champion's dataset."""
    requests: int
    """Requests answered since the last decision about this task."""
    train_cpu_s: float
    """Estimated CPU-seconds to curate, train and evaluate one candidate."""
    train_gpu_s: float = 0.0
    """Estimated GPU-seconds of its training; 0 where the champion's had none."""
    unknown_labels: float = 0.0
    """Share of the labeled rows whose label the champion does not know."""
    signals: tuple[Signal, ...] = ()
    """Signals that no earlier turn has dealt with."""
    since_turn_s: float = math.inf
    """Seconds since the last retraining."""
    options: tuple[Option, ...] = ()
    """Ways to answer better that were probed; none unless the strategy wants them."""
    gap: float | None = None
    """By how much the metric falls short of a missed objective; None where none is missed."""
    outcomes: tuple[Outcome, ...] = ()
    """What earlier turns of the task gained beside what was expected of them, oldest first."""
    judging: Judging | None = None
    """What judges are asked in a turn; None where none rates."""
    risk: Risk | None = None
    """How often candidates were bad, and whom that reached; None where that was not looked up."""
    fall: Score | None = None
    """By how much quality fell since the champion began to answer, told without a label; only where `gain` is not
    measured. What retraining can win back at most."""

    def beside(self, settings: Decide) -> Toll:
        """What a turn costs beside the making of its candidate."""
        return toll(self.judging, self.risk, settings.value_per_correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """Both sides of the ledger."""

    gain: Score
    """Expected rise of the metric per request."""
    value: float
    """What that rise is worth over the horizon."""
    cost: float
    """What retraining costs; infinite if no price would do."""
    parts: Mapping[str, float] = field(default_factory=dict)
    """What that is made of: `making` the candidate, the `judge` and the `risk`; what is nothing is left out."""
    labels: int
    """How many labels would be asked for."""
    labels_cost: float
    labels_value: float
    """Expected worth of deciding after those labels, retraining paid where it is then chosen."""
    most: tuple[float, float] | None = None
    """What retraining can win back at most where no gain was measured, by the estimated fall of quality and by the high
    end of its interval; None where a gain was measured, or nothing tells."""

    @property
    def bill(self) -> float:
        """What of the cost is paid: all but the risk, which nobody sends a bill for."""
        return self.cost - self.parts.get("risk", 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a policy lays around a decision, at the moment of it. Without any, only evidence and settings decide."""

    policy: str = ""
    """Its name; empty for the built-in one."""
    strategy: str = "value"
    action: str = "retrain"
    """`retrain`, `propose` or `advise`."""
    time: float = 0.0
    """The moment, in seconds since 1970: the clock's, unless recorded traffic is replayed."""
    untriggered: str = ""
    """Why no decision was due: where the triggers stand that did not fire. Empty where one was."""
    quiet_until: float = 0.0
    """When the quiet hours end that the moment lies in; 0 where it lies in none."""
    cool_until: float = 0.0
    """When the next retraining may be decided, going by the last."""
    left: Mapping[str, float] = field(default_factory=dict)
    """What is left of the budget, by kind; kinds without a limit are left out."""
    limits: Mapping[str, float] = field(default_factory=dict)
    given: int = 0
    """Labels that people gave in the period, of all its tasks; 0 where no limit asks for them."""
    given_cost: float = 0.0
    """What of the money these have taken."""
    renews: float = 0.0
    """When its period ends."""
    per: str = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a rule looks at, and all that its sentence tells."""

    evidence: Evidence
    settings: Decide
    worth: Worth
    lost: float
    """What waiting has cost since the last retraining."""
    bounds: Bounds = Bounds()

    @property
    def cpu_hours(self) -> float:
        """What a retraining is expected to take."""
        option = self.picked
        return (option.option.cpu_s if option else self.evidence.train_cpu_s) / _SECONDS_PER_HOUR

    def takes(self, action: Action) -> dict[str, float]:
        """What an action takes of each kind that a budget may limit."""
        option = self.picked if action.makes else None
        if action.makes:
            bill = option.bill if option else self.worth.bill
            gpu = option.option.gpu_s if option else self.evidence.train_gpu_s
            hours = {"cpu_hours": self.cpu_hours, "gpu_hours": gpu / _SECONDS_PER_HOUR}
            return {"money": bill, **hours, "retrainings": float(action is Action.RETRAIN)}
        asks = {"money": self.worth.labels_cost, "labels": float(self.worth.labels)}
        return asks if action is Action.LABEL else {}

    @property
    def picked(self) -> Priced | None:
        """The option to take, where the strategy weighs options and one is worth taking."""
        weighs = self.bounds.strategy == CHEAPEST and self.evidence.options
        return picked(self.evidence.options, self.settings, self.evidence.gap, self.beside) if weighs else None

    @property
    def proposed(self) -> Priced | None:
        """The other base to propose, where the strategy weighs options and one is worth more than what is picked."""
        weighs = self.bounds.strategy == CHEAPEST and self.evidence.options
        return proposed(self.evidence.options, self.settings, self.picked, self.beside) if weighs else None

    @property
    def beside(self) -> Toll:
        """What a turn costs beside the making of its candidate."""
        return self.evidence.beside(self.settings)


def weigh(evidence: Evidence, settings: Decide) -> Worth:
    """The expected gain and what to retrain, to ask for labels and to wait are worth over the horizon."""
    gain, known = expected_gain(evidence), ratio(evidence.outcomes)
    measured = come_true(shadow_gain(evidence), replace(known, error=0.0))  # no label tells more of the ratio
    bound = None if gain.n else evidence.fall
    if bound is not None:  # somewhere between nothing and all that was lost
        measured = Score(mean=max(0.0, bound.mean) / 2, low=0.0, high=max(0.0, bound.high), n=0)
    stake = settings.horizon_requests * settings.value_per_correct
    making = _product(evidence.train_cpu_s / _SECONDS_PER_HOUR, settings.price_per_cpu_hour)
    making += _product(evidence.train_gpu_s / _SECONDS_PER_HOUR, settings.price_per_gpu_hour)
    beside = evidence.beside(settings)
    parts = costs({"making": making, "judge": beside.judge, "risk": beside.risk})
    cost = sum(parts.values())
    missing = settings.min_labels - evidence.n_labels
    labels = missing if missing > 0 else settings.min_labels
    return Worth(
        gain=gain,
        value=stake * gain.mean,
        cost=cost,
        parts=parts,
        labels=labels,
        labels_cost=_product(labels, settings.price_per_label),
        labels_value=value_of_labels(measured, labels, stake=stake, cost=cost),
        most=None if bound is None else (stake * max(0.0, bound.mean), stake * max(0.0, bound.high)),
    )


def at_best(evidence: Evidence, settings: Decide) -> Worth:
    """The same with the option that would be taken in the place of retraining, where one of several would be."""
    worth = weigh(evidence, settings)
    option = picked(evidence.options, settings, evidence.gap, evidence.beside(settings))
    return replace(worth, value=option.value, cost=option.cost, parts=option.parts) if option else worth


def expected_gain(evidence: Evidence) -> Score:
    """What the shadow gain may come to, with its 95 % interval: as much of it as came true in earlier turns."""
    return come_true(shadow_gain(evidence), ratio(evidence.outcomes))


def shadow_gain(evidence: Evidence) -> Score:
    """The shadow gain with its 95 % interval, but no more than the champion lacks to a perfect score."""
    gain = evidence.gain
    if not gain.n:
        return Score(mean=0.0, low=-1.0, high=1.0, n=0)
    accuracy = evidence.accuracy
    most_mean, most_high = (1 - accuracy.mean, 1 - accuracy.low) if accuracy else (1.0, 1.0)
    mean = min(gain.mean, most_mean)
    return Score(mean=mean, low=max(-1.0, min(gain.low, mean)), high=max(mean, min(gain.high, most_high)), n=gain.n)


def value_of_labels(gain: Score, labels: int, *, stake: float, cost: float) -> float:
    """Expected worth of choosing between waiting and retraining once `labels` more are in.

    The gain is normal around its mean with the standard error s of its interval. More labels will move the mean by a
    normal with variance s² · k / (n + k) (preposterior analysis: Raiffa and Schlaifer 1961), and whoever then retrains
    only if the new mean pays gets the mean of max(0, stake · mean − cost). That is never less than choosing now.
    """
    if not math.isfinite(cost) or stake == 0:
        return 0.0
    spread = stake * gain.error * math.sqrt(labels / (gain.n + labels))
    net = stake * gain.mean - cost
    if spread == 0:
        return max(0.0, net)
    z = net / spread
    return net * 0.5 * math.erfc(-z / math.sqrt(2)) + spread * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _product(amount: float, price: float) -> float:
    """Amount times price, where nothing at any price costs nothing."""
    return amount * price if amount and price else 0.0
