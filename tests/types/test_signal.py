"""Which signals may be a reason to retrain."""

from __future__ import annotations

import pytest

from homeostat.types.signal import PROPORTIONS, Moved, Signal


@pytest.mark.parametrize("moved", Moved)
def test_other_shares_of_known_requests_are_no_reason_to_retrain(moved: Moved) -> None:
    """By any other detector, a signal is a reason if what moved may be one; by that of proportions it never is."""

    def by(detector: str) -> Signal:
        numbers = {"statistic": 2.0, "threshold": 1.0, "n": 5}
        return Signal(id="sig_1", task="t", time=0.0, moved=moved, detector=detector, **numbers)  # type: ignore[arg-type]

    assert by("shiryaev_roberts").retrains == moved.retrains
    assert not by(PROPORTIONS).retrains
