"""What the account of false discoveries is worth: of those promoted, how many are no better, and who is missed for it.

    python bench/account.py [--quick] [--part levels|wear] [--programs 2000] [--candidates 100] [--seed 31]

`levels`: so many programs of so many candidates, one after another, each beside a champion on 1,000 test rows. Of
those that are no better (true difference exactly 0) one row in ten differs; a share of 0, 5, 20 or 50 % is truly
better, by 2, 3, 5 or 8 points. Rows are fresh for each candidate, or the same for all of a program: then nine in ten
of the outcomes of all that are no better are those of one (they err together), and of the better ones three in ten.
The p-value is the gate's. Share of those promoted that are no better (the mean over programs of V / max(R, 1)) and of
the better ones that are promoted, each with its 95 % interval over programs, by way of deciding: `each at alpha` as
the gate alone does; `account` as Homeostat does; `schedule`, alpha by the account's shares alone, nothing given back;
`e-LOND, bets`, the same levels asked of an e-value that bets on the wins (a mixture of binomials) and no p-value; and,
where the package `online-fdr` is installed, LOND, LOND for dependent tests, LORD++, LORD for dependent tests and
SAFFRON as it has them.

`wear`: makers whose every candidate is truly no better, and who adapt to what they are told of the same 300, 1,000 or
3,000 rows. `climbs` keeps a change whenever the mean on the test rows rose; `votes` makes random changes, and then one
that follows those which did well. Share of makers of 80 candidates any of which is promoted, on rows that are never
changed and on rows that are replaced after `loop.wear.WORN` candidates, with and without the account.

`value` is the largest share of false promotions by the account with its interval; the bar: at most 5 %, and makers on
rotated rows are promoted at most 5 % of the time, as far as the intervals can tell.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats
from scipy.special import betaln

from homeostat.loop.proving.wear import WORN
from homeostat.stats.again import KEPT
from homeostat.stats.intervals import mean_interval, proportion
from homeostat.stats.online import granted, share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ALPHA, ROWS, DISCORDANCE = 0.05, 1000, 0.1
SHARES, GAINS = (0.0, 0.05, 0.2, 0.5), (0.02, 0.03, 0.05, 0.08)
ALIKE_NO_BETTER, ALIKE_BETTER = 0.9, 0.3
"""Of the outcomes on reused rows, how many are those of one and the same candidate."""
MAKERS, MADE, SIZES = ("climbs", "votes"), 80, (300, 1000, 3000)
CHANGED, TRIED = 0.03, 0.3
"""Share of the rows that one change of a climber touches, and one of those who vote."""


def drawn(better: Floats, *, reused: bool, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Wins and losses of candidates with these true gains, int[programs, candidates]."""
    programs, candidates = better.shape
    one = rng.multinomial(ROWS, _chances(np.zeros(programs)))[:, None].repeat(candidates, axis=1)
    alike = np.where(better > 0, ALIKE_BETTER, ALIKE_NO_BETTER) * reused
    copied = rng.binomial(one, alike[:, :, None])
    rest = np.where(better > 0, better / np.maximum(1 - alike, 1e-9), 0.0)  # so that the mean gain is what it should be
    own = rng.multinomial(ROWS - copied.sum(axis=2), _chances(rest))
    total = copied + own
    return total[:, :, 0], total[:, :, 1]


def _chances(gain: Floats) -> Floats:
    """Probability of a win, a loss and neither, float64[..., 3]."""
    changed = np.maximum(DISCORDANCE, gain)
    return np.stack([(changed + gain) / 2, (changed - gain) / 2, 1 - changed], axis=-1)


def p_values(wins: Ints, losses: Ints) -> Floats:
    """The gate's: McNemar's exact test."""
    return np.asarray(stats.binom.sf(wins - 1, wins + losses, 0.5))


def bets(wins: Ints, losses: Ints) -> Floats:
    """An e-value of the same claim: a mixture of all shares of wins above one half, over that of one half."""
    n = wins + losses
    log = betaln(wins + 1, losses + 1) + stats.beta.logsf(0.5, wins + 1, losses + 1) + (n + 1) * math.log(2)
    return np.asarray(np.exp(np.minimum(log, 300.0)))


