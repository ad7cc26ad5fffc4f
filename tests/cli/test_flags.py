"""A label on harmless sentences, at the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion, version
from homeostat.config.load import load
from homeostat.errors import UnknownLabel, UnsuitedModel
from homeostat.loop.workshop import Workshop


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A version that gives one label to everything, one with two, and one that writes."""
    shop = Workshop.open(load(small))
    champion(shop.store, "stern", labels=("toxic",))
    version(shop.store, "mild", labels=("fine",))
    version(shop.store, "writer", task="replies")
    yield shop
    shop.close()


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Ten sentences of each of two groups."""
    rows = [{"text": f"My {who} friend has {k} books.", "group": who} for who in ("deaf", "blind") for k in range(10)]
    file = tmp_path / "few.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_whoever_flags_everything_flags_all_groups(homeostat: Run, small: Path, workshop: Workshop, few: Path) -> None:
    """Every sentence, of each group, and no gap between them."""
    found = homeostat("fairness", "flags", "ver_stern", "--sentences", few, "--config", small, "--json").json["found"]
    assert (found["every"]["mean"], found["every"]["n"]) == (1.0, 20)
    assert {name: score["n"] for name, score in found["groups"].items()} == {"blind": 10, "deaf": 10}
    assert found["groups"]["deaf"]["low"] > 0.6
    assert found["apart"]["score"]["mean"] == 0.0
    ran = homeostat("fairness", "flags", "ver_stern", "--sentences", few, "--config", small)
    assert "labeled 'toxic'" in ran.out
    assert "points" in ran.out


def test_who_writes_is_judged_by_another(homeostat: Run, small: Path, workshop: Workshop, few: Path) -> None:
    """What it writes to each sentence is labeled by the judge; without one there is nothing to count."""
    asked = ("fairness", "flags", "ver_writer", "--sentences", few, "--config", small)
    assert homeostat(*asked, "--judge", "ver_stern", "--json").json["found"]["every"]["mean"] == 1.0
    assert homeostat(*asked).code == UnsuitedModel.exit


def test_a_label_that_nobody_knows(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Is told before a sentence is asked."""
    assert homeostat("fairness", "flags", "ver_mild", "--config", small).code == UnknownLabel.exit
