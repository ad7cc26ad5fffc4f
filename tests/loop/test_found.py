"""A task's first version."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import KNOWN, START, TASK, rows

from homeostat.curate.snapshot import examples
from homeostat.loop.found import found
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.dataset import Example
from homeostat.types.release import Stage


def history(n: int, seed: int) -> list[Example]:
    return [
        Example(text=text, target=label, time=START + k) for k, (text, label) in enumerate(rows(list(KNOWN), n, seed))
    ]


def test_the_first_version_answers_everybody(shop: Workshop) -> None:
    """It is trained on the history, knows its labels, and is released in full without a gate."""
    champion = shop.champion(TASK)
    release = shop.store.releases.current(TASK)
    assert release is not None
    assert (release.stage, release.champion) == (Stage.FULL, champion.id)
    assert champion.labels == tuple(KNOWN)
    assert champion.recipe["name"] == "first"
    assert len(examples(shop.store, champion.dataset)) == 120
    assert champion.cost["steps"] > 0


def other(shop: Workshop) -> Workshop:
    """The same workshop with one more task, which nothing answers yet."""
    return Workshop(replace(shop.config, tasks={**shop.config.tasks, "other": shop.config.tasks[TASK]}), shop.store)


def test_test_rows_are_never_trained_on(shop: Workshop) -> None:
    """A text of the suite that is in the history too is left out of the dataset."""
    told = history(40, 21)
    suite = [Exam(text=told[3].text, target=told[3].target, time=START)]
    version = found(other(shop), "other", told, suite, now=START + 500.0)
    learned = {row.text for row in examples(shop.store, version.dataset)}
    assert learned == {row.text for row in told} - {told[3].text}


def test_founding_twice_is_founding_once(shop: Workshop) -> None:
    """A founding that was interrupted is done again with the same history, and ends with the same version."""
    two = other(shop)
    first = found(two, "other", history(40, 21), [], now=START + 500.0)
    assert found(two, "other", history(40, 21), [], now=START + 500.0).id == first.id
    assert len(shop.store.releases.list("other")) == 1


@pytest.mark.slow
def test_another_history_is_another_version(shop: Workshop) -> None:
    """What one history taught is never taken for what another one would have."""
    first, second = history(40, 21), history(40, 22)
    one = found(other(shop), "other", first, [], now=START + 500.0)
    two = Workshop(replace(shop.config, tasks={"third": shop.config.tasks[TASK]}), shop.store)
    assert found(two, "third", second, [], now=START + 500.0).id != one.id
    assert {row.text for row in examples(shop.store, one.dataset)} == {row.text for row in first}