@cache
def levels(candidates: int) -> Floats:
    """What the account grants a first look, float64[place - 1, discoveries before]; 0 where there cannot be so many."""
    table = np.zeros((candidates, candidates))
    for place in range(1, candidates + 1):
        table[place - 1, :place] = [(1.0 - KEPT) * granted(place, found, ALPHA) for found in range(place)]
    return table


def one_by_one(promotes: Callable[[int, Ints], Bools], programs: int, candidates: int) -> Bools:
    """Which candidates are promoted, bool[programs, candidates], where each depends on how many were before it."""
    found, out = np.zeros(programs, dtype=np.int64), np.zeros((programs, candidates), dtype=bool)
    for k in range(candidates):
        out[:, k] = promotes(k, found)
        found += out[:, k]
    return out


def ways(p: Floats, e: Floats) -> dict[str, Bools]:
    """Way of deciding -> which candidates it promotes."""
    programs, candidates = p.shape
    table, shares = levels(candidates), np.array([share(k) for k in range(1, candidates + 1)])
    asked = 1 / (ALPHA * shares)
    return {
        "each at alpha": p <= ALPHA,
        "account": one_by_one(lambda k, found: p[:, k] <= table[k, found], programs, candidates),
        "schedule": p <= ALPHA * shares,
        "e-LOND, bets": one_by_one(lambda k, found: e[:, k] * (found + 1) >= asked[k], programs, candidates),
        **{name: np.array([[test(value) for value in row] for test, row in each]) for name, each in _peers(p)},
    }


def _peers(p: Floats) -> Iterator[tuple[str, Iterator[tuple[Callable[[float], bool], list[float]]]]]:
    """The procedures of `online-fdr`, each with a fresh test for every program; none where it is not installed."""
    try:
        peer = importlib.import_module("online_fdr.p_values.investing")
    except ModuleNotFoundError:
        return
    made: dict[str, Callable[[], Any]] = {
        "LOND": lambda: peer.lond.lond.Lond(ALPHA),
        "LOND, dependent": lambda: peer.lond.lond.Lond(ALPHA, dependent=True),
        "LORD++": lambda: peer.lord.plus_plus.LordPlusPlus(ALPHA, ALPHA / 2),
        "LORD, dependent": lambda: peer.lord.dependent.LordDependent(ALPHA, ALPHA / 2, ALPHA / 2),
        "SAFFRON": lambda: peer.saffron.saffron.Saffron(ALPHA, ALPHA / 2, 0.5),
    }
    for name, make in made.items():
        yield name, ((make().test_one, row) for row in np.clip(p, 0.0, 1.0).tolist())


def world(truly: float, *, reused: bool, size: tuple[int, int], seed: int) -> Iterator[dict[str, Any]]:
    """Every way of deciding in one kind of program."""
    rng = np.random.default_rng([seed, round(100 * truly), reused])
    gain = np.where(rng.random(size) < truly, rng.choice(GAINS, size), 0.0)
    wins, losses = drawn(gain, reused=reused, rng=rng)
    for name, promoted in ways(p_values(wins, losses), bets(wins, losses)).items():
        false = (promoted & (gain == 0)).sum(axis=1) / np.maximum(promoted.sum(axis=1), 1)
        good = gain > 0
        some = good.any(axis=1)
        power = (promoted & good)[some].sum(axis=1) / good[some].sum(axis=1)
        large = gain >= 0.05
        yield {
            "rows": "reused" if reused else "fresh",
            "better": truly,
            "way": name,
            "false": _interval(false),
            "power": _interval(power) if some.any() else None,
            "power_5_points": float((promoted & large).sum() / large.sum()) if large.any() else None,
            "promoted": float(promoted.sum(axis=1).mean()),
        }


def _interval(values: Floats) -> list[float]:
    found = mean_interval(values)
    return [found.mean, found.low, found.high]


