"""Makes a version again from what is on record of it, and says whether it is the same, byte by byte.

On one kind of CPU with one release of torch a training is exact: the same dataset, recipe, parent and number of threads
leave the same files. On a GPU, or on another machine, the files may differ in the last digits of their numbers.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from homeostat.curate.snapshot import examples
from homeostat.errors import UnsuitedModel
from homeostat.loop.between import NAME as BETWEEN
from homeostat.loop.few import NAME as FEW
from homeostat.loop.learn import FROM, carried_out, held_by, start_of
from homeostat.loop.merging import NAME as MERGE
from homeostat.loop.repair import NAME as REPAIR
from homeostat.loop.workshop import Workshop
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.types.version import ENSEMBLE, Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduced:
    """What came of it."""

    version: str
    same: bool
    """Whether every file, the labels and the prior are the same."""
    files: dict[str, bool]
    """File of either -> whether both have it, and the same."""
    labels: bool
    prior: bool
    torch: str
    """Release of torch that it was made with now."""


def reproduce(
    shop: Workshop, version: Version, report: Callable[[dict[str, float]], None] = lambda values: None
) -> Reproduced:
    """Train a version again in a folder of its own, compare it, and leave nothing.

    Raises:
        UnsuitedModel: it was not trained from a dataset and a recipe alone, or rows of them were erased since.
        NotFound: its dataset or its parent is not in the store.
        Tampered: one of them has changed since it was stored.
    """
    _hold(version)
    if shop.store.datasets.get(version.dataset).rebuilt:
        what = f"rows of {version.dataset}, which {version.id} was trained on, were erased since"
        raise UnsuitedModel(what, fix="what is left is trained on by `homeostat erase --yes --then retrain`")
    parent = shop.store.versions.get(version.parent) if version.parent else None
    dataset, folder = shop.store.datasets.get(version.dataset), shop.run_folder(f"again_{version.id}")
    start = start_of(shop, parent)
    torch.set_num_threads(shop.config.model.threads)
    try:
        shutil.rmtree(folder)  # a checkpoint of an earlier try would be gone on from
        folder.mkdir()
        trained = carried_out(
            Order(
                task=shop.config.task(version.task),
                start=start if parent else type(start)(base=version.base),
                examples=examples(shop.store, dataset.id),
                labels=dataset.labels,
                recipe=changed(Recipe(name=str(version.recipe["name"])), version.recipe, f"{version.id}.recipe"),
                folder=folder,
                held=held_by(shop, parent),
                report=report,
                processes=shop.config.train.processes,
            )
        )
        mine, made = shop.store.blobs.files(version.blob), _hashes(trained.weights)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    files = {name: mine.get(name) == made.get(name) for name in sorted({*mine, *made})}
    labels, prior = trained.labels == version.labels, trained.prior == version.prior
    same = labels and prior and all(files.values())
    return Reproduced(version=version.id, same=same, files=files, labels=labels, prior=prior, torch=torch.__version__)


def _hold(version: Version) -> None:
    """Hold that a dataset and a recipe are all that a version was made of."""
    name = str(version.recipe.get("name", ""))
    if not version.dataset or not version.blob or not name:
        raise UnsuitedModel(f"{version.id} was not trained here, so there is nothing to do again")
    if version.teachers or name in (BETWEEN, REPAIR, MERGE, ENSEMBLE, FEW) or FROM in version.recipe:
        what = f"{version.id} was made with the help of other versions' answers or weights, or by no training ({name})"
        raise UnsuitedModel(what, fix="`homeostat why` says of which; those can be made again")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
