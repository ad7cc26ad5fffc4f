"""Listing and ending silences."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.silence import Silence


@pytest.fixture
def three(store: Store) -> None:
    """Two silences in force, and one that has ended by itself."""
    now = time.time()
    for name, until in (("a", now + 100.0), ("b", now + 200.0), ("c", now - 1.0)):
        store.silences.put(Silence(id=f"sil_{name}", time=now - 50.0, until=until, why=f"for {name}", kind="mix"))


@pytest.mark.usefixtures("three")
def test_those_in_force_are_listed(homeostat: Run, shop: Path) -> None:
    """With what they keep quiet and why; those that have ended too, where they are asked for."""
    ran = homeostat("alerts", "silences", "--config", shop)
    rows = {line.split()[0]: line for line in ran.out.splitlines() if line.startswith("sil_")}
    assert list(rows) == ["sil_a", "sil_b"]
    assert "mix" in rows["sil_a"]
    assert "all" in rows["sil_a"]
    assert rows["sil_a"].rstrip().endswith("for a")
    found = homeostat("alerts", "silences", "--past", "--config", shop, "--json").json["silences"]
    assert [one["id"] for one in found] == ["sil_a", "sil_b", "sil_c"]


@pytest.mark.usefixtures("three")
def test_one_is_ended(homeostat: Run, shop: Path, store: Store) -> None:
    """It holds no longer, and is still known; ending one that has ended changes nothing."""
    found = homeostat("alerts", "silences", "--end", "sil_a", "--config", shop, "--json").json["silences"]
    assert [one["id"] for one in found] == ["sil_b"]
    ended = store.silences.get("sil_a").until
    assert ended <= time.time()
    past = store.silences.get("sil_c")
    homeostat("alerts", "silences", "--end", "sil_c", "--config", shop)
    assert store.silences.get("sil_c") == past


@pytest.mark.usefixtures("three")
def test_one_that_there_is_not(homeostat: Run, shop: Path) -> None:
    """An error with those that may have been meant."""
    ran = homeostat("alerts", "silences", "--end", "sil_z", "--config", shop)
    assert ran.code == NotFound.exit
    assert "no silence 'sil_z'" in ran.err
