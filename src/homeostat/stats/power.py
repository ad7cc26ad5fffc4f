"""How many paired rows a test needs before it is worth running, and what the rows at hand can show."""

from __future__ import annotations

import math

from scipy import stats


def needed(discordance: float, gain: float, margin: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Paired rows with which a one-sided test at `alpha` succeeds with probability `power`, to the nearest row.

    `discordance` is the share of rows on which the two versions differ (one right, the other wrong), `gain` the true
    mean difference, `margin` the non-inferiority margin (0 for superiority). Normal approximation
    (z_alpha + z_power)^2 (discordance - gain^2) / (gain + margin)^2 (Connor 1987).

    Raises:
        ValueError: a gain that the discordance cannot hold, or no distance between gain and -margin.
    """
    if not 0 < discordance <= 1 or abs(gain) > discordance:
        raise ValueError(f"a gain of {gain} cannot come from a discordance of {discordance}")
    if gain + margin <= 0:
        raise ValueError(f"no number of rows shows a gain of {gain} to be above {-margin}")
    return max(1, round(_distance(alpha, power) ** 2 * (discordance - gain**2) / (gain + margin) ** 2))


def shown(rows: int, discordance: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The least margin for which so many paired rows suffice where nothing was lost: `needed`, solved for it.

    Raises:
        ValueError: no rows, or a discordance that is not a share.
    """
    if rows < 1 or not 0 < discordance <= 1:
        raise ValueError(f"{rows} rows at a discordance of {discordance} show nothing")
    return _distance(alpha, power) * math.sqrt(discordance / rows)


def _distance(alpha: float, power: float) -> float:
    """Standard errors between the bound and the truth with which a one-sided test succeeds so often."""
    return float(stats.norm.isf(alpha) + stats.norm.isf(1 - power))
