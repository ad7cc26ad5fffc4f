"""The memory that a version takes to answer its task's test rows and suites: measured again and again, and kept.

A version answers in a process of its own, which holds nothing else; the other figures of a version come from a process
that has read the log, and perhaps another version, before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import cast

from homeostat.evaluate.suites.ask import wanted
from homeostat.llm.backend import Request
from homeostat.llm.memory import Held, measured
from homeostat.loop.proving.examining import asked
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.store.notes import MEMORY
from homeostat.store.rows import rebuild
from homeostat.types.report import Score
from homeostat.types.version import Version

RUNS = 3
"""Processes, one after the other: how far they differ is the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a version takes, in bytes."""

    base: int
    """Of the tensors of the base."""
    version: int
    """Of the files that the version adds."""
    device: str
    """What the most is held of: this machine's `memory`, or that of its `GPU`."""
    peak: Score
    """The most that is held up to the last reply, libraries and the loading included; `n` counts processes."""
    steps: Mapping[str, Score] = field(default_factory=dict)
    """What is resident after the libraries, and after the version is loaded."""
    requests: int


def memory(shop: Workshop, version: Version, rows: Sequence[Exam], until: float, runs: int = RUNS) -> Memory:
    """What a version takes to answer these test rows and its task's suites, measured and kept as an event of it, in so
    many runs; two at least, as one has no interval.

    Raises:
        HomeostatError: as `homeostat.llm.memory.measured`.
    """
    task, model = shop.config.task(version.task), shop.config.model
    requests = [Request(task=task, text=row.text, version=version.id, tags=row.tags) for row in rows]
    suites, _ = asked(shop, task, until)
    requests += [Request(task=task, text=text, version=version.id) for text in wanted(suites)]
    folder = shop.signing.folder(shop.store, version)
    held = [
        measured(model.weights, version, folder, requests, threads=model.threads, precision=model.precision)
        for _ in range(runs)
    ]
    found = of_runs(held)
    shop.store.events.append(version.id, MEMORY, {one.name: getattr(found, one.name) for one in fields(found)})
    return found


def kept(store: Store, version: str) -> Memory | None:
    """What a version was last measured to take; None where nobody has."""
    events = [event for event in store.events.list(version) if event.name == MEMORY]
    return cast("Memory", rebuild(Memory, events[-1].values)) if events else None


def of_runs(held: Sequence[Held]) -> Memory:
    """What several processes held, as one."""
    on_gpu = any(one.device for one in held)
    return Memory(
        base=held[0].base,
        version=held[0].version,
        device="GPU" if on_gpu else "memory",
        peak=_score([one.device if on_gpu else one.peak for one in held]),
        steps={name: _score([getattr(one, name) for one in held]) for name in ("libraries", "loaded")},
        requests=held[0].requests,
    )


def _score(values: Sequence[int]) -> Score:
    return mean_interval([float(value) for value in values])
