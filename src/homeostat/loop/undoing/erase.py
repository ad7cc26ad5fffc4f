"""Erases a user from everything that a project keeps: rows, datasets, test rows, answers, weights, free pages.

First a plan, which changes nothing. Carried out, it goes from what is furthest from the user's rows to the rows
themselves: whatever interrupts it, the rows are still there to say what is to be erased, and doing it again completes
it. Weights of a version that answers stay until another one answers; all others that learned from the rows go.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from homeostat.curate.snapshot import examples, without
from homeostat.errors import NoWayBack
from homeostat.loop.undoing import leftovers
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import rollback
from homeostat.release.states import TRANSITIONS
from homeostat.store.erased import learned_from_erased
from homeostat.store.needles import Needles
from homeostat.store.remains import Remains
from homeostat.store.traces import Traces
from homeostat.types.dataset import Dataset, Example
from homeostat.types.version import State, Version

OUTSIDE = ("archive of version", "published")
"""Entries of the audit log by which a version is known to have been copied elsewhere."""
NAMED = 8
"""Letters of a user's name from which on it is looked for among what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an erasure will do."""

    traces: Traces
    datasets: dict[str, int] = field(default_factory=dict)
    """Dataset -> its rows that go; what is left becomes a new one."""
    tests: dict[str, int] = field(default_factory=dict)
    """Task -> test rows that go."""
    flagged: dict[str, str] = field(default_factory=dict)
    """Version that answers, or is tried, and has learned from the rows -> its task."""
    removed: dict[str, str] = field(default_factory=dict)
    """Version whose weights are removed, for it has learned from the rows and answers nobody -> its task."""
    clean: dict[str, str] = field(default_factory=dict)
    """Task of a flagged version -> the newest that answered and has not learned from them; empty if there is none."""
    exported: tuple[str, ...] = ()
    """Those of them that were written to archives: only you know where these are."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.traces.empty and not (self.datasets or self.tests or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What was done."""

    rows: int
    """That are gone, or were rid of what named them."""
    datasets: dict[str, str]
    """Dataset -> the one that holds what is left of it."""
    flagged: dict[str, str]
    removed: dict[str, str]
    blobs: int
    """Files that are gone."""
    blocked: str
    """Why the database's files could not be written anew; empty where they were."""
    remains: Remains

    @property
    def complete(self) -> bool:
        """Whether nothing is left, as far as a scan of every file can say."""
        return not self.blocked and self.remains.nothing


def plan(shop: Workshop, user: str, also: Collection[str] = ()) -> Plan:
    """What erasing a user would do, and `also` what has these ids or texts; nothing is changed. Without a user: what
    earlier erasures have left, because it answered then.
    """
    traces = shop.store.erasure.traces(user, also)
    traces = replace(traces, elsewhere=_elsewhere(shop, traces))
    datasets = {dataset.id: gone for dataset, _, gone in _hit(shop, traces)}
    tainted = learned_from_erased(shop.store, also=datasets)
    versions = [version for version in shop.store.versions.list() if version.id in tainted]
    exported = {entry.about for entry in shop.store.audit.list() if entry.what in OUTSIDE}
    flagged = {version.id: version.task for version in versions if _in_force(version)}
    return Plan(
        traces=traces,
        datasets=datasets,
        tests={
            task: n
            for task in shop.config.tasks
            if (n := len(suite := shop.suite(task)) - len(leftovers.staying(suite, traces)))
        },
        flagged=flagged,
        removed={v.id: v.task for v in versions if not _in_force(v) and v.state is not State.ERASED},
        clean={task: _newest_clean(shop, task, tainted) for task in flagged.values()},
        exported=tuple(sorted(exported & set(tainted))),
    )


def withdraw(shop: Workshop, plan: Plan) -> dict[str, str]:
    """Let the newest champion that has not learned from a user answer, for every task whose champion has; task ->
    version.

    Raises:
        NoWayBack: there is none for one of the tasks; nothing has changed.
    """
    if missing := [task for task, version in plan.clean.items() if not version]:
        what = f"no version of task '{missing[0]}' that answered before has not learned from these rows"
        raise NoWayBack(what, fix="erase with `--then retrain` alone")
    because = f"it learned from rows of {plan.traces.name}, which are erased"
    for task, version in plan.clean.items():
        rollback(shop.store, task, because, to=version, now=time.time())
    return plan.clean


def erase(shop: Workshop, plan: Plan, patience_s: float = 60.0) -> Erased:
    """Carry a plan out. What is done is done for good; interrupted, it is completed by doing it again.

    Raises:
        StoreFull: the disk is full; what was not reached is as it was.
    """
    store, traces = shop.store, plan.traces
    rebuilt = _datasets(shop, traces)
    replaced = [*leftovers.tests(shop, traces), *leftovers.inputs(shop, traces)]
    leftovers.answers(shop, traces)
    tainted = learned_from_erased(store)
    removed = {v.id: v.task for v in store.versions.list() if v.id in tainted and _retire(shop, v)}
    leftovers.nameless(shop)
    blobs = store.erasure.remove_blobs(
        [*replaced, *leftovers.indexes(shop, tainted), *leftovers.gone(shop, traces, tainted)]
    )
    leftovers.runs(shop)
    store.state.put(leftovers.MARK, time.time())
    rows = store.erasure.forget(traces) if not traces.empty else 0
    rows += store.erasure.orphans()
    blocked = store.erasure.clean(patience_s)
    texts = {*traces.sought, *([traces.user] if len(traces.user) >= NAMED else [])}
    return Erased(
        rows=rows,
        datasets=rebuilt,
        flagged={v.id: v.task for v in store.versions.list() if v.id in tainted and _in_force(v)},
        removed=removed,
        blobs=blobs,
        blocked=blocked,
        remains=look(shop, texts),
    )


