"""Which version answers an episode: a pure function of the release row and the episode's name.

Sticky: an episode gets the same version for as long as the row names the same versions, on any machine and after any
restart, and raising a candidate's share moves no episode away from it. In a split every version draws a waiting time
for the episode, the shorter the larger its share, and the first one answers (weighted rendezvous hashing, Schindelhauer
& Schomaker 2005, SPAA). A version that leaves thus moves its own episodes and no others, which go to the rest in
proportion; and which of two versions an episode would rather have never changes.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace

from homeostat.types.release import Release, Stage

_LIVE_STAGES = (Stage.CANARY, Stage.FULL)
"""Stages in which a candidate answers users."""
NOTHING = 1e-9
"""Share that is none but for rounding."""


def route(release: Release, episode: str) -> tuple[str, float]:
    """The version that answers `episode`, and the probability with which an episode gets it.

    First the candidate takes its share; the further versions of a split and the champion draw for the rest.
    """
    share = release.share if release.candidate and release.stage in _LIVE_STAGES else 0.0
    if uniform(release.candidate, episode) < share:
        return release.candidate, share
    if not release.shares:
        return release.champion, 1.0 - share
    parts = divided(release)
    waits = {one: -math.log1p(-uniform(f"{release.trial} {one}", episode)) / part for one, part in parts.items()}
    version = min(waits, key=waits.__getitem__)
    return version, (1.0 - share) * parts[version]


def divided(release: Release) -> dict[str, float]:
    """What a split divides, by version, the champion first; no version without a share."""
    parts = {release.champion: 1.0 - sum(release.shares.values()), **release.shares}
    return {version: part for version, part in parts.items() if part > NOTHING}


def in_force(release: Release, now: float) -> Release:
    """What a release row says at a moment: past its `until` the champion answers everybody, and no copies are made."""
    if not release.until or now < release.until:
        return release
    return replace(release, stage=Stage.ROLLBACK, share=0.0, shares={})


def chance(release: Release, version: str) -> float:
    """The probability with which a release gives an episode to a version; 0 for one that it does not name."""
    share = release.share if release.candidate and release.stage in _LIVE_STAGES else 0.0
    return share * (version == release.candidate) + (1.0 - share) * divided(release).get(version, 0.0)


def uniform(salt: str, episode: str) -> float:
    """A number in [0, 1) that only the two names decide, uniform over episodes and independent between salts.

    The salt is the candidate, not the release row: a raised share is a new row but must not draw anew, while the
    next candidate must not meet the same people first.
    """
    digest = hashlib.sha256(f"{salt}\x1f{episode}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
