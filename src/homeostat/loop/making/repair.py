"""A way of mending that trains: a candidate that forgot learns again what the champion says of what was known."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import Diverged, UnsuitedModel
from homeostat.loop.making.learn import Lesson, learn, version_id
from homeostat.loop.proving.judging import NEW
from homeostat.loop.steps import Now, curated
from homeostat.loop.tried import Tried
from homeostat.loop.workshop import Workshop
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.adapt.way import Way
from homeostat.train.named import named
from homeostat.types.dataset import Dataset
from homeostat.types.task import Kind
from homeostat.types.version import HEAD, Version

NAME = "repair"
"""Its recipe, and what it is called beside the recipes that were tried."""
RELATION = "repairs"
"""How a version is tied to the candidate that it was repaired from."""


def repair(shop: Workshop, now: Now, tried: Sequence[Tried]) -> str:
    """The version that the last of these candidates which has lost something becomes under the champion's eyes.

    Empty where none has, where one of them is a head, where nothing old is remembered, and where training goes astray.
    """
    champion = shop.champion(now.task)
    hurt = [one for one in tried if one.candidate.kind != HEAD and _has_lost(shop, one)]
    if not hurt or champion.kind == HEAD:
        return ""
    candidate, recipe = hurt[-1].candidate, named(NAME, shop.config.train, replay=shop.config.curate.replay)
    rows = curated(shop, now, recipe)
    if not rows.counts["replayed"]:
        return ""
    lesson = Lesson(
        task=now.task,
        dataset=_kept(shop, now, rows, candidate).id,
        recipe=replace(recipe, adapt=as_it_is(hurt[-1].recipe.adapt)),
        version=version_id(now.turn, NAME),
        parent=champion,
        begins=candidate,
        time=now.until,
        at_hand=champion,
    )
    try:
        version = learn(shop, lesson).id
    except (Diverged, UnsuitedModel):  # the champion of a remote base cannot be asked
        shutil.rmtree(shop.run_folder(lesson.version))
        return ""
    shop.store.lineage.link(version, candidate.id, RELATION)
    return version


def as_it_is(adapt: Way) -> Way:
    """The way of a candidate for going on from it: one that takes a champion back took back what was below it then."""
    return replace(adapt, back=0.0) if isinstance(adapt, Stacked) else adapt


def _has_lost(shop: Workshop, one: Tried) -> bool:
    """Whether the report about a candidate shows a loss, whatever its size, among rows that were known before."""
    groups = shop.store.reports.get(one.report).groups if one.report else {}
    return any(score.high < 0.0 for name, score in groups.items() if name != NEW)


def _kept(shop: Workshop, now: Now, rows: Curated, candidate: Version) -> Dataset:
    """The rows as a dataset with the labels of the candidate, in its order."""
    known = [
        row for row in rows.examples if shop.config.task(now.task).kind is Kind.TEXT or row.target in candidate.labels
    ]
    rows = replace(rows, examples=tuple(known), labels=candidate.labels)
    dataset = shop.champion(now.task).dataset
    parents = (dataset,) if dataset else ()
    return store_dataset(shop.store, rows, task=now.task, turn=f"{now.turn}.{NAME}", now=now.until, parents=parents)
