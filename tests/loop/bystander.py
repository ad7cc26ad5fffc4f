"""A moment of the small project, a candidate that is the champion over again, and groups to be treated alike."""

from __future__ import annotations

from dataclasses import replace

from small_project import ONSET, TASK

from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.types.version import State

NOW = Now("trn_1", TASK, ONSET + 1000.0)


def candidate(shop: Workshop) -> str:
    """A version as good as the champion, under trial."""
    copy = replace(shop.champion(TASK), id="ver_2", state=State.CANDIDATE)
    return register(shop.store, copy, None).id


def fair(shop: Workshop, **tags: float) -> None:
    """Hold the task to treat the values of tags alike."""
    tasks = {TASK: replace(shop.config.tasks[TASK], fair=tags)}
    shop.config = replace(shop.config, tasks=tasks)
