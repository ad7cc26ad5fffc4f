"""`homeostat decide`: today's decision, shown or made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.errors import NotFound, NoWorker, Tampered, UnknownPlugin
from homeostat.loop.durable import only_worker
from homeostat.store import Store

EAGER = "{any: {labels: 2}, strategy: always, budget: {retrainings: 3}, zone: Europe/Berlin}"


def under(file: Path, policy: str, more: str = "") -> Path:
    """A project of two tasks, of which one has a policy."""
    file.write_text(
        "project: shop\n"
        "tasks: {routing: {kind: label, policy: p}, replies: {kind: text}}\n"
        f"policies: {{p: {policy}}}\n{more}"
    )
    return file


@pytest.fixture
def labeled(store: Store) -> Store:
    """A champion, and three requests with what would have been right."""
    champion(store, "first", labels=("refund",))
    for number in range(3):
        request(store, number, "ver_first", said="delivery")
    return store


def test_dry_run_explains_and_changes_nothing(homeostat: Run, shop: Path, labeled: Store) -> None:
    """Triggers beside their lines, the evidence, the budget, what would happen; of an unanswered task, why not."""
    ran = homeostat("decide", "--dry-run", "--config", under(shop, EAGER))
    assert ran.code == 0, ran.err
    assert "routing, policy p" in ran.out
    assert "3 of 2 new labels" in ran.out
    assert "decision: retrain: the policy retrains whenever it is triggered" in ran.out
    assert "3 of 3 retrainings" in ran.out
    assert "Risk: no candidate was tried yet" in ran.out
    assert "(making" in ran.out
    assert "happens: a turn starts" in ran.out
    assert "happens: nothing: no version answers it yet" in ran.out
    assert labeled.decisions.list() == labeled.turns.list() == []


def test_the_same_as_json(homeostat: Run, shop: Path, labeled: Store) -> None:
    """One document with an entry for each task."""
    ran = homeostat("decide", "--dry-run", "--json", "--config", under(shop, "{any: {labels: 5}, budget: {money: 2}}"))
    routing, replies = ran.json
    (stand,) = routing["stands"]
    assert (stand["trigger"], stand["fires"], stand["standing"]["value"], stand["standing"]["line"]) == (
        "any.labels",
        False,
        3.0,
        5.0,
    )
    assert (routing["decision"]["action"], routing["due"], routing["happens"]) == ("wait", False, "nothing")
    assert routing["decision"]["because"].startswith("wait: no decision is due (labels: 3 of 5 new labels)")
    assert routing["weighed"]["alternatives"]
    assert routing["limits"] == {"money": 2.0}
    assert replies["decision"] is None


def test_a_decision_to_wait_is_written_down(homeostat: Run, shop: Path, labeled: Store) -> None:
    """Why no trigger fired is a row, and triggers go on counting; where one fired, a turn that ends there is there."""
    idle = under(shop, "{any: {labels: 5}}")
    assert homeostat("decide", "routing", "--config", idle).code == 0
    assert labeled.turns.list() == []
    request(labeled, 3, "ver_first", said="delivery")
    request(labeled, 4, "ver_first", said="delivery")
    ran = homeostat("decide", "routing", "--json", "--config", idle).json
    first, second = labeled.decisions.list("routing")
    assert "no decision is due" in first.because
    assert second.because.startswith("label: 5 labels since the champion was trained say too little")
    assert ran[0]["recorded"] == second.id
    (turn,) = labeled.turns.list("routing")
    assert (turn.state, turn.diary["decide"], turn.time) == ("decide", second.id, START + 104)
    third = homeostat("decide", "routing", "--json", "--config", idle).json[0]
    assert third["stands"][0]["standing"]["says"] == "0 of 5 new labels"


def test_a_decision_is_made_again(homeostat: Run, shop: Path, labeled: Store) -> None:
    """The same, bit for bit, from what is kept beside it, whatever came since; a row that was changed is found out."""
    file = under(shop, "{any: {labels: 99}}")
    id = homeostat("decide", "routing", "--config", file, "--json").json[0]["recorded"]
    request(labeled, 7, "ver_first", said="delivery")
    ran = homeostat("decide", "--again", id, "--config", file)
    assert (ran.code, "the same again, bit for bit" in ran.out) == (0, True)
    row = labeled.decisions.get(id)
    labeled.decisions.put(replace(row, id="dec_forged", because="wait: somebody said so."))
    found = homeostat("decide", "--again", "dec_forged", "--config", file, "--json")
    assert (found.code, found.json["same"]) == (Tampered.exit, False)
    assert found.json["again"]["because"] == row.because
    labeled.decisions.put(replace(row, id="dec_old", inputs=""))
    for gone in ("dec_none", "dec_old"):
        assert homeostat("decide", "--again", gone, "--config", file).code == NotFound.exit


def test_a_decision_to_retrain_opens_a_turn_for_the_worker(homeostat: Run, shop: Path, labeled: Store) -> None:
    """As `homeostat turn` does: not without a worker, and only one at a time."""
    eager = under(shop, EAGER)
    ran = homeostat("decide", "routing", "--config", eager)
    assert ran.code == NoWorker.exit
    assert labeled.turns.list() == []
    with only_worker(shop.parent / ".homeostat"):
        ran = homeostat("decide", "routing", "--config", eager)
        (turn,) = labeled.turns.list("routing")
        assert f"happens: {turn.id} is opened" in ran.out
        again = homeostat("decide", "routing", "--config", eager)
    assert f"happens: turn {turn.id} is under way" in again.out
    assert len(labeled.turns.list()) == 1


def test_a_policy_that_is_none(homeostat: Run, shop: Path) -> None:
    """Told before anything is looked at, with what was meant."""
    ran = homeostat("decide", "--dry-run", "--config", under(shop, "{any: {lables: 5}}"))
    assert ran.code == UnknownPlugin.exit
    assert "did you mean 'labels'" in ran.err