def look(shop: Workshop, texts: Collection[str]) -> Remains:
    """What is left of texts in a project's files, and in its database where that is no file."""
    folders = [Path(shop.config.folder), Path(shop.config.blobs)]
    if shop.config.database.startswith("sqlite:///"):
        file = Path(shop.config.database.removeprefix("sqlite:///"))
        folders += [path for end in ("", "-wal", "-journal") if (path := Path(f"{file}{end}")).exists()]
    learned = (text for row in _learned(shop) for text in (row.text, row.target, row.rejected))
    nothing = Traces(user="")
    tested = (text for task in shop.config.tasks for text in leftovers.staying_texts(shop, task, nothing))
    return shop.store.remains(folders, texts, chain(learned, tested))


def _in_force(version: Version) -> bool:
    """Whether it answers somebody, or is tried."""
    return State.ERASED not in TRANSITIONS[version.state] and version.state is not State.ERASED


def _newest_clean(shop: Workshop, task: str, tainted: Collection[str]) -> str:
    before = [release.champion for release in shop.store.releases.list(task)]
    sound = [one for one in reversed(before) if one not in tainted]
    return next((one for one in sound if shop.store.versions.get(one).state is not State.ERASED), "")


def is_theirs(row: Example, traces: Traces) -> bool:
    """Whether a row of a dataset came of a user's requests or statements, or is in words that only they have."""
    if row.interaction in traces.interactions or row.interaction in traces.taught:
        return True
    return bool({row.text.strip(), row.target.strip(), row.rejected.strip()} & traces.texts)


def _elsewhere(shop: Workshop, traces: Traces) -> frozenset[str]:
    """Those of their texts that stand within rows of datasets and test suites that stay."""
    needles = Needles.of(traces.texts)

    rows = (row for row in _learned(shop) if not is_theirs(row, traces))
    texts = (text for row in rows for text in (row.text, row.target, row.rejected))
    exams = (text for task in shop.config.tasks for text in leftovers.staying_texts(shop, task, traces))
    lines = (f"{text}\0".encode("utf-8", "surrogatepass") for text in (*texts, *exams))
    return frozenset(needles.found(lines) if needles else ())


def _learned(shop: Workshop) -> Iterator[Example]:
    """Every row of every dataset."""
    for dataset in shop.store.datasets.list():
        yield from examples(shop.store, dataset.id) if not dataset.rebuilt else ()


def _hit(shop: Workshop, traces: Traces) -> Iterator[tuple[Dataset, list[Example], int]]:
    """Every dataset that has rows of theirs, what is left of it, and how many go; parents before children."""
    for dataset in shop.store.datasets.list() if not traces.empty else ():
        if not dataset.rebuilt:
            rows = examples(shop.store, dataset.id)
            left = [row for row in rows if not is_theirs(row, traces)]
            if len(left) < len(rows):
                yield dataset, left, len(rows) - len(left)


def _datasets(shop: Workshop, traces: Traces) -> dict[str, str]:
    """Rebuild them, with no label that only they have used; old -> new."""
    hit = list(_hit(shop, traces))
    orphans = _orphans(shop, [dataset.id for dataset, _, _ in hit], [left for _, left, _ in hit], traces)
    made = {}
    for dataset, left, _ in hit:
        labels = tuple(label for label in dataset.labels if label not in orphans)
        made[dataset.id] = without(shop.store, dataset, left, labels).id
    return made


def _orphans(shop: Workshop, hit: Collection[str], left: Sequence[Sequence[Example]], traces: Traces) -> set[str]:
    """Labels of these datasets that nobody but them ever used."""
    known = {label for id in hit for label in shop.store.datasets.get(id).labels}
    used = {row.target for rows in left for row in rows}
    used |= {label for task in shop.config.tasks.values() for label in task.labels}
    for dataset in shop.store.datasets.list():
        if dataset.id not in hit and not dataset.rebuilt and known - used:
            used |= {row.target for row in examples(shop.store, dataset.id)}
    for task in shop.config.tasks if known - used else ():
        used |= {said.value for said in shop.store.feedback.list(task) if said.id not in traces.feedback}
    return known - used


def _retire(shop: Workshop, version: Version) -> bool:
    """Say that a version's weights are gone, where it answers nobody; whether that is new."""
    if State.ERASED not in TRANSITIONS[version.state]:
        return False
    shop.store.versions.set_state(version.id, State.ERASED)
    return True
