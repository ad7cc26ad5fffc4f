"""Merging versions from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion, stream, version
from homeostat.config.load import load
from homeostat.errors import NotFound, NotReleasable, UnknownPlugin, UnsuitedModel
from homeostat.loop.workshop import Workshop
from homeostat.types.version import State


@pytest.fixture
def workshop(homeostat: Run, small: Path, tmp_path: Path) -> Iterator[Workshop]:
    """Two adapters of one task, trained on rows of their own."""
    for name, offset in (("a", 0), ("b", 40)):
        file = stream(tmp_path / f"{name}.jsonl", 80)
        file.write_text("".join(file.read_text().splitlines(keepends=True)[offset : offset + 40]))
        ran = homeostat("train", "routing", "--stream", file, "--recipe", "joint", "--config", small)
        assert ran.code == 0, ran.err
    shop = Workshop.open(load(small))
    yield shop
    shop.close()


def test_two_versions_are_one(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A dry run says what would be merged and writes nothing; then a candidate that names its parents stands beside
    them, measured on rows that were held out, and can be answered with; asked again, it is the same one.
    """
    first, second = (one.id for one in workshop.store.versions.list("routing"))
    given = ("merge", first, second, "--config", small)
    told = homeostat(*given, "--dry-run", "--json").json
    assert (told["of"], told["labels"], told["how"]) == ([first, second], 2, "cat")
    assert len(workshop.store.versions.list()) == 2
    ran = homeostat(*given, "--weight", 0.7, "--weight", 0.3, "--json")
    assert ran.code == 0, ran.err
    made = workshop.store.versions.get(ran.json["version"])
    assert (made.state, made.recipe["of"], made.recipe["weights"]) == (State.CANDIDATE, [first, second], [0.7, 0.3])
    assert [line["name"] for line in ran.json["lines"]] == [first, second, "merged"]
    assert all(line["loss"]["n"] == ran.json["gain"]["n"] > 0 for line in ran.json["lines"])
    assert workshop.store.aliases.get("routing", "champion") is None
    again = homeostat(*given, "--weight", 0.7, "--weight", 0.3)
    assert again.code == 0
    assert made.id in again.out
    table = homeostat(*given, "--how", "ties")
    assert "rows that were held out" in table.out
    assert "beside the best of them" in table.out
    assert homeostat("verify", "--config", small).code == 0
    assert made.id in homeostat("why", first, "--config", small).out


def test_what_is_refused(homeostat: Run, small: Path) -> None:
    """One version alone, one that is not there, one of a task of texts, one that is no adapter, an unknown way."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=("refund", "delivery"))
    version(shop.store, "other", labels=("refund", "delivery"))
    version(shop.store, "text", task="replies")
    shop.close()
    assert homeostat("merge", "ver_old", "ver_old", "--config", small).code == 2
    assert homeostat("merge", "ver_old", "ver_nobody", "--config", small).code == NotFound.exit
    assert homeostat("merge", "ver_old", "ver_text", "--config", small).code in (NotReleasable.exit, UnsuitedModel.exit)
    assert homeostat("merge", "ver_old", "ver_other", "--config", small).code == UnsuitedModel.exit
    assert homeostat("merge", "ver_old", "ver_other", "--how", "soup", "--dry-run", "--config", small).code in (
        UnknownPlugin.exit,
        UnsuitedModel.exit,
    )
