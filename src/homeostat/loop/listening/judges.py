"""Listens to judges, rules or models that rate replies, and tells when one has changed: a signal that names the judge.

Two things tell it. Where people said something of a reply that a judge rated too, the two are compared as they come.
And a fixed set of replies, the anchors, is scored again by the judge, as often as somebody has it do so: there the
model has no part in it at all. Ratings since a change count for no objective and no trigger, and `quality` calibrates
the judge anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homeostat.loop.listening.held import book
from homeostat.monitor.anchors import EVERY, Anchors, Look
from homeostat.monitor.judge import EVERY as EVERY_PAIRS
from homeostat.monitor.judge import HALF, JudgeDetector
from homeostat.monitor.judge import Moved as Shifted
from homeostat.monitor.quality.course import right
from homeostat.release.judges import PLACE, is_judge, rates
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Moved, Signal
from homeostat.types.task import Kind, Task

PAIRS, ANCHORS = "judge_pairs", "judge_anchors"
"""Detectors: people's verdicts beside its ratings, and the same replies scored again."""
SCORED = "scored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a judge stands."""

    judge: str
    ratings: int
    """That it gave."""
    pairs: int
    """Of these, of replies that people judged too."""
    evidence: float
    """That it has changed, by people beside it; an alarm at `every`."""
    every: float
    looks: int
    """Times that it scored the anchors since they were begun with, or since an alarm."""
    changed: float | None
    """When it changed last, in seconds since 1970; None where nothing says so."""
    because: str
    """By which detector that was told."""


@dataclass(slots=True)
class Judges:
    """One for each task: goes on from where the last one left off."""

    store: Store
    task: Task
    every: float = EVERY_PAIRS
    """Pairs to a false alarm, on average at least."""
    seed: int = 0
    _cursor: tuple[float, str] = field(init=False)
    _known: dict[str, JudgeDetector] = field(init=False)

    def __post_init__(self) -> None:
        saved = self.store.state.get(_state(self.task.name)) or {}
        cursor = saved.get("cursor") or (0.0, "")
        self._cursor = (float(cursor[0]), str(cursor[1]))
        self._known = {name: JudgeDetector.restored(kept) for name, kept in saved.get("judges", {}).items()}

    def tick(self) -> list[Signal]:
        """Take what was said since, write signals of judges that have changed, and give them."""
        said = self.store.feedback.list(self.task.name, self._cursor[0])
        new = [f for f in said if (f.time, f.id) > self._cursor and f.kind is not FeedbackKind.COMMENT]
        if not new:
            return []
        pairs, told = completed(self.store, self.task, new, self._cursor), []
        for judge, rating, worth in pairs:
            known = self._known.setdefault(judge, JudgeDetector(self.every, self.seed))
            n = known.since + 1
            if (found := known.update(float(rating.value), worth, rating.time)) is not None:
                told.append(_signal(self.task.name, judge, found, rating, n, self.every))
        for signal in told:
            self.store.signals.put(signal)
        self._cursor = max((f.time, f.id) for f in new)
        kept = {name: known.state() for name, known in self._known.items()}
        self.store.state.put(_state(self.task.name), {"cursor": self._cursor, "judges": kept})
        return told


def completed(
    store: Store, task: Task, new: Sequence[Feedback], after: tuple[float, str]
) -> list[tuple[str, Feedback, float]]:
    """Each judge with its first rating of a reply, and what people said that the reply was worth, where the later of
    the two came after a moment; in the order in which they came.
    """
    held, by = book(store, task.name).held, dict[str, list[Feedback]]()
    for said in store.feedback.of(list({f.interaction for f in new})):
        if said.id not in held and said.kind is not FeedbackKind.COMMENT:
            by.setdefault(said.interaction, []).append(said)
    first = [next((f for f in statements if not is_judge(f.source)), None) for statements in by.values()]
    found = []
    for request, person in store.interactions.about([f for f in first if f]):
        if request.role is not Role.PRIMARY:
            continue
        worth = worth_of(task.kind, request, person)
        for judge, rating in {f.source: f for f in reversed(by[request.id]) if rates(f)}.items():
            at = max((rating.time, rating.id), (person.time, person.id))
            found += [(at, judge, rating, worth)] if at > after else []
    return [(judge, rating, worth) for _, judge, rating, worth in sorted(found, key=lambda one: (one[0], one[1]))]


def worth_of(kind: Kind, request: Interaction, said: Feedback) -> float:
    """What a reply was worth to whoever said this of it, in [0, 1]."""
    if said.kind is FeedbackKind.RATING:
        return float(said.value)
    return right(kind, request.reply, said.value)


