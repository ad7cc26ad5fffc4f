"""Makes a version again without the rows that were erased: from the newest ancestor that never saw them, step by step.

Every version between that ancestor and the one that is rebuilt is trained again by its own recipe, on what is left of
its own dataset. So what comes of it has learned all that the old one had, in the same order, and nothing of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from homeostat.curate.snapshot import left_of
from homeostat.errors import UnsuitedModel
from homeostat.loop.making.between import NAME as BETWEEN
from homeostat.loop.making.few import NAME as FEW
from homeostat.loop.making.learn import Lesson, learn, recipe_of, version_id
from homeostat.loop.making.merging import NAME as MERGE
from homeostat.loop.making.prefacing import WORDS
from homeostat.loop.making.repair import NAME as REPAIR
from homeostat.loop.workshop import Workshop
from homeostat.release.promoted import REBUILDS
from homeostat.store.erased import goes_on, learned_from_erased
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types.version import ENSEMBLE, HEAD, Version


@dataclass(frozen=True, slots=True)
class Way:
    """How a version is rebuilt."""

    begins: Version | None
    """The newest ancestor that has not learned from erased rows; None for the bare base."""
    again: tuple[Version, ...]
    """What is trained again after it, oldest first; the last is the one that is rebuilt."""


def way(shop: Workshop, version: Version, tainted: dict[str, str] | None = None) -> Way:
    """How a version would be rebuilt; `tainted` are those that have learned from erased rows, if that is known."""
    tainted = learned_from_erased(shop.store, version.task) if tainted is None else tainted
    again = [version]
    while again[-1].parent and goes_on(again[-1]):
        parent = shop.store.versions.get(again[-1].parent)
        if parent.id not in tainted:
            return Way(parent, tuple(reversed(again)))
        again.append(parent)
    return Way(None, tuple(reversed(again)))


def rebuild(
    shop: Workshop, version: Version, report: Callable[[dict[str, float]], None] = lambda values: None
) -> Version | None:
    """Train a version again without what was erased, and register it as a candidate; nothing is released. One that was
    killed goes on where it stood. None where nothing is left to learn from.

    Raises:
        UnsuitedModel: teachers taught it, or one that it goes on from; they have to be asked again.
    """
    found = way(shop, version)
    last = found.begins
    for old in found.again:
        if str(old.recipe.get("name", "")) not in WORDS:  # which has no weights of its own
            last = _again(shop, old, last, report) or last
    return last if last is not found.begins else None


def _again(
    shop: Workshop, old: Version, parent: Version | None, report: Callable[[dict[str, float]], None]
) -> Version | None:
    """One of them; None where nothing of its dataset is left."""
    if old.teachers or not old.dataset or not old.recipe:
        what = f"{old.id} was taught by others, or not trained here, so it cannot be made again without the rows"
        raise UnsuitedModel(what, fix="train or distill another version, and promote it")
    dataset = left_of(shop.store, old.dataset)
    if not next(reversed(list(dataset.counts.values())), 1):
        return None
    lesson = Lesson(
        task=old.task,
        dataset=dataset.id,
        recipe=_recipe(shop, old),
        version=version_id("rebuilt", old.id, dataset.id, parent.id if parent else ""),
        parent=parent,
        time=old.time,
    )
    made = learn(shop, lesson, report)
    shop.store.lineage.link(made.id, old.id, REBUILDS)
    return made


def _recipe(shop: Workshop, old: Version) -> Recipe:
    """The recipe that trained it. One that was mended from two is made as the candidate that it was mended from; one
    that is several, or was merged or made of a few examples, is trained on all that is left of them.
    """
    name = str(old.recipe.get("name", ""))
    if name in (MERGE, ENSEMBLE, FEW):
        how = "head" if name == FEW else "joint"
        return named(how, shop.config.train, replay=shop.config.curate.replay)
    if name == BETWEEN:
        return _recipe(shop, shop.store.versions.get(str(old.recipe["candidate"])))
    if name == REPAIR:
        return named("head" if old.kind == HEAD else "careful", shop.config.train, replay=shop.config.curate.replay)
    return recipe_of(old)
