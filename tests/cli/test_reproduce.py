"""Making a version again, on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import version
from homeostat.errors import NotFound, UnsuitedModel
from homeostat.store import Store


def test_what_cannot_be_made_again(homeostat: Run, shop: Path, store: Store) -> None:
    """A bare base and an id that there is not end with exit codes of their own."""
    version(store, "a")
    assert homeostat("reproduce", "ver_a", "--config", shop).code == UnsuitedModel.exit
    assert homeostat("reproduce", "ver_b", "--config", shop).code == NotFound.exit
