"""Looking for better values of a recipe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import EmptyStream, MissingExtra, NotFound, UnknownKey, UnknownPlugin, WrongType
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named


def test_what_cannot_be_swept(homeostat: Run, shop: Path, small: Path, tmp_path: Path) -> None:
    """A dataset or a recipe that is not there, a field that no recipe has, and rows that cannot be chosen by."""
    file = stream(tmp_path / "s.jsonl")
    assert homeostat("sweep", "dst_nothing", "--config", shop).code == NotFound.exit
    assert homeostat("sweep", file, "--config", shop, "--recipe", "carefull").code == UnknownPlugin.exit
    given = ("sweep", file, "--task", "routing", "--recipe", "joint", "--config", small)
    ran = homeostat(*given, "--set", "sweep.space={lrr: [1]}")
    assert ran.code == UnknownKey.exit
    assert "sweep.space.lrr" in ran.err
    assert homeostat(*given, "--set", "sweep.space={lr: fast}").code == WrongType.exit
    assert homeostat(*given, "--set", "train.held_out=0").code == WrongType.exit
    testing = stream(tmp_path / "t.jsonl", split="test")
    assert homeostat("sweep", testing, *given[2:]).code == EmptyStream.exit
    assert not (small.parent / ".homeostat" / "sweeps").exists()


def test_a_dry_run_says_the_space_and_the_price_and_writes_nothing(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Fields, trials, operations of one, of about all and of the most; no dataset, no sweep."""
    file = stream(tmp_path / "s.jsonl")
    given = ("sweep", file, "--task", "routing", "--recipe", "joint", "--config", small, "--dry-run")
    told = homeostat(*given, "--set", "sweep.trials=5", "--json").json
    assert set(told["space"]) == {"lr", "rank", "epochs"}
    assert told["trials"] == 5
    assert 0 < told["flops_each"] < told["flops_about"] < told["flops_most"]
    assert told["cpu_seconds_about"] > 0
    said = homeostat(*given).out
    assert "would try" in said
    assert "by orders of magnitude" in said
    shop = Workshop.open(load(small))
    assert shop.store.datasets.list() == []
    assert not (small.parent / ".homeostat" / "sweeps").exists()
    shop.close()


def test_it_needs_its_extra(homeostat: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without optuna the command says how to install it."""
    monkeypatch.setitem(sys.modules, "optuna", None)
    ran = homeostat("sweep", stream(tmp_path / "s.jsonl"), "--task", "routing", "--recipe", "joint", "--config", small)
    assert ran.code == MissingExtra.exit
    assert "homeostat[sweep]" in ran.err


def test_the_winner_is_a_recipe_that_trains(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Three trials; the document has all of them and what they took. The lines that are printed, put into the project,
    are a recipe; nothing is registered. The same command again trains nothing, and the table says the same.
    """
    pytest.importorskip("optuna")
    file = stream(tmp_path / "s.jsonl")
    given = ("sweep", file, "--task", "routing", "--recipe", "joint", "--config", small, "--set", "sweep.trials=3")
    ran = homeostat(*given, "--json")
    assert ran.code == 0, ran.err
    found = ran.json["outcome"]
    assert len(found["trials"]) == 3
    assert found["own"]["number"] == 0
    assert found["best"]["held_out"] <= found["own"]["held_out"]
    assert found["flops"] == pytest.approx(sum(trial["flops"] for trial in found["trials"]))
    shop = Workshop.open(load(small))
    assert shop.store.versions.list() == []
    assert len(shop.store.datasets.list()) == 1
    shop.close()
    again = homeostat(*given)
    assert again.code == 0
    assert f"{found['best']['held_out']:.4f}" in again.out
    assert "the best of 3 trials" in again.out
    values = yaml.safe_load(ran.json["yaml"])["train"]["recipes"]["swept"]
    settings = load(small, [f"train.recipes={{swept: {yaml.safe_dump(values, default_flow_style=True).strip()}}}"])
    made = named("swept", settings.train)
    assert made.lr == found["best"]["values"]["lr"]
    assert made.warm_start is False
    trained = homeostat(*given[:2], "--config", small, "--task", "routing", "--recipe", "swept")
    assert trained.code == UnknownPlugin.exit
