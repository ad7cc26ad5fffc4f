"""A store for these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty one."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs") as opened:
        yield opened
