"""Slices of test rows, which overlap: a tag's value, or one label. A loss in one of them must not hide in the mean.

A slice with rows enough is a place like any other: that nothing was lost there is asked as a proof. Of a slice with
fewer nothing can be asked, but a loss that is beyond doubt although so many slices were looked at counts: a label
that is told wrong from now on has few rows and loses all of them.

Which slices there are, and which of them have rows enough, hangs on the rows alone and not on how anybody did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from homeostat.config.schema import Evaluate
from homeostat.evaluate.groups import Guard, rows_needed
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow

FEWEST = 12
"""Rows of a slice below which it is not looked at: even if all are lost, that is hardly beyond doubt among many."""
SLICE_SHARE = 0.05
"""Of the rows, that a tag's value must have to be a slice."""
MOST_SHARE, MOST_GATED = 0.9, 12
"""A slice that is nearly everything is asked with everything; and of slices that overlap so many at most are asked for
a proof, the largest first, as each asks once more of a candidate that lost nothing."""


def common(carried: Sequence[Mapping[str, str]]) -> set[str]:
    """Values of tags that tell many rows from many others: what names a person is no slice, and is not written down."""
    counts = Counter(name for tags in carried for name in tagged(tags))
    least, most = SLICE_SHARE * len(carried), MOST_SHARE * len(carried)
    return {name for name, count in counts.items() if least <= count <= most}


def tagged(tags: Mapping[str, str]) -> list[str]:
    """What slices by tags are called: `language=de`."""
    return [f"{tag}={value}" for tag, value in sorted(tags.items())]


def labeled(label: str) -> str:
    """What the slice of a label is called."""
    return f"label {label}"


def slices(rows: Sequence[PairedRow], target: Collection[str] = ()) -> dict[str, Sample]:
    """Differences by slice, the largest first. Rows of the target are left out: a gain there must not cover a loss."""
    members: dict[str, list[PairedRow]] = {}
    guarded = [row for row in rows if row.group not in target]
    for row in guarded:
        for name in row.slices:
            members.setdefault(name, []).append(row)
    kept = {name: inside for name, inside in members.items() if FEWEST <= len(inside) <= MOST_SHARE * len(guarded)}
    ordered = sorted(kept, key=lambda name: (-len(kept[name]), name))
    return {name: Sample.of(kept[name]) for name in ordered}


def gated(found: Mapping[str, Sample], settings: Evaluate) -> tuple[Guard, ...]:
    """The slices that are asked for a proof, held to `small_margin`, or to `margin` where that is wider."""
    widest = max(settings.margin, settings.small_margin)
    least = rows_needed(widest, settings)
    large = [Guard(name=name, sample=d, margin=widest, gated=True) for name, d in found.items() if d.worth >= least]
    return tuple(large[:MOST_GATED])


def lost(found: Mapping[str, Sample], settings: Evaluate) -> tuple[Guard, ...]:
    """The slices, of those not asked for a proof, that are worse beyond doubt and by more than the margin.

    The test is of "nothing was lost", McNemar's exact one (Student's t for other numbers), at `settings.alpha` over the
    number of slices looked at (Bonferroni), so a candidate that is worse nowhere is called worse somewhere at most
    alpha of the time.
    """
    widest = max(settings.margin, settings.small_margin)
    asked = {guard.name for guard in gated(found, settings)}
    small = {name: d for name, d in found.items() if name not in asked}
    return tuple(
        Guard(name=name, sample=d, margin=widest, gated=False)
        for name, d in small.items()
        if d.values.mean() < -widest and d.p_lost() * len(small) <= settings.alpha
    )
