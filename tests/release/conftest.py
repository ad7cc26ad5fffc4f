"""A champion and a version beside it, for the tests that need no others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.release.registry import promote
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.release import Release
from release.rehearsal import TASK, add_version, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion and a candidate."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        add_version(opened, "new")
        yield opened


@pytest.fixture
def shadow(store: Store) -> Release:
    """The candidate in shadow."""
    return open_shadow(store, TASK, "ver_new", now=2.0)
