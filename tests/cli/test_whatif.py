"""Values of a line tried on a log, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.logged import logged
from homeostat.errors import BadWindow, EmptyStream, UnknownKey, WrongType
from homeostat.store import Store


@pytest.fixture
def log(store: Store) -> Store:
    """A year of 300 labeled requests."""
    return logged(store, 300)


def test_values_of_a_line(homeostat: Run, shop: Path, log: Store, tmp_path: Path) -> None:
    """Each value with what it would have cost, beside the oracle and the best calendar; two lines after each other, and
    both on the page. Nothing is written but that.
    """
    page = tmp_path / "page.html"
    given = ("performance=0.02..0.3", "cost=5,500", "--config", shop, "--cost", 15, "--page", page, "--json")
    falls, costs = (ran := homeostat("backtest", "what-if", *given).json)["what_if"]
    assert (ran["task"], ran["recipe"]) == ("routing", "")
    assert (falls["key"], falls["policy"], len(falls["tries"])) == ("performance", "performance", 9)
    counts = [len(each["outcome"]["retrained"]) for each in falls["tries"]]
    assert counts[0] > counts[-1]
    assert falls["halves"]["cost"] >= falls["halves"]["least"]
    assert [len(each["oracle"]["retrained"]) > 0 for each in costs["tries"]] == [True, False]
    assert costs["halves"] is None
    text = page.read_text()
    assert "cost against performance" in text
    assert "retrainings against cost" in text
    assert "Quality under monthly" in text
    assert log.decisions.list("routing") == []


def test_a_table_for_a_person(homeostat: Run, shop: Path, log: Store) -> None:
    """What is in force is marked, the calendar has its name, the halves their sentence; a policy that the file has not
    is said to be none of it.
    """
    out = homeostat("backtest", "what-if", "performance=0.05,0.1", "--config", shop).out
    assert "what if performance were, under performance" in out
    assert "0.05 (in force)" in out
    assert "the best calendar's" in out
    assert "days" in out
    assert "chosen by the first half of the time alone" in out
    new = homeostat("backtest", "what-if", "policies.steady.any.labels=30,90", "--config", shop).out
    assert "the file has no policy 'steady'" in new


def test_what_is_refused(homeostat: Run, shop: Path, store: Store) -> None:
    """No values, before anything is read; a window that is none; a log without labels."""
    assert homeostat("backtest", "what-if", "cost", "--config", shop).code == WrongType.exit
    assert homeostat("backtest", "what-if", "cost=1,2", "--to", "soon", "--config", shop).code == BadWindow.exit
    assert homeostat("backtest", "what-if", "cost=1,2", "--config", shop).code == EmptyStream.exit
    assert homeostat("backtest", "what-if", "--config", shop).code == 2


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("policies.steady.any.drop=0.1,7", WrongType.exit, "policies.steady.any.drop"),
        ("decide.value=1,2", UnknownKey.exit, "value"),
        ("gateway.port=8001,8002", WrongType.exit, "nothing that a backtest looks at"),
    ],
)
def test_values_that_the_file_could_not_have(
    homeostat: Run, shop: Path, log: Store, line: str, code: int, says: str
) -> None:
    """They are refused in the words of the file, with the line that said so."""
    ran = homeostat("backtest", "what-if", line, "--config", shop)
    assert ran.code == code
    assert says in ran.err
