"""The fuzzer of bar prove.10 flips what it says it does, and its pickles are pickles."""

from __future__ import annotations

import pickle
import random
import re
import sqlite3
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import prove_10
from pages import cells

from homeostat.store import Store
from homeostat.types.interaction import Interaction

TEXTS = {f"int_{k}": f"request {k} " + "x" * size for k, size in enumerate((3, 300, 4_000, 5_000, 9_000, 40_000))}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A log with short rows, and rows that go on in other pages."""
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as store:
        store.interactions.add(
            Interaction(id=id, task="t", time=1.0, text=text, reply="", version="") for id, text in TEXTS.items()
        )
    return tmp_path / "s.db"


def test_cells_hold_the_rows(database: Path) -> None:
    """Every byte of every text lies in the table's cells, and they hold hardly more than that."""
    content = database.read_bytes()
    held = b"".join(content[place.start : place.stop] for place in cells(database, "interactions"))
    for text in TEXTS.values():
        assert held.count(b"x" * 1_000) * 1_000 <= sum(map(len, TEXTS.values()))
        assert text[:100].encode() in held
    runs = re.findall(rb"x{3,}", held)  # a single x may be a length or a type in a row's header
    assert sum(map(len, runs)) == sum(text.count("x") for text in TEXTS.values())
    assert len(held) < sum(map(len, TEXTS.values())) + 400 * len(TEXTS)


def test_cells_of_many_rows(tmp_path: Path) -> None:
    """Rows are found below as many floors of pages as there are."""
    file = tmp_path / "many.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE a (b TEXT)")
        connection.executemany("INSERT INTO a VALUES (?)", [(f"row {k:06} " + "y" * 90,) for k in range(30_000)])
    connection.close()
    content, found = file.read_bytes(), cells(file, "a")
    assert len(found) == 30_000
    assert all(b"row " in content[place.start : place.stop] for place in found[::97])


def test_every_byte_of_a_place_can_be_drawn() -> None:
    """Draws reach the first and the last byte, and small files as well as large ones."""
    places = [(Path("small"), range(5, 7)), (Path("large"), range(0, 100_000))]
    seen = {prove_10.drawn(places, random.Random(seed)) for seed in range(200)}
    assert {(Path("small"), 5), (Path("small"), 6)} < seen
    assert sum(path == Path("large") for path, _ in seen) > 100


@pytest.mark.parametrize("protocol", range(6))
def test_coats_hold_the_pickle(protocol: int) -> None:
    """What is offered is the pickle that was meant: unpickled, it gives the object back."""
    assert pickle.loads(prove_10.COATS["plain"]({"w": [1.0]}, protocol)) == {"w": [1.0]}
    assert len({coat({"w": [1.0]}, protocol) for coat in prove_10.COATS.values()}) == len(prove_10.COATS)


def test_the_first_pickles_are_every_coat_under_every_name() -> None:
    """None of the combinations is left to chance."""
    every = len(prove_10.COATS) * len(prove_10.NAMES)
    assert len({(coat, name) for coat, name, _ in prove_10.pickles(every, random.Random(0))}) == every


def test_what_can_be_loaded_is_taken_in(tmp_path: Path) -> None:
    """The way pickles are offered takes a harmless file in, so that refusing is not all that it can do."""
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as store:
        assert prove_10.refused(store, tmp_path / "offered", "model.bin", pickle.dumps({}))
        assert not prove_10.refused(store, tmp_path / "offered", "README.md", b"# A card\n")
