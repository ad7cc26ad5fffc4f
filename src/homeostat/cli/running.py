"""What a part of `homeostat up` does, in a process of its own: here alone the rooms that do it are imported, so that
whoever starts the parts and waits is there at once and stays small.
"""

from __future__ import annotations

import signal

from homeostat.cli.interrupt import interrupted
from homeostat.config.schema import Config
from homeostat.gateway.run import serve
from homeostat.loop.story.processes import READY
from homeostat.loop.worker import work
from homeostat.web.routes import routes


def gateway(settings: Config) -> None:
    """Answer requests until stopped."""
    serve(settings, lambda address: print(READY, address, flush=True), pages=routes)


def worker(settings: Config) -> None:
    """Watch, decide and train until stopped."""
    with interrupted(signal.SIGTERM, signal.SIGINT) as stop:
        work(settings, stopped=stop.is_set, announce=lambda text: print(READY, text, flush=True))
