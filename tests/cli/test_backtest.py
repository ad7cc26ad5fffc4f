"""Policies tried on a log, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tiny
from cli.conftest import Run
from cli.scenes import START
from homeostat.errors import BadWindow, EmptyStream, NothingToTrainOn, UnknownPlugin, WrongType
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

NEW = tuple(tiny.WORDS)[3:]


@pytest.fixture
def log(store: Store) -> Store:
    """A year of 600 labeled requests; half way every other one begins to have a label of its own."""
    return _fill(store, 600)


def _fill(store: Store, n: int) -> Store:
    rng, pool = np.random.default_rng(0), {label: tiny.texts(label, n, 1) for label in tiny.WORDS}
    names = [str(rng.choice(NEW if k >= 0.6 * n and k % 2 else tiny.LABELS)) for k in range(n)]
    times = [START + k * 365 * 86_400 / n for k in range(n)]
    rows = [
        Interaction(id=f"int_{k:04}", task="routing", time=times[k], text=pool[name][k], reply="x", version="ver_x")
        for k, name in enumerate(names)
    ]
    store.interactions.add(rows)
    store.feedback.add(
        [
            Feedback(id=f"fbk_{k:04}", interaction=row.id, kind=FeedbackKind.LABEL, value=name, time=row.time + 1)
            for k, (row, name) in enumerate(zip(rows, names, strict=True))
        ]
    )
    return store


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
        json.loads(homeostat("backtest", "--config", shop, "--policies", "never", "--window", w, "--json").out)["rows"]
        for w in ("..", "2024-03-01..")
    )
    assert part < 0.8 * whole


def test_values_of_a_line(homeostat: Run, shop: Path, log: Store, tmp_path: Path) -> None:
    """Each value of a line with what it would have cost, beside the oracle and the best calendar; and on the page."""
    page = tmp_path / "page.html"
    given = ("backtest", "--config", shop, "--policies", "never", "--cost", 15)
    lines = ("--what-if", "performance=0.02..0.3", "--what-if", "cost=5,500")
    ran = homeostat(*given, *lines, "--page", page, "--json").json
    falls, costs = ran["what_if"]
    assert (falls["key"], falls["policy"], len(falls["tries"])) == ("performance", "performance", 9)
    counts = [len(each["outcome"]["retrained"]) for each in falls["tries"]]
    assert counts[0] > counts[-1]
    assert falls["halves"]["cost"] >= falls["halves"]["least"]
    assert [len(each["oracle"]["retrained"]) > 0 for each in costs["tries"]] == [True, False]
    assert "cost against performance" in page.read_text()
    out = homeostat(*given, "--what-if", "performance=0.05,0.1").out
    assert "0.05 (in force)" in out
    assert "the best calendar's" in out
    assert "in the second" in out


def test_what_versions_would_take(homeostat: Run, small: Path) -> None:
    """How many trainings, of how many rows, about how long and for how much; nothing is made."""
    folder = small.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as opened:
        _fill(opened, 120)
    given = ("backtest", "routing", "--config", small, "--policies", "never", "--really", "careful", "--dry-run")
    told = homeostat(*given, "--moments", 2, "--json").json
    assert (told["trainings"], told["kept"], len(told["versions"])) == (3, 0, 3)
    assert told["rows"] == sum(each["rows"] for each in told["versions"])
    assert told["train_cpu_s"] > 0
    assert told["replies"] > 100
    assert told["money"] == pytest.approx((told["train_cpu_s"] + told["reply_cpu_s"]) * 0.1 / 3600)
    assert not (folder / "backtests").exists()
    assert "would take about" in homeostat(*given, "--moments", 1).out
    assert homeostat(*given[:-1], "--budget", 0).code == NothingToTrainOn.exit


@pytest.mark.slow
def test_versions_are_really_trained(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A table of them beside heads, and what a training took; the second run finds them. The store has none of them."""
    folder, page = small.parent / ".homeostat", tmp_path / "page.html"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as opened:
        _fill(opened, 120)
        given = ("backtest", "routing", "--config", small, "--policies", "never,value", "--really", "joint")
        first = homeostat(*given, "--moments", 1, "--page", page)
        assert first.code == 0, first.err
        assert "versions that were trained for this" in first.out
        assert "versions trained by joint" in page.read_text()
        again = homeostat(*given, "--moments", 1, "--json").json["really"]
        assert [each["kept"] for each in again["versions"]] == [True, True]
        assert opened.versions.list() == []


def test_what_is_refused(homeostat: Run, shop: Path, store: Store) -> None:
    """A policy that there is not, before anything is read; a window that is none; a log without labels."""
    assert homeostat("backtest", "--config", shop, "--policies", "montly").code == UnknownPlugin.exit
    assert homeostat("backtest", "--config", shop, "--what-if", "cost").code == WrongType.exit
    assert homeostat("backtest", "--config", shop, "--dry-run").code == 2
    assert homeostat("backtest", "--config", shop, "--window", "last week").code == BadWindow.exit
    assert homeostat("backtest", "--config", shop, "--window", "2024-03-01..2024-01-01").code == BadWindow.exit
    assert homeostat("backtest", "--config", shop).code == EmptyStream.exit
