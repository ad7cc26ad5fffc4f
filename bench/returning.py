"""How often bets err where users come back: what `bench/guards.py` measures of everything that is looked at again.

Not a bar. Users' rows fare alike: each row is its user's fate, and a share of `FRESH` is drawn anew. Every claim is
false by just its bound, and is counted as shown if that is said at any look. Beside it stand the same rows taken for
rows of as many users, which is how they were counted before; and power, of users who ask once each, both ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.again import stand
from homeostat.evaluate.asked import Asked, Later
from homeostat.evaluate.fair import Demand, Measure, fair_findings
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.watched import Watch
from homeostat.release.games import Judged, Tried, played
from homeostat.stats.intervals import proportion

ROWS, USERS, FRESH = 1200, 200, 0.2
ALPHA, MARGIN, DISCORDANCE = 0.05, 0.05, 0.15
EVERY = 60
"""Rows between two looks of the guard; the others look after each."""
Drawn = tuple[np.ndarray, list[str]]
Shown = Callable[[Drawn, float], bool]


def drawn(seed: int, mean: float, users: int = USERS, rows: int = ROWS) -> Drawn:
    """Differences of rows in the order in which they came, and whose each is. As many users as rows: each asks once."""
    rng, win = np.random.default_rng(seed), (DISCORDANCE + mean) / 2.0
    odds = [win, DISCORDANCE - win, 1.0 - DISCORDANCE]
    fates = rng.choice([1.0, -1.0, 0.0], users, p=odds)
    whose = np.arange(rows) if users == rows else rng.integers(0, users, rows)
    fresh = rng.random(rows) < FRESH
    return np.where(fresh, rng.choice([1.0, -1.0, 0.0], rows, p=odds), fates[whose]), [str(k) for k in whose]


def alone(of: Drawn) -> Drawn:
    """The same rows as if nobody had said whose they are."""
    return of[0], [""] * len(of[1])


def harm(of: Drawn, margin: float) -> bool:
    """Whether the guard of a canary says at any look that the candidate does harm."""
    return _guard(of, lambda games: games.harm, margin)


def safe(of: Drawn, margin: float) -> bool:
    """Whether it says that the candidate has lost less than the margin."""
    return _guard(of, lambda games: games.safe, margin)


def _guard(of: Drawn, wealth: Callable[[Any], float], margin: float) -> bool:
    judged = [
        Judged(candidate=0.5 + d / 2, champion=0.5 - d / 2, whose=name) for d, name in zip(*_listed(of), strict=True)
    ]
    looks = range(EVERY, len(judged) + 1, EVERY)
    return any(wealth(played(Tried(judged=judged[:n]), (), margin)) >= -math.log(ALPHA) for n in looks)


def watched(of: Drawn, margin: float) -> bool:
    """Whether the watched gate says that nothing was lost in a group."""
    rows = [
        PairedRow(id=str(k), group="a", candidate=max(d, 0.0), champion=max(-d, 0.0), cluster=name)
        for k, (d, name) in enumerate(zip(*_listed(of), strict=True))
    ]
    settings = Evaluate(margin=margin, small_margin=margin, alpha=ALPHA)
    return Watch(settings=settings, planned={"a": 700}).p_values(rows)["a"] <= ALPHA


def again(of: Drawn, margin: float) -> bool:
    """Whether a second look says it."""
    pairs = [
        Later(
            row=PairedRow(id=str(k), group="a", candidate=max(d, 0.0), champion=max(-d, 0.0), cluster=name),
            differ=d != 0.0,
        )
        for k, (d, name) in enumerate(zip(*_listed(of), strict=True))
    ]
    claim = Asked(name="a", bound=-margin, level=ALPHA, rows=700, gain=False, groups=("a",))
    return stand(claim, pairs, None, ALPHA).shown


def fair(of: Drawn, margin: float) -> bool:
    """Whether two groups are said to be treated alike: rows of the second are right as often as those of the first are,
    less the differences that were drawn.
    """
    d, whose = _listed(of)
    rows = [
        PairedRow(candidate=1.0 - abs(x) * (x < 0), champion=1.0, tags={"g": "a"}, cluster=n)
        for x, n in zip(d, whose, strict=True)
    ]
    rows += [
        replace(row, candidate=1.0, tags={"g": "b"}, cluster=f"b{row.cluster}" if row.cluster else "") for row in rows
    ]
    found = fair_findings(rows, [Demand(tag="g", measure=Measure.ACCURACY, margin=margin)], Evaluate(alpha=ALPHA))
    return any(one.required and one.shown for one in found)


def _listed(of: Drawn) -> tuple[list[float], list[str]]:
    return of[0].tolist(), of[1]


CASES: dict[str, tuple[Shown, float, float, float]] = {
    "guard: harm": (harm, MARGIN, -MARGIN, -0.1),
    "guard: nothing lost": (safe, MARGIN, -MARGIN, 0.0),
    "watched gate: nothing lost": (watched, MARGIN, -MARGIN, 0.0),
    "second look: nothing lost": (again, MARGIN, -MARGIN, 0.0),
    "groups alike": (fair, (DISCORDANCE + MARGIN) / 2.0, -MARGIN, 0.02),
}
"""Claim -> what shows it, its margin, the mean difference at which it is just false, and one at which it is true."""


def rates(seeds: Sequence[int], only: Sequence[str] = tuple(CASES)) -> dict[str, dict[str, Any]]:
    """How often each claim is shown: false, by users and by rows alone; true, of users who ask once, both ways."""
    found = dict[str, dict[str, Any]]()
    for name in only:
        shown, margin, null, truth = CASES[name]
        at_null, once = [drawn(seed, null) for seed in seeds], [drawn(seed, truth, ROWS) for seed in seeds]
        found[name] = {
            "false": _share(shown(one, margin) for one in at_null),
            "false, rows alone": _share(shown(alone(one), margin) for one in at_null),
            "true, users who ask once": _share(shown(one, margin) for one in once),
            "true, rows alone": _share(shown(alone(one), margin) for one in once),
        }
    return found


def _share(shown: Any) -> list[float]:
    """A share with its exact 95 % interval."""
    each = list(shown)
    found = proportion(sum(each), len(each))
    return [round(x, 4) for x in (found.mean, found.low, found.high)]
