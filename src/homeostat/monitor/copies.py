"""Copies: a request that comes again and again within a short while is counted once.

A client that retries, a health check or a bot sends the same request hundreds of times in a row. Its score comes as
often, and a rank among earlier ones is no longer even: the order of requests carries something, though nothing moved.
What is left when copies are passed over is again one request after another.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence

from homeostat.types.interaction import Interaction

WITHIN = 100
"""Counted requests after which a copy counts again: no request is more than one in so many of those counted."""


class Copies:
    """The newest requests that were counted, as digests."""

    def __init__(self) -> None:
        self._held: deque[str] = deque(maxlen=WITHIN)

    def fresh(self, interactions: Sequence[Interaction]) -> list[int]:
        """Numbers of those that are not copies of the `WITHIN` counted before them, which they then join.

        A copy has the same embedding, bit by bit, or, where there is none, the same text.
        """
        found = []
        for k, one in enumerate(interactions):
            key = hashlib.blake2b(one.embedding or one.text.encode(), digest_size=8).hexdigest()
            if key not in self._held:
                self._held.append(key)
                found.append(k)
        return found

    def state(self) -> list[str]:
        """Everything needed to go on later, as JSON values."""
        return list(self._held)

    def load(self, state: Sequence[str]) -> None:
        """Take over what `state` gave."""
        self._held = deque(state, maxlen=WITHIN)
