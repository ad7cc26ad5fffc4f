"""`homeostat account`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, champion
from homeostat.evaluate.account import due
from homeostat.stats.again import asked
from homeostat.store import Store
from homeostat.types.report import Outcome, Verdict


def tell(store: Store, outcomes: str) -> None:
    """A verdict for each letter: p(ass), f(ail), or u(nsure) because of the account alone."""
    for k, letter in enumerate(outcomes):
        spent = due(store.verdicts.list("routing"), 0.05)
        p = {"p": spent.level / 2, "f": 0.9, "u": (spent.level + 0.05) / 2}[letter]
        outcome = {"p": Outcome.PASS, "f": Outcome.FAIL, "u": Outcome.UNSURE}[letter]
        verdict = Verdict(
            id=f"vdt_{k}",
            task="routing",
            time=START + k,
            report="",
            candidate=f"ver_{k}",
            outcome=outcome,
            because="for a test",
            tests={"overall": p},
            spent=replace(spent, p=p),
        )
        store.verdicts.put(verdict)


def test_an_empty_account(homeostat: Run, shop: Path) -> None:
    """Nothing was tried; the first candidate's level is told."""
    ran = homeostat("account", "--config", shop)
    assert ran.code == 0
    assert "none" in ran.out
    assert "p = 0.0099" in ran.out


def test_a_table_and_a_document(homeostat: Run, shop: Path, store: Store) -> None:
    """Every candidate with what it had to show and what it showed; how many of those that passed may be no better."""
    champion(store, "one")
    tell(store, "pfupf")
    out = homeostat("account", "routing", "--config", shop).out
    assert "at most 5 % on average: 0.10 of 2" in out
    assert "1, undecided" in out
    assert "1 decided by a person" in out
    assert "ver_4" in out
    assert "ver_0" not in homeostat("account", "--last", 2, "--config", shop).out
    document = homeostat("account", "--json", "--config", shop).json
    assert [one["spent"]["found"] for one in document["candidates"]] == [0, 1, 1, 1, 2]
    assert document["account"]["replays"] is True
    last = homeostat("account", "--json", "--last", 2, "--config", shop).json
    assert ([one["candidate"] for one in last["candidates"]], last["n"]) == (["ver_3", "ver_4"], 5)
    assert last["account"] == document["account"]
    assert len(homeostat("account", "--json", "--last", 0, "--config", shop).json["candidates"]) == 5
    assert document["promoted"] == {"ver_one": "decided by a person"}


def test_a_pass_that_does_not_follow(homeostat: Run, shop: Path, store: Store) -> None:
    """What was made a pass afterwards is seen."""
    tell(store, "fu")
    store.verdicts.put(replace(store.verdicts.get("vdt_1"), outcome=Outcome.PASS))
    ran = homeostat("account", "--config", shop)
    assert ran.code == 1
    assert "does not follow" in ran.err


def test_a_second_look_stands_under_the_same_number(homeostat: Run, shop: Path, store: Store) -> None:
    """The candidate is one, and one that passed; both levels and what was shown at each are told."""
    tell(store, "fu")
    first = store.verdicts.get("vdt_1")
    assert first.spent is not None
    level = asked(first.spent.p, first.spent.level, first.spent.level / 9)
    spent = replace(first.spent, asked=level, again=level / 2)
    store.verdicts.put(replace(first, id="vdt_again", outcome=Outcome.PASS, spent=spent))
    ran = homeostat("account", "--config", shop)
    assert ran.code == 0
    assert f"later {level:.2g}" in ran.out
    account = homeostat("account", "--json", "--config", shop).json["account"]
    assert (account["tried"], account["passed"], account["replays"]) == (2, 1, True)
    store.verdicts.put(replace(first, id="vdt_again", outcome=Outcome.PASS, spent=replace(spent, asked=2 * level)))
    assert homeostat("account", "--config", shop).code == 1
