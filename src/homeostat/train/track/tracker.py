"""What a tracker is told of a run, and how several are told at once without any of them being able to end it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from homeostat.plugin import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One training, as trackers name it."""

    project: str
    task: str
    version: str
    """Id of the version to be; a run that goes on after it was killed has the same."""
    folder: Path
    """Where a tracker that keeps files keeps them."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """How it is trained, as plain values."""

    @property
    def parameters(self) -> dict[str, str]:
        """The recipe as flat names and texts, `adapt.lora.rank` for one."""
        return dict(_flat("", self.recipe))


class Tracker(Protocol):
    """Somebody outside who is told of a run."""

    def look(self, values: Mapping[str, float]) -> None:
        """What the run reports at a look; `step` is the step it was at."""
        ...

    def end(self, summary: Mapping[str, float]) -> None:
        """The run has come to its end: what it cost, or nothing if it broke off."""
        ...


class Begin(Protocol):
    """How a tracker begins, or goes on with a run that it knows: what a name in `train.track` stands for."""

    def __call__(self, run: Run) -> Tracker:
        """Raises `MissingExtra` where the tracker's package is not installed."""
        ...


TRACKERS: Registry[Begin] = Registry(
    "tracker",
    "homeostat.trackers",
    {
        "mlflow": "homeostat.train.track.mlflow:begin",
        "tensorboard": "homeostat.train.track.tensorboard:begin",
        "wandb": "homeostat.train.track.wandb:begin",
    },
)


@dataclass(slots=True)
class Told:
    """Every tracker of a run. One that fails is told nothing more, and the run does not notice."""

    trackers: dict[str, Tracker]
    summary: Mapping[str, float] = field(default_factory=dict)
    """What the run cost, once it is known."""

    def look(self, values: Mapping[str, float]) -> None:
        """Tell all what the run reports."""
        for name in list(self.trackers):
            self._try(name, "look", values)

    def end(self) -> None:
        """Tell all that it is over."""
        for name in list(self.trackers):
            self._try(name, "end", finite(self.summary))

    def _try(self, name: str, what: str, values: Mapping[str, float]) -> None:
        try:
            getattr(self.trackers[name], what)(values)
        except Exception as failed:  # whatever a server that is gone makes a client raise
            del self.trackers[name]
            warnings.warn(f"{name} is told no more of this run: {failed}", stacklevel=2)


@contextmanager
def tracking(names: Sequence[str], run: Run) -> Iterator[Told]:
    """Trackers that are told of a run while the block lasts.

    Raises:
        UnknownPlugin, MissingExtra, BrokenPlugin: a name stands for nothing, or its package is not installed; before
            anything is trained. A tracker that cannot begin for another reason is left out with a warning.
    """
    told = Told({})
    for name, begin in [(name, TRACKERS.get(name)) for name in dict.fromkeys(names)]:
        _begin(told, name, begin, run)
    try:
        yield told
    finally:
        told.end()


def _begin(told: Told, name: str, begin: Begin, run: Run) -> None:
    try:
        told.trackers[name] = begin(run)
    except Exception as failed:
        if type(failed).__module__ == "homeostat.errors":
            raise
        warnings.warn(f"{name} is told nothing of this run: {failed}", stacklevel=2)


def finite(values: Mapping[str, float]) -> dict[str, float]:
    """The numbers that are numbers: trackers take no infinity."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _flat(before: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _flat(f"{before}.{name}" if before else str(name), each)
    else:
        yield before, str(value)
