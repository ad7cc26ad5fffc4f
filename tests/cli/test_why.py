"""Asking where something came from."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.dataset import Dataset


def lived(store: Store) -> None:
    """A version that learned from a request and answered another."""
    request(store, 1, "", said="refund")
    blob = store.blobs.put_text("{}\n")
    store.datasets.put(Dataset(id="dst_a", task="routing", time=START, blob=blob, counts={"total": 1}))
    store.lineage.link("dst_a", "int_0001", "learns")
    champion(store, "first", dataset="dst_a")
    request(store, 2, "ver_first")


def test_from_a_version_to_its_requests_and_on(homeostat: Run, shop: Path, store: Store) -> None:
    """The tree goes down to the request that taught it and what was said of it, and on to what it answered."""
    lived(store)
    lines = homeostat("why", "ver_first", "--config", shop).out.splitlines()
    assert lines[0].startswith("ver_first  champion")
    assert "  ← learned from dst_a  1 examples" in lines
    assert any(line.startswith("    ← learns int_0001") for line in lines)
    assert any("fbk_0001" in line for line in lines)
    assert any("→ int_0002" in line and "answered by" in line for line in lines)


def test_the_tree_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """The same tree, nested."""
    lived(store)
    tree = homeostat("why", "ver_first", "--config", shop, "--json").json
    assert tree["id"] == "ver_first"
    assert tree["came_from"][0]["id"] == "dst_a"
    assert tree["came_from"][0]["came_from"][0]["id"] == "int_0001"
    assert {branch["id"][:4] for branch in tree["led_to"]} == {"int_", "rel_"}


def test_a_depth_ends_the_walk(homeostat: Run, shop: Path, store: Store) -> None:
    """One step shows the dataset and not what it was made from."""
    lived(store)
    tree = homeostat("why", "ver_first", "--config", shop, "--depth", 1, "--json").json
    assert tree["came_from"][0]["came_from"] == []


def test_an_id_that_is_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """An error for an id that is not there, and for one that begins as no noun does."""
    assert homeostat("why", "ver_nobody", "--config", shop).code == NotFound.exit
    ran = homeostat("why", "vers_first", "--config", shop)
    assert ran.code == NotFound.exit
    assert "did you mean 'ver'?" in ran.err
