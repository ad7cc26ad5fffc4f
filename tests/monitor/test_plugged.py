"""Detectors of installed packages watch beside the others, and cannot stop them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.plugged import Plugged
from homeostat.monitor.watch import Watcher
from homeostat.types.signal import Moved
from monitor.test_watch import SETTINGS, index, labels, traffic

Install = Callable[..., None]

STREAK = """
class Streak:
    '''Alarms at so many numbers in a row that are above a half, or above the mean where they have mean 0.'''
    standard = {standard}
    watches = {watches!r}
    def __init__(self):
        self.seen, self.run = [], 0
    def update(self, value):
        self.seen = [*self.seen, value][-500:]
        self.run = self.run + 1 if value > {line} else 0
        {update}
        if self.run >= {most}:
            self.run = 0
            return True
        return False
    def state(self):
        {state}
        return {{"run": self.run}}
    def load(self, state):
        {load}
        self.run = state["run"]
"""
DEFAULT = {"standard": False, "watches": "confidence", "line": 0.5, "most": 12}
NOTHING = dict.fromkeys(("update", "state", "load"), "pass")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with a detector; names are looked for anew, and forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    # The next test may get a folder of the same name, where what was compiled would be taken for its own.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    offers, loaded = dict(DETECTORS._offers), dict(DETECTORS._loaded)

    def put(name: str, source: str = STREAK, **more: object) -> None:
        monkeypatch.delitem(sys.modules, f"{name}_module", raising=False)
        (tmp_path / f"{name}_module.py").write_text(source.format(**{**DEFAULT, **NOTHING, **more}))
        info = tmp_path / f"{name}_package-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}_package\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[homeostat.detectors]\n{name} = {name}_module:Streak\n")
        importlib.invalidate_caches()
        DETECTORS._offers, DETECTORS._loaded, DETECTORS._discovered = dict(offers), dict(loaded), False

    yield put
    DETECTORS._offers, DETECTORS._loaded, DETECTORS._discovered = offers, loaded, False


def given(plugged: Plugged, *values: float) -> int:
    """How often it alarms at these numbers of confidence."""
    return len(plugged.update("confidence", np.array(values), [(f"int_{k}", float(k)) for k in range(len(values))]))


def started() -> Watcher:
    return Watcher.start("routing", index(), traffic(0, 400, start=900_000), SETTINGS)


DOUBT = traffic(0, 300) + traffic(0, 100, start=300, doubt=6.0)


def test_an_installed_detector_raises_alarms_by_its_name(install: Install) -> None:
    """It watches confidence: novelty, by its name, told where it was seen, with the strangest requests up to there."""
    assert Plugged("routing").names == ()
    install("streaky")
    watcher = started()

    found = [signal for signal in watcher.update(DOUBT) if signal.detector == "streaky"]

    assert watcher.plugged.names == ("streaky",)
    assert (found[0].moved, found[0].task, found[0].threshold) == (Moved.NOVELTY, "routing", 0.0)
    assert 1300.0 < found[0].time < 1350.0
    assert found[0].since == found[0].time
    low = {row.id for row in sorted(DOUBT[:350], key=lambda row: row.confidence)[:60]}
    assert len(low & set(found[0].examples)) >= 8
    assert sum(signal.n for signal in found) <= len(DOUBT)


@pytest.mark.parametrize(("watches", "moved"), [("neighbors", Moved.MIX), ("loss", Moved.PERFORMANCE)])
def test_it_watches_the_channel_that_it_names(install: Install, watches: str, moved: Moved) -> None:
    """Distances alone moved, or losses alone: who watches those speaks, and who watches confidence does not."""
    install("deaf")
    install("streaky", watches=watches)
    watcher = started()

    signals = watcher.update(traffic(0, 200) + traffic(2, 60, start=200, topics=(4, 5, 6)))
    signals += watcher.update_labels(labels(traffic(0, 40), 1.0) if watches == "loss" else [])

    assert [s.moved for s in signals if s.detector == "streaky"][:1] == [moved]
    assert [s for s in signals if s.detector == "deaf"] == []


def test_a_standard_one_is_given_numbers_of_mean_0(install: Install) -> None:
    """Numbers that are even on [0, 1] become such of mean 0 and deviation 1; NaN is passed over."""
    install("streaky", standard=True, line=0.0, most=10**9)
    plugged, rng = Plugged("routing"), np.random.default_rng(0)

    plugged.update("confidence", rng.random(500), [(f"int_{k}", float(k)) for k in range(500)])
    plugged.update("confidence", np.array([np.nan]), [("int_x", 0.0)])
    seen = plugged._running["streaky"].detector.seen  # type: ignore[attr-defined]

    assert len(seen) == 500
    assert abs(np.mean(seen)) < 0.15
    assert abs(np.std(seen) - 1.0) < 0.1


def test_one_that_says_nothing_of_the_kind_is_for_comparisons_alone(install: Install) -> None:
    """Without `watches`, as the classical detectors are: installed, and no alarm in a watcher."""
    install("quiet", STREAK.replace("watches = {watches!r}", ""))

    assert "quiet" in DETECTORS.names()
    assert (Plugged("routing").names, Plugged("routing").broken) == ((), {})


@pytest.mark.parametrize(
    ("why", "more"),
    [
        ("ZeroDivisionError", {"update": "1 / (len(self.seen) < 3)"}),
        ("KeyError", {"state": "raise KeyError('gone')"}),
        ("TypeError", {"state": "return {'seen': {1, 2}}"}),
        ("ValueError", {"watches": "weather"}),
        ("BrokenPlugin", {"source": "x = 1"}),
        ("RuntimeError", {"source": "raise RuntimeError('import')"}),
    ],
)
def test_one_that_raises_is_switched_off_and_told_of_once(install: Install, why: str, more: dict[str, str]) -> None:
    """Wherever it raises: what is put down knows it as broken, and another plugin goes on."""
    install("rotten", **more)
    install("sound", most=3)
    plugged = Plugged("routing")

    alarms = given(plugged, 0.9, 0.9, 0.9, 0.1, 0.9)
    state = json.loads(json.dumps(plugged.state(), allow_nan=False))

    assert alarms == 1
    assert plugged.names == ("sound",)
    (reason,) = plugged.broke().values()
    assert reason.startswith(why)
    assert plugged.broke() == {}
    assert state["running"].keys() == {"sound"}


def test_the_watcher_goes_on_without_it(install: Install) -> None:
    """It says what it would say with no plugin at all."""
    expected = started().update(DOUBT)
    install("rotten", update="1 / (len(self.seen) < 30)")
    watcher = started()

    assert watcher.update(DOUBT) == expected
    assert list(watcher.plugged.broke()) == ["rotten"]


def test_it_stays_off_after_a_restart(install: Install) -> None:
    """Whoever was told is not told again; where nobody was told yet, somebody is."""
    install("rotten", update="raise OSError('no')")
    before, after = ([Plugged("routing") for _ in range(2)] for _ in range(2))
    for one in before:
        given(one, 0.5)
    before[0].broke()
    for one, later in zip(before, after, strict=True):
        later.load(json.loads(json.dumps(one.state())))

    assert [one.names for one in after] == [(), ()]
    assert [list(one.broke()) for one in after] == [[], ["rotten"]]


def test_a_restart_changes_nothing(install: Install) -> None:
    """In the middle of a streak: the same alarms, with the same counts and examples."""
    install("streaky")
    expected, first = started().update(DOUBT), started()
    found = first.update(DOUBT[:310])

    second = Watcher.restore(json.loads(json.dumps(first.state(), allow_nan=False)), index())

    assert found + second.update(DOUBT[310:]) == expected
    assert any(signal.detector == "streaky" for signal in expected)


def test_what_labels_taught_outlives_another_embedding(install: Install) -> None:
    """Requests are read anew then, and labels are not: who hears them goes on, who watches requests begins anew, and
    who was switched off stays so.
    """
    install("hearing", watches="loss")
    install("streaky")
    install("rotten", update="raise OSError('no')")
    first = started()
    first.update(DOUBT[:10])
    first.update_labels(labels(traffic(0, 5), 1.0))
    later = started()

    later.inherit(json.loads(json.dumps(first.state(), allow_nan=False)))

    assert later.plugged.names == ("hearing", "streaky")
    kept = later.plugged.state()["running"]
    assert [kept[name]["n"] for name in later.plugged.names] == [5, 0]
    assert kept["hearing"]["detector"] == {"run": 5}
    assert list(later.plugged.broke()) == ["rotten"]


def test_a_state_that_it_cannot_take_switches_it_off(install: Install) -> None:
    """As after an update of the package; one that is gone is forgotten, one that is new begins."""
    install("streaky")
    state = Plugged("routing").state()
    install("rotten", load="raise ValueError('another release')")
    later = Plugged("routing")

    later.load({**state, "running": {**state["running"], "rotten": state["running"]["streaky"], "gone": {}}})

    assert later.names == ("streaky",)
    assert later.broke() == {"rotten": "ValueError: another release"}
