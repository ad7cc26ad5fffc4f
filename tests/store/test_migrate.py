"""Databases are brought up to date by whoever opens them, several at once included."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from homeostat.store import Store
from homeostat.store.seals import covered, of_raw
from homeostat.store.tables import interactions
from homeostat.types.interaction import Interaction
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


def test_a_log_from_before_disagreement_keeps_its_seals(tmp_path: Path) -> None:
    """A database of the revision before has its rows sealed anew, with 0 for what nobody measured; one that was changed
    behind the store's back still shows.
    """
    place = f"sqlite:///{tmp_path / 'log.db'}"
    with Store.open(place, tmp_path / "blobs") as store:
        rows = [
            Interaction(id=f"int_{k}", task="t", time=float(k), text=f"text {k}", reply="a", version="ver_1")
            for k in range(3)
        ]
        store.interactions.add(rows)
    before = [name for name in covered(interactions) if name != "disagreement"]
    with sqlite3.connect(tmp_path / "log.db") as old:
        old.execute("ALTER TABLE interactions DROP COLUMN disagreement")
        old.execute("DROP TABLE vectors")
        old.execute("UPDATE alembic_version SET version_num = '0003'")
        columns = ", ".join(f'"{name}"' for name in before)
        for row in old.execute(f"SELECT {columns} FROM interactions").fetchall():
            seal = of_raw("interactions", list(zip(before, row, strict=True)))
            old.execute("UPDATE interactions SET seal = ? WHERE id = ?", (seal, row[0]))
        old.execute("UPDATE interactions SET reply = 'b' WHERE id = 'int_1'")
    with Store.open(place, tmp_path / "blobs") as store:
        assert [row.disagreement for row in store.interactions.list("t")] == [0.0, 0.0, 0.0]
        assert [row.text for row in store.interactions.list("t")] == ["text 0", "text 1", "text 2"]
        assert store.verify() == ["interactions int_1 has changed since it was written"]
