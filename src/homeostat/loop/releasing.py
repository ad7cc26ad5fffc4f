"""From a candidate to what everybody gets, or back: the steps of a turn that release."""

from __future__ import annotations

import time

from homeostat.decide.rule import rule_of
from homeostat.loop.rehearse import keep
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.release import rollout


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
    """Look at the rows of the running release until they take it a step further or back, or somebody else does."""
    while (row := rollout.advance(shop.store, now.task, shop.config.release, now=time.time())).id == release:
        time.sleep(shop.config.release.poll_s)
    return row.id
