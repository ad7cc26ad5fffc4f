"""A task's suites: a book that is only added to, so that every version of a suite that ever counted is still there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from homeostat.errors import NotFound, did_you_mean
from homeostat.store import Store
from homeostat.store.audit import place
from homeostat.types.suite import Case, Suite

KEPT, DROPPED = "kept", "dropped"
LATER = ("benchmarks", "documents", "files")
"""What older suites did not know of."""


def kept(store: Store, task: str) -> dict[str, str]:
    """Name of every suite that counts, in the order of their names, with the hash of what it says."""
    found: dict[str, str] = {}
    for event in store.events.list(_subject(task)):
        if event.name == KEPT:
            found[event.values["suite"]] = event.values["blob"]
        else:
            found.pop(event.values["suite"], None)
    return dict(sorted(found.items()))


def suites(store: Store, task: str) -> list[Suite]:
    """The suites that count, by name."""
    return [_read(store, blob) for blob in kept(store, task).values()]


def keep(store: Store, suite: Suite) -> bool:
    """Let a suite count from now on, in place of the one of its name; whether that changes anything. The audit log has
    who did it, for it is what candidates are held to.
    """
    blob = store.blobs.put_text(json.dumps(_said(suite), ensure_ascii=False, sort_keys=True))
    if kept(store, suite.task).get(suite.name) == blob:
        return False
    store.events.append(_subject(suite.task), KEPT, {"suite": suite.name, "blob": blob})
    store.audit.note(f"suite {KEPT}", place(suite.task, suite.name), blob)
    return True


def drop(store: Store, task: str, name: str) -> None:
    """Let a suite count no more; the audit log has who did it.

    Raises:
        NotFound: there is none of this name.
    """
    known = kept(store, task)
    if name not in known:
        raise NotFound(f"task '{task}' has no suite '{name}'", where=name, fix=did_you_mean(name, known))
    store.events.append(_subject(task), DROPPED, {"suite": name})
    store.audit.note(f"suite {DROPPED}", place(task, name), "")


def _said(suite: Suite) -> dict[str, Any]:
    """What a suite says. What it leaves out is not named where older suites did not know of it, so that they keep the
    hash that they had before.
    """
    cases = [{name: value for name, value in asdict(case).items() if value or name != "family"} for case in suite.cases]
    said = asdict(suite) | {"cases": cases}
    return {name: value for name, value in said.items() if value or name not in LATER}


def _read(store: Store, blob: str) -> Suite:
    known = json.loads(store.blobs.text(blob))
    return Suite(**{**known, "cases": tuple(Case(**case) for case in known["cases"]), "under": tuple(known["under"])})


def _subject(task: str) -> str:
    return f"suites:{task}"
