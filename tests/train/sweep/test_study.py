"""The memory of a sweep, without training: what is drawn, what is given up, who works on what."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homeostat.train.sweep.space import Choice, Range, Space
from homeostat.train.sweep.study import RUNGS, Claimed, GivenUp, Study
from shown import Shown

pytest.importorskip("optuna")

SPACE: Space = {"lr": Range(low=1e-5, high=1e-1, log=True), "rank": Choice(among=(4, 16))}
BEST = 3e-3
SPENT = {"flops": 1.0, "cpu_seconds": 0.5}


def loss(lr: float, look: int) -> float:
    """A bowl over the orders of magnitude, whose height comes out as training goes on."""
    return 1.0 + math.log10(lr / BEST) ** 2 * (0.3 + 0.7 * look / RUNGS) + math.exp(-look / 2)


def work(claimed: Claimed) -> int:
    """One trial; the looks it took."""
    for look in range(1, RUNGS + 1):
        try:
            claimed.look(
                10 * look, 10 * RUNGS, loss(claimed.values["lr"], look), {"flops": float(look), "cpu_seconds": 0.1}
            )
        except GivenUp:
            claimed.end(None, {"flops": float(look), "cpu_seconds": 0.1})
            return look
    claimed.end(loss(claimed.values["lr"], RUNGS), {"flops": float(RUNGS), "cpu_seconds": 0.1})
    return RUNGS


@pytest.mark.slow
def test_it_finds_what_random_search_does_not(tmp_path: Path, shown: Shown) -> None:
    """Over three seeds, 20 trials come nearer to the planted rate than as many looks spent on whole random runs."""
    away, chance = [], []
    for seed in shown.draws(3):
        study, looks = Study.open(tmp_path / str(seed), SPACE, seed, None), 0
        while (claimed := study.claim(20)) is not None:
            looks += work(claimed)
        assert looks < 0.7 * 20 * RUNGS
        done = [trial for trial in study.tried() if trial.state == "done"]
        best = min(done, key=lambda trial: trial.held_out or math.inf)
        away.append(abs(math.log10(best.values["lr"] / BEST)))
        draws = np.random.default_rng(seed).uniform(-5, -1, (2000, max(1, looks // RUNGS)))
        chance.append(float(np.abs(draws - math.log10(BEST)).min(1).mean()))
    assert np.mean(away) < np.mean(chance), (away, chance)
    assert np.mean(away) < math.log10(2)
    nearer = [far - near for far, near in zip(chance, away, strict=True)]
    shown.over("powers of ten by which the best rate is nearer, than by whole random runs of the same cost", nearer)


def test_the_recipe_comes_first_and_is_never_given_up(tmp_path: Path) -> None:
    """What stands is tried before anything is drawn, and to its end, however poor it is."""
    study = Study.open(tmp_path, SPACE, 0, {"lr": 9e-2, "rank": 4})
    first, second, third = (study.claim(5) for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.first
    assert first.values == {"lr": 9e-2, "rank": 4}
    assert not second.first
    second.look(10, 90, 0.1, SPENT)
    third.look(10, 90, 0.05, SPENT)
    for look in range(1, RUNGS + 1):
        first.look(10 * look, 90, 5.0, SPENT)
    first.end(5.0, SPENT)
    assert study.tried()[0].state == "done"


def test_the_poor_are_given_up_and_the_end_is_not(tmp_path: Path) -> None:
    """Who is not among the best third at a rung stops there; at the last look nobody does, for all is paid."""
    study = Study.open(tmp_path, SPACE, 0, None)
    for value in (1.0, 1.005, 1.01):  # each better than those before until its end, where it is not
        claimed = study.claim(9)
        assert claimed is not None
        for look in (1, 3, RUNGS):
            claimed.look(10 * look, 90, value - 0.01 * claimed.number * (look < RUNGS), SPENT)
        claimed.end(value, SPENT)
    poor = study.claim(9)
    assert poor is not None
    with pytest.raises(GivenUp):
        poor.look(10, 90, 2.0, SPENT)
    poor.end(None, SPENT)
    assert [trial.state for trial in study.tried()] == ["done", "done", "done", "given up"]
    assert study.tried()[-1].held_out == 2.0
    assert study.tried()[-1].share == pytest.approx(1 / RUNGS)


def test_nobody_is_given_up_before_the_rate_has_risen(tmp_path: Path) -> None:
    """In the first steps a poor loss says nothing: the same loss that ends a trial at step 10 does not at step 7."""
    study = Study.open(tmp_path, SPACE, 0, None)
    first, second = study.claim(2), study.claim(2)
    assert first is not None
    assert second is not None
    first.look(7, 63, 1.0, SPENT)
    first.look(14, 63, 1.0, SPENT)
    second.look(7, 63, 9.0, SPENT)
    with pytest.raises(GivenUp):
        second.look(14, 63, 9.0, SPENT)


def test_what_failed_says_why(tmp_path: Path) -> None:
    """A trial that diverged before its first look has no loss and a reason."""
    study = Study.open(tmp_path, SPACE, 0, None)
    claimed = study.claim(1)
    assert claimed is not None
    claimed.end(None, SPENT, why="the loss is not a number at step 3")
    (trial,) = study.tried()
    assert (trial.state, trial.held_out, trial.why) == ("failed", None, "the loss is not a number at step 3")
    assert (trial.flops, trial.cpu_seconds) == (1.0, 0.5)
    assert study.claim(1) is None


def test_two_never_work_on_one_trial(tmp_path: Path) -> None:
    """A second process gets another trial, and one that is let go of goes to whoever comes next."""
    one, two = (Study.open(tmp_path, SPACE, 0, None) for _ in range(2))
    first, second = one.claim(3), two.claim(3)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (0, 1)
    first.look(10, 90, 1.0, SPENT)
    first.leave()
    again = two.claim(3)
    assert again is not None
    assert again.number == 0
    assert again.values == first.values
    assert again.before == SPENT["cpu_seconds"]
    again.look(10, 90, 1.0, SPENT)  # the same look once more is no second one
    again.look(20, 90, 0.9, SPENT)
    again.end(0.9, SPENT)
    assert [trial.state for trial in one.tried()] == ["done", "running"]


@pytest.mark.slow
def test_a_process_that_dies_lets_go(tmp_path: Path) -> None:
    """The trial of a process that is killed is claimed by the next one, with the same values."""
    script = (
        "import os, signal; from pathlib import Path; from homeostat.train.sweep.space import *;"
        "from homeostat.train.sweep.study import Study;"
        "space = {'lr': Range(low=1e-5, high=1e-1, log=True), 'rank': Choice(among=(4, 16))};"
        f"claimed = Study.open(Path({str(tmp_path)!r}), space, 0, None).claim(4);"
        "print(claimed.number, claimed.values['lr'], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ran.returncode == -9, ran.stderr
    claimed = Study.open(tmp_path, SPACE, 0, None).claim(4)
    assert claimed is not None
    assert f"{claimed.number} {claimed.values['lr']}" == ran.stdout.strip()


@pytest.mark.slow
def test_draws_do_not_depend_on_who_draws(tmp_path: Path) -> None:
    """Eight trials in one go and in processes of one each have the same values: a number has its own seed."""
    whole = Study.open(tmp_path / "whole", SPACE, 3, None)
    while (claimed := whole.claim(8)) is not None:
        work(claimed)
    for _ in range(8):
        claimed = Study.open(tmp_path / "parts", SPACE, 3, None).claim(8)
        assert claimed is not None
        work(claimed)
    parts = Study.open(tmp_path / "parts", SPACE, 3, None)
    assert parts.claim(8) is None
    assert [t.values for t in parts.tried()] == [t.values for t in whole.tried()]
    other = Study.open(tmp_path / "other", SPACE, 4, None).claim(8)
    assert other is not None
    assert other.values != whole.tried()[0].values


def test_values_have_three_digits(tmp_path: Path) -> None:
    """What is drawn can be pasted."""
    claimed = Study.open(tmp_path, SPACE, 0, None).claim(1)
    assert claimed is not None
    assert claimed.values["lr"] == float(f"{claimed.values['lr']:.3g}")


@pytest.mark.slow
def test_the_rate_matters_and_the_rank_does_not(tmp_path: Path) -> None:
    """Of two values the one that the loss follows gets nearly all of the importance; of few trials nothing is said."""
    study = Study.open(tmp_path, SPACE, 1, None)
    for n in range(14):
        claimed = study.claim(14)
        assert claimed is not None
        work(claimed)
        if n == 3:
            assert study.importance() == {}
    shares = study.importance()
    assert set(shares) == {"lr", "rank"}
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["lr"] > 0.7
