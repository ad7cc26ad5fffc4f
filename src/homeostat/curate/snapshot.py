"""The only file of this room that touches the store: reads what a dataset is built from, writes and reads datasets.

A dataset's rows are one JSONL blob, one object per example with sorted keys, so that equal rows are equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from homeostat.curate.build import Curated, Inputs
from homeostat.curate.mix import memory
from homeostat.curate.select import Pair
from homeostat.errors import NothingToTrainOn
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.dataset import Dataset, Example, Origin
from homeostat.types.feedback import FeedbackKind
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

OPTIONAL = ("rejected", "tags", "disturbed", "value")
"""Fields of a row that stand in its line where there is something in them."""
RELATION = {Origin.NEW: "learns", Origin.REPLAY: "repeats", Origin.RECALL: "recalls"}
"""What a dataset does with an interaction: the name of its lineage edge."""


def gather(
    store: Store,
    task: Task,
    *,
    champion: Version | None,
    evaluation: Iterable[str],
    until: float,
    imported: Sequence[Example] = (),
) -> Inputs:
    """What the log, the champion's datasets and the imports offer a dataset at the moment `until` (seconds since 1970).

    Feedback counts as new if it came after the moment of the champion's dataset; both moments must be told by the clock
    that feedback is stamped with. Without a champion, or for one without a dataset, everything is new.

    Raises:
        NotFound: a dataset that the champion descends from is not in the store.
    """
    ancestors = origins(store, champion) if champion else []
    since = ancestors[-1].time if ancestors else float("-inf")
    pairs: list[Pair] = store.interactions.labeled(task.name, feedback_until=until)
    if task.kind is Kind.TEXT:
        pairs = pairs + _rated(store, task.name, since)
    return Inputs(
        task=task,
        pairs=pairs,
        imported=imported,
        memory=memory(examples(store, dataset.id) for dataset in ancestors),
        evaluation=tuple(evaluation),
        labels=champion.labels if champion else task.labels,
        since=since,
        until=until,
    )


def _rated(store: Store, task: str, since: float) -> list[Pair]:
    """Ratings given since a moment, with their interactions."""
    said = store.feedback.list(task, max(since, 0.0))
    return store.interactions.about([one for one in said if one.kind is FeedbackKind.RATING])


def origins(store: Store, version: Version) -> list[Dataset]:
    """The datasets whose rows a version knows, parents before children; a head's own holds every row that it is of.

    Raises:
        NotFound: one of them is not in the store.
    """
    if not version.dataset:
        return []
    return [store.datasets.get(version.dataset)] if version.kind == HEAD else ancestry(store, version.dataset)


def ancestry(store: Store, dataset: str) -> list[Dataset]:
    """The dataset of this id after all that it descends from, parents before children.

    Raises:
        NotFound: one of them is not in the store.
    """
    found: dict[str, Dataset] = {}
    waiting = [dataset]
    while waiting:
        id = waiting.pop()
        found.pop(id, None)  # met again further up: it goes before everything met so far
        found[id] = store.datasets.get(id)
        waiting.extend(found[id].parents)
    return list(reversed(found.values()))


def store_dataset(
    store: Store, curated: Curated, *, task: str, turn: str, now: float, parents: tuple[str, ...] = ()
) -> Dataset:
    """Write the rows, the dataset and its edges to every interaction. Run twice in a turn, it writes the same.

    `now` is the moment up to which feedback was read, and `parents` the champion's dataset, if it has one.

    Raises:
        NothingToTrainOn: there are no rows.
        StoreFull: the disk is full; no dataset has been stored.
    """
    if not curated.examples:
        raise NothingToTrainOn(
            "no usable examples",
            where=f"task {task}",
            fix=f"send feedback; rows left after each step: {curated.counts}",
        )
    dataset = Dataset(
        id=ids.derived("dst", turn, "curate"),
        task=task,
        time=now,
        blob=store.blobs.put_text(as_lines(curated.examples)),
        counts=curated.counts,
        labels=curated.labels,
        parents=parents,
    )
    store.datasets.put(dataset)
    known = (row for row in curated.examples if row.interaction)
    store.lineage.link_all((dataset.id, row.interaction, RELATION[row.origin]) for row in known)
    return dataset


def examples(store: Store, dataset: str) -> list[Example]:
    """The rows of the dataset of this id, in their order; what is left of them where some were erased.

    Raises:
        NotFound: there is no such dataset, or its rows have been removed.
        Tampered: its rows are not the ones that were stored.
    """
    lines = store.blobs.text(left_of(store, dataset).blob).split("\n")
    return [from_line(line) for line in lines if line]


def left_of(store: Store, dataset: str) -> Dataset:
    """The dataset of this id, or the one that it was rebuilt as when rows of it were erased, as often as that was.

    Raises:
        NotFound: there is no such dataset.
    """
    found = store.datasets.get(dataset)
    return left_of(store, found.rebuilt) if found.rebuilt else found


def without(store: Store, old: Dataset, left: Sequence[Example], labels: tuple[str, ...]) -> Dataset:
    """Rebuild a dataset of the rows that are left of it: a new one, to which the old one points from then on. Run again
    after a crash, it writes the same. The old rows' file is still there: whoever erases removes it next.

    Raises:
        StoreFull: the disk is full; nothing has changed, or the new one is there and nobody points to it yet.
    """
    before = next(reversed(list(old.counts.values())), len(left))
    parents = tuple(dict.fromkeys(left_of(store, parent).id for parent in old.parents))
    text = as_lines(left)
    made = replace(
        old,
        id=ids.derived("dst", "without erased rows", old.id, text),
        blob=store.blobs.put_text(text),
        counts={"before": before, "erased": before - len(left), "left": len(left)},
        labels=labels,
        parents=parents,
    )
    store.datasets.put(made)
    edges = [(made.id, row.interaction, RELATION[row.origin]) for row in left if row.interaction]
    store.lineage.link_all([*edges, (made.id, old.id, "leaves erased rows out of")])
    store.datasets.put(replace(old, rebuilt=made.id))
    return made


def as_lines(rows: Iterable[Example]) -> str:
    """The rows as JSONL; equal rows give equal text. `OPTIONAL` fields stand where there are."""
    return "".join(json.dumps(_fields(row), ensure_ascii=False, sort_keys=True) + "\n" for row in rows)


def _fields(row: Example) -> dict[str, object]:
    return {name: value for name, value in asdict(row).items() if name not in OPTIONAL or value not in ("", {}, None)}


def from_line(line: str) -> Example:
    """The row of one line of a dataset's JSONL."""
    fields = json.loads(line)
    return Example(**{**fields, "origin": Origin(fields["origin"])})
