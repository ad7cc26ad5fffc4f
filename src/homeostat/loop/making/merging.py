"""Several versions of one base made one by merging what they change; registered as a candidate that names them all.

What it knows is what they learned together (`together.py`), kept as a dataset of its own: the next training replays
from it, and erasing a row reaches the version through it, and through the edges to the versions that it was merged
from.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from homeostat.curate.snapshot import as_lines, examples
from homeostat.errors import NotReleasable, UnsuitedModel
from homeostat.llm.preface import FILE as PREFACE
from homeostat.loop.making.learn import computed, version_id
from homeostat.loop.making.together import Together
from homeostat.loop.workshop import Workshop
from homeostat.train.recipe import Recipe
from homeostat.train.run import Trained
from homeostat.train.transfer.blend import Blended, How, Member, blend
from homeostat.types.dataset import Dataset
from homeostat.types.task import Task
from homeostat.types.version import Version

NAME = "merge"
"""Name of the recipe of versions that were merged."""
RELATION = "merges"
"""How a version is tied to each of those that it was merged from."""
ASKED, HELD_OUT, SEED = "asked_rank", "held_out", "seed"
"""What its recipe says since versions are made again beside how they were merged: the rank that was asked for, and
which of the rows measured."""
MOST = 5
"""More versions than this do not merge well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Versions that are to be one, and how."""

    task: Task
    """Of the version that comes out."""
    members: tuple[Version, ...]
    how: How

    @property
    def together(self) -> Together:
        """What they know together."""
        return Together(task=self.task, members=self.members)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of it."""

    version: Version
    found: Blended | None
    """What was measured; None where the same was merged before."""


def merge(shop: Workshop, wish: Merge) -> Merged:
    """Merge and register; asked for again, it gives the version that is there. Releases nothing.

    Raises:
        NotReleasable, UnsuitedModel: as `require_mergeable`.
        UnknownPlugin, UnsuitedModel, CorruptWeights, NothingToTrainOn: as `homeostat.train.transfer.blend.blend`.
    """
    require_mergeable(shop, wish)
    of = wish.together
    rows = of.rows(shop)
    how = [wish.how.way, wish.how.weights, wish.how.search, wish.how.rank, shop.config.train.refit]
    name = version_id(NAME, wish.task.name, [member.id for member in wish.members], *how, as_lines(rows))
    before = [one for one in shop.store.versions.list(wish.task.name) if one.id == name]
    found = None
    if not before:
        folder = shop.run_folder(name)
        order = of.order(shop, rows, folder)
        found = blend(order, members_of(shop, wish.members), wish.how)
        version = _version(wish, name, of.keep(shop, rows), found, order.recipe)
        before = [shop.take_in(version, found.trained.weights)]
        shutil.rmtree(folder)
    shop.store.lineage.link_all((name, member.id, RELATION) for member in wish.members)
    return Merged(version=before[0], found=found)


def foreseen(shop: Workshop, wish: Merge) -> dict[str, Any]:
    """What merging would have to go by; nothing is written. Raises as `require_mergeable` and `How.hold`."""
    require_mergeable(shop, wish)
    wish.how.hold(len(wish.members))
    rows = wish.together.rows(shop)
    return {
        "task": wish.task.name,
        "of": [member.id for member in wish.members],
        "how": wish.how.way,
        "labels": len(wish.together.labels),
        "rows": len(rows),
        "search": wish.how.search,
    }


def require_mergeable(shop: Workshop, wish: Merge) -> None:
    """Hold that versions can be merged.

    Raises:
        NotReleasable: one of them is of a task of another kind.
        UnsuitedModel: one is no adapter of the project's base, reads words of its own before every request, or there
            are more than `MOST`.
    """
    if len(wish.members) > MOST:
        what = f"{len(wish.members)} versions are more than merge well ({MOST})"
        raise UnsuitedModel(what, fix="have them answer as an ensemble, or train one on what all of them learned")
    for member in wish.members:
        kind = shop.config.task(member.task).kind
        if kind is not wish.task.kind:
            what = f"{member.id} is of task '{member.task}', which replies with a {kind}"
            raise NotReleasable(what, fix=f"merge versions that reply with a {wish.task.kind}")
        if member.kind != "lora" or member.base != shop.config.model.weights:
            what = (
                f"{member.id} is of kind {member.kind} on {member.base}, and adapters of the project's base are merged"
            )
            raise UnsuitedModel(what, fix="leave it out, or have them answer as an ensemble")
        if member.blob and PREFACE in shop.store.blobs.files(member.blob):
            raise UnsuitedModel(f"{member.id} reads words of its own before every request", fix="merge its parent")


def again(shop: Workshop, version: Version, folder: Path) -> Trained:
    """The same versions, as they are now, merged by the weights that are on record, in a folder.

    Raises:
        UnsuitedModel: it was merged before all that this takes was on record.
        NotFound: one of the versions, or the rows, are gone.
        CorruptWeights, UnsuitedModel: as `homeostat.train.transfer.blend.blend`.
    """
    said: Mapping[str, Any] = version.recipe
    if missing := [key for key in (ASKED, HELD_OUT, SEED) if key not in said]:
        what = f"{version.id} was merged by a release that did not keep what this takes: {', '.join(missing)}"
        raise UnsuitedModel(what, fix="versions that are merged from now on can be made again")
    members = tuple(shop.store.versions.get(id) for id in said["of"])
    together = Together(task=shop.config.task(version.task), members=members)
    order = together.order(shop, examples(shop.store, version.dataset) if version.dataset else [], folder)
    fitted = {key: said[key] for key in ("refit", HELD_OUT, SEED)}
    start, recipe = replace(order.start, base=version.base), replace(order.recipe, **fitted)
    order = replace(order, start=start, labels=version.labels, recipe=recipe)
    blocks = {block: tuple(own) for block, own in said["blocks"].items()}
    how = How(way=said["how"], weights=tuple(said["weights"]), blocks=blocks, rank=said[ASKED])
    return blend(order, members_of(shop, members), how).trained


def members_of(shop: Workshop, members: Sequence[Version]) -> list[Member]:
    """The versions with the folders of their adapters. Raises what loading an unsigned version raises."""
    found = []
    for one in members:
        folder = shop.signing.folder(shop.store, one)
        assert folder is not None, "an adapter has a folder"
        found.append(Member(name=one.id, folder=folder, labels=one.labels))
    return found


def _version(wish: Merge, name: str, dataset: Dataset | None, found: Blended, recipe: Recipe) -> Version:
    """The version; its recipe says what it was made of, and by how much of each."""
    said: dict[str, object] = {
        "name": NAME,
        "how": wish.how.way,
        "of": [member.id for member in wish.members],
        "weights": list(found.weights.every),
        "blocks": {block: list(own) for block, own in found.weights.blocks.items()},
        "rank": found.rank,
        "refit": recipe.refit,
        ASKED: wish.how.rank,
        HELD_OUT: recipe.held_out,
        SEED: recipe.seed,
        "warm_start": False,
    }
    return Version(
        id=name,
        task=wish.task.name,
        time=max(member.time for member in wish.members),
        base=wish.members[0].base,
        kind=found.trained.kind,
        labels=found.trained.labels,
        prior=found.trained.prior,
        dataset=dataset.id if dataset else "",
        recipe=said,
        cost=computed(found.trained.cost),
    )