def regime(changes: Sequence[tuple[float, float]], time: float) -> int | None:
    """How often a judge had changed when it rated; None about a change. That came at a point which is known roughly, as
    far around it as it took to notice.
    """
    if any(since - (noticed - since) <= time <= noticed for since, noticed in changes):
        return None
    return sum(noticed < time for _, noticed in changes)


def anchors(store: Store, task: Task, n: int) -> list[Interaction]:
    """The replies that judges score again: chosen once, and kept. People have judged each; as many of them are wrong as
    right, where there are so many, and the newest.
    """
    key = f"judge.anchors.{task.name}"
    kept = store.state.get(key)
    if not isinstance(kept, list):
        pairs = store.interactions.labeled(task.name)
        good = [row.id for row, said in pairs if worth_of(task.kind, row, said) >= HALF]
        bad = [row.id for row, said in pairs if worth_of(task.kind, row, said) < HALF]
        wrong = bad[-max(n // 2, n - len(good)) :]
        kept = [*wrong, *good[-(n - len(wrong)) :]][:n] if n > len(wrong) else wrong
        if kept:
            store.state.put(key, kept)
    known = {row.id: row for row, _ in store.interactions.labeled(task.name)}
    return [known[id] for id in kept if id in known]  # what was erased is gone


def scored(store: Store, task: str, judge: str, scores: Mapping[str, Sequence[float]], now: float) -> Look:
    """Compare a judge's scores of the anchors, by id, with all that it gave them before; an alarm is a signal."""
    key = f"judge.scores:{task}:{judge}"
    known = store.state.get(key)
    book = Anchors.restored(known["anchors"]) if isinstance(known, dict) else Anchors(scores=True)
    seed = hashlib.sha256(f"{key} {book.looks} {now}".encode()).digest()[:8]
    said = {id: [repr(float(score)) for score in given] for id, given in scores.items()}
    found = book.look(said, np.random.default_rng(int.from_bytes(seed)))
    before = float(known["time"]) if isinstance(known, dict) else now
    store.state.put(key, {"anchors": book.state(), "time": now})
    told = {"time": now, "p": found.p, "evidence": found.evidence, "shift": found.shift, "alarm": found.alarm}
    store.events.append(key, SCORED, told)
    if found.alarm:
        where = {"statistic": found.evidence, "threshold": float(EVERY), "n": found.looks, "since": before}
        store.signals.put(_of_judge(task, judge, now, ANCHORS, ids.new("sig"), where))
    return found


def standings(store: Store, task: str) -> list[Standing]:
    """Every judge that has rated, or scored anchors, by name."""
    saved = (store.state.get(_state(task)) or {}).get("judges", {})
    known = {name: JudgeDetector.restored(kept) for name, kept in saved.items()}
    ratings: dict[str, int] = {}
    for said in store.feedback.list(task):
        if rates(said):
            ratings[said.source] = ratings.get(said.source, 0) + 1
    signals = [s for s in store.signals.list(task) if s.moved is Moved.JUDGE]
    last = {s.slice.removeprefix(PLACE): s for s in signals}
    found = []
    for judge in sorted({*ratings, *known, *last}):
        pairs, scores = known.get(judge, JudgeDetector()), store.state.get(f"judge.scores:{task}:{judge}")
        found.append(
            Standing(
                judge=judge,
                ratings=ratings.get(judge, 0),
                pairs=pairs.pairs,
                evidence=float(np.exp(min(pairs.level, 700.0))),
                every=pairs.every,
                looks=scores["anchors"]["looks"] if isinstance(scores, dict) else 0,
                changed=(last[judge].since or last[judge].time) if judge in last else None,
                because=last[judge].detector if judge in last else "",
            )
        )
    return found


def _signal(task: str, judge: str, found: Shifted, last: Feedback, n: int, every: float) -> Signal:
    statistic = float(np.exp(min(found.alarm.log_statistic, 700.0)))
    where: dict[str, Any] = {"statistic": statistic, "threshold": every, "n": n, "since": found.alarm.since_time}
    return _of_judge(task, judge, last.time, PAIRS, ids.derived("sig", task, PAIRS, judge, last.id), where)


def _of_judge(task: str, judge: str, now: float, detector: str, id: str, where: Mapping[str, Any]) -> Signal:
    return Signal(id=id, task=task, time=now, moved=Moved.JUDGE, detector=detector, slice=f"{PLACE}{judge}", **where)


def _state(task: str) -> str:
    return f"judges:{task}"
