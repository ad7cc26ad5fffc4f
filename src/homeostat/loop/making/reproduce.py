"""Makes a version again from what is on record of it, and says whether it is the same, byte by byte.

On one kind of CPU with one release of torch it is exact: the same dataset, recipe, parents and number of threads leave
the same files. On a GPU, or on another machine, the files may differ in the last digits of their numbers.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from homeostat.errors import UnsuitedModel
from homeostat.loop.making.learn import FROM
from homeostat.loop.making.merging import NAME as MERGE
from homeostat.loop.making.prefacing import WORDS
from homeostat.loop.making.remaking import made_again, rows_of
from homeostat.loop.workshop import Workshop
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
    threads: int
    """It was computed with now: as many as the version was, where that is on record, else `model.threads`."""


def reproduce(
    shop: Workshop, version: Version, report: Callable[[dict[str, float]], None] = lambda values: None
) -> Reproduced:
    """Make a version again in a folder of its own, compare it, and leave nothing.

    Raises:
        UnsuitedModel: what it was made of is not all on record, or rows of that were erased since.
        NotFound: a dataset, a parent, or their files are not in the store.
        Tampered: one of them has changed since it was stored.
    """
    _hold(version)
    for dataset in rows_of(shop, version):
        if dataset.rebuilt:
            what = f"rows of {dataset.id}, which {version.id} was made from, were erased since"
            raise UnsuitedModel(what, fix="what is left is trained on by `homeostat erase --yes --then retrain`")
    folder = shop.run_folder(f"again_{version.id}")
    threads = int(version.cost.get("threads", shop.config.model.threads))
    torch.set_num_threads(threads)
    try:
        shutil.rmtree(folder)  # a checkpoint of an earlier try would be gone on from
        folder.mkdir()
        made = made_again(shop, version, folder, report)
        before, after = shop.store.blobs.files(version.blob), _hashes(made.weights)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    files = {name: before.get(name) == after.get(name) for name in sorted({*before, *after})}
    labels, prior = made.labels == version.labels, made.prior == version.prior
    return Reproduced(
        version=version.id,
        same=labels and prior and all(files.values()),
        files=files,
        labels=labels,
        prior=prior,
        torch=torch.__version__,
        threads=threads,
    )


def _hold(version: Version) -> None:
    """Hold that all that a version was made of is kept as rows and files of the store."""
    name = str(version.recipe.get("name", ""))
    if not version.blob or not name or version.broken or not (version.dataset or name == MERGE):
        raise UnsuitedModel(f"{version.id} was not trained here, so there is nothing to do again")
    if name in (ENSEMBLE, *WORDS):
        what = "copies of its members" if name == ENSEMBLE else "its parent's weights with words before them"
        fix = "`homeostat why` names them; they can be made again"
        raise UnsuitedModel(f"{version.id} was made by no training: it is {what}", fix=fix)
    lender = str(version.recipe.get(FROM, "ver_"))
    if not lender.startswith("ver_"):
        what = f"{version.id} began at the layers in a folder, of which the store keeps nothing: {lender}"
        raise UnsuitedModel(what, fix="train it from a version (`homeostat borrow --from ver_…`)")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
