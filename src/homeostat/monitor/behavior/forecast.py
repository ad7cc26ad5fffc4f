"""How often a behavior will be seen live, from how often it was seen in a rehearsal.

A rehearsal is a sample of past requests, and live are other requests of later days. So the interval is one of
prediction: what the sample does not know of the rate (a beta distribution), what chance does with live requests, and
how much more the behavior varied between stretches of the sample than chance alone explains, by which the sample is
counted as fewer rows (as quasi-likelihood does; Wedderburn 1974), and that the world goes on moving a little. A
behavior that was never seen has an upper bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from homeostat.monitor.behavior.failures import Behavior, Rehearsed, behaviors
from homeostat.stats.intervals import proportion
from homeostat.types.report import Score
from homeostat.types.task import Kind

BLOCKS = 8
"""Stretches that a sample is cut into, in the order of time, to see how much a rate varies."""
DRIFT = 0.05
"""Standard deviation of what a rate is later, over what it is now: preprints' titles at five moments between those of
`bench/prove_4.py`, where the range without it held 91 % of the numbers and with it 96 %.
"""
FEW = 3
"""Wrong uses of a label from which on it is a behavior of its own."""
PRIOR = 0.5
"""Events, and rows without, that the rate's distribution begins with (Jeffreys)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How often a behavior is expected."""

    seen: Score
    """Share of the rehearsed requests that showed it, with its exact 95 % interval."""
    rate: float
    """Share of live requests that are expected to."""
    live: int
    """Live requests that are forecast."""
    expected: float
    """Events among them."""
    low: float
    """With the next: where the number of events will lie, 95 %."""
    high: float
    varies: float
    """Variance between stretches of the sample over that of chance, at least 1."""


def forecast(shown: ArrayLike, live: int, level: float = 0.95) -> Forecast:
    """The number of events among `live` requests, from bool[n] in the order of time.

    Raises:
        ValueError: no rows, or fewer than no live requests.
    """
    hits = np.asarray(shown, dtype=bool).ravel()
    if not len(hits) or live < 0:
        raise ValueError(f"{len(hits)} rows for {live} live requests")
    k, n, varies = int(hits.sum()), len(hits), dispersion(hits)
    a, b = k / varies + PRIOR, (n - k) / varies + PRIOR
    told = stats.betabinom(live, a, b)
    low, high = (float(told.ppf(tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    rate = (k + PRIOR) / (n + 2 * PRIOR)
    expected, noise = rate * live, max(float(told.var()), 1e-12)
    # Chance among live requests varies as it did between stretches of the sample, and rates drift.
    more = (varies - 1) * live * rate * (1 - rate) + (DRIFT * expected) ** 2
    wider = float(np.sqrt(1 + more / noise))
    return Forecast(
        seen=proportion(k, n, level),
        rate=rate,
        live=live,
        expected=expected,
        low=max(expected - wider * max(expected - low, 0.0), 0.0),
        high=min(expected + wider * max(high - expected, 0.0), float(live)),
        varies=varies,
    )


def forecasts(rows: Sequence[Rehearsed], kind: Kind, live: int) -> dict[str, Forecast]:
    """By behavior, how often it is expected among so many live requests, the most frequent first.

    Where a behavior can be told of a part of the rows alone, it is forecast for such a part of the live requests. A
    label that was said in the place of others FEW times or more is a behavior of its own: `wrongly refund`.
    """
    found = {}
    for name, behavior in (behaviors(kind) | said_wrongly(rows, kind)).items():
        shown = [told for row in rows if (told := behavior(row)) is not None]
        if shown:
            found[name] = forecast(shown, round(live * len(shown) / len(rows)))
    return dict(sorted(found.items(), key=lambda one: -one[1].expected))


def said_wrongly(rows: Sequence[Rehearsed], kind: Kind) -> dict[str, Behavior]:
    """A behavior for each label that was said in the place of another one, FEW times or more."""
    if kind is not Kind.LABEL:
        return {}
    counts = Counter(row.reply.strip() for row in rows if row.told and row.reply.strip() != row.told.strip())
    return {f"wrongly {label}": partial(_wrongly, label) for label, n in sorted(counts.items()) if n >= FEW}


def _wrongly(label: str, one: Rehearsed) -> bool | None:
    return one.reply.strip() == label != one.told.strip() if one.told else None


def state_key(version: str) -> str:
    """Under which key of the store's state stands what a turn rehearsed of a version of this id."""
    return f"rehearsal:{version}"


def dispersion(shown: NDArray[np.bool_]) -> float:
    """Pearson's statistic over its degrees of freedom, of the shares in stretches of equal length; 1 at least, and 1
    where stretches would hold too few events to tell.
    """
    k, n = int(shown.sum()), len(shown)
    blocks = min(BLOCKS, min(k, n - k) // 5)
    if blocks < 2:
        return 1.0
    parts = np.array_split(shown, blocks)
    share = k / n
    square = sum((float(part.sum()) - len(part) * share) ** 2 / (len(part) * share * (1 - share)) for part in parts)
    return max(float(square) / (blocks - 1), 1.0)
