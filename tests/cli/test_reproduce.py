"""Making a version again, on the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import stream, version
from homeostat.config.load import load
from homeostat.errors import NotFound, Tampered, UnsuitedModel
from homeostat.loop.workshop import Workshop
from homeostat.store import Store


def test_what_cannot_be_made_again(homeostat: Run, shop: Path, store: Store) -> None:
    """A bare base and an id that there is not end with exit codes of their own."""
    version(store, "a")
    assert homeostat("reproduce", "ver_a", "--config", shop).code == UnsuitedModel.exit
    assert homeostat("reproduce", "ver_b", "--config", shop).code == NotFound.exit


@pytest.mark.parametrize("recipe", ["careful", "head", "reweighed"])
def test_the_same_comes_out_of_the_command(recipe: str, homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A first champion, and one that was trained after it, are made again byte by byte: an adapter, an exact head, one
    whose rows weigh. By another recipe than it was trained by another one comes out, and the command says so.
    """
    fair = "routing: {kind: label, fair: {channel: 0.5}}"
    small.write_text(small.read_text().replace("routing: {kind: label}", fair))
    file = stream(tmp_path / "s.jsonl", 40, tags={"channel": "web"})
    assert homeostat("import", file, "--task", "routing", "--config", small).code == 0
    ran = homeostat("train", "routing", "--stream", file, "--recipe", recipe, "--config", small, "--json")
    assert ran.code == 0, ran.err
    shop = Workshop.open(load(small))
    champion, made = shop.store.aliases.get("routing", "champion"), shop.store.versions.get(ran.json["version"])
    for name in (champion, made.id):
        found = homeostat("reproduce", name, "--config", small, "--json")
        assert (found.code, found.json["same"], set(found.json["files"].values())) == (0, True, {True}), found.json
    if recipe != "head":  # which has no seed
        shop.store.versions.put(replace(made, id="ver_other", recipe={**made.recipe, "seed": 5}))
        ran = homeostat("reproduce", "ver_other", "--config", small)
        assert (ran.code, "differing" in ran.out) == (Tampered.exit, True)
    shop.close()
