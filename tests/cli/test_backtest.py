"""Policies tried on a log, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.logged import logged
from homeostat.errors import BadWindow, EmptyStream, NotText, UnknownPlugin
from homeostat.store import Store


@pytest.fixture
def log(store: Store) -> Store:
    """A year of 600 labeled requests; half way every other one begins to have a label of its own."""
    return logged(store, 600)


def test_policies_beside_the_oracle(homeostat: Run, shop: Path, log: Store) -> None:
    """Value retrains once or twice after the change and costs less than never and monthly; nothing is written."""
    ran = homeostat("backtest", "--config", shop, "--policies", "never,monthly,value", "--cost", 15, "--json").json
    usual = {each["policy"]: each for each in ran["outcomes"]["1"]}
    assert list(usual) == ["never", "monthly", "value", "oracle"]
    assert len(ran["outcomes"]) == 7
    assert usual["oracle"]["ratio"] == 1.0
    assert 1 <= len(usual["value"]["retrained"]) <= 3
    assert usual["value"]["cost"] < min(usual["never"]["cost"], usual["monthly"]["cost"])
    assert len(usual["monthly"]["retrained"]) >= 6
    assert log.decisions.list("routing") == []


def test_two_tables(homeostat: Run, shop: Path, log: Store) -> None:
    """What each policy came to, and the same for other costs of a retraining."""
    out = homeostat("backtest", "--config", shop).out
    assert "above the oracle" in out
    assert "cost in units of the oracle's" in out
    assert {"never", "monthly", "drift", "performance", "excess", "value"} <= set(out.split())


def test_a_page_of_courses(homeostat: Run, shop: Path, log: Store, tmp_path: Path) -> None:
    """One HTML file that needs nothing else."""
    page = tmp_path / "page.html"
    assert homeostat("backtest", "--config", shop, "--policies", "value,never", "--page", page).code == 0
    text = page.read_text()
    assert text.count("<svg") >= 4
    assert "Quality under value" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_a_stretch_of_time(homeostat: Run, shop: Path, log: Store) -> None:
    """Only what was asked in it is gone through."""
    whole, part = (
        json.loads(homeostat("backtest", "--config", shop, "--policies", "never", *dates, "--json").out)["rows"]
        for dates in ((), ("--from", "2024-03-01"))
    )
    assert part < 0.8 * whole


def test_what_is_refused(homeostat: Run, shop: Path, store: Store) -> None:
    """A policy that there is not, before anything is read; dates that are none or the wrong way round; a page that
    cannot be written, told before the work; a log without labels.
    """
    assert homeostat("backtest", "--config", shop, "--policies", "montly").code == UnknownPlugin.exit
    assert homeostat("backtest", "--config", shop, "--from", "last week").code == BadWindow.exit
    assert homeostat("backtest", "--config", shop, "--from", "2024-03-01", "--to", "2024-01-01").code == BadWindow.exit
    page = shop.parent / "none" / "page.html"
    assert homeostat("backtest", "--config", shop, "--page", page).code == NotText.exit
    assert homeostat("backtest", "--config", shop).code == EmptyStream.exit
