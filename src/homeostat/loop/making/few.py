"""A version of a few examples, in moments: the method that was measured to be best, as a head that is served."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from homeostat.curate.snapshot import examples
from homeostat.llm.exact import save_exact
from homeostat.loop.making.learn import computed, version_id
from homeostat.loop.making.learned import made_at
from homeostat.loop.workshop import Workshop
from homeostat.train.few.heads import Ridge
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.run import Trained
from homeostat.train.sound import require_labels
from homeostat.types.dataset import Dataset, Example
from homeostat.types.task import Task
from homeostat.types.version import HEAD, Version

NAME = "few"
"""Name of the recipe of such versions."""


def shots_of(task: Task, rows: Sequence[Example], labels: Sequence[str], *, names: bool = True) -> Shots:
    """The rows as examples, with what each label is called as one more, unless names mean nothing.

    Raises:
        UnsuitedModel: the task writes texts.
        UnknownLabel, NothingToTrainOn: as `Shots.of`.
    """
    require_labels(task)
    return Shots.of([(row.text, row.target) for row in rows], tuple(labels) or task.labels, names=names)


def from_few(
    shop: Workshop,
    task: Task,
    dataset: Dataset,
    shots: Shots,
    *,
    names: bool = True,
    after: Version | None = None,
) -> Version:
    """Register a head that was solved on these examples, as a candidate made `after` the champion; asked for again, it
    gives the one that is there.

    Raises:
        UnsuitedModel: the base has no states to read.
        ModelNotFound, CorruptWeights, UnsafeWeights: the base cannot be opened.
    """
    base = shop.config.model.weights
    name = version_id(NAME, dataset.id, base, task.instruction, shots.texts, shots.labels)
    if known := [one for one in shop.store.versions.list(task.name) if one.id == name]:
        return known[0]
    run = shop.run_folder(name)
    weights = _solved(task, base, shots, run)
    version = Version(
        id=name,
        task=task.name,
        time=made_at(shop, dataset, after),
        base=base,
        kind=HEAD,
        labels=shots.labels,
        dataset=dataset.id,
        recipe={"name": NAME, "method": "ridge", "names": names, "warm_start": False},
        cost=computed({}),
    )
    registered = shop.take_in(version, weights)
    shutil.rmtree(run)
    return registered


def again(shop: Workshop, version: Version, folder: Path) -> Trained:
    """The head of the same examples, as they are now, in a folder. Raises as `shots_of` and `from_few`."""
    task, rows = shop.config.task(version.task), examples(shop.store, version.dataset)
    shots = shots_of(task, rows, version.labels, names=bool(version.recipe["names"]))
    return Trained(weights=_solved(task, version.base, shots, folder), kind=HEAD, labels=shots.labels)


def _solved(task: Task, base: str, shots: Shots, folder: Path) -> Path:
    """Solve it and save it; where it lies."""
    save_exact(Ridge().kept(Reader.of(base, instruction=task.instruction), shots), folder / "weights")
    return folder / "weights"
