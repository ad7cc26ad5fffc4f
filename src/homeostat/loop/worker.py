"""The worker: the process that watches, decides and trains, apart from the one that serves."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch

from homeostat.config.schema import Config
from homeostat.loop import turn as _turn  # registers the workflow with DBOS
from homeostat.loop.durable import TurnQueue, launch, only_worker, stop
from homeostat.loop.watching import Watch
from homeostat.loop.workshop import Workshop, use

NICENESS = 5
"""How far the worker steps back behind the process that answers users."""

__all__ = ["work"]


def work(config: Config, *, stopped: Callable[[], bool], announce: Callable[[str], None]) -> None:
    """Watch and turn until `stopped()`; waits its turn where another worker has the folder."""
    assert _turn.turn is not None
    os.nice(NICENESS)
    torch.set_num_threads(config.model.threads)
    folder = Path(config.folder)
    with only_worker(folder):
        shop = Workshop.open(config)
        use(shop)
        launch(folder)
        queue = TurnQueue(folder)
        announce("the worker is watching")
        watch = Watch(shop, queue)
        try:
            while not stopped():
                watch.tick()
                time.sleep(config.release.poll_s)
        finally:
            stop()
            queue.close()
            shop.close()
