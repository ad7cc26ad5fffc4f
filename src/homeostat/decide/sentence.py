"""The sentence of a decision: gain with interval, value, cost, and what else could have been done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial

from homeostat.decide.budget import lacks, spent
from homeostat.decide.outcome import ratio
from homeostat.decide.value import Case, Evidence
from homeostat.types.decision import Action
from homeostat.types.report import Score


class Reason(StrEnum):
    """Which rule chose the action."""

    PAYS = "what waiting has cost has reached the cost of retraining"
    NOT_YET = "retraining would pay, but waiting has not cost as much yet"
    NO_GAIN = "the expected gain does not pay within the horizon"
    UNCLEAR = "something moved, the gain could be either way, and labels that tell are worth their price"
    FEW_LABELS = "too few labels to say"
    COOLING = "too soon after the last retraining"
    NO_PRICE = "no gain could pay the price"
    TRIGGERED = "the policy retrains whenever it is triggered"
    NO_TRIGGER = "no trigger has fired"
    QUIET = "no turn starts in quiet hours"
    RESTING = "the policy's cool-down is not over"
    NO_BUDGET = "it waits for budget"
    CLOSES = "it is the cheapest that closes the gap to the objective"
    NEAREST = "nothing closes the gap to the objective, and it is worth most"
    BEST = "it is worth most, and waiting has cost as much as it does"
    NO_OPTION = "nothing that was probed gains beyond chance and pays"
    ADVICE = "retraining is advised, and left to people"


BOUND = "its gain is not measured; the interval ends at what it can win back at most, by the fall of quality"
"""What a retraining is called of which only that is known."""


def sentence(action: Action, reason: str, case: Case) -> str:
    """What was decided and why, to be checked by hand: `retrain: worth 0.084 ± 0.031 more right answers per …`."""
    tell: dict[Reason, Callable[[Case], str]] = {
        Reason.PAYS: _pays,
        Reason.NOT_YET: _not_yet,
        Reason.NO_GAIN: _no_gain,
        Reason.UNCLEAR: _unclear,
        Reason.FEW_LABELS: _few_labels,
        Reason.COOLING: _cooling,
        Reason.NO_PRICE: _no_price,
        Reason.NO_TRIGGER: _no_trigger,
        Reason.CLOSES: partial(_option, reason),
        Reason.NEAREST: partial(_option, reason),
        Reason.BEST: partial(_option, reason),
        Reason.NO_OPTION: _no_option,
    }
    known = tell.get(reason) if isinstance(reason, Reason) else None
    told = known(case) if known else f"{held_up(reason, case)}; {_worth(case)}."
    return f"{action}: {told}{_bound(case)}{_proposal(case)}{_context(case.evidence)}"


def held_up(reason: str, case: Case) -> str:
    """A reason that is the policy's and not the gain's: `it waits for budget: …`."""
    if reason == Reason.QUIET:
        return f"no turn starts before {_when(case.bounds.quiet_until)}"
    if reason == Reason.RESTING:
        return f"the next retraining may come at {_when(case.bounds.cool_until)}"
    return f"{reason}: {_budget(case)}" if reason == Reason.NO_BUDGET else str(reason)


def _pays(case: Case) -> str:
    return (
        f"worth {_gain(case)}, about {_over_horizon(case)}, for {_training(case)} and no new labels; "
        f"waiting costs {number(case.worth.value)}, asking for {_labels(case)} first would cost {_labels_cost(case)}."
    )


def _not_yet(case: Case) -> str:
    return (
        f"retraining is worth {_gain(case)}, about {_over_horizon(case)}, for {_training(case)}, but waiting has cost "
        f"only {number(case.lost)} so far; retraining starts when that reaches {number(case.worth.cost)}; "
        f"asking for {_labels(case)} would cost {_labels_cost(case)}."
    )


def _no_gain(case: Case) -> str:
    return (
        f"retraining is worth {_gain(case)}, about {_over_horizon(case)}, which does not pay for {_training(case)}; "
        f"asking for {_labels(case)} would cost {_labels_cost(case)}."
    )


def _unclear(case: Case) -> str:
    return (
        f"something moved, but that retraining is worth {_gain(case)} is not clear enough; {_labels(case)} cost "
        f"{_labels_cost(case)} and deciding with them is worth about {number(case.worth.labels_value)}; retraining now "
        f"would cost {number(case.worth.cost)}."
    )


def _few_labels(case: Case) -> str:
    measured = f" ({_gain(case)})" if case.worth.gain.n else ""
    n = case.evidence.n_labels
    has, say = ("label", "says") if n == 1 else ("labels", "say")
    return (
        f"{number(n)} {has} since the champion was trained {say} too little about the gain"
        f"{measured}; {_labels(case)} more cost {_labels_cost(case)}; retraining now would cost "
        f"{number(case.worth.cost)}."
    )


def _cooling(case: Case) -> str:
    return (
        f"the last retraining was {number(case.evidence.since_turn_s)} s ago and the next may come after "
        f"{number(case.settings.cool_down_s)} s; it would be worth {_gain(case)} for {_training(case)}, and "
        f"waiting has cost {number(case.lost)} so far."
    )


def _no_price(case: Case) -> str:
    return f"retraining is worth {_gain(case)}, but its price is infinite."


def _option(reason: str, case: Case) -> str:
    """The option that was taken, and why."""
    chosen = case.picked
    if chosen is None:  # a replay of a decision whose options are not known
        return f"{reason}."
    gain, requests = chosen.option.gain, case.settings.horizon_requests
    return (
        f"{chosen.option.says}; worth {_rise(gain, case)}, about {number(chosen.value)} over the next "
        f"{number(requests)} requests, for {number(chosen.cost)}{_made_of(chosen.parts)}; {reason}{_gap(case)}."
    )


def _no_option(case: Case) -> str:
    tried = "; ".join(f"{one.name} {_rise(one.gain, case)}" for one in case.evidence.options)
    return f"{Reason.NO_OPTION} ({tried}){_gap(case)}."


def _proposal(case: Case) -> str:
    """Another base, where one is worth more than whatever is decided: for people to think about."""
    found = case.proposed
    if found is None:
        return ""
    gain, requests = _rise(found.option.gain, case), number(case.settings.horizon_requests)
    return (
        f" Proposed: {found.option.says}; worth {gain}, about {number(found.value)} over the next {requests} requests, "
        f"for {number(found.cost)}; a person sets `model.base`, no turn does."
    )


def _bound(case: Case) -> str:
    """What is known of a gain that nothing has measured: that it is no more than what was lost."""
    fell, most = case.evidence.fall, case.worth.most
    if fell is None or most is None:
        return ""
    return (
        f" No gain was measured; by confidence quality fell by {fell.mean:.3f} ({fell.low:.3f} to {fell.high:.3f}) "
        f"since the champion began to answer, so that retraining can win back {number(most[0])} over the next "
        f"{number(case.settings.horizon_requests)} requests at most, and hardly more than {number(most[1])}: an upper "
        "bound, and no gain."
    )


def _gap(case: Case) -> str:
    gap = case.evidence.gap
    return "" if gap is None else f", which is missed by {gap:.3f}"


def _rise(gain: Score, case: Case) -> str:
    what = "right answers" if case.evidence.metric == "accuracy" else case.evidence.metric
    return f"{gain.mean:.3f} ± {(gain.high - gain.low) / 2:.3f} more {what} per request"


def _no_trigger(case: Case) -> str:
    measured = f"; {_worth(case)}" if case.worth.gain.n else ""
    return f"no decision is due ({case.bounds.untriggered}){measured}."


def _worth(case: Case) -> str:
    """What retraining would be worth and cost, whoever decides."""
    if not case.worth.gain.n:
        return f"what retraining would gain is not known, and it would cost {_training(case)}"
    return f"retraining is worth {_gain(case)}, about {_over_horizon(case)}, for {_training(case)}"


def _budget(case: Case) -> str:
    bounds = case.bounds
    option = case.picked
    wants, labels = case.takes(option.option.action if option else Action.RETRAIN), case.takes(Action.LABEL)
    kind = spent(bounds.left) or lacks(bounds.left, wants) or lacks(bounds.left, labels)
    what = kind.replace("cpu_hours", "CPU-hours").replace("gpu_hours", "GPU-hours")
    has = f"{number(bounds.left[kind])} of {number(bounds.limits[kind])} {what} are left of this {bounds.per}"
    if kind == "money" and bounds.given_cost:
        has += f" ({number(bounds.given_cost)} went for {number(bounds.given)} labels, at `decide.price_per_label`)"
    return f"{has}, and the next begins at {_when(bounds.renews)}"


def _when(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def _gain(case: Case) -> str:
    return _rise(case.worth.gain, case)


def _over_horizon(case: Case) -> str:
    requests = case.settings.horizon_requests
    price = "" if case.settings.value_per_correct == 1 else f" (worth {number(case.worth.value)})"
    return f"{number(case.worth.gain.mean * requests)} over the next {number(requests)}{price}"


def _training(case: Case) -> str:
    seconds = case.evidence.train_cpu_s
    time = f"{number(seconds)} CPU-seconds" if seconds < 7200 else f"{number(seconds / 3600)} CPU-hours"
    gpu = case.evidence.train_gpu_s
    time += f" and {number(gpu / 3600)} GPU-hours" if gpu else ""
    return f"{time} ({number(case.worth.cost)}{_made_of(case.worth.parts)})"


def _made_of(parts: Mapping[str, float]) -> str:
    """What a cost holds beside the making and the answering: `, of which 0.2 the judge's tokens and 1.3 the risk`."""
    names = {"judge": "the judge's tokens", "risk": "the risk of a bad candidate"}
    told = [f"{number(parts[name])} {what}" for name, what in names.items() if name in parts]
    return f", of which {' and '.join(told)}" if told else ""


def _labels(case: Case) -> str:
    return f"{number(case.worth.labels)} labels"


def _labels_cost(case: Case) -> str:
    return number(case.worth.labels_cost)


def _context(evidence: Evidence) -> str:
    """What else a reader should know: labels the champion cannot give, what came of earlier turns, what has moved."""
    unknown = (
        f" {evidence.unknown_labels:.0%} of the labels are new to the champion." if evidence.unknown_labels else ""
    )
    moved = ", ".join(sorted({signal.moved.value for signal in evidence.signals}))
    known = ratio(evidence.outcomes)
    turns = "the one earlier turn" if known.n == 1 else f"{known.n} earlier turns"
    learned = f" By {turns}, {known.mean:.2f} of an expected gain comes true." if known.n else ""
    return unknown + learned + _risk(evidence) + _judging(evidence) + (f" Moved: {moved}." if moved else "")


def _risk(evidence: Evidence) -> str:
    """How likely a bad candidate is, and what one would do, so that its price can be checked by hand."""
    risk = evidence.risk
    if risk is None:
        return ""
    chance = risk.chance
    seen = f"{risk.bad} of {risk.turns} earlier candidates were bad" if risk.turns else "no candidate was tried yet"
    return (
        f" Risk: {seen}, so that the next one is with {chance.mean:.2f} ({chance.low:.2f} to {chance.high:.2f}), and"
        f" answers {number(risk.exposed)} requests worse by {number(risk.loss)} until it is found out."
    )


def _judging(evidence: Evidence) -> str:
    """How many tokens judges read and write in a turn."""
    asked = evidence.judging
    if asked is None:
        return ""
    priced = "" if asked.price_read or asked.price_written else ", at no stated price"
    return f" Judges: about {number(asked.tokens)} tokens for {number(asked.pairs)} pairs{priced}."


def number(value: float) -> str:
    """A number without false precision: `10,000`, `840`, `12.5`, `0.001`."""
    size = abs(value)
    if 0 < size < 0.001:
        return "less than 0.001" if value > 0 else "more than -0.001"
    text = f"{value:,.0f}" if size >= 100 else f"{value:,.1f}" if size >= 1 else f"{value:.3f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
