"""Who comes first."""

from __future__ import annotations

import math

from homeostat.decide.rank import first
from homeostat.decide.value import Worth
from homeostat.types.report import Score


def worth(value: float, cost: float) -> Worth:
    gain = Score(mean=0.1, low=0.0, high=0.2, n=50)
    return Worth(gain=gain, value=value, cost=cost, labels=10, labels_cost=1.0, labels_value=0.0)


def test_most_for_its_cost_comes_first() -> None:
    """What wins most beyond its cost, per cost; what is free and wins something before all others; equals by name."""
    worths = {
        "b": worth(30, 10),
        "a": worth(30, 10),
        "large": worth(1000, 500),
        "free": worth(1, 0),
        "idle": worth(0, 0),
        "loss": worth(5, 10),
        "priceless": worth(100, math.inf),
    }
    assert first(worths) == ["free", "a", "b", "large", "idle", "loss", "priceless"]
