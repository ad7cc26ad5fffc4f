"""What went wrong with a request, and how long it took, noted while a release is in force: such things are no rows."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.store import Store
from homeostat.types.release import Release

ERROR, RACE = "error", "race"
"""Names of the events that tell of a version that could not answer, and of how long both took for a request."""


def note_error(store: Store, release: Release, version: str, interaction: str, what: str) -> None:
    """Remember that a version failed to answer a request while this release was in force.

    A failure counts with no need for feedback; two of one version on one request count once.
    """
    store.events.append(release.opened, ERROR, {"version": version, "interaction": interaction, "what": what})


def note_race(store: Store, release: Release, interaction: str, took_ms: Mapping[str, float]) -> None:
    """Remember how long each version took for the same request, one right after the other, while nobody waited."""
    values = {"interaction": interaction, "took_ms": dict(took_ms)}
    store.events.append(release.opened, RACE, values)
