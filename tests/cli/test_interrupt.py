"""An interrupt that is an event."""

from __future__ import annotations

import signal

from homeostat.cli.interrupt import interrupted


def test_an_interrupt_sets_the_event_and_nothing_else() -> None:
    """Whatever was under way goes on; afterwards an interrupt is what it was before."""
    before = signal.getsignal(signal.SIGINT)
    with interrupted() as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
    assert signal.getsignal(signal.SIGINT) is before
