"""Metrics of installed packages are told beside the figures that are there, and cannot stop them."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from homeostat.errors import TakenName
from homeostat.evaluate.brought import METRICS, brought
from homeostat.evaluate.detail import beside, detail
from homeostat.evaluate.figures import Told
from homeostat.stats import clustered
from homeostat.stats.intervals import proportion
from homeostat.types.task import Kind

Install = Callable[[str, str], None]
ROWS = [(f"ask {k}", "yes it is" if k % 4 else "no", "yes it is") for k in range(40)]
SHORT = "def metric(request, reply, right):\n    return float(len(reply) <= 2)\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with a metric; names are looked for anew, and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    offers, loaded = dict(METRICS._offers), dict(METRICS._loaded)
    packages = 0

    def put(name: str, source: str) -> None:
        nonlocal packages
        packages += 1
        module = f"metric_of_{name}_{packages}"
        monkeypatch.delitem(sys.modules, module, raising=False)
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[homeostat.metrics]\n{name} = {module}:metric\n")
        importlib.invalidate_caches()
        METRICS._offers, METRICS._loaded, METRICS._discovered = dict(offers), dict(loaded), False

    yield put
    METRICS._offers, METRICS._loaded, METRICS._discovered = offers, loaded, False


def told(rows: list[tuple[str, str, str]], clusters: int = 0) -> list[Told]:
    values, broken = brought(rows)
    assert broken == {}
    return [
        Told(target=right, said=reply, brought=value, cluster=f"user {k % clusters}" if clusters else "")
        for k, ((_, reply, right), value) in enumerate(zip(rows, values, strict=True))
    ]


def test_an_installed_metric_is_a_figure(install: Install) -> None:
    """With the exact interval of a share, on all rows and in a slice; none is there before it is installed."""
    assert brought(ROWS) == ([{} for _ in ROWS], {})
    install("short", SHORT)
    found = detail(Kind.LABEL, told(ROWS), {"first": range(20)})
    assert found.figures["short"] == proportion(10, 40)
    assert found.slices["first"]["short"] == proportion(5, 20)
    assert found.figures["accuracy"] == proportion(30, 40)
    assert "short" in detail(Kind.TEXT, told(ROWS), {}).figures


def test_rows_of_one_user_count_together(install: Install) -> None:
    """As in every other figure."""
    install("short", SHORT)
    score = detail(Kind.LABEL, told(ROWS, clusters=4), {}).figures["short"]
    values, whose = [float(k % 4 == 0) for k in range(40)], np.arange(40) % 4
    assert score == clustered.mean(values, whose)
    assert score.high - score.low > proportion(10, 40).high - proportion(10, 40).low


def test_a_class_that_knows_the_request_and_is_silent_of_some(install: Install) -> None:
    """It is made once and called for every row; of what it says nothing of, n and the difference know nothing."""
    install(
        "length",
        "class metric:\n"
        "    def __init__(self):\n        self.asked = 0\n"
        "    def __call__(self, request, reply, right):\n"
        "        self.asked += 1\n"
        "        number = int(request.split()[1])\n"
        "        known = None if number < 5 else float('nan')\n"
        "        return known if number < 10 else self.asked + len(reply) / len(right)\n",
    )
    mine, theirs = told(ROWS), told([(request, right, right) for request, _, right in ROWS])
    score = detail(Kind.LABEL, theirs, {}).figures["length"]
    assert (score.n, score.mean) == (30, pytest.approx(np.mean(np.arange(11, 41)) + 1.0))
    apart = beside(Kind.LABEL, mine, theirs, {}).figures["length"]
    lost = [0.0 if k % 4 else 2 / 9 - 1.0 for k in range(10, 40)]
    assert (apart.n, apart.mean) == (30, pytest.approx(np.mean(lost)))
    assert apart.low < apart.mean < apart.high < 0.0


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("rotten", "def metric(request, reply, right):\n    return 1 / (request != 'ask 7')\n", "ZeroDivisionError"),
        ("rotten", "def metric(request, reply):\n    return 1.0\n", "TypeError"),
        ("rotten", "def metric(request, reply, right):\n    return 'fine'\n", "says 'fine', which is no number"),
        ("rotten", "def metric(request, reply, right):\n    return float('inf')\n", "says inf, which is no number"),
        ("rotten", "raise RuntimeError('at import')\n", "RuntimeError: at import"),
        ("rotten", "x = 1\n", "cannot be loaded"),
        ("rotten", "metric = 3\n", "TypeError"),
        ("accuracy", SHORT, "there is a figure of this name already"),
    ],
)
def test_one_that_breaks_is_left_out(install: Install, name: str, source: str, why: str) -> None:
    """Wholly, with the reason; another one is told, and no figure of ours is another."""
    install(name, source)
    install("short", SHORT)
    values, broken = brought(ROWS)
    assert list(broken) == [name]
    assert why in broken[name]
    assert values == [{"short": float(k % 4 == 0)} for k in range(40)]
    assert all(math.isfinite(value) for row in values for value in row.values())


def test_what_broke_names_the_request(install: Install) -> None:
    """So that its author finds it; of a long request the beginning."""
    install("rotten", "def metric(request, reply, right):\n    return 1 / (request != 'ask 7')\n")
    (why,) = brought(ROWS)[1].values()
    assert "'ask 7'" in why
    assert "mend its package" in why


def test_two_of_one_name_are_refused(install: Install) -> None:
    """As plugins of any kind are."""
    install("short", SHORT)
    install("short", SHORT)
    with pytest.raises(TakenName, match="two metrics are called 'short'"):
        brought(ROWS)
