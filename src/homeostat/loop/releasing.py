"""From a candidate to what everybody gets, or back: the steps of a turn that release."""

from __future__ import annotations

import math
import time

from homeostat.config.schema import Config
from homeostat.decide.hours import quiet_until
from homeostat.decide.rule import rule_of
from homeostat.loop.asking.rehearse import keep
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.listening import overrating
from homeostat.loop.proving import again
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.release import rollout
from homeostat.store import Store

LOOK_S = 10.0
"""Seconds between two looks at what judges say of a candidate."""


def sign(shop: Workshop, now: Now, candidate: str) -> str:
    """The candidate, rehearsed, where a person has to sign its release off; empty where nobody has to."""
    if rule_of(shop.config, now.task).action != "review":
        return ""
    keep(shop, shop.store.versions.get(candidate), now.until)
    return candidate


def release(shop: Workshop, now: Now, candidate: str) -> str:
    """Rehearse the candidate on what was asked lately, then have it answer copies of the traffic."""
    keep(shop, shop.store.versions.get(candidate), now.until)
    return rollout.open_shadow(shop.store, now.task, candidate, now=time.time()).id


def stage(shop: Workshop, now: Now, release: str) -> str:
    """How far the release has come."""
    return shop.store.releases.get(release).stage.value


def advance(shop: Workshop, now: Now, release: str) -> str:
    """Look at the rows of the running release until they take it a step further or back, or somebody else does. Where
    the gate was unsure it is asked again, as labels come; a judge that overrates the candidate is not heard.
    """
    settings, running, looked = shop.config.release, shop.store.releases.get(release), -math.inf
    while True:
        if time.monotonic() - looked >= LOOK_S:
            overrating.look(shop, running)
            looked = time.monotonic()
        again.look(shop, now, running, at=time.time())
        frozen, watched = frozen_until(shop.config, shop.store, now.task), again.safely(shop.store, running, settings)
        base = shop.config.model.weights
        row = rollout.advance(shop.store, now.task, watched, now=time.time(), frozen=frozen, base=base)
        if row.id != release:
            return row.id
        time.sleep(settings.poll_s)


def frozen_until(config: Config, store: Store, task: str) -> float:
    """When the quiet hours of the task's policy end, in seconds since 1970, in which no release goes forward; 0 where
    there are none now.
    """
    rule = rule_of(config, task)
    return quiet_until(rule.quiet, clock(config, store, task), rule.zone) if rule.quiet else 0.0
