"""Comparing candidate bases."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import ModelNotFound, NotFound
from homeostat.loop.deciding.basing import kept
from homeostat.loop.workshop import Workshop


@pytest.mark.slow
def test_two_bases_side_by_side(homeostat: Run, small: Path, base: Path, tmp_path: Path) -> None:
    """A row each with size, reading, scores, time and memory, the reason for one that cannot be tried, and a
    recommendation; nothing is stored.
    """
    given = ("bases", base, "./nowhere", "--on", stream(tmp_path / "s.jsonl"), "--task", "routing", "--config", small)
    ran = homeostat(*given, "--steps", "6", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert found["recommended"] == str(base)
    first, second = found["candidates"]
    assert first["facts"]["context"] == 256
    assert first["reading"]["tokens_per_word"] > 1
    assert first["after"]["n"] == found["rows"] > 0
    assert first["probe"]["memory_bytes"] > 0
    assert second["failed"].startswith("E301")
    said = homeostat(*given, "--steps", "0").out
    assert "tokens a word" in said
    assert "without training" in said
    assert f"Take {base}." in said
    shop = Workshop.open(load(small))
    assert shop.store.versions.list() == []
    assert shop.store.datasets.list() == []
    shop.close()


@pytest.mark.slow
def test_bases_to_weigh(homeostat: Run, small: Path, base: Path, tmp_path: Path) -> None:
    """Names of those that could be tried are kept where that is asked for, and forgotten by comparing the own alone."""
    copy = tmp_path / "copy"
    shutil.copytree(base, copy)
    given = ("--on", stream(tmp_path / "s.jsonl"), "--task", "routing", "--config", small, "--steps", "0", "--keep")
    assert f"turns weigh {copy}" in homeostat("bases", copy, "./nowhere", *given).out
    with closing(Workshop.open(load(small))) as shop:
        assert kept(shop.store, "routing") == (str(copy),)
    assert "turns weigh no other base" in homeostat("bases", base, *given).out


@pytest.mark.slow
def test_what_is_not_there(homeostat: Run, small: Path, shop: Path, tmp_path: Path) -> None:
    """No base that can be tried, and a dataset that the store does not hold, are errors."""
    file = stream(tmp_path / "s.jsonl")
    ran = homeostat("bases", "./nowhere", "--on", file, "--task", "routing", "--config", small)
    assert ran.code == ModelNotFound.exit
    assert homeostat("bases", "builtin", "--on", "dst_nothing", "--config", shop).code == NotFound.exit
    assert homeostat("bases", "builtin", "--config", shop).code == 2
