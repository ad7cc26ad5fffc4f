"""Being told to end: as an event, or as an exit."""

from __future__ import annotations

import signal
import subprocess
import sys

from homeostat.cli.interrupt import interrupted

CHILD = """
import subprocess, sys, time
from homeostat.cli.interrupt import leaving_in_order
with leaving_in_order():
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        print(other.pid, flush=True)
        time.sleep(60)
    finally:
        other.kill()
        print("ended", other.wait(), flush=True)
"""


def test_an_interrupt_sets_the_event_and_nothing_else() -> None:
    """Whatever was under way goes on; afterwards an interrupt is what it was before."""
    before = signal.getsignal(signal.SIGINT)
    with interrupted() as stop:
        assert not stop.is_set()
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_command_that_is_ended_ends_what_it_has_begun() -> None:
    """SIGTERM runs what stands in `finally`, there another process's end, and the exit code says what ended it."""
    command = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    assert int(command.stdout.readline()) > 0
    command.terminate()
    assert command.stdout.readline() == f"ended {-signal.SIGKILL}\n"
    assert command.wait(20) == 128 + signal.SIGTERM
