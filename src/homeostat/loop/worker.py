"""The worker: the process that watches, decides and trains, apart from the one that serves."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import torch

from homeostat.config.schema import Config
from homeostat.errors import HomeostatError
from homeostat.loop import drill, turn
from homeostat.loop.durable import TurnQueue, launch, only_worker
from homeostat.loop.watching import Watch
from homeostat.loop.workshop import Workshop, use

NICENESS = 5
"""How far the worker steps back behind the process that answers users."""
WORKFLOWS = (turn.turn, drill.drill)
"""What DBOS finds in this process, for having been imported."""
_held = ExitStack()
"""Never closed: a step may outlive `work`, so only the end of the process lets go of the folder."""


def work(config: Config, *, stopped: Callable[[], bool], announce: Callable[[str], None]) -> None:
    """Watch and turn until `stopped()`, then end the process; waits while another worker has the folder.

    A turn under way is left where it stands, as by a crash, and the next worker goes on with it: a step cannot be
    stopped from outside its thread, and training would keep the process from ending for minutes. An error of the watch
    is printed and ends the process the same way, with the error's exit code.
    """
    os.nice(NICENESS)
    torch.set_num_threads(config.model.threads)
    folder = Path(config.folder)
    if not _take(folder, stopped):
        return
    shop = Workshop.open(config)
    use(shop)
    launch(folder)
    watch = Watch(shop, TurnQueue(folder))
    announce("the worker is watching")
    status = 1
    try:
        while not stopped():
            watch.tick()
            time.sleep(config.release.poll_s)
        status = 0
    except HomeostatError as problem:
        sys.stderr.write(f"{problem}\n")
        status = problem.exit
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _take(folder: Path, stopped: Callable[[], bool]) -> bool:
    """Hold the folder as soon as no other worker does; false if it is to end before that."""
    told = False
    while not stopped():
        try:
            _held.enter_context(only_worker(folder, patience_s=0.5))
            return True
        except BlockingIOError:
            if not told:
                sys.stdout.write(f"waiting: another worker has {folder}; this one begins when that one ends\n")
                sys.stdout.flush()
            told = True
    return False
