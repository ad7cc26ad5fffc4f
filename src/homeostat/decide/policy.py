"""Wait, ask for labels, or retrain: ski rental on the gain that a cheap, always fresh challenger shows.

While the champion stays, every request loses what a fresh model would have gained. The losses add up; retraining starts
when they have paid its cost, and then counting starts again from zero. As with skis that can be rented or bought, this
costs at most twice what somebody who knew the future would have paid for being stale, and in back-tests a few percent
more than them over a 64-fold range of costs, without tuning (docs/concepts/deciding.md). Triggers that watch for change
do worse: they measure that something moved, not what retraining would win, and do not know the price.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from homeostat.config.schema import Decide
from homeostat.decide.budget import lacks, spent
from homeostat.decide.option import CHEAPEST, picked, priced
from homeostat.decide.outcome import ratio
from homeostat.decide.sentence import BOUND, Reason, sentence
from homeostat.decide.strategy import STRATEGIES
from homeostat.decide.value import Bounds, Case, Evidence, Worth, weigh
from homeostat.types import ids
from homeostat.types.decision import Action, Alternative, Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the champion's age has cost so far. All a policy remembers; `dataclasses.asdict` makes it JSON."""

    accumulated: float = 0.0
    """Value lost since the last retraining, in the unit of `decide.value_per_correct`; never below zero."""
    turn: str = ""
    """The turn that was decided last."""
    before: float = 0.0
    """`accumulated` before that turn, so that deciding it again comes out the same."""


def decide(
    evidence: Evidence,
    settings: Decide,
    *,
    now: float,
    turn: str,
    ledger: Ledger | None = None,
    bounds: Bounds | None = None,
) -> tuple[Decision, Ledger]:
    """The decision of this turn and the ledger after it. The same arguments give the same decision, id and all.

    `now` is in seconds since 1970. A ledger that has this turn in it already is taken as it was before; one is left as
    it was where no decision was due, for then nobody has looked.
    """
    ledger, bounds = ledger or Ledger(), bounds or Bounds()
    before = ledger.before if ledger.turn == turn else ledger.accumulated
    worth = weigh(evidence, settings)
    beside = evidence.beside(settings)
    best = picked(evidence.options, settings, evidence.gap, beside) if bounds.strategy == CHEAPEST else None
    lately = worth.gain.mean if evidence.lately is None else evidence.lately * ratio(evidence.outcomes).mean
    missed = best.option.gain.mean if best else lately
    lost = max(0.0, before + evidence.requests * settings.value_per_correct * missed)
    case = Case(evidence=evidence, settings=settings, worth=worth, lost=lost, bounds=bounds)
    action, reason = bounded(case)
    option = case.picked if action.makes else None
    gain = option.option.gain if option else worth.gain
    cost = {Action.RETRAIN: worth.cost, Action.LABEL: worth.labels_cost}.get(action, 0.0)
    parts = option.parts if option else worth.parts if action is Action.RETRAIN else {}
    decision = Decision(
        id=ids.derived("dec", turn, "decide"),
        task=evidence.task,
        time=now,
        action=action,
        because=sentence(action, reason, case),
        gain=gain.mean,
        gain_interval=(gain.low, gain.high),
        cost=option.cost if option else cost,
        costs=parts,
        alternatives=alternatives(worth, evidence, settings),
        signals=tuple(signal.id for signal in evidence.signals),
        policy=bounds.policy,
        chosen=option.option.name if option else "",
    )
    if bounds.untriggered:
        return decision, ledger
    return decision, Ledger(accumulated=0.0 if action.makes else lost, turn=turn, before=before)


def bounded(case: Case) -> tuple[Action, str]:
    """What the strategy chooses, and to wait where something forbids that; the first that does is the reason."""
    bounds = case.bounds
    if bounds.untriggered:
        return Action.WAIT, Reason.NO_TRIGGER
    action, reason = STRATEGIES.get(bounds.strategy)(case)
    if action.makes and (held := _held(bounds)):
        return Action.WAIT, held
    if lacks(bounds.left, case.takes(action)):
        return Action.WAIT, Reason.NO_BUDGET
    if action.makes and bounds.action == "advise":
        return Action.WAIT, Reason.ADVICE
    return action, reason


def halt(bounds: Bounds) -> str:
    """Why no turn may start now, whatever it would find; empty where one may."""
    return _held(bounds) or (Reason.NO_BUDGET if spent(bounds.left) else "")


def _held(bounds: Bounds) -> str:
    if bounds.time < bounds.quiet_until:
        return Reason.QUIET
    return Reason.RESTING if bounds.time < bounds.cool_until else ""


