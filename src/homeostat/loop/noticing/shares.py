"""Says in which shares requests come when these have moved: reads the rows around an alarm, and keeps what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from homeostat.loop.noticing.naming import alike, before
from homeostat.loop.serving import with_states
from homeostat.loop.workshop import Workshop
from homeostat.monitor.groups import Groups
from homeostat.monitor.naming.name import BEFORE, LEAST
from homeostat.monitor.naming.shares import says, shares_key, shares_of
from homeostat.monitor.seasons import BY_DAY
from homeostat.types.interaction import Interaction
from homeostat.types.signal import PROPORTIONS, Signal
from homeostat.types.version import Version

KIND = "kind="
"""What the slice of a signal of proportions begins with; the name of the kind that grew most follows."""


def placed(shop: Workshop, champion: Version, signals: Sequence[Signal], groups: Groups, hours: int) -> list[Signal]:
    """The signals, those of proportions with the kind that grew most as their slice; the shares are kept beside.

    Requests since the change are compared with those of the same hours of earlier days, where there are enough.
    """
    return [
        _placed(shop, champion, one, groups, max(hours, BY_DAY)) if one.detector == PROPORTIONS else one
        for one in signals
    ]


def _placed(shop: Workshop, champion: Version, signal: Signal, groups: Groups, hours: int) -> Signal:
    store = shop.store
    since = store.interactions.list(signal.task, since=signal.since, until=signal.time, version=champion.id)[-BEFORE:]
    same = alike(store, signal, champion.id, signal.time, hours)
    earlier = same if len(same) >= LEAST else before(store, signal, champion.id)
    sides = _laid_out(shop, champion, earlier), _laid_out(shop, champion, since)
    shares = shares_of(sides, (groups.of(sides[0]), groups.of(sides[1])), groups.names)
    store.state.put(shares_key(signal.id), {"shares": [asdict(one) for one in shares], "says": says(shares)})
    grew = [one for one in shares if one.low > 0.0]
    return replace(signal, slice=f"{KIND}{grew[0].name}") if grew else signal


def _laid_out(shop: Workshop, champion: Version, rows: Sequence[Interaction]) -> list[Interaction]:
    """The rows with the vectors that the groups were cut by; those without any are left out."""
    vectors = shop.store.vectors
    if vectors.in_force is None:
        return list(with_states(shop, champion, rows))
    return [row for row in vectors.worn(rows) if row.embedding]