def made(maker: str, rows: int, makers: int, rng: np.random.Generator, *, worn: int, account: bool) -> Bools:
    """Which makers had any candidate promoted, bool[makers]. A candidate answers some requests otherwise than the
    champion; on each the other answer is right, or the champion's, with even chances: whatever is chosen, it is truly
    no better.
    """
    found, hit = np.zeros(makers, dtype=np.int64), np.zeros(makers, dtype=bool)
    table = levels(MADE) if account else np.full((MADE, MADE), ALPHA)
    kept, best, liked = np.zeros((makers, rows), dtype=bool), np.zeros(makers), np.zeros((makers, rows))
    for k in range(MADE):
        if k % (worn or MADE) == 0:  # other requests: what was learned of the old ones says nothing about them
            side = rng.choice(np.array([-1, 1], dtype=np.int8), (makers, rows))
            kept = rng.random((makers, rows)) < kept.mean(axis=1, keepdims=True)
            best, liked = (kept * side).sum(axis=1), np.zeros((makers, rows))
        if maker == "climbs":
            changed = kept | (rng.random((makers, rows)) < CHANGED)
        else:
            last = (k + 1) % (worn or MADE) == 0
            changed = liked > 0 if last else rng.random((makers, rows)) < TRIED
        d = changed * side
        wins, losses = (d > 0).sum(axis=1), (d < 0).sum(axis=1)
        passed = p_values(wins, losses) <= table[k, found]
        found, hit, told = found + passed, hit | passed, wins - losses
        kept, best = np.where((told > best)[:, None], changed, kept), np.maximum(best, told)
        liked += np.sign(told)[:, None] * (changed - TRIED)
    return hit


def adapted(makers: int, seed: int) -> Iterator[dict[str, Any]]:
    """Every maker on rows that stay and on rows that are rotated."""
    for maker in MAKERS:
        for rows in SIZES:
            for worn, account in ((0, False), (0, True), (WORN, False), (WORN, True)):
                rng = np.random.default_rng([seed, MAKERS.index(maker), rows, worn, account])
                parts = [made(maker, rows, 100, rng, worn=worn, account=account) for _ in range(makers // 100)]
                score = proportion(int(sum(part.sum() for part in parts)), 100 * len(parts))
                told = [score.mean, score.low, score.high]
                yield {"maker": maker, "rows": rows, "replaced_after": worn, "account": account, "promoted": told}


def printed(console: Console, title: str, lines: list[dict[str, Any]]) -> None:
    """The lines as a table for people."""
    table = Table(*lines[0], title=title)
    for line in lines:
        table.add_row(*(_cell(value) for value in line.values()))
    console.print(table)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return f"{100 * value[0]:.2f} ({100 * value[1]:.2f} to {100 * value[2]:.2f})"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def main() -> None:
    """Measure, print the tables to standard error and one line to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", choices=("levels", "wear"), default="")
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--seed", type=int, default=31)
    given = parser.parse_args()
    programs, started, console = 100 if given.quick else given.programs, time.monotonic(), Console(stderr=True)
    size, by_level, by_maker = (programs, given.candidates), [], []
    if given.part != "wear":
        worlds = [(truly, reused) for reused in (False, True) for truly in SHARES]
        by_level = [
            line for truly, reused in worlds for line in world(truly, reused=reused, size=size, seed=given.seed)
        ]
        printed(console, f"{programs} programs of {given.candidates} candidates", by_level)
    if given.part != "levels":
        by_maker = list(adapted(programs, given.seed))
        printed(console, f"{programs} makers of {MADE} candidates", by_maker)
    worst = max((line["false"] for line in by_level if line["way"] == "account"), default=[0.0, 0.0, 0.0])
    rotated = [line["promoted"] for line in by_maker if line["account"] and line["replaced_after"] == WORN]
    told = {
        "bar": "account",
        "value": worst[0],
        "interval": worst[1:],
        "n": programs,
        "goal": ALPHA,
        "met": worst[1] <= ALPHA and all(low <= ALPHA for _, low, _ in rotated),
        "seconds": round(time.monotonic() - started, 1),
        "quick": given.quick,
        "levels": by_level,
        "wear": by_maker,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