def always(case: Case) -> tuple[Action, str]:
    """Retrain whenever the policy is triggered, unless no price would do or nothing was labeled."""
    if not math.isfinite(case.worth.cost):
        return Action.WAIT, Reason.NO_PRICE
    return (Action.RETRAIN, Reason.TRIGGERED) if case.evidence.n_labels else (Action.LABEL, Reason.FEW_LABELS)


def cheapest(case: Case) -> tuple[Action, str]:
    """Of the ways that were probed, the cheapest that closes the gap to a missed objective; without one, the way that
    is worth most beyond its cost, once waiting has cost as much. Where nothing was probed, as `choose`. Another base is
    none of them: it is proposed beside whatever is chosen.
    """
    evidence, settings, worth, option = case.evidence, case.settings, case.worth, case.picked
    acting = [one for one in evidence.options if not one.base]
    if not acting:
        return choose(case)
    if evidence.since_turn_s < settings.cool_down_s:
        return Action.WAIT, Reason.COOLING
    if option is None:
        unclear = any(one.gain.low <= 0.0 < one.gain.high and one.gain.mean > 0.0 for one in acting)
        pays = evidence.signals and unclear and worth.labels_value > worth.labels_cost
        return (Action.LABEL, Reason.UNCLEAR) if pays else (Action.WAIT, Reason.NO_OPTION)
    if evidence.gap is not None:
        closes = option.option.gain.mean >= evidence.gap
        return option.option.action, Reason.CLOSES if closes else Reason.NEAREST
    return (option.option.action, Reason.BEST) if case.lost >= option.cost else (Action.WAIT, Reason.NOT_YET)


def choose(case: Case) -> tuple[Action, str]:
    """The action, and which of the rules chose it. The first that applies does.

    Retraining that is too dear or too soon: wait. Too few labels: ask for more. A gain that does not pay within the
    horizon: wait, unless a signal says that something moved and labels to see it better are worth their price.
    Otherwise retrain as soon as what waiting has cost reaches the cost.
    """
    evidence, settings, worth = case.evidence, case.settings, case.worth
    if not math.isfinite(worth.cost):
        return Action.WAIT, Reason.NO_PRICE
    if evidence.since_turn_s < settings.cool_down_s:
        return Action.WAIT, Reason.COOLING
    if evidence.n_labels < settings.min_labels:
        return Action.LABEL, Reason.FEW_LABELS
    if worth.gain.mean > 0 and worth.value >= worth.cost:
        return (Action.RETRAIN, Reason.PAYS) if case.lost >= worth.cost else (Action.WAIT, Reason.NOT_YET)
    if evidence.signals and _labels_pay(worth):
        return Action.LABEL, Reason.UNCLEAR
    return Action.WAIT, Reason.NO_GAIN


def _labels_pay(worth: Worth) -> bool:
    """Whether the gain could be either way and finding out is worth more than its price."""
    unclear = worth.gain.low < 0 < worth.gain.high
    return unclear and worth.labels_value - worth.labels_cost > max(0.0, worth.value - worth.cost)


def alternatives(worth: Worth, evidence: Evidence, settings: Decide) -> tuple[Alternative, ...]:
    """What was weighed, best first by gain minus cost over the horizon; waiting is the zero they are measured from.

    A choice without a finite price is left out, and so is retraining as such where recipes were probed.
    """
    probed = [priced(option, settings, evidence.beside(settings)) for option in evidence.options]
    stake, gain = settings.horizon_requests * settings.value_per_correct, worth.gain
    interval = (stake * gain.low, stake * gain.high) if gain.n else None
    weighed = [
        Alternative(action=Action.WAIT, gain=0.0, cost=0.0),
        Alternative(action=Action.LABEL, gain=worth.labels_value, cost=worth.labels_cost),
        *(
            Alternative(
                action=one.option.name,
                gain=one.value,
                cost=one.cost,
                costs=one.parts,
                gain_interval=one.interval,
                says=one.option.says,
            )
            for one in probed
        ),
    ]
    if not any(one.option.action is Action.RETRAIN for one in probed):
        own = Alternative(action=Action.RETRAIN, gain=worth.value, cost=worth.cost, costs=worth.parts)
        if worth.most is not None:
            interval, own = (0.0, worth.most[1]), replace(own, says=BOUND)
        weighed.append(replace(own, gain_interval=interval))
    finite = (one for one in weighed if math.isfinite(one.cost))
    return tuple(sorted(finite, key=lambda one: one.cost - one.gain))
