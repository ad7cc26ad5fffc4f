"""How differently replies treat groups: the usual differences, as fairlearn counts them, over any number of groups.

Each is the highest rate of a group minus the lowest, in [0, 1]; 0 is alike. Which rows are of which group is told by
the caller, from tags. With intervals: `homeostat.stats.gaps`, given the values that the functions ending in `_values`
return. Sources: Hardt et al. 2016, 1610.02413 (equal opportunity, equalized odds); Feldman et al. 2015, 1412.3756
(demographic parity); Kleinberg et al. 2016, 1609.05807 (why calibration and odds cannot all be alike).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Grouped = Mapping[str, Floats]
"""Group -> float64[rows of it], groups in the order of their names; a group without such rows is missing."""


def parity_values(said: Sequence[str], groups: Sequence[str], label: str) -> Grouped:
    """Whether a row was replied to with the label, by group: what demographic parity compares."""
    return _split([float(reply == label) for reply in said], groups)


def recall_values(said: Sequence[str], right: Sequence[str], groups: Sequence[str], label: str) -> Grouped:
    """The same of the rows whose right reply the label is: what equal opportunity compares."""
    kept = [k for k, wanted in enumerate(right) if wanted == label]
    return _split([float(said[k] == label) for k in kept], [groups[k] for k in kept])


def false_values(said: Sequence[str], right: Sequence[str], groups: Sequence[str], label: str) -> Grouped:
    """The same of all others: false positives, which equalized odds compares as well."""
    kept = [k for k, wanted in enumerate(right) if wanted != label]
    return _split([float(said[k] == label) for k in kept], [groups[k] for k in kept])


def accuracy_values(said: Sequence[str], right: Sequence[str], groups: Sequence[str]) -> Grouped:
    """Whether a reply is right, by group."""
    return _split([float(reply == wanted) for reply, wanted in zip(said, right, strict=True)], groups)


def calibration_values(
    said: Sequence[str], right: Sequence[str], groups: Sequence[str], confidence: Sequence[float]
) -> Grouped:
    """Confidence minus 1 or 0 for right or wrong, by group: its mean is how much too sure replies are there.

    A mean of these has no bias, where an expected calibration error is the larger the fewer rows a group has.
    """
    over = [sure - float(reply == wanted) for sure, reply, wanted in zip(confidence, said, right, strict=True)]
    return _split(over, groups)


def difference(values: Grouped) -> float:
    """The highest mean of a group minus the lowest; 0 of a single group.

    Raises:
        ValueError: no group.
    """
    if not values:
        raise ValueError("no group has rows")
    means = [float(of.mean()) for of in values.values()]
    return max(means) - min(means)


def demographic_parity_difference(said: Sequence[str], groups: Sequence[str], label: str) -> float:
    """How much more often one group gets the label than another. Raises as `difference`."""
    return difference(parity_values(said, groups, label))


def equal_opportunity_difference(said: Sequence[str], right: Sequence[str], groups: Sequence[str], label: str) -> float:
    """How much more often one group gets the label where it is right than another. Raises as `difference`."""
    return difference(recall_values(said, right, groups, label))


def equalized_odds_difference(said: Sequence[str], right: Sequence[str], groups: Sequence[str], label: str) -> float:
    """The larger of the differences where the label is right and where it is wrong. Raises as `difference`."""
    return max(
        difference(recall_values(said, right, groups, label)), difference(false_values(said, right, groups, label))
    )


def _split(values: Sequence[float], groups: Sequence[str]) -> Grouped:
    members: dict[str, list[float]] = {name: [] for name in sorted(set(groups))}
    for value, group in zip(values, groups, strict=True):
        members[group].append(value)
    return {name: np.array(of, dtype=np.float64) for name, of in members.items()}
