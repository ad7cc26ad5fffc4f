"""Sweeps of real trainings: what they find, what they spend, and how they go on after a kill."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.errors import UnknownLabel
from homeostat.train.adapt.lora import Lora
from homeostat.train.run import Order
from homeostat.train.sweep.space import Choice, Range, Space
from homeostat.train.sweep.study import RUNGS, Tried
from homeostat.train.sweep.trials import Sweep, search

pytest.importorskip("optuna")

SPACE: Space = {"lr": Range(low=1e-5, high=1e-1, log=True), "rank": Choice(among=(2, 4))}
ENDED = {"done", "given up", "failed"}


@pytest.fixture
def sweep(order: Order, tmp_path: Path) -> Sweep:
    """Nine trials from a rate that is far too low for the tiny decoder."""
    recipe = replace(order.recipe, lr=1e-4, epochs=3, held_out=0.2, refit=False, adapt=Lora(rank=4))
    small = replace(order, examples=tiny.examples(each=30), recipe=recipe)
    return Sweep(order=small, space=SPACE, trials=9, folder=tmp_path / "sweep")


def told(trials: tuple[Tried, ...]) -> list[tuple[object, ...]]:
    """What does not depend on the clock."""
    known = sorted(trials, key=lambda trial: trial.number)
    return [(t.number, sorted(t.values.items()), t.state, t.held_out, t.share) for t in known]


@pytest.mark.slow
def test_it_finds_a_better_rate_and_spends_less_than_all_would(sweep: Sweep) -> None:
    """The recipe stands at a rate that hardly learns: the best trial's loss is lower by a quarter at least. What was
    given up cost less than half of what went to its end, and everything that was spent is counted.
    """
    found = search(sweep)
    assert found.best is not None
    assert found.own is not None
    assert len(found.trials) == 9
    assert (found.own.number, found.own.state) == (0, "done")
    assert found.own.values == {"lr": 1e-4, "rank": 4}
    assert found.best.held_out < 0.75 * found.own.held_out  # type: ignore[operator]
    assert 1e-3 < found.best.values["lr"] < 5e-2
    whole = [trial.flops for trial in found.trials if trial.state == "done"]
    early = [trial.flops for trial in found.trials if trial.state == "given up"]
    assert early
    assert max(early) < 0.5 * min(whole)
    assert found.flops == pytest.approx(sum(whole) + sum(early))
    assert found.flops < 0.8 * len(found.trials) * max(whole)
    assert found.cpu_seconds > 0
    assert found.fields["lr"] == found.best.values["lr"]
    assert list((sweep.folder / "trials").glob("*/")) == []


@pytest.mark.slow
def test_asking_again_trains_nothing_and_more_trials_are_added(sweep: Sweep) -> None:
    """A sweep that is done is told again; with more trials wanted the earlier ones stay as they are."""
    first = search(replace(sweep, trials=2))
    again = search(replace(sweep, trials=2))
    assert again == first
    more = search(replace(sweep, trials=3))
    assert told(more.trials)[:2] == told(first.trials)
    assert more.flops > first.flops


SCRIPT = """
import pickle, sys, time
from pathlib import Path
from homeostat.train.sweep.trials import search

def watching(tried):
    ended = sum(trial.state != "running" for trial in tried)
    if ended >= 3 and 0.3 < tried[-1].share < 0.9 and tried[-1].state == "running":
        print(tried[-1].share, flush=True)
        time.sleep(60)  # so that the kill comes in the middle of a trial, a look behind its checkpoint

search(pickle.loads(Path(sys.argv[1]).read_bytes()), watching=watching)
"""


@pytest.mark.slow
def test_a_killed_sweep_goes_on_as_if_nothing_had_happened(sweep: Sweep, tmp_path: Path) -> None:
    """Killed with SIGKILL in the middle of a trial, it keeps what was finished, goes on with that trial from its
    checkpoint, and ends with the values and losses of a sweep that was left alone, to the last bit.
    """
    sweep = replace(sweep, space={"lr": Range(low=1e-3, high=2e-2, log=True), "rank": Choice(among=(2, 4))}, trials=7)
    alone = search(replace(sweep, folder=tmp_path / "alone"))
    (tmp_path / "sweep.pickle").write_bytes(pickle.dumps(sweep))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "sweep.pickle")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    share = float(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    before = sweep.open().tried()
    assert [trial.state for trial in before[:-1]] == ["done" if t.share == 1 else "given up" for t in before[:-1]]
    halfway = before[-1]
    assert (halfway.state, halfway.share) == ("running", share)
    assert (sweep.folder / "trials" / f"{halfway.number:04}" / "checkpoint" / "state.safetensors").exists()
    after = search(sweep)
    kept = sorted(after.trials, key=lambda trial: trial.number)
    assert kept[: len(before) - 1] == before[:-1]
    assert told(after.trials) == told(alone.trials)
    assert kept[halfway.number].flops > halfway.flops
    assert after.best == replace(alone.best, cpu_seconds=after.best.cpu_seconds)  # type: ignore[type-var, union-attr]


@pytest.mark.slow
def test_two_processes_share_one_sweep(sweep: Sweep) -> None:
    """Every trial is made once, by one of them; the number is kept, and so is the recipe as the first one."""
    seen: list[int] = []
    found = search(replace(sweep, trials=4), jobs=2, watching=lambda tried: seen.append(len(tried)))
    assert sorted(trial.number for trial in found.trials) == [0, 1, 2, 3]
    assert {trial.state for trial in found.trials} <= ENDED
    assert found.own is not None
    assert found.own.state == "done"
    assert max(seen) <= 4


def test_an_error_of_a_worker_is_told(sweep: Sweep) -> None:
    """What is wrong with the rows ends the sweep with the error that it is, from one process or from two."""
    broken = replace(sweep, order=replace(sweep.order, labels=tiny.LABELS[:2]))
    with pytest.raises(UnknownLabel):
        search(replace(broken, trials=2))
    with pytest.raises(UnknownLabel):
        search(replace(broken, trials=2), jobs=2)


def test_a_trial_that_diverges_only_fails(sweep: Sweep) -> None:
    """A rate that blows the model up is a failed trial with a reason; the sweep goes on. All failed is no winner."""
    order = replace(sweep.order, recipe=replace(sweep.order.recipe, back_offs=0))
    wild = replace(sweep, order=order, space={"lr": Range(low=50.0, high=500.0)}, trials=2)
    found = search(wild)
    assert [trial.state for trial in found.trials] == ["failed", "failed"]
    assert all("run away" in trial.why or "not a number" in trial.why for trial in found.trials)
    assert found.best is None
    assert found.own is None
    assert found.fields == {}
    assert found.flops > 0


def test_looks_are_the_rungs(sweep: Sweep) -> None:
    """Every trial is looked at nine times at most, whatever its recipe says, so that rungs are shares of the run."""
    shares: list[float] = []
    search(replace(sweep, trials=1), watching=lambda tried: shares.append(tried[-1].share))
    places = sorted({round(RUNGS * share) for share in shares})
    assert places[0] <= 2
    assert places[-1] == RUNGS
    assert len(places) <= RUNGS
