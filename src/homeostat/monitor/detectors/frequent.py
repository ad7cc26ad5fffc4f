"""Which slices are kept where there may be any number of them: those that come most often, in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping


def way_of(name: str) -> str:
    """What a slice is a value of: `segment` of `segment=bank`."""
    return name.partition("=")[0]


class Frequent:
    """At most `limit` names, each `way=value`, and about how often each came.

    When there is no room, the rarest name of the way that has most of them makes it: a tag of thousands of values takes
    no place from another. A name that takes the place of one of its own way begins with that one's count (space-saving,
    Metwally, Agrawal and El Abbadi 2005). So a way that has s places keeps every value that is more than 1 / s of its
    rows, and a count is too high by at most 1 / s of them. Nothing but names decides, so that what is kept says nothing
    about what is measured in it.
    """

    def __init__(self, limit: int) -> None:
        """Room for `limit` names, at least one."""
        self._limit = limit
        self._counts: dict[str, int] = {}
        self._ways = Counter[str]()

    def __len__(self) -> int:
        return len(self._counts)

    def __contains__(self, name: object) -> bool:
        return name in self._counts

    @property
    def ways(self) -> int:
        """Ways that names are of."""
        return len(self._ways)

    def take(self, name: str) -> str:
        """Count a name; the one that had to make room for it, or nothing."""
        if name in self._counts:
            self._counts[name] += 1
            return ""
        gone, count = "", 0
        if len(self._counts) >= self._limit:
            gone = self._rarest()
            count = self._counts[gone] if way_of(gone) == way_of(name) else 0
            self._leave(gone)
        self._counts[name] = count + 1
        self._ways[way_of(name)] += 1
        return gone

    def state(self) -> dict[str, int]:
        """Names with their counts, in the order in which they came."""
        return dict(self._counts)

    def load(self, state: Mapping[str, int]) -> None:
        """Take over what `state` gave."""
        self._counts = dict(state)
        self._ways = Counter(way_of(name) for name in state)

    def _rarest(self) -> str:
        """The rarest name of the way that has most of them; of several the one that came first."""
        way = max(self._ways, key=self._ways.__getitem__)
        return min((name for name in self._counts if way_of(name) == way), key=self._counts.__getitem__)

    def _leave(self, name: str) -> None:
        del self._counts[name]
        self._ways[way_of(name)] -= 1
        self._ways += Counter()  # a way without names is none
