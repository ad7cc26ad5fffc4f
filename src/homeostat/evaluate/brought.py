"""Metrics that installed packages bring: what each says of every reply, as a number.

A metric is a function of the request, the reply and the right reply, or a class made without arguments whose instance
is called so. Packages offer theirs through the entry-point group `homeostat.metrics`. One that breaks is left out and
said to be: what else is measured stands. It tells, and no gate asks it; what a gate shall ask is a check of a suite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real

from homeostat.errors import BrokenPlugin, HomeostatError
from homeostat.evaluate.figures import NAMES
from homeostat.plugin import Registry

Metric = Callable[[str, str, str], float | None]
"""`(request, reply, right reply)` to a number, of which the mean is told; None or NaN where it has nothing to say."""
METRICS: Registry[Metric | type] = Registry("metric", "homeostat.metrics")
SHOWN = 40
"""Characters of a request that are shown where a metric breaks."""


def brought(rows: Sequence[tuple[str, str, str]]) -> tuple[list[dict[str, float]], dict[str, str]]:
    """What every installed metric says of each row, by its name; and of each that breaks, why.

    Args:
        rows: request, reply and right reply.

    Raises:
        TakenName: two packages offer the same name.
    """
    told: list[dict[str, float]] = [{} for _ in rows]
    broken = dict[str, str]()
    for name in METRICS.brought():
        try:
            values = _measured(name, rows)
        except Exception as problem:  # somebody else's code, which must not cost an evaluation
            known = isinstance(problem, HomeostatError)
            broken[name] = str(problem) if known else f"{type(problem).__name__}: {problem}"
            continue
        for k, value in values.items():
            told[k][name] = value
    return told, broken


def _measured(name: str, rows: Sequence[tuple[str, str, str]]) -> dict[int, float]:
    """Row -> what a metric says of it, for those of which it says something."""
    if name in NAMES:
        raise BrokenPlugin("there is a figure of this name already", where=METRICS.group, fix="rename the entry point")
    found = METRICS.get(name)
    metric: Metric = found() if isinstance(found, type) else found
    values = dict[int, float]()
    for k, (request, reply, right) in enumerate(rows):
        try:
            value = _number(metric(request, reply, right))
        except Exception as problem:
            raise BrokenPlugin(
                f"{type(problem).__name__}: {problem}", where=f"request {request[:SHOWN]!r}", fix="mend its package"
            ) from problem
        if not math.isnan(value):
            values[k] = value
    return values


def _number(value: object) -> float:
    if value is None:
        return math.nan
    if not isinstance(value, Real) or math.isinf(value):
        raise ValueError(f"it says {value!r:.60}, which is no number")
    return float(value)
