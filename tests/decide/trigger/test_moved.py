"""Drift as a trigger."""

from __future__ import annotations

import pytest

from decide.trigger.sights import signal, stands
from homeostat.decide.trigger.moved import drift
from homeostat.types.signal import Moved


def test_any_signal_or_one_kind() -> None:
    """`any` takes whatever moved; a kind passes over the others; without a signal it stands at zero."""
    novel = (signal(Moved.NOVELTY),)
    assert stands(drift("any"), signals=novel).holds
    assert stands(drift("novelty"), signals=novel).holds
    other = stands(drift("performance"), signals=novel)
    assert (other.holds, other.value, other.says) == (False, 0.0, "no signal of performance")


def test_a_level() -> None:
    """A signal at one and a half times its threshold is enough for 1.5 and not for 2, and says so."""
    given = {"signals": (signal(level=1.5), signal(Moved.MIX, 3.0))}
    assert stands(drift({"kind": "novelty", "level": 1.5}), **given).holds
    weak = stands(drift({"kind": "novelty", "level": 2}), **given)
    assert (weak.holds, weak.value) == (False, 1.5)
    assert "1.5 times its threshold, where 2 is wanted" in weak.says


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("noveltee", "mean 'novelty'"),
        ({"kin": "mix"}, "did you mean 'kind'"),
        ("feedback", "kind of a signal"),  # that is no reason to retrain
        ({"level": 0.5}, "level below 1"),
    ],
)
def test_what_is_refused(value: object, told: str) -> None:
    """A kind that there is not, a key that there is not, a level below the threshold; each with what is meant."""
    with pytest.raises(ValueError, match=told):
        drift(value)
