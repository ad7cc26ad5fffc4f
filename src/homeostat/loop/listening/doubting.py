"""Listens to a task's feedback, and writes down what is doubted: what is held back for it, and a signal.

What it writes is read by `held`: curation leaves it out, and a person may release it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from homeostat.curate.mix import memory
from homeostat.curate.snapshot import examples, origins
from homeostat.curate.suspect import ALL, ALPHA, Suspicion
from homeostat.loop.listening.hearing import MOST, Hearing
from homeostat.loop.listening.held import book, hold, wait
from homeostat.loop.listening.witness import Witness
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Moved, Signal
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

DETECTOR = "one_sided"
SHOWN = 5
"""Newest statements of a group that a signal shows."""


@dataclass(slots=True)
class Doubter:
    """One for each champion: it begins with what was said since that one's dataset."""

    store: Store
    task: Task
    champion: Version
    trusted: Collection[str] = ()
    """Sources that are not listened to, for they are believed."""
    _hearing: Hearing = field(init=False)
    _cursor: tuple[float, str] = field(init=False)
    """Time and id of the newest feedback heard."""

    def __post_init__(self) -> None:
        known, witness = origins(self.store, self.champion), None
        if self.task.kind is Kind.LABEL:
            witness = Witness.of(memory(examples(self.store, dataset.id) for dataset in known))
        self._hearing = Hearing(witness)
        self._cursor = (known[-1].time if known else self.champion.time, "\uffff")

    def tick(self) -> list[Signal]:
        """Hear what is new, write down what is doubted, and give the signals of it that are new."""
        new = self._new()
        if not new:
            return []
        self._hearing.take(new)
        task = self.task.name
        released = book(self.store, task).released
        doubts = self._hearing.doubts(released)
        told = [self._signal(one) for one in doubts if hold(self.store, task, self.champion.id, one)]
        for signal in told:
            self.store.signals.put(signal)
        alone, heard = self._hearing.alone(released)
        wait(self.store, task, self.champion.id, alone, heard, self._cursor[0])
        return told

    def _new(self) -> list[tuple[Interaction, Feedback]]:
        """What has been said past the cursor by sources that are not trusted, oldest first."""
        said = [f for f in self.store.feedback.list(self.task.name, self._cursor[0]) if (f.time, f.id) > self._cursor]
        if not said:
            return []
        said.sort(key=lambda one: (one.time, one.id))
        self._cursor = (said[-1].time, said[-1].id)
        said = [f for f in said if f.kind is not FeedbackKind.COMMENT and not f.picked]
        heard = [f for f in said if f.source not in self.trusted]
        pairs = self.store.interactions.about(heard[-MOST:])
        return [(request, f) for request, f in pairs if request.role is Role.PRIMARY]

    def _signal(self, found: Suspicion) -> Signal:
        return Signal(
            id=ids.derived("sig", self.task.name, DETECTOR, self.champion.id, found.group),
            task=self.task.name,
            time=found.until,
            moved=Moved.FEEDBACK,
            detector=DETECTOR,
            statistic=1.0 / max(found.p, 1e-300),
            threshold=1.0 / ALPHA,
            n=found.n,
            since=found.since,
            slice="" if found.group == ALL else found.group,
            examples=tuple(self.store.feedback.get(id).interaction for id in found.held[-SHOWN:]),
        )
