"""How much of a dataset may come from one source: whoever says most does not decide alone."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from homeostat.curate.clean import age
from homeostat.types.dataset import Example

SHARE = 0.01
"""Share of the new rows that one source may give, where there are sources enough to fill a dataset with."""
EVEN = 4.0
"""The same in units of an even share, where that is more: some people say much more than others."""
FEW = 20
"""Named sources below which none is bounded: they are kinds of sources, or a desk of a few people."""


def allowance(given: Iterable[int], others: int = 0) -> int | None:
    """The most rows that a source may give; None where nobody is bounded.

    A hundredth of what is left then, or four times an even share where fewer than 400 sources have spoken; one row in
    any case. It is counted in what is left: in a share of all that was sent, a flood would make room for itself.

    Args:
        given: rows of each named source.
        others: rows that no source is named for, or that come from one that is trusted; they are not bounded.
    """
    given = list(given)
    if len(given) < FEW:
        return None
    share, most = max(SHARE, EVEN / len(given)), max(given)
    while most > (less := max(1, math.floor(share * (others + sum(min(n, most) for n in given))))):
        most = less
    return most


def bounded(rows: Sequence[Example], sources: Mapping[str, str], trusted: Collection[str] = ()) -> list[Example]:
    """The rows, in the order given, without the oldest ones of every source that gave more than its allowance.

    `sources` says who labeled an interaction, by its id; an empty name is nobody's.
    """
    of = [sources.get(row.interaction, "") if row.interaction else "" for row in rows]
    named = Counter(source for source in of if source and source not in trusted)
    most = allowance(named.values(), len(rows) - named.total())
    if most is None:
        return list(rows)
    taken: defaultdict[str, int] = defaultdict(int)
    kept = []
    for number in sorted(range(len(rows)), key=lambda k: age(rows[k]), reverse=True):
        source = of[number]
        taken[source] += 1
        if source not in named or taken[source] <= most:
            kept.append(number)
    return [rows[number] for number in sorted(kept)]
