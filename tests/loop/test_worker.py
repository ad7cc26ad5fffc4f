"""The worker: one at a time, ends at once when asked to, and never with a turn half done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from mortal import Worker, ended, ending
from small_project import TASK, Gateway

from homeostat.errors import NotFound
from homeostat.loop.workshop import Workshop


def training(shop: Workshop, recipe: str) -> bool:
    """Whether the turn is in the middle of training by this recipe."""
    turns = shop.store.turns.list(TASK)
    if not turns or f"curate.{recipe}" not in turns[0].diary or f"train.{recipe}" in turns[0].diary:
        return False
    begun = [event.values.get("step") for event in shop.store.events.list(turns[0].id)]
    return f"train.{recipe}" in begun


@pytest.mark.slow
def test_a_second_worker_waits_and_takes_over(
    shop: Workshop, workers: Callable[..., Worker], undisturbed: dict[str, Any]
) -> None:
    """Of two workers on one folder one works; when it is killed the other goes on with its turn, which is done once."""
    first = workers()
    gateway = Gateway(shop)
    assert gateway.serve(lambda: first.watching)
    second = workers()
    assert gateway.serve(lambda: training(shop, "careful"))
    assert second.alive
    assert not second.watching

    first.kill()

    assert gateway.serve(lambda: ended(shop.config, shop.store))
    assert second.watching
    assert ending(shop.store) == undisturbed


@pytest.mark.slow
def test_a_worker_that_is_asked_to_end_does_so_in_the_middle_of_training(
    shop: Workshop, workers: Callable[..., Worker], undisturbed: dict[str, Any]
) -> None:
    """SIGTERM ends it in seconds, whatever a step is doing, and the next worker goes on from there."""
    first, gateway = workers(), Gateway(shop)
    assert gateway.serve(lambda: training(shop, "naive"))

    asked = time.monotonic()
    first.stop()

    assert time.monotonic() - asked < 5.0
    assert first.process.exitcode == 0
    assert shop.store.turns.list(TASK)[0].state == "open"
    workers()
    assert gateway.serve(lambda: ended(shop.config, shop.store))
    assert ending(shop.store) == undisturbed


def test_a_worker_that_waits_for_another_may_be_asked_to_end(shop: Workshop, workers: Callable[..., Worker]) -> None:
    """Whoever has not got the folder yet ends at once too, and does not keep the other from its work."""
    first = workers()
    assert Gateway(shop).serve(lambda: first.watching)
    second = workers()
    time.sleep(0.5)
    second.stop()
    assert second.process.exitcode == 0
    assert not second.watching
    assert first.alive


def test_an_error_of_the_watch_ends_the_worker_with_its_exit_code(
    shop: Workshop, workers: Callable[..., Worker]
) -> None:
    """A store that contradicts itself is told of by the exit code, and the folder is free again."""
    champion = shop.champion(TASK).id
    shop.store.aliases.set(TASK, "champion", "ver_gone")

    broken = workers()
    broken.process.join(60)

    assert broken.process.exitcode == NotFound.exit
    shop.store.aliases.set(TASK, "champion", champion)
    sound = workers()
    assert Gateway(shop).serve(lambda: sound.watching)
