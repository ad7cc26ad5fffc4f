"""Databases are brought up to date by whoever opens them, several at once included."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from homeostat.store import Store
from homeostat.types.turn import Turn


def test_threads_may_open_new_stores_at_once(tmp_path: Path) -> None:
    """Eight databases made in eight threads have all their tables."""

    def made(number: int) -> list[Turn]:
        with Store.open(f"sqlite:///{tmp_path / f'{number}.db'}", tmp_path / f"blobs{number}") as store:
            store.turns.put(Turn(id=f"trn_{number}", task="t", time=float(number)))
            return store.turns.list("t")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(made, range(8)))
    assert [[turn.id for turn in turns] for turns in found] == [[f"trn_{number}"] for number in range(8)]
