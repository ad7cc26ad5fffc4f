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
from server import completion, speaking


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
        assert (ran.code, "differing" in ran.out, "ver_other is made again" in ran.err) == (Tampered.exit, True, True)
    shop.store.versions.put(replace(made, id="ver_prior", prior=(*made.prior, 0.5)))
    ran = homeostat("reproduce", "ver_prior", "--config", small)
    assert (ran.code, "prior" in ran.out) == (Tampered.exit, True)
    shop.close()


@pytest.fixture
def made(homeostat: Run, small: Path, tmp_path: Path) -> tuple[str, str]:
    """Two adapters of one task, each trained on rows of its own."""
    found = []
    for name, offset in (("a", 0), ("b", 40)):
        file = stream(tmp_path / f"{name}.jsonl", 80)
        file.write_text("".join(file.read_text().splitlines(keepends=True)[offset : offset + 40]))
        ran = homeostat("train", "routing", "--stream", file, "--recipe", "joint", "--config", small, "--json")
        assert ran.code == 0, ran.err
        found.append(ran.json["version"])
    return found[0], found[1]


def test_a_merge_is_made_again(homeostat: Run, small: Path, made: tuple[str, str]) -> None:
    """Byte by byte; by another weight another one comes out, and the file that differs is named. Where a parent is no
    longer as it was merged, that is said and nothing is compared.
    """
    ran = homeostat("merge", *made, "--weight", 0.7, "--weight", 0.3, "--config", small, "--json")
    found = homeostat("reproduce", ran.json["version"], "--config", small, "--json")
    assert (found.code, found.json["same"], set(found.json["files"].values())) == (0, True, {True}), found.json
    with Workshop.open(load(small)).store as store:
        merged, parent = store.versions.get(ran.json["version"]), store.versions.get(made[1])
        store.versions.put(replace(merged, id="ver_other", recipe={**merged.recipe, "weights": [0.5, 0.5]}))
        weights = store.blobs.path(store.blobs.files(parent.blob)["adapter_model.safetensors"])
    other = homeostat("reproduce", "ver_other", "--config", small)
    assert (other.code, "adapter_model.safetensors" in other.out) == (Tampered.exit, True)
    with Workshop.open(load(small)).store as store:
        store.blobs.remove_laid_out(parent.blob)  # a copy that is as it was stored would do
    weights.chmod(0o644)
    weights.write_bytes(weights.read_bytes()[:-1] + bytes([weights.read_bytes()[-1] ^ 1]))
    told = homeostat("reproduce", ran.json["version"], "--config", small)
    assert (told.code, "has changed" in told.err) == (Tampered.exit, True), told.err


def test_a_few_examples_and_a_student_are_made_again(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A head of a few examples from its rows; a student of a model elsewhere from what that said, when it is gone."""
    file = stream(tmp_path / "s.jsonl", 24)
    ran = homeostat("few", "routing", "--stream", file, "--config", small, "--json")
    assert ran.code == 0, ran.err
    few = ran.json["version"]
    assert homeostat("reproduce", few, "--config", small, "--json").json["same"] is True
    assert homeostat("import", file, "--task", "routing", "--config", small).code == 0
    base, task = tmp_path / "student", ("routing", "--config", small, "--json")
    assert homeostat("smaller", base, "--layers", 1, "--words", 30, "--task", *task).code == 0
    with speaking(lambda body: (200, completion("refund", {"refund": -0.1, "del": -2.4}))) as (url, _):
        ran = homeostat("distill", "--base", base, "--teacher", f"{url}#large", *task)
        assert ran.code == 0, ran.err
    found = homeostat("reproduce", ran.json["version"], "--config", small, "--json")
    assert (found.code, found.json["same"]) == (0, True), found.json
