"""Which version answers an episode: a pure function of the release row and the episode's name.

Sticky: an episode gets the same version for as long as the row names the same versions, on any machine and after any
restart, and raising a candidate's share moves no episode away from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from homeostat.types.release import Release, Stage

_LIVE_STAGES = (Stage.CANARY, Stage.FULL)
"""Stages in which a candidate answers users."""


def route(release: Release, episode: str) -> tuple[str, float]:
    """The version that answers `episode`, and the probability with which an episode gets it.

    First the candidate takes its share, then the further versions of a fixed split take theirs of the rest, and the
    champion has what remains.
    """
    share = release.share if release.candidate and release.stage in _LIVE_STAGES else 0.0
    if uniform(release.candidate, episode) < share:
        return release.candidate, share
    place, low = uniform("split", episode), 0.0
    for version, part in sorted(release.shares.items()):
        if low <= place < low + part:
            return version, (1.0 - share) * part
        low += part
    return release.champion, (1.0 - share) * max(0.0, 1.0 - low)


def in_force(release: Release, now: float) -> Release:
    """What a release row says at a moment: past its `until` its candidate answers nobody, neither users nor copies."""
    if not release.until or now < release.until:
        return release
    return replace(release, stage=Stage.ROLLBACK, share=0.0)


def chance(release: Release, version: str) -> float:
    """The probability with which a release gives an episode to a version; 0 for one that it does not name."""
    share = release.share if release.candidate and release.stage in _LIVE_STAGES else 0.0
    parts = sum(release.shares.values())
    return (
        share * (version == release.candidate)
        + (1.0 - share) * release.shares.get(version, 0.0)
        + (1.0 - share) * max(0.0, 1.0 - parts) * (version == release.champion)
    )


def uniform(salt: str, episode: str) -> float:
    """A number in [0, 1) that only the two names decide, uniform over episodes and independent between salts.

    The salt is the candidate, not the release row: a raised share is a new row but must not draw anew, while the
    next candidate must not meet the same people first.
    """
    digest = hashlib.sha256(f"{salt}\x1f{episode}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53
