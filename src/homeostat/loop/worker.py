"""The worker: the process that watches, decides and trains, apart from the one that serves."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import torch

from homeostat.alert.causes import of_worker
from homeostat.alert.channels.opened import opened
from homeostat.alert.courier import Courier
from homeostat.alert.record import tell
from homeostat.config.schema import Config
from homeostat.errors import HomeostatError
from homeostat.loop import signed, splitting, trial, turn
from homeostat.loop.durable import TurnQueue, launch, only_worker
from homeostat.loop.noticing.telling import Telling
from homeostat.loop.noticing.watching import Watch
from homeostat.loop.serving import tie
from homeostat.loop.undoing import drill, rebuilding
from homeostat.loop.workshop import Workshop, use
from homeostat.types.alert import Alert
from homeostat.types.delivery import Post

NICENESS = 5
"""How far the worker steps back behind the process that answers users."""
PARTING_S = 5.0
"""Seconds in which it may still be sent that the worker ends with an error."""
WORKFLOWS = (turn.turn, drill.drill, trial.trial, rebuilding.rebuilding, signed.signed, splitting.split)
"""What DBOS finds in this process, for having been imported."""
_held = ExitStack()
"""Never closed: a step may outlive `work`, so only the end of the process lets go of the folder."""


def work(config: Config, *, stopped: Callable[[], bool], announce: Callable[[str], None]) -> None:
    """Watch and turn until `stopped()`, then end the process; waits while another worker has the folder.

    A turn under way is left where it stands, as by a crash, and the next worker goes on with it: a step cannot be
    stopped from outside its thread, and training would keep the process from ending for minutes. An error of the watch
    is printed and ends the process the same way, with the error's exit code.
    """
    ways = opened(config.alerts)  # a secret that is missing is told now, and not in the night when it is needed
    os.nice(NICENESS)
    torch.set_num_threads(config.model.threads)
    folder = Path(config.folder)
    if not _take(folder, stopped):
        return
    shop = Workshop.open(config)
    shop.store.sign_as("worker")
    tie(shop)
    use(shop)
    launch(folder)
    watch, telling = Watch(shop, TurnQueue(folder)), Telling(shop)
    Courier(shop.store, ways, config.alerts.tries, config.alerts.timeout_s).start()
    announce("the worker is watching")
    status = 1
    try:
        while not stopped():
            watch.tick()
            telling.tick()
            time.sleep(config.release.poll_s)
        status = 0
    except HomeostatError as problem:
        sys.stderr.write(f"{problem}\n")
        status = problem.exit
        _tell_end(shop, problem)
    except Exception as problem:
        traceback.print_exc()
        _tell_end(shop, problem)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _tell_end(shop: Workshop, problem: Exception) -> None:
    """Tell people that nobody watches any more, as far as the store still takes it; what is not sent soon is sent by
    the next worker.
    """
    code = f"{problem.code} {problem.what}" if isinstance(problem, HomeostatError) else type(problem).__name__
    with suppress(Exception):  # the process ends in any case, with the error that ended it
        (last,) = tell(shop.store, shop.config, [of_worker(code, time.time())], time.time())
        until = time.monotonic() + PARTING_S
        while _waits(shop, last) and time.monotonic() < until:
            time.sleep(0.1)


def _waits(shop: Workshop, alert: Alert) -> bool:
    return any(one.state is Post.WAITING for one in shop.store.deliveries.list(alert=alert.id))


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
