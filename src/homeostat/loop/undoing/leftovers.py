"""What of a user lies beside rows and datasets: test rows, inputs of decisions, answers of teachers, files of runs.

Each part is rid of it by itself, and finds nothing more to do where that was done.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from homeostat.loop.backtests.moments import FOLDER as BACKTESTS
from homeostat.loop.making.said import SAID
from homeostat.loop.proving.suites import keep, suites
from homeostat.loop.proving.suites import kept as suites_of
from homeostat.loop.workshop import Exam, Workshop
from homeostat.store.needles import Needles
from homeostat.store.scrub import ERASED, Scrub
from homeostat.store.traces import Traces
from homeostat.types.suite import Suite
from homeostat.types.version import State

MARK = "erased"
"""Key of the state that says when rows were erased last, for whoever remembers rows in its memory; and of the file of
an index that is no longer one, in the state that named it."""
STALE_S = 3600.0
"""Age from which on what a training has left in its folder is of one that was broken off."""


def leaving(shop: Workshop, task: str, traces: Traces) -> int:
    """How many test rows of a task, and cases of its suites, go."""
    cases = sum(len(old.cases) - len(new.cases) for old, new in _cases(shop, task, traces))
    return len(suite := shop.suite(task)) - len(staying(suite, traces)) + cases


def staying(suite: Iterable[Exam], traces: Traces) -> list[Exam]:
    """The test rows that stay."""
    return [row for row in suite if not {row.text.strip(), row.target.strip()} & traces.texts]


def staying_texts(shop: Workshop, task: str, traces: Traces) -> list[str]:
    """The texts and targets of those."""
    cases = [text for _, new in _cases(shop, task, traces) for case in new.cases for text in (case.text, case.expect)]
    return [*cases, *(text for row in staying(shop.suite(task), traces) for text in (row.text, row.target))]


def _cases(shop: Workshop, task: str, traces: Traces) -> list[tuple[Suite, Suite]]:
    """Every suite of a task as it is, and without their texts."""
    return [(suite, _without(suite, traces)) for suite in suites(shop.store, task)]


def _without(suite: Suite, traces: Traces) -> Suite:
    cases = (case for case in suite.cases if not {case.text.strip(), case.expect.strip()} & traces.texts)
    return replace(suite, cases=tuple(cases))


def tests(shop: Workshop, traces: Traces) -> list[str]:
    """Take their texts out of the test suites; the files that are replaced."""
    old = []
    for task in shop.config.tasks:
        suite = shop.suite(task)
        if len(staying(suite, traces)) < len(suite):
            old.append(str(shop.store.state.get(f"suite:{task}")))
            shop.change_suite(task, partial(staying, traces=traces))
        for before, after in _cases(shop, task, traces):
            if len(after.cases) < len(before.cases):
                old.append(suites_of(shop.store, task)[before.name])
                keep(shop.store, after)
    return old


def inputs(shop: Workshop, traces: Traces) -> list[str]:
    """Rid what decisions were made from; the files that are replaced."""
    scrub = Scrub({*traces.interactions, *traces.feedback}, Needles.of(traces.sought), traces.user)
    old = []
    for decision in shop.store.decisions.list():
        if decision.inputs and shop.store.blobs.holds(decision.inputs):
            text = shop.store.blobs.text(decision.inputs)
            if scrub.touches(text):
                old.append(decision.inputs)
                made = json.dumps(scrub.value(json.loads(text)), sort_keys=True)
                shop.store.decisions.put(replace(decision, inputs=shop.store.blobs.put_text(made)))
    return old


def answers(shop: Workshop, traces: Traces) -> None:
    """Take what teachers said to their requests out of the files beside the store."""
    needles = Needles.of(traces.sought)
    for file in sorted((Path(shop.config.folder) / "answers").glob("*.jsonl")):
        lines = file.read_bytes().split(b"\n")
        kept = [line for line in lines if not needles.found([line])]
        if len(kept) < len(lines):
            unfinished = file.with_suffix(".unfinished")
            with unfinished.open("wb") as out:
                out.write(b"\n".join(kept))
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(file)


def nameless(shop: Workshop) -> None:
    """Take labels that are nowhere used any more out of what is left of erased versions and of rebuilt datasets."""
    store = shop.store
    dead = [version for version in store.versions.list() if version.state is State.ERASED]
    old = [dataset for dataset in store.datasets.list() if dataset.rebuilt]
    used = {label for version in store.versions.list() if version not in dead for label in version.labels}
    used |= {label for dataset in store.datasets.list() if dataset not in old for label in dataset.labels}
    used |= {label for task in shop.config.tasks.values() for label in task.labels} | {ERASED}
    for version in dead:
        if set(version.labels) - used:
            store.versions.put(replace(version, labels=_known(version.labels, used)))
    for dataset in old:
        if set(dataset.labels) - used:
            store.datasets.put(replace(dataset, labels=_known(dataset.labels, used)))


def _known(labels: Collection[str], used: Collection[str]) -> tuple[str, ...]:
    return tuple(label if label in used else ERASED for label in labels)


def indexes(shop: Workshop, tainted: Collection[str]) -> Iterator[str]:
    """The files of embeddings of what these versions learned; made anew where one is wanted."""
    for version in tainted:
        kept = shop.store.state.get(f"index:{version}")
        if isinstance(kept, dict):
            hash = str(kept.get("blob", kept.get(MARK)))
            shop.store.state.put(f"index:{version}", {MARK: hash})
            yield hash


def gone(shop: Workshop, traces: Traces, tainted: Collection[str]) -> Iterator[str]:
    """The files of weights that nobody may load, of datasets that were rebuilt, and whatever else says their texts."""
    versions, blobs = shop.store.versions.list(), shop.store.blobs
    dead = [v.blob for v in versions if v.state is State.ERASED and v.id in tainted]
    kept = _with_parts(shop, [v.blob for v in versions if v.state is not State.ERASED])
    # The list of a folder's files last: without it nobody would know of those that are left when this is interrupted.
    yield from sorted(_with_parts(shop, dead) - kept, key=lambda hash: hash in dead)
    datasets = shop.store.datasets.list()
    wanted = {dataset.blob for dataset in datasets if not dataset.rebuilt}
    tested = {str(shop.store.state.get(f"suite:{task}")) for task in shop.config.tasks}
    tested |= {hash for task in shop.config.tasks for hash in suites_of(shop.store, task).values()}
    yield from (d.blob for d in datasets if d.rebuilt and d.blob not in wanted and blobs.holds(d.blob))
    yield from (str(v.recipe[SAID]) for v in versions if v.id in tainted and SAID in v.recipe)
    yield from shop.store.erasure.blobs_with(traces.sought, kept | wanted | tested)


def _with_parts(shop: Workshop, folders: Sequence[str]) -> set[str]:
    """The blobs of folders, and of the files in them."""
    there = [hash for hash in folders if hash and shop.store.blobs.holds(hash)]
    return {*there, *(part for hash in there for part in shop.store.blobs.files(hash).values())}


def runs(shop: Workshop) -> None:
    """Remove what trainings that were broken off have left; one that is under way writes now and then. Versions that
    were trained for backtests go too: they are made again where they are wanted.
    """
    shutil.rmtree(Path(shop.config.folder) / BACKTESTS, ignore_errors=True)
    for folder in sorted((Path(shop.config.folder) / "runs").glob("*")):
        newest = max((path.stat().st_mtime for path in [folder, *folder.rglob("*")]), default=0.0)
        if time.time() - newest > STALE_S:
            shutil.rmtree(folder, ignore_errors=True)
