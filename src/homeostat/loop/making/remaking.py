"""How a version of each kind is made again from what is on record: rows, recipes, and the versions that it names.

What was merged or mended takes what went into it as it lies in the store, and what was searched for then (a weight, a
point of a line) as it stands in the recipe. What was taught takes what its teachers said, which is kept with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from homeostat.curate.snapshot import examples, origins
from homeostat.errors import NotFound, UnsuitedModel
from homeostat.loop.making import between, few, merging, repair
from homeostat.loop.making.distill import answers, at_hand, chances
from homeostat.loop.making.learn import FROM, Lesson, carried_out, order_of, recipe_of
from homeostat.loop.making.said import SAID, said_of
from homeostat.loop.making.students import versions_teaching
from homeostat.loop.workshop import Workshop
from homeostat.train.objectives.distill.told import Told
from homeostat.train.run import Trained
from homeostat.types.dataset import Dataset
from homeostat.types.version import HEAD, Version

Again = Callable[[Workshop, Version, Path], Trained]
WAYS: dict[str, Again] = {between.NAME: between.again, merging.NAME: merging.again, few.NAME: few.again}
"""Name in the recipe -> how it is made again where no training made it."""


def made_again(shop: Workshop, version: Version, folder: Path, report: Callable[[dict[str, float]], None]) -> Trained:
    """The version as what is on record makes it, in a folder; nothing is registered.

    Raises:
        UnsuitedModel: what teachers said of its rows, or how it was merged, is not on record.
        NotFound: rows, versions or files that it was made of are gone.
        Tampered: one of them has changed since it was stored.
    """
    if way := WAYS.get(str(version.recipe["name"])):
        return way(shop, version, folder)
    return carried_out(replace(order_of(shop, _lesson(shop, version), folder), report=report))


def rows_of(shop: Workshop, version: Version) -> Iterator[Dataset]:
    """The datasets whose rows are read to make a version again.

    Raises:
        NotFound: one of them is not in the store.
    """
    if version.dataset:
        yield shop.store.datasets.get(version.dataset)
    parent = shop.store.versions.get(version.parent) if version.parent else None
    if parent is not None and (parent.kind == HEAD or version.recipe["name"] == between.NAME):
        yield from origins(shop.store, parent)


def _lesson(shop: Workshop, version: Version) -> Lesson:
    """What it learned, from whom."""
    lender, recipe = str(version.recipe.get(FROM, "")), recipe_of(version)
    parent = shop.store.versions.get(version.parent) if version.parent else None
    repaired = recipe.name == repair.NAME and not version.teachers
    return Lesson(
        task=version.task,
        dataset=version.dataset,
        recipe=recipe,
        version=version.id,
        parent=parent,
        begins=_repaired(shop, version) if repaired else None,
        borrows=shop.signing.folder(shop.store, shop.store.versions.get(lender)) if lender else None,
        lender=lender,
        base=version.base,
        teachers=version.teachers,
        at_hand=parent if repaired else at_hand(shop, version.task, recipe, version.teachers),
        told=_told(shop, version),
    )


def _repaired(shop: Workshop, version: Version) -> Version:
    """The candidate that a version was repaired from.

    Raises:
        NotFound: no edge says which.
    """
    found = [id for relation, id in shop.store.lineage.parents(version.id) if relation == repair.RELATION]
    if not found:
        raise NotFound(f"nothing says which candidate {version.id} was repaired from")
    return shop.store.versions.get(found[0])


def _told(shop: Workshop, version: Version) -> Mapping[str, tuple[float, ...]]:
    """What its teachers told of its rows: as it was kept with it, or, of versions from before that, as versions that
    taught have answered and it was never forgotten; nothing for a recipe that learns from replies alone.

    Raises:
        UnsuitedModel: it is not on record.
    """
    rows = examples(shop.store, version.dataset)
    if SAID in version.recipe:
        return said_of(shop.store, str(version.recipe[SAID]), rows)
    if not version.teachers or not isinstance(recipe_of(version).objective, Told):
        return {}
    if all(name.startswith("ver_") for name in version.teachers):
        teachers = [shop.store.versions.get(name) for name in version.teachers]
        with versions_teaching(shop, teachers) as teacher:
            book, texts = answers(shop, shop.config.task(version.task), teacher), [row.text for row in rows]
            if not book.missing(texts):
                return chances(book.ask(texts), teacher.labels, version.labels)
    what = f"{version.id} was taught by a release that did not keep with it what its teachers said"
    raise UnsuitedModel(what, fix="students that are taught from now on can be made again")
