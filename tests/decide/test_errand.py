"""What a decision leaves to people, told from what it was made from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from decide.test_policy import DRIFTED, SIGNAL, probed
from homeostat.config.schema import Decide
from homeostat.decide.errand import Errand, errand
from homeostat.decide.option import Option
from homeostat.decide.policy import decide
from homeostat.decide.value import Bounds, Evidence
from homeostat.types.decision import Action
from homeostat.types.report import Score

SETTINGS = Decide(min_labels=60)
BASE = Option(
    name="base hub/x", base="hub/x", gain=Score(mean=0.3, low=0.25, high=0.35, n=200), cpu_s=36.0, says="standing on x"
)


def left(evidence: Evidence, action: Action, bounds: Bounds | None = None) -> Errand:
    """What is left of a decision, which is this action."""
    made = decide(evidence, SETTINGS, now=7.0, turn="trn_1", bounds=bounds)[0]
    assert made.action is action
    return errand(made, evidence, SETTINGS, bounds or Bounds())


@pytest.mark.parametrize(("known", "missing"), [(0, 60), (45, 15)])
def test_as_many_labels_as_are_missing(known: int, missing: int) -> None:
    """What the sentence asks for, in a number."""
    assert left(replace(DRIFTED, n_labels=known), Action.LABEL) == Errand(labels=missing)


def test_labels_that_would_tell() -> None:
    """Where there are enough and the gain is unclear, as many again."""
    unclear = replace(DRIFTED, gain=Score(mean=-0.01, low=-0.09, high=0.07, n=60), signals=(SIGNAL,))
    assert left(unclear, Action.LABEL) == Errand(labels=60)


def test_what_a_policy_that_only_advises_would_have_done() -> None:
    """Retraining as such, or the way that was probed; not where it waits for another reason."""
    advise = Bounds(policy="p", action="advise", time=5.0)
    assert left(DRIFTED, Action.WAIT, advise) == Errand(way="retrain")
    probing = replace(advise, strategy="cheapest")
    assert left(probed(gap=0.04), Action.WAIT, probing) == Errand(way="prompt")
    assert left(DRIFTED, Action.WAIT, replace(advise, cool_until=9.0)) == Errand()
    assert left(replace(DRIFTED, n_labels=0), Action.LABEL, advise) == Errand(labels=60)


def test_another_base_beside_what_is_decided() -> None:
    """Where nothing else is worth doing, and where something is."""
    bounds = Bounds(strategy="cheapest")
    only = replace(probed(), options=(replace(probed().options[1]), BASE))
    assert left(only, Action.WAIT, bounds) == Errand(base="hub/x")
    taken = replace(probed(gap=0.04), options=(*probed().options, BASE))
    assert left(taken, Action.PROMPT, bounds) == Errand(base="hub/x")


def test_nothing() -> None:
    """A retraining is the turn's to do, and to wait is nobody's."""
    assert left(DRIFTED, Action.RETRAIN) == Errand()
    assert left(replace(DRIFTED, gain=Score(mean=-0.1, low=-0.12, high=-0.08, n=400)), Action.WAIT) == Errand()
