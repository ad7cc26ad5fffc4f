"""Puts this folder on the path, so that tests of several rooms can share what stands in it; `shown`, and stores laid
out quickly.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from homeostat.store import Store, migrate, store
from homeostat.store.database import Database
from shown import OTHERS, Shown


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--draws`: how often a proof is gone through, and `--first-draw`: with which draw it begins then."""
    parser.addoption("--draws", type=int, default=0, help="draws of each proof, others than its own; 0 takes its own")
    parser.addoption("--first-draw", type=int, default=OTHERS, help="the first of these draws")


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the collector need not go through it at every turn (an eighth
    of the time of a run).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def shown(pytestconfig: pytest.Config, record_property: Callable[[str, object], None]) -> Shown:
    """Takes down the effect that a proof shows, and holds that it is there."""
    return _shown(pytestconfig, record_property)


def _shown(config: pytest.Config, note: Callable[[str, object], None]) -> Shown:
    return Shown(config.getoption("--draws"), note, config.getoption("--first-draw"))


@pytest.fixture(scope="session")
def draw(pytestconfig: pytest.Config) -> int:
    """The draw of proofs over the rows of one: the first that is asked for, or 0, on which thresholds were chosen."""
    return _shown(pytestconfig, lambda name, value: None).draws(1)[0]


@pytest.fixture(scope="session", autouse=True)
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The migrations lay out one SQLite file a session; stores that are not there yet begin as a copy of it.

    A migration of an empty file takes a twelfth of a second, and the tests open thousands of stores.
    """
    folder = tmp_path_factory.mktemp("laid-out")
    empty = folder / "empty.db"
    Store.open(f"sqlite:///{empty}", folder / "blobs").close()

    def upgrade(database: Database) -> None:
        file = Path(database.url.database or folder)
        if database.is_sqlite and not file.exists():
            _put(empty, file)
        migrate.upgrade(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "upgrade", upgrade)
        yield


def _put(empty: Path, file: Path) -> None:
    # Under its name at once and whole, or not at all: threads and processes may open it together.
    made = file.with_name(f"{file.name}.{uuid4().hex}")
    with suppress(OSError):
        shutil.copyfile(empty, made)
        with suppress(FileExistsError):
            os.link(made, file)
        made.unlink()
