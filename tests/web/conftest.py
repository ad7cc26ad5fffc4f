"""A real store on SQLite, filled and empty, and the pages over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from homeostat.store import Store
from homeostat.web.routes import routes
from web import factory


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs") as store:
        yield store


@pytest.fixture
def store(empty: Store) -> Store:
    factory.fill(empty)
    return empty


@pytest.fixture
def client(store: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(store, factory.config())))


@pytest.fixture
def client_of_nothing(empty: Store) -> TestClient:
    return TestClient(Starlette(routes=routes(empty, factory.config())))
