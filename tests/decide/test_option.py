"""Which of several probed ways is taken: sure, paying, and the cheapest that closes a gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.config.schema import Decide
from homeostat.decide.option import Option, learned, picked, priced, proposed
from homeostat.decide.outcome import Outcome
from homeostat.types.decision import Action
from homeostat.types.report import Score

SETTINGS = Decide(horizon_requests=1000, value_per_correct=2.0, price_per_cpu_hour=3600.0)


def option(name: str, mean: float, *, half: float = 0.02, cpu_s: float = 1.0, more: float = 0.0) -> Option:
    return Option(
        name=name, gain=Score(mean=mean, low=mean - half, high=mean + half, n=100), cpu_s=cpu_s, more_cpu_s=more
    )


PROMPT, RETRIEVE = option("prompt", 0.05), option("retrieve", 0.08, more=0.02)
CAREFUL, JOINT = option("careful", 0.09, cpu_s=30.0), option("joint", 0.12, cpu_s=200.0)
ALL = (JOINT, CAREFUL, RETRIEVE, PROMPT)


def test_the_price_of_an_option() -> None:
    """What it is worth over the horizon with its interval, and what making it and answering with it cost."""
    one = priced(RETRIEVE, SETTINGS)
    assert (one.value, one.interval) == (pytest.approx(160.0), pytest.approx((120.0, 200.0)))
    assert one.cost == pytest.approx(1.0 + 1000 * 0.02)
    assert one.net == pytest.approx(139.0)


def test_what_it_is_to_choose_it() -> None:
    """Words, examples and a teacher's answers are actions of their own; anything else trains."""
    assert [one.action for one in ALL] == [Action.RETRAIN, Action.RETRAIN, Action.RETRIEVE, Action.PROMPT]
    assert option("distil", 0.1).action is Action.DISTIL
    assert all(one.action.makes for one in ALL)
    assert not Action.LABEL.makes


@pytest.mark.parametrize(
    ("gap", "name"), [(0.04, "prompt"), (0.06, "retrieve"), (0.085, "careful"), (0.11, "joint"), (0.3, "careful")]
)
def test_the_cheapest_that_closes_the_gap(gap: float, name: str) -> None:
    """The dearer one only where the cheaper does not do; where none does, what is worth most beyond its cost."""
    found = picked(ALL, SETTINGS, gap)
    assert found is not None
    assert found.option.name == name


def test_without_a_gap_the_most_valuable() -> None:
    """Net of its cost, whichever comes first."""
    for order in (ALL, ALL[::-1]):
        found = picked(order, SETTINGS, None)
        assert found is not None
        assert found.option.name == "careful"


def test_what_may_be_chance_or_does_not_pay_is_not_taken() -> None:
    """An interval that reaches zero, and a gain below its cost."""
    assert picked((option("prompt", 0.01), option("joint", 0.12, cpu_s=300.0)), SETTINGS, 0.01) is None
    assert picked((), SETTINGS, None) is None


@pytest.mark.parametrize(("mean", "taken"), [(0.0, True), (-0.01, True), (-0.05, False)])
def test_cheaper_answers_are_a_gain(mean: float, taken: bool) -> None:
    """A version that is as good as far as can be told, and answers for less, is taken where what it saves over the
    horizon is more than what may be lost, and not where making it costs more than that.
    """
    cheaper = option("distil", mean, cpu_s=5.0, more=-0.07)
    assert priced(cheaper, SETTINGS).cost == pytest.approx(-65.0)
    found = picked([cheaper], SETTINGS, None)
    assert (found is not None) is taken
    assert picked([option("distil", mean, cpu_s=100.0, more=-0.07)], SETTINGS, None) is None


LARGER = replace(option("base hub/larger", 0.3, cpu_s=50.0), base="hub/larger")


def test_another_base_is_proposed_and_never_taken() -> None:
    """Whatever it is worth, something else is picked; it is proposed where it is worth more than that, surely and
    beyond its cost, and not where it is not.
    """
    assert LARGER.action is Action.BASE
    assert not Action.BASE.makes
    taken = picked((*ALL, LARGER), SETTINGS, None)
    assert taken == picked(ALL, SETTINGS, None)
    assert picked((LARGER,), SETTINGS, 0.1) is None
    found = proposed((*ALL, LARGER), SETTINGS, taken)
    assert found is not None
    assert found.option is LARGER
    assert proposed((LARGER,), SETTINGS, None) is not None
    assert proposed(ALL, SETTINGS, None) is None
    for worse in (
        replace(LARGER, gain=option("x", 0.3, half=0.31).gain),
        replace(LARGER, cpu_s=700.0),
        replace(LARGER, gain=option("x", 0.1).gain),
        replace(LARGER, more_cpu_s=0.6),
    ):
        assert proposed((worse,), SETTINGS, taken) is None


def test_a_curve_ranks_what_its_probe_would_not() -> None:
    """Of two trainings the one whose whole run is worth more is taken, though its short one was worth less; and one
    whose curve reaches zero is not, whatever its mean.
    """
    slow = replace(option("joint", 0.10, cpu_s=30.0), short=option("joint", 0.05).gain)
    fast = option("careful", 0.09, cpu_s=30.0)
    found = picked((fast, slow), SETTINGS, None)
    assert found is not None
    assert found.option is slow
    unsure = replace(slow, gain=option("joint", 0.10, half=0.11).gain)
    assert picked((unsure,), SETTINGS, None) is None


def test_what_a_curve_told_has_a_record_of_its_own() -> None:
    """Turns whose gain was a bare probe's say nothing of what comes true of a curve's, and the other way round."""
    gained = Score(mean=0.05, low=0.03, high=0.07, n=300)
    known = [Outcome(turn=f"trn_{k}", expected=CAREFUL.gain, gained=gained, way="careful") for k in range(4)]
    curved = replace(CAREFUL, short=PROMPT.gain)
    assert curved.way != CAREFUL.way
    assert learned(curved, known) == curved
    assert learned(CAREFUL, known).gain.mean < CAREFUL.gain.mean
    own = [replace(one, way=curved.way) for one in known]
    taken = learned(curved, own)
    assert taken.gain.mean == learned(CAREFUL, known).gain.mean
    assert (taken.probed, taken.short) == (curved.gain, curved.short)
    assert taken.sure
