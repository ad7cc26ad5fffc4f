"""Versions that are trained for backtests, from the command line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.logged import logged
from homeostat.cli.retraining import limits
from homeostat.errors import NothingToTrainOn, UnknownPlugin, WrongType
from homeostat.store import Store


@pytest.fixture
def log(small: Path) -> Iterator[Store]:
    """120 labeled requests of a project on a tiny model."""
    folder = small.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as opened:
        yield logged(opened, 120)


def test_what_it_would_take(homeostat: Run, small: Path, log: Store) -> None:
    """How many trainings, of how many rows, about how long and for how much; nothing is made."""
    given = ("backtest", "train", "careful", "--task", "routing", "--config", small, "--dry-run")
    told = homeostat(*given, "--budget", "2", "--json").json
    assert (told["trainings"], told["kept"], len(told["versions"])) == (3, 0, 3)
    assert told["rows"] == sum(each["rows"] for each in told["versions"])
    assert told["train_cpu_s"] > 0
    assert told["replies"] > 100
    assert told["money"] == pytest.approx((told["train_cpu_s"] + told["reply_cpu_s"]) * 0.1 / 3600)
    assert not (small.parent / ".homeostat" / "backtests").exists()
    assert homeostat(*given, "--budget", "1,0min").code == NothingToTrainOn.exit


@pytest.mark.slow
def test_versions_are_trained_and_judged_by(homeostat: Run, small: Path, log: Store, tmp_path: Path) -> None:
    """A table of them beside heads. From then on backtests of the window are judged by them, and say so; another window
    by heads, and everything again once that is asked for. The second run finds them, the store has none of them.
    """
    page = tmp_path / "page.html"
    project = ("--task", "routing", "--config", small)
    first = homeostat("backtest", "train", "joint", *project, "--budget", "1")
    assert first.code == 0, first.err
    assert "versions that were trained for this" in first.out
    again = homeostat("backtest", "train", "joint", *project, "--budget", "1", "--json").json
    assert [each["kept"] for each in again["versions"]] == [True, True]
    given = ("backtest", "routing", "--config", small, "--policies", "never")
    out = homeostat(*given, "--page", page).out
    assert "judged by versions that were trained by joint" in out
    assert "versions trained by joint" in page.read_text()
    told = homeostat(*given, "--json").json
    assert told["recipe"] == "joint"
    never = told["outcomes"]["1"][0]["quality"]
    assert never == pytest.approx(again["versions"][0]["right"]["mean"], abs=0.02)
    assert homeostat("backtest", "what-if", "cost=1,2", *project, "--json").json["recipe"] == "joint"
    assert homeostat(*given, "--from", "2020-01-01", "--json").json["recipe"] == ""
    assert "is judged by heads" in homeostat("backtest", "train", "none", *project).out
    heads = homeostat(*given, "--json").json
    assert heads["recipe"] == ""
    assert heads["outcomes"]["1"][0]["quality"] != never
    assert log.versions.list() == []


@pytest.mark.parametrize(
    ("budget", "versions", "minutes"),
    [("4", 4, math.inf), ("30min", 4, 30.0), ("6,30min", 6, 30.0), ("2, 0.5 min", 2, 0.5), ("1,0min", 1, 0.0)],
)
def test_budgets(budget: str, versions: int, minutes: float) -> None:
    """Versions, minutes, or both; what is not said has the usual limit, or none."""
    assert limits(budget) == (versions, minutes)


@pytest.mark.parametrize("budget", ["", " ", "0", "many", "30 hours", "4;30min", "-1", "4,30", "4min,30"])
def test_what_is_no_budget(budget: str) -> None:
    """The message shows how one is written."""
    with pytest.raises(WrongType, match="is no budget") as caught:
        limits(budget)
    assert "4,30min" in caught.value.fix


def test_what_is_refused(homeostat: Run, small: Path, log: Store) -> None:
    """A recipe that there is not, and a budget that is none, before anything is read."""
    given = ("--task", "routing", "--config", small)
    assert homeostat("backtest", "train", "carefull", *given).code == UnknownPlugin.exit
    assert homeostat("backtest", "train", "careful", *given, "--budget", "much").code == WrongType.exit
