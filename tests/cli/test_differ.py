"""Comparing two versions on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import version
from homeostat.errors import NotFound
from homeostat.store import Store


def test_two_versions(homeostat: Run, shop: Path, store: Store) -> None:
    """What differs is a row with both values; one that there is not is refused."""
    version(store, "a", labels=("x",), recipe={"lr": 0.1, "budget": {}, "penalties": []})
    recipe = {"lr": 0.25, "budget": {"seconds": 60.0}, "penalties": [{"kl": {"weight": 2.0}}]}
    version(store, "b", labels=("x", "y"), recipe=recipe, parent="ver_a")
    ran = homeostat("diff", "ver_a", "ver_b", "--config", shop)
    assert ran.code == 0
    assert [line.replace("│", " ").split() for line in ran.out.splitlines() if line.startswith("recipe")] == [
        ["recipe", "lr", "0.1", "0.25"],
        ["recipe", "budget", "–", "seconds", "60"],
        ["recipe", "penalties", "–", "kl", "weight", "2"],
    ]
    assert homeostat("diff", "ver_a", "ver_b", "--json", "--config", shop).json["labels"] == {"new": ["y"], "gone": []}
    alike = homeostat("diff", "ver_a", "ver_a", "--config", shop)
    assert not [line for line in alike.out.splitlines() if line.startswith("labels")]  # nothing is new, nothing gone
    assert homeostat("diff", "ver_a", "ver_c", "--config", shop).code == NotFound.exit
