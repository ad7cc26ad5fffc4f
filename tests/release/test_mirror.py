"""The versions of a task in a real registry of MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.release.mirror import TAG, mirror, registry
from homeostat.release.registry import promote, rollback
from homeostat.store import Store
from homeostat.types.report import Outcome
from homeostat.types.version import State
from release.rehearsal import TASK, add_verdict, add_version, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A champion, and a candidate that the gate let pass."""
    with open_store(tmp_path / "store") as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        add_version(opened, "new")
        add_verdict(opened, "ver_new", Outcome.PASS)
        yield opened


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The registry beside the runs."""
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return registry(tmp_path / "tracking")


def test_versions_with_tags_and_aliases(store: Store, client: Any) -> None:
    """Each once, with what can be looked for; the champion by its alias."""
    found = mirror(store, "shop", TASK, client)
    assert (found.model, found.new, found.aliases) == (f"shop.{TASK}", ("ver_old", "ver_new"), {"champion": "ver_old"})
    champion = client.get_model_version_by_alias(f"shop.{TASK}", "champion")
    assert champion.tags[f"{TAG}version"] == "ver_old"
    (new,) = [one for one in client.search_model_versions(f"name = 'shop.{TASK}'") if one.version != champion.version]
    assert (new.tags[f"{TAG}state"], new.tags[f"{TAG}verdict"]) == ("candidate", "pass")
    assert "# ver_new" in new.description


def test_mirrored_again_it_is_brought_up_to_date(store: Store, client: Any) -> None:
    """Nothing changes where nothing did; a promotion moves the alias, and a rollback moves it back."""
    first = mirror(store, "shop", TASK, client)
    again = mirror(store, "shop", TASK, client)
    assert (again.new, again.changed, again.versions) == ((), (), first.versions)
    promote(store, TASK, "ver_new", "better", now=2.0)
    after = mirror(store, "shop", TASK, client)
    assert (set(after.changed), after.aliases) == ({"ver_old", "ver_new"}, {"champion": "ver_new"})
    states = {one.tags[f"{TAG}version"]: one.tags[f"{TAG}state"] for one in client.search_model_versions("")}
    assert states == {"ver_old": State.RETIRED.value, "ver_new": State.LIVE.value}
    rollback(store, TASK, because="worse", now=3.0)
    assert mirror(store, "shop", TASK, client).aliases["champion"] == "ver_old"


def test_an_alias_that_is_gone_is_taken_away(store: Store, client: Any) -> None:
    """And tasks are models of their own."""
    store.aliases.set(TASK, "challenger", "ver_new")
    assert mirror(store, "shop", TASK, client).aliases == {"champion": "ver_old", "challenger": "ver_new"}
    store.versions.put(replace(store.versions.get("ver_new"), id="ver_else", task="replies"))
    store.aliases.set(TASK, "challenger", "ver_else")
    assert mirror(store, "shop", TASK, client).aliases == {"champion": "ver_old"}
    assert "challenger" not in client.get_registered_model(f"shop.{TASK}").aliases
    assert mirror(store, "shop", "replies", client).new == ("ver_else",)
