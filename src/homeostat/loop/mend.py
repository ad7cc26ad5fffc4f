"""The last thing a turn tries: between the champion and a candidate that forgot, a version that the gate may pass."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace

from homeostat.curate.snapshot import examples
from homeostat.errors import UnsuitedModel
from homeostat.loop.learn import start_of, version_id
from homeostat.loop.steps import Now, remembered
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.train.transfer.along import Line, Point, along
from homeostat.types.dataset import Origin
from homeostat.types.report import Outcome
from homeostat.types.version import HEAD, State, Version

NAME = "between"
"""What the attempt is called beside the recipes that were tried."""


def mend(shop: Workshop, now: Now) -> str:
    """The version between the champion and the last refused candidate that learned most and kept what was known.

    Empty where `train.mend` is off, where no candidate went on from the champion, and where no version will do.
    """
    refused = _refused(shop, now) if shop.config.train.mend else None
    if refused is None:
        return ""
    recipe, candidate = refused
    version = version_id(now.turn, NAME)
    if all(v.id != version for v in shop.store.versions.list(now.task)):
        found = _search(_line(shop, now, candidate, recipe, version), shop.config.evaluate.margin)
        if found is None:
            return ""
        register(shop.store, _version(now, version, candidate, found), found.trained.weights)
    shop.store.lineage.link(version, candidate.id, "steps back from")
    shutil.rmtree(shop.run_folder(version))
    return version


def acceptable(shop: Workshop, now: Now, verdict: str) -> str:
    """The candidate of a verdict, unless it was refused: live pairs may decide what test rows did not."""
    told = shop.store.verdicts.get(verdict)
    return "" if told.outcome is Outcome.FAIL else told.candidate


def _refused(shop: Workshop, now: Now) -> tuple[Recipe, Version] | None:
    """The last candidate that was refused among those that went on from the champion."""
    champion, diary = shop.champion(now.task), shop.store.turns.get(now.turn).diary
    for name, version in reversed(list(_tried(diary).items())):
        recipe = named(name, shop.config.train, replay=shop.config.curate.replay)
        candidate = shop.store.versions.get(version)
        alike = candidate.kind == champion.kind != HEAD
        if recipe.warm_start and alike and candidate.state is State.REFUSED:
            return recipe, candidate
    return None


def _tried(diary: Mapping[str, str]) -> dict[str, str]:
    """Recipe -> version, in the order in which they were trained."""
    return {step.removeprefix("train."): left for step, left in diary.items() if step.startswith("train.") and left}


def _line(shop: Workshop, now: Now, candidate: Version, recipe: Recipe, version: str) -> Line:
    """The line, with the rows that the candidate was trained on and all that the champion knew."""
    champion, dataset = shop.champion(now.task), shop.store.datasets.get(candidate.dataset)
    rows = examples(shop.store, dataset.id)
    texts = {row.text for row in rows}
    old = [replace(row, origin=Origin.RECALL) for row in remembered(shop, champion) if row.text not in texts]
    order = Order(
        task=shop.config.task(now.task),
        start=start_of(shop, champion),
        examples=[*rows, *old],
        labels=dataset.labels,
        recipe=recipe,
        folder=shop.run_folder(version),
    )
    return Line(order=order, candidate=shop.store.blobs.folder(candidate.blob), prior=champion.prior)


def _search(line: Line, most_lost: float) -> Point | None:
    """The point of the line; None, and nothing left, where no point will do."""
    try:
        found = along(line, most_lost)
    except UnsuitedModel:  # what the candidate changes is no point of a line, as with DoRA
        found = None
    if found is None:
        shutil.rmtree(line.order.folder)
    return found


def _version(now: Now, id: str, candidate: Version, found: Point) -> Version:
    """The version at a point of the line; its recipe says where it lies."""
    place = {"candidate": candidate.id, "share": found.share, "gained": found.gained, "kept": found.kept, "n": found.n}
    return Version(
        id=id,
        task=now.task,
        time=now.until,
        base=candidate.base,
        kind=found.trained.kind,
        labels=found.trained.labels,
        prior=found.trained.prior,
        parent=candidate.parent,
        dataset=candidate.dataset,
        recipe={"name": NAME, **place},
        cost=found.trained.cost,
    )
