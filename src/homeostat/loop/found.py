"""A task's first version: trained on imported history, promoted without a gate, with nothing to compare it to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from homeostat.curate.build import build
from homeostat.curate.snapshot import as_lines, gather, store_dataset
from homeostat.loop.making.learn import Lesson, kept_tags, learn, version_id, with_copies
from homeostat.loop.proving.examining import fence
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import promote
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.version import Version


def found(
    shop: Workshop,
    task: str,
    history: Sequence[Example],
    suite: Sequence[Exam],
    *,
    now: float,
    report: Callable[[dict[str, float]], None] = lambda values: None,
    recipe: Recipe | None = None,
) -> Version:
    """Fence the suite off, train the first version on the history and make it the champion.

    Raises:
        NothingToTrainOn: nothing of the history is left after cleaning.
    """
    shop.put_suite(task, suite)
    known = shop.config.task(task)
    inputs = gather(shop.store, known, champion=None, evaluation=fence(shop, task), until=now, imported=history)
    how = recipe or named("first", shop.config.train)
    built = build(replace(inputs, tags=kept_tags(shop.config, task, how)), shop.config.curate)
    curated = with_copies(built, how, inputs.evaluation)
    dataset = store_dataset(
        shop.store, curated, task=task, turn=ids.derived("trn", "found", task, as_lines(curated.examples)), now=now
    )
    lesson = Lesson(
        task=task,
        dataset=dataset.id,
        recipe=how,
        version=version_id("found", task, dataset.id),
        time=now,
    )
    version = learn(shop, lesson, report)
    base, because = shop.base_of(version), "first version, trained on imported history"
    promote(shop.store, task, version.id, because, now=now, base=base)
    return version
