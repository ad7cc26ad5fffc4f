"""Comparing two versions on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from cli.conftest import Run
from cli.scenes import version
from homeostat.errors import NotFound
from homeostat.release.registry import register
from homeostat.store import Store
from homeostat.types.version import Version


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


def test_tensors_that_are_shown_are_told_from_all(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """Five stand there of more, and the row says of how many."""
    for id, values in (("a", 1.0), ("b", 2.0)):
        folder = tmp_path / id
        folder.mkdir()
        save_file({f"w{k}": np.full(2, values, np.float32) for k in range(7)}, folder / "adapter_model.safetensors")
        register(store, Version(id=f"ver_{id}", task="routing", time=1.0, base="b"), folder)
    assert "moved most (5 of 7 tensors)" in homeostat("diff", "ver_a", "ver_b", "--config", shop).out
