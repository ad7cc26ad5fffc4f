"""Removing what nothing points to, on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion
from homeostat.store import Store


def test_a_dry_run_removes_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """Told first, then done; what the champion needs is there afterwards."""
    lost, kept = store.blobs.put_text("lost"), store.blobs.put_text("kept")
    champion(store, "a", blob=kept)
    for path in (store.blobs.root / "files").glob("*/*"):
        os.utime(path, (0, 0))
    told = homeostat("gc", "--dry-run", "--config", shop, "--json").json
    assert (told["dry_run"], told["blobs"], told["bytes"]) == (True, [lost], 4)
    assert "would be removed" in homeostat("gc", "--dry-run", "--config", shop).out
    assert set(store.blobs.hashes()) == {lost, kept}
    assert homeostat("gc", "--config", shop).code == 0
    assert list(store.blobs.hashes()) == [kept]
