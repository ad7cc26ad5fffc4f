"""`homeostat race`."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion, version
from homeostat.loop.durable import only_worker
from homeostat.release.split import ordered
from homeostat.store import Store


def test_a_race_is_a_split_that_the_worse_leave(homeostat: Run, shop: Path, store: Store) -> None:
    """Ordered of the worker as such; a dry run tells the shares that it begins with."""
    champion(store, "first")
    names = [version(store, name).id for name in ("a", "b")]
    told = homeostat("race", *names, "--share", "0.5", "--dry-run", "--json", "--config", shop).json
    assert told["release"]["shares"] == {"ver_a": 0.25, "ver_b": 0.25}
    with only_worker(shop.parent / ".homeostat"):
        found = homeostat("race", *names, "--until", "decided", "--json", "--config", shop).json
    wish = ordered(store, found["id"])
    assert (wish.versions, wish.adaptive, wish.until, wish.by) == (("ver_a", "ver_b"), True, 0.0, "right")
