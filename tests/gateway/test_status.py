"""What answers here, and whether all is well."""

from __future__ import annotations

from pathlib import Path

import httpx
import openai

from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import add_version, release


def test_models_are_the_tasks_and_the_versions_in_force(
    client: openai.OpenAI, answerer: Answerer, store: Store, champions: dict[str, Version], tmp_path: Path
) -> None:
    """The client's own list: each task by its name, each version it can be asked for as `task@version`."""
    candidate = add_version(store, tmp_path, other="x")
    release(store, Stage.CANARY, champions["routing"], candidate, share=0.1)
    answerer.routes.refresh()
    assert [m.id for m in client.models.list()] == [
        "routing",
        f"routing@{champions['routing'].id}",
        f"routing@{candidate.id}",
        "replies",
        f"replies@{champions['replies'].id}",
    ]


def test_health_names_who_answers_and_what_is_wrong(
    address: str, answerer: Answerer, store: Store, champions: dict[str, Version]
) -> None:
    """200 while all is well; 503 with the reason while the newest release cannot be put in force."""
    well = httpx.get(f"{address}/healthz")
    assert (well.status_code, well.json()["status"]) == (200, "ok")
    assert well.json()["tasks"]["routing"] == {"version": champions["routing"].id, "stage": "full"}
    nowhere = Version(id="ver_nowhere", task="routing", time=0.0, base="keywords", blob="0" * 64)
    store.versions.put(nowhere)
    release(store, Stage.FULL, nowhere)
    answerer.routes.refresh()
    ill = httpx.get(f"{address}/healthz")
    assert (ill.status_code, list(ill.json()["problems"])) == (503, ["routing"])
