"""`homeostat suites`."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from homeostat.errors import NotFound
from homeostat.loop.proving.suites import keep
from homeostat.store import Store
from homeostat.types.suite import Case, Suite

GOLDEN = Suite(
    name="golden", task="routing", check="equals", cases=(Case(text="a", expect="b"),), under=("typos",), at_least=1.0
)


def test_none(homeostat: Run, shop: Path) -> None:
    """It says so."""
    ran = homeostat("suites", "--config", shop)
    assert (ran.code, "none" in ran.out) == (0, True)


def test_a_table_and_a_document(homeostat: Run, shop: Path, store: Store) -> None:
    """What is asked and demanded, under the version of each."""
    keep(store, GOLDEN)
    out = homeostat("suites", "--config", shop).out
    assert "golden" in out
    assert "at least 100 %, no more lost than of test rows" in out
    document = homeostat("suites", "--json", "--config", shop).json
    assert document["suites"][0]["cases"] == [{"text": "a", "expect": "b", "check": "", "family": ""}]
    assert len(document["versions"]["golden"]) == 64


def test_dropped(homeostat: Run, shop: Path, store: Store) -> None:
    """Once; then there is none."""
    keep(store, GOLDEN)
    assert homeostat("suites", "--drop", "golden", "--json", "--config", shop).json["suites"] == []
    assert homeostat("suites", "--drop", "golden", "--config", shop).code == NotFound.exit
