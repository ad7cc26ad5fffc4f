"""Being told to end: as an event, for commands that go on until then, or as an exit that leaves nothing running."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def interrupted(*signals: signal.Signals) -> Iterator[Event]:
    """An event that these signals set (Ctrl-C, if none is named): what is under way when one comes ends in order."""
    stop = Event()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in signals or (signal.SIGINT,)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def leaving_in_order() -> Iterator[None]:
    """SIGTERM leaves as Ctrl-C does: what was begun is ended on the way out, other processes among it."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
