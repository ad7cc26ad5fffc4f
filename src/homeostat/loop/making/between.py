"""A way of mending that trains nothing: a version on the line between the champion and a candidate that forgot."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from homeostat.curate.snapshot import examples
from homeostat.curate.target import good
from homeostat.errors import UnsuitedModel
from homeostat.loop.making.learn import computed, recipe_of, start_of, version_id
from homeostat.loop.making.lost import lost
from homeostat.loop.steps import Now, remembered
from homeostat.loop.tried import Tried
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Trained
from homeostat.train.transfer.along import Line, Point, along, point
from homeostat.types.dataset import Origin
from homeostat.types.version import HEAD, Version

NAME = "between"
"""What it is called beside the recipes that were tried."""


def between(shop: Workshop, now: Now, tried: Sequence[Tried]) -> str:
    """The version between the champion and the last of these candidates that learned most and kept what was known.

    Empty where none of them went on from the champion, and where no version will do; the turn is then charged with
    what looking took.
    """
    champion = shop.champion(now.task)
    ends = [one for one in tried if one.recipe.warm_start and one.candidate.kind == champion.kind != HEAD]
    if not ends:
        return ""
    recipe, candidate = ends[-1].recipe, ends[-1].candidate
    version = version_id(now.turn, NAME)
    if all(v.id != version for v in shop.store.versions.list(now.task)):
        line = _line(shop, champion, candidate, recipe, shop.run_folder(version))
        found = _search(shop, now, line)
        if found is None:
            return ""
        shop.take_in(_version(now, version, candidate, found), found.trained.weights)
    shop.store.lineage.link(version, candidate.id, "steps back from")
    shutil.rmtree(shop.run_folder(version))
    return version


def again(shop: Workshop, version: Version, folder: Path) -> Trained:
    """The same point of the same line, as it is now, in a folder.

    Raises:
        NotFound: the champion of then, the candidate, or rows of theirs are gone.
        CorruptWeights, UnsuitedModel: the two are no ends of a line.
    """
    champion = shop.store.versions.get(version.parent)
    candidate = shop.store.versions.get(str(version.recipe["candidate"]))
    line = _line(shop, champion, candidate, recipe_of(candidate), folder)
    return point(line, float(str(version.recipe["share"])))


def _line(shop: Workshop, champion: Version, candidate: Version, recipe: Recipe, folder: Path) -> Line:
    """The line, with the rows that the candidate was trained on and all that the champion knew."""
    dataset = shop.store.datasets.get(candidate.dataset)
    rows = good(examples(shop.store, dataset.id))
    texts = {row.text for row in rows}
    old = [replace(row, origin=Origin.RECALL) for row in good(remembered(shop, champion)) if row.text not in texts]
    order = Order(
        task=shop.config.task(champion.task),
        start=start_of(shop, champion),
        examples=[*rows, *old],
        labels=dataset.labels,
        recipe=recipe,
        folder=folder,
    )
    return Line(order=order, candidate=shop.store.blobs.folder(candidate.blob), prior=champion.prior)


def _search(shop: Workshop, now: Now, line: Line) -> Point | None:
    """The point of the line; None, and nothing left but what it took, where no point will do."""
    try:
        sought = along(line, shop.config.evaluate.margin)
    except UnsuitedModel:  # what the candidate changes is no point of a line, as with DoRA
        shutil.rmtree(line.order.folder)
        return None
    if sought.point is None:
        lost(shop.store, now.turn, NAME, sought.cost)
        shutil.rmtree(line.order.folder)
    return sought.point


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
        cost=computed(found.trained.cost),
    )
