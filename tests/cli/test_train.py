"""Training by hand."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import NotFound, UnknownPlugin
from homeostat.loop.workshop import Workshop
from homeostat.types.version import State


def test_one_source_and_only_one(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Neither and both of `--dataset` and `--stream` are errors of use."""
    file = stream(tmp_path / "s.jsonl")
    assert homeostat("train", "--config", shop).code == 2
    assert homeostat("train", "--config", shop, "--stream", file, "--dataset", "dst_a").code == 2


def test_an_unknown_recipe_names_the_nearest(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """An error that lists the recipes there are, and says who named it: the command line or the configuration."""
    asked = ("train", "--config", shop, "--stream", stream(tmp_path / "s.jsonl"), "--recipe", "carefull")
    ran = homeostat(*asked)
    assert ran.code == UnknownPlugin.exit
    assert "unknown recipe 'carefull'  (--recipe)" in ran.err
    assert "did you mean 'careful'?" in ran.err
    with shop.open("a") as file:
        file.write("train: {attempts: [thorogh]}\n")
    assert "unknown recipe 'thorogh'  (train.attempts)" in homeostat(*asked).err


def test_a_dataset_that_is_not_there(homeostat: Run, shop: Path) -> None:
    """An error."""
    assert homeostat("train", "--config", shop, "--dataset", "dst_nothing").code == NotFound.exit


def test_a_dry_run_says_what_training_then_takes(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Rows, steps and operations at most, and nothing written; training registers a candidate and releases nothing."""
    file = stream(tmp_path / "s.jsonl", 40)
    homeostat("import", file, "--task", "routing", "--config", small)
    given = ("train", "routing", "--stream", file, "--config", small, "--json")
    told = homeostat(*given, "--dry-run").json
    shop = Workshop.open(load(small))
    assert len(shop.store.versions.list()) == 1
    assert len(shop.store.datasets.list()) == 1
    ran = homeostat(*given)
    assert ran.code == 0, ran.err
    done = ran.json
    assert 0 < done["steps"] <= told["steps"]
    assert 0 < done["flops"] <= told["flops"] * 1.2
    candidate = shop.store.versions.get(done["version"])
    champion = shop.store.aliases.get("routing", "champion")
    assert candidate.state is State.CANDIDATE
    assert candidate.parent == champion != candidate.id
    assert candidate.recipe["name"] == "careful"
    assert shop.store.datasets.get(done["dataset"]).parents == (shop.store.versions.get(champion).dataset,)
    assert homeostat(*given).json["version"] == candidate.id
    again = homeostat(*given[:2], "--dataset", done["dataset"], *given[4:]).json
    assert again["version"] == candidate.id
    assert shop.store.verify() == []
    shop.close()


def test_from_the_bare_base_without_a_champion(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A task that nobody answers yet can be taught; the candidate has no parent. A text task learns replies."""
    file = stream(tmp_path / "s.jsonl", 40, reply="We are sorry.")
    ran = homeostat("train", "replies", "--stream", file, "--recipe", "joint", "--config", small)
    assert ran.code == 0, ran.err
    assert "trained" in ran.out
    shop = Workshop.open(load(small))
    [made] = shop.store.versions.list("replies")
    assert (made.parent, made.labels, made.kind) == ("", (), "lora")
    shop.close()
