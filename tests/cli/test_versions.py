"""Listing versions."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import NotFound, UnknownKey
from homeostat.store import Store


def test_versions_in_a_table(homeostat: Run, shop: Path, store: Store) -> None:
    """One line a version, oldest first: kind, state, aliases, recipe, what it cost, how far it has moved."""
    champion(
        store,
        "first",
        recipe={"name": "first"},
        cost={"steps": 120.0, "flops": 2.5e12, "kl_new": 0.4567},
        labels=("a", "b"),
    )
    version(store, "second", parent="ver_first", time=START + 1, kind="head")
    ran = homeostat("versions", "--config", shop)
    assert ran.code == 0
    first, second = (line for line in ran.out.splitlines() if "ver_" in line)
    assert "live" in first
    assert "champion" in first
    assert "120" in first
    assert "TFLOP" in first
    assert "0.457" in first
    assert "14 Nov 2023, 22:13" in first
    assert "candidate" in second
    assert "head" in second
    assert "base" in first
    assert "ver_first" in second


def test_versions_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """`--json` prints them whole, with their aliases."""
    champion(store, "first", labels=("a", "b"))
    found = homeostat("versions", "--config", shop, "--json").json["versions"]
    assert [one["id"] for one in found] == ["ver_first"]
    assert found[0]["aliases"] == ["champion"]
    assert found[0]["labels"] == ["a", "b"]
    assert found[0]["state"] == "live"


def test_the_versions_of_one_task(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a task all are listed, with one its own; a task that is not there is an error."""
    shop.write_text("tasks: {routing: {}, replies: {kind: text}}\n")
    version(store, "a")
    version(store, "b", task="replies")
    all_, own = (homeostat("versions", *task, "--config", shop, "--json").json for task in ((), ("replies",)))
    assert [one["id"] for one in all_["versions"]] == ["ver_a", "ver_b"]
    assert [one["id"] for one in own["versions"]] == ["ver_b"]
    assert homeostat("versions", "reples", "--config", shop).code == UnknownKey.exit


def test_one_version_whole(homeostat: Run, shop: Path, store: Store) -> None:
    """`--id` shows every field that says something, as a table or as JSON."""
    version(store, "a", recipe={"name": "careful", "rank": 16}, labels=("refund", "delivery"))
    ran = homeostat("versions", "--config", shop, "--id", "ver_a")
    assert "refund, delivery" in ran.out
    assert "name careful, rank 16" in ran.out
    assert "parent" not in ran.out
    found = homeostat("versions", "--config", shop, "--id", "ver_a", "--json").json
    assert found["recipe"] == {"name": "careful", "rank": 16}


def test_an_id_that_is_not_there(homeostat: Run, shop: Path, store: Store) -> None:
    """The error names the id that was meant."""
    version(store, "abcdef")
    ran = homeostat("versions", "--config", shop, "--id", "ver_abcdeg")
    assert ran.code == NotFound.exit
    assert "did you mean ver_abcdef" in ran.err


def test_a_project_without_versions(homeostat: Run, shop: Path) -> None:
    """An empty list is an answer and no error."""
    assert homeostat("versions", "--config", shop).code == 0
    assert homeostat("versions", "--config", shop, "--json").json == {"versions": []}
