"""The steps of a turn that release: they wait for rows, and for nobody else."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from small_project import TASK

from homeostat.config.schema import Policy
from homeostat.config.schema import Release as Rollout
from homeostat.loop import releasing, steps
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import rollback
from homeostat.release.rollout import open_shadow
from homeostat.release.states import held_until
from loop.bystander import NOW, candidate
from loop.calm import calm_around


def test_advancing_waits_until_something_changes(shop: Workshop) -> None:
    """It looks again and again, and comes back with the row that took the place of the one it was given."""
    opened = open_shadow(shop.store, TASK, candidate(shop), now=time.time())
    assert releasing.stage(shop, NOW, opened.id) == "shadow"
    left: list[str] = []
    waiting = threading.Thread(target=lambda: left.append(releasing.advance(shop, NOW, opened.id)))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()

    row = rollback(shop.store, TASK, "by hand", now=2.0)

    waiting.join(10)
    assert left == [row.id]
    assert releasing.stage(shop, NOW, row.id) == "rollback"
    assert steps.end(shop, NOW, "release", row.id) == "release"
    assert shop.store.turns.get(NOW.turn).because == "by hand"


def test_the_hours_of_the_policy_hold_a_release(shop: Workshop) -> None:
    """A release stands as long as the policy of its task is quiet, and is taken back by hand all the same."""
    quiet = Policy(quiet=calm_around(time.time()), zone="Europe/Berlin")
    tasks = {TASK: replace(shop.config.tasks[TASK], policy="calm")}
    config = replace(shop.config, tasks=tasks, policies={"calm": quiet}, release=Rollout(shadow_pairs=0))
    held = Workshop(config, shop.store)
    opened = releasing.release(held, NOW, candidate(shop))
    left: list[str] = []
    waiting = threading.Thread(target=lambda: left.append(releasing.advance(held, NOW, opened)))
    waiting.start()
    waiting.join(0.5)
    row = shop.store.releases.current(TASK)
    assert row is not None
    assert (waiting.is_alive(), row.stage.value) == (True, "shadow")
    assert held_until(shop.store, row, time.time()) > time.time()
    back = rollback(shop.store, TASK, "by hand", now=time.time())
    waiting.join(10)
    assert left == [back.id]
    assert releasing.frozen_until(shop.config, shop.store, TASK) == 0.0


def test_a_skipped_shadow_is_advanced_at_once(shop: Workshop) -> None:
    """Without pairs to wait for, the first look opens the canary."""
    eager = Workshop(replace(shop.config, release=Rollout(shadow_pairs=0)), shop.store)
    opened = releasing.release(eager, NOW, candidate(shop))
    assert releasing.stage(eager, NOW, releasing.advance(eager, NOW, opened)) == "canary"
