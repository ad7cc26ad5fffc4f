"""The product's worker in a process of its own that dies, by SIGKILL, at the very moment it is told to.

Not a bar: what the bar of killed turns and the tests of the loop share. The moment lies inside the work, where no
other process could hit it: the process kills itself, with a signal that nothing can catch. `through` brings the turn
of a small project to its end over any number of deaths, and `ending` is all that it leaves.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch
from small_project import TASK, Gateway

import homeostat
from homeostat.config.schema import Config
from homeostat.loop import durable
from homeostat.loop.durable import TurnQueue
from homeostat.loop.worker import work
from homeostat.loop.workshop import Workshop
from homeostat.store import Store
from homeostat.store.notes import Events
from homeostat.store.nouns import Nouns, Turns
from homeostat.types.release import Release
from homeostat.types.turn import Turn

MOODS = {"tokens_per_s", "mfu", "memory_bytes"}
"""What a look reports of the machine's mood, and not of the run."""
ANNOUNCED = "announced"
"""The death of a worker that has opened a project and looked at nothing."""
CONTEXT = multiprocessing.get_context("forkserver")
"""Workers are forked from a process that has imported everything, so that one starts in a fraction of a second."""
CONTEXT.set_forkserver_preload(["homeostat.loop.worker", "transformers.models.llama.modeling_llama"])


def die() -> None:
    """End as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str, name: str) -> None:
    """Have this process die at a moment of its work.

    `begin`: a step has begun and done nothing. `done`: its work is done, and the turn's diary does not know. `noted`:
    the diary knows, and DBOS does not. `training`: so many optimizer steps have been told of. `row`: a release row of
    this stage is written, and nothing of what follows from it. `ANNOUNCED` is no work of a turn, and known to `run`.
    """
    append, put, change = Events.append, Nouns.put, Turns.change

    def dying_append(self: Events, subject: str, what: str, values: Any) -> None:
        if (moment, what) == ("done", "end") and values["step"] == name:
            die()
        append(self, subject, what, values)
        if (moment, what) == ("begin", "begin") and values["step"] == name:
            die()
        if moment == what == "training" and values["step"] >= int(name):
            die()

    def dying_put(self: Nouns[Any], noun: Any) -> None:
        put(self, noun)
        if moment == "noted" and isinstance(noun, Turn) and name in noun.diary:
            die()
        if moment == "row" and isinstance(noun, Release) and noun.stage.value == name:
            die()

    def dying_change(self: Turns, id: str, how: Any) -> Turn:
        turn = change(self, id, how)
        if moment == "noted" and name in turn.diary:
            die()
        return turn

    Events.append, Nouns.put = dying_append, dying_put  # type: ignore[method-assign, assignment]
    Turns.change = dying_change  # type: ignore[method-assign]


def run(config: Config, death: str, shape: str, version: str) -> None:
    """What the process does: the product's `work` until SIGTERM, or until its death."""
    torch.set_num_threads(1)
    homeostat.__version__ = version or homeostat.__version__
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    durable.SHAPE = shape or durable.SHAPE
    if death:
        moment, _, name = death.partition(":")
        arm(moment, name)
    announced = Path(config.folder) / f"worker-{os.getpid()}"

    def announce(_: str) -> None:
        announced.touch()
        if death == ANNOUNCED:
            die()

    work(config, stopped=stop.is_set, announce=announce)


@dataclass(slots=True)
class Worker:
    """A worker on a project, in its own process."""

    config: Config
    death: str = ""
    """`MOMENT:NAME` as `arm` knows them; empty for none."""
    shape: str = ""
    """Another shape of the turn than the product's."""
    version: str = ""
    """Another version of Homeostat."""
    process: BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        self.process = CONTEXT.Process(
            target=run, args=(self.config, self.death, self.shape, self.version), daemon=True
        )
        self.process.start()

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.process.is_alive()

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.process.exitcode == -signal.SIGKILL

    @property
    def watching(self) -> bool:
        """Whether it has the project, and is not waiting for another worker to leave it."""
        return (Path(self.config.folder) / f"worker-{self.process.pid}").exists()

    def kill(self) -> None:
        """Kill it at once."""
        self.process.kill()
        self.process.join()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.process.join()


def steps(recipes: Sequence[str]) -> list[str]:
    """Names of the steps of a turn that refuses all but the last of these recipes and releases that one."""
    tried = [f"{step}.{recipe}" for recipe in recipes for step in ("curate", "train", "evaluate", "gate", "judge")]
    return ["watch", "decide", "act", "attempts", *tried, "sign", "release", "stage", "advance", "end"]


def through(config: Config, deaths: Sequence[str] = ()) -> dict[str, Any]:
    """Have workers take the project's turn to its end, each but the last dying as told; what the turn leaves.

    Raises:
        RuntimeError: a worker did not die where it should have, or the turn did not end.
    """
    with closing(Workshop.open(config)) as shop:
        gateway = Gateway(shop)
        for death in deaths:
            doomed = Worker(config, death)
            gateway.serve(lambda doomed=doomed: not doomed.alive)  # type: ignore[misc]
            if not doomed.killed:
                doomed.kill()
                raise RuntimeError(f"no worker died at {death}")
        worker = Worker(config)
        try:
            gateway.serve(lambda: ended(config, shop.store) or not worker.alive)
        finally:
            worker.stop()
        if not ended(config, shop.store):
            raise RuntimeError(f"the turn did not end: {shop.store.turns.list(TASK)}")
        return ending(shop.store)


def ended(config: Config, store: Store) -> bool:
    """Whether the first turn of the project has come to its end, for DBOS too."""
    first = next(iter(store.turns.list(TASK)), None)
    if first is None or first.state == "open":
        return False
    with closing(TurnQueue(Path(config.folder))) as queue:
        return queue.finished(durable.workflow(first))


def ending(store: Store) -> dict[str, Any]:
    """Everything the first turn leaves, less what a clock or a stopwatch says of it."""
    turn = store.turns.list(TASK)[0]
    versions = [replace(version, cost=_counted(version.cost)) for version in store.versions.list(TASK)]
    releases = [(row.id, row.stage.value, row.champion, row.candidate) for row in store.releases.list(TASK)]
    tried = [version.id for version in versions if version.parent]
    looks = {id: [_look(e.values) for e in store.events.list(id) if e.name == "training"] for id in tried}
    return {
        "turn": asdict(replace(turn, because="")),
        "signals": [asdict(signal) for signal in store.signals.list(TASK) if signal.time <= turn.time],
        "decisions": [asdict(decision) for decision in store.decisions.list(TASK)],
        "datasets": [asdict(dataset) for dataset in store.datasets.list(TASK)],
        "versions": [asdict(version) for version in versions],
        "reports": [asdict(report) for report in store.reports.list(TASK)],
        "verdicts": [asdict(verdict) for verdict in store.verdicts.list(TASK)],
        "releases": releases,
        "aliases": store.aliases.all(TASK),
        "training": looks,
        "problems": store.verify(),
    }


def _counted(cost: Any) -> dict[str, float]:
    return {name: value for name, value in cost.items() if name not in {"cpu_seconds", "wall_seconds"}}


def _look(values: Any) -> dict[str, float]:
    return {name: value for name, value in values.items() if name not in MOODS}
