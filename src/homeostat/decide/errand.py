"""What a decision leaves to people: labels to give, a way that it advises, another base that it proposes. Pure.

No turn does any of these, so whoever is to do them has to be told.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.config.schema import Decide
from homeostat.decide.sentence import Reason
from homeostat.decide.value import Bounds, Case, Evidence, weigh
from homeostat.types.decision import Action, Decision


@dataclass(frozen=True, slots=True)
class Errand:
    """Nothing, unless a field says otherwise."""

    labels: int = 0
    """How many are asked for."""
    way: str = ""
    """What is advised: `retrain`, or one of the ways that were probed."""
    base: str = ""
    """Another base that is worth more than what was chosen."""


def errand(decision: Decision, evidence: Evidence, settings: Decide, bounds: Bounds) -> Errand:
    """What a decision leaves to people, told from what it was made from; no strategy is asked again for it."""
    case = Case(evidence=evidence, settings=settings, worth=weigh(evidence, settings), lost=0.0, bounds=bounds)
    picked, proposed = case.picked, case.proposed
    advised = decision.action is Action.WAIT and decision.because.startswith(f"{Action.WAIT}: {Reason.ADVICE}")
    return Errand(
        labels=case.worth.labels if decision.action is Action.LABEL else 0,
        way=(picked.option.name if picked else str(Action.RETRAIN)) if advised else "",
        base=proposed.option.base if proposed else "",
    )
