"""Everything on record about a version, in one document: what it is, what it learned from, how it was measured.

Read from rows alone. It names ids, hashes, counts and figures, and sentences that the platform wrote; of what users
said it holds nothing but the labels, so that it can go along with a version.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.errors import NotFound, Tampered
from homeostat.llm.offsets import FILE as OFFSETS
from homeostat.release.signing import kept
from homeostat.stats import clustered
from homeostat.stats.clustered import clusters_of
from homeostat.store import Store
from homeostat.store.erased import learned_from_erased
from homeostat.store.notes import MEMORY
from homeostat.store.rows import plain
from homeostat.types.turn import APPROVAL, SIGNED, Turn
from homeostat.types.version import Version

Document = dict[str, Any]
FEWEST = 10
"""Test rows of a group below which it is left out."""
_LABEL = "label "
"""Before the name of a slice that is a label, and no group of users."""


def record(store: Store, version: Version) -> Document:
    """What is on record about a version; of one that was carried here, also what came with it."""
    brought = store.state.get(f"imported:{version.id}", {})
    signature = kept(store, version.id)
    turn = _turn(store, version.id)
    said: Document = {
        "version": plain(version),
        "aliases": [name for name, named in store.aliases.all(version.task).items() if named == version.id],
        "dataset": _dataset(store, version.dataset),
        "parent": _parent(store, version.parent),
        "reports": [plain(one) for one in store.reports.list(version.task) if one.candidate == version.id],
        "verdicts": [plain(one) for one in store.verdicts.list(version.task) if one.candidate == version.id],
        "releases": [
            plain(one)
            for one in store.releases.list(version.task)
            if version.id in (one.champion, one.candidate, *one.shares)
        ],
        "groups": _groups(store, version),
        "turn": turn,
        "offsets": _offsets(store, version),
        "memory": _memory(store, version.id),
        "signed_by": signature.key if signature else "",
        "erased_from": learned_from_erased(store, version.task).get(version.id, ""),
    }
    carried = ("dataset", "parent", "reports", "verdicts", "groups", "turn")
    return {name: value or (brought.get(name, value) if name in carried else value) for name, value in said.items()}


def _groups(store: Store, version: Version) -> Document:
    """How it and the champion did on the test rows of every value of a tag that the newest report tells apart: tags
    that the task is held to treat alike, and those of slices. Values of few rows are left out.
    """
    reports = [one for one in store.reports.list(version.task) if one.candidate == version.id]
    if not reports or not store.blobs.holds(reports[-1].rows):
        return {}
    found: dict[str, list[Document]] = {}
    for row in map(json.loads, store.blobs.text(reports[-1].rows).splitlines()):
        if row["group"] not in reports[-1].suites:
            tagged = {f"{tag}={value}" for tag, value in row.get("tags", {}).items()}
            named = {name for name in row.get("slices", ()) if not name.startswith(_LABEL)}
            for name in tagged | named:
                found.setdefault(name, []).append(row)
    return {name: _compared(rows) for name, rows in sorted(found.items()) if len(rows) >= FEWEST}


def _compared(rows: Sequence[Document]) -> Document:
    mine, theirs = ([float(row[side]) for row in rows] for side in ("candidate", "champion"))
    clusters = clusters_of([row.get("cluster", "") for row in rows])
    scores = {"it": clustered.mean(mine, clusters), "champion": clustered.mean(theirs, clusters)}
    found: Document = plain({**scores, "difference": clustered.paired(mine, theirs, clusters)})
    return found


def _offsets(store: Store, version: Version) -> Document:
    """What it adds for groups of requests, and what that was measured to do."""
    try:
        files = store.blobs.files(version.blob) if version.blob else {}
        return dict(json.loads(store.blobs.text(files[OFFSETS]))) if OFFSETS in files else {}
    except (NotFound, Tampered):
        return {}


def _memory(store: Store, version: str) -> Document:
    """What it was last measured to take to answer (`homeostat memory`), and when."""
    events = [event for event in store.events.list(version) if event.name == MEMORY]
    return {**events[-1].values, "time": events[-1].time} if events else {}


def datasheet(store: Store, dataset: str) -> Document:
    """What is on record about a dataset: its row, and how its examples are distributed.

    Raises:
        NotFound: there is no such dataset.
    """
    known = store.datasets.get(dataset)
    found: Document = {**plain(known), "parents": list(known.parents)}
    try:
        rows = [json.loads(line) for line in store.blobs.text(known.blob).split("\n") if line]
    except (NotFound, Tampered):
        return found
    times = [row["time"] for row in rows if row["time"]]
    found["examples"] = len(rows)
    found["origins"] = dict(Counter(row["origin"] for row in rows).most_common())
    found["from_the_log"] = sum(bool(row["interaction"]) for row in rows)
    found["letters"] = sum(len(row["text"]) for row in rows)
    found["since"], found["until"] = (min(times), max(times)) if times else (0.0, 0.0)
    if known.labels:
        found["per_label"] = dict(Counter(row["target"] for row in rows).most_common())
    return found


def _dataset(store: Store, dataset: str) -> Document:
    try:
        return datasheet(store, dataset) if dataset else {}
    except NotFound:
        return {}


def _parent(store: Store, parent: str) -> Document:
    try:
        return plain(store.versions.get(parent)) if parent else {}
    except NotFound:
        return {}


def _turn(store: Store, version: str) -> Document:
    """The turn that left a version, with its decision and a person's word on it."""
    turn = turn_of(store, version)
    if turn is None:
        return {}
    decision = turn.diary.get("decide", "")
    said: Mapping[str, Any] = {
        "id": turn.id,
        "approval": turn.diary.get(APPROVAL, ""),
        "signed": turn.diary.get(SIGNED, ""),
    }
    return {**said, "because": store.decisions.get(decision).because if decision else ""}


def turn_of(store: Store, id: str) -> Turn | None:
    """The turn that left a version, a release, or whatever else; None if none did."""
    parents = store.lineage.parents(id)
    left = [parent for relation, parent in parents if parent.startswith("trn_") and relation.startswith("left by")]
    return store.turns.get(left[0]) if left else None
