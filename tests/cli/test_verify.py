"""Checking the store."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion
from homeostat.errors import Tampered
from homeostat.store import Store


def test_all_is_well(homeostat: Run, shop: Path, store: Store) -> None:
    """A sound store gives exit code 0."""
    champion(store, "a")
    ran = homeostat("verify", "--config", shop)
    assert ran.code == 0
    assert "all is well" in ran.out
    assert homeostat("verify", "--config", shop, "--json").json == {"ok": True, "problems": []}


def test_every_problem_is_told(homeostat: Run, shop: Path, store: Store) -> None:
    """A changed blob and a reference to nothing: an exit code of its own, a line each, and the same as JSON."""
    hash = store.blobs.put_text("what was stored")
    champion(store, "a", dataset="dst_gone")
    path = next(path for path in (shop.parent / ".homeostat").rglob("*") if path.is_file() and path.name in hash)
    path.chmod(0o644)
    path.write_text("what is there now")
    ran = homeostat("verify", "--config", shop)
    assert ran.code == Tampered.exit
    assert hash in ran.out
    assert "dst_gone" in ran.out
    told = homeostat("verify", "--config", shop, "--json")
    assert told.code == Tampered.exit
    assert told.json["problems"] == ran.out.splitlines()
