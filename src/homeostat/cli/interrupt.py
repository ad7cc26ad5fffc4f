"""An interrupt as an event, for commands that go on until they are told to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event


@contextmanager
def interrupted() -> Iterator[Event]:
    """An event that Ctrl-C sets, so that one that comes in the middle of some work ends it in order too."""
    stop = Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
