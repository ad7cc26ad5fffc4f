"""How many paired rows a test needs before it is worth running."""

from __future__ import annotations

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
    z = float(stats.norm.isf(alpha) + stats.norm.isf(1 - power))
    return max(1, round(z**2 * (discordance - gain**2) / (gain + margin) ** 2))
