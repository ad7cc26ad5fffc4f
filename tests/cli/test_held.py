"""`homeostat held`."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.curate.suspect import Suspicion
from homeostat.errors import NotFound
from homeostat.loop.listening.held import book, hold
from homeostat.store import Store


def doubt(store: Store, n: int) -> None:
    """So many statements that are held back."""
    by = champion(store, "one").id
    ids = tuple(f"fbk_{request(store, k, by, 'delivery').id.removeprefix('int_')}" for k in range(n))
    group = "label=refund→delivery"
    found = Suspicion(group=group, held=ids, contradicting=n, n=n, p=1e-9, since=START, until=START)
    hold(store, "routing", by, found)


def test_nothing_is_held(homeostat: Run, shop: Path) -> None:
    """It says so."""
    ran = homeostat("held", "routing", "--config", shop)
    assert (ran.code, "none" in ran.out) == (0, True)


def test_a_table_and_a_document(homeostat: Run, shop: Path, store: Store) -> None:
    """Each group with how many it holds and its newest statements; the document has all of them."""
    doubt(store, 8)
    out = homeostat("held", "routing", "--last", 2, "--config", shop).out
    assert "label=refund→delivery: 8 held back" in out
    assert ("fbk_0007" in out, "fbk_0006" in out, "fbk_0005" in out) == (True, True, False)
    document = homeostat("held", "routing", "--json", "--config", shop).json
    assert [line["feedback"] for line in document["held"]] == [f"fbk_{k:04}" for k in range(8)]
    assert document["held"][0]["said"] == "delivery"


def test_release(homeostat: Run, shop: Path, store: Store) -> None:
    """By the id of a statement, by group, and not what is not held."""
    doubt(store, 3)
    one = homeostat("held", "routing", "--release", "fbk_0001", "--json", "--config", shop).json
    assert one == {"released": ["fbk_0001"]}
    ran = homeostat("held", "routing", "--release", "label=refund→delivery", "--config", shop)
    assert (ran.code, ran.out.strip()) == (0, "2 released")
    assert book(store, "routing").held == {}
    assert homeostat("held", "routing", "--release", "all", "--config", shop).code == NotFound.exit
