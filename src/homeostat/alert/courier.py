"""Sends what waits in the outbox: a thread for each channel, so that none waits for another, nor the watch for any.

What is promised: an alert is sent through each of its channels until its receiver has said that it has it, or `tries`
have failed and it is put aside as dead. That outlives the process, also one that is killed, and every try carries the
same key. It arrives twice only where a receiver has taken it and its answer was lost, or where the process died between
the answer and its being written down; a receiver that remembers keys then sees one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.alert.channels.way import NotTaken, Way, reason
from homeostat.errors import HomeostatError
from homeostat.store import Store
from homeostat.types.delivery import Delivery, Post

FIRST_S, MOST_S = 5.0, 3600.0
"""Seconds to the second try, and at most between two: each wait is twice the one before."""
POLL_S = 1.0
"""Seconds between two looks at the outbox."""
UNKNOWN = "how the last try ended is not known: the process died in it"


def wait_s(tries: int, draw: float, first_s: float = FIRST_S) -> float:
    """Seconds to wait after so many failed tries: doubled each time, less up to a half of it by `draw` in [0, 1), so
    that what failed together does not come back together.
    """
    return min(MOST_S, first_s * 2.0 ** min(tries - 1, 30)) * (1.0 - draw / 2.0)


@dataclass(slots=True)
class Courier:
    """Sends in threads of its own from `start` until `stop`."""

    store: Store
    ways: Mapping[str, Way]
    tries: int
    """Tries before a delivery is put aside."""
    timeout_s: float
    """What the ways wait for an answer; a try that has not ended long after that never will."""
    first_s: float = FIRST_S
    poll_s: float = POLL_S
    _threads: list[threading.Thread] = field(init=False, default_factory=list)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)

    def start(self) -> None:
        """Begin; what waits for a channel that the configuration does not name any more is put aside."""
        self.store.deliveries.strand(tuple(self.ways), "alerts.channels has no channel of this name any more")
        for name in self.ways:
            thread = threading.Thread(target=self._run, args=(name,), name=f"alerts-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self, patience_s: float = 0.0) -> None:
        """Begin no more tries, and wait for those under way."""
        self._stop.set()
        until = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def flush(self, name: str) -> int:
        """Try once what is due on a channel; how many tries that were."""
        found = self.store.deliveries.due(name, time.time())
        for delivery in found:
            self._try(delivery)
        return len(found)

    def _run(self, name: str) -> None:
        while not self._stop.is_set():
            try:
                busy = self.flush(name)
            except HomeostatError:  # the database was busy or full: the row waits, and so does this thread
                busy = 0
            if not busy:
                self._stop.wait(self.poll_s)

    def _try(self, delivery: Delivery) -> None:
        number, now = delivery.tries + 1, time.time()
        deliveries = self.store.deliveries
        if number > self.tries:
            deliveries.end(delivery.id, state=Post.DEAD, problem=delivery.problem or UNKNOWN)
            return
        wait = wait_s(number, random.random(), self.first_s)
        # Should this process die, the next try begins when this one must have ended.
        if not deliveries.begin(delivery, again=now + 4 * self.timeout_s + wait):
            return
        try:
            note = self.ways[delivery.channel].send(delivery)
        except NotTaken as problem:
            self._failed(delivery, str(problem), number, wait)
        except Exception as problem:  # a fault of ours in one message must not end the thread that sends all others
            self._failed(delivery, f"a fault of ours: {reason(problem)}", number, wait)
        else:
            deliveries.end(delivery.id, state=Post.SENT, sent=time.time(), problem=note)

    def _failed(self, delivery: Delivery, problem: str, number: int, wait: float) -> None:
        state = Post.DEAD if number >= self.tries else Post.WAITING
        self.store.deliveries.end(delivery.id, state=state, problem=problem, due=time.time() + wait)
