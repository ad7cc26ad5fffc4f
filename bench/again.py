"""What looking again is worth: how often both looks together let through who should not pass, and who is decided by it.

    python bench/again.py [--quick] [--runs 4000] [--seed 41]

A candidate is looked at once on 1,000 test rows, by the exact test at the level of its task's account (the first of its
task, 0.0099); who is unsure is put beside the champion on 3,000 live requests, of which chance labels three in ten, and
the gate looks again after every label. One request in ten is answered otherwise than by the champion.

- `no better`: true difference exactly 0. Share passed by the first look, by either, and by asking the exact test again
  at the same level on all rows so far after every 30 of chance's labels, as one must not. Goal: either, at most 0.011.
- `loses the margin`: a guard of text whose loss is exactly the margin, 5 points on 300 rows: share shown by the first
  look at 0.05 or by later labels, where the share of differing replies was told by the first 200 live requests.
  Goal: at most 0.055.
- `better`: truly by 2, 3 and 5 points. Share passed by the first look, and by either within the 3,000 live requests;
  once with chance's labels, once with those on which the two differ labeled as `homeostat label` asks, in their order;
  and the labels that it took those who were passed later, the median.

`value` is the share of `no better` that pass by either look, with its exact 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Evaluate
from homeostat.evaluate.again import PAIRS, among
from homeostat.evaluate.asked import Asked
from homeostat.evaluate.groups import POWER
from homeostat.evaluate.watched import COST
from homeostat.stats.again import KEPT, asked
from homeostat.stats.intervals import proportion
from homeostat.stats.online import granted
from homeostat.stats.paired import mcnemar_superiority, noninferiority
from homeostat.stats.planned import Plan, Planned
from homeostat.stats.power import needed

Ints = NDArray[np.int64]
ROWS, LIVE, LABELED, DISCORDANCE, MARGIN, GUARDED = 1000, 3000, 0.3, 0.1, 0.05, 300
GAINS = (0.02, 0.03, 0.05)
SETTINGS = Evaluate()
LEVEL = (1.0 - KEPT) * granted(1, 0, SETTINGS.alpha)


def drawn(gain: float, n: int, rng: np.random.Generator) -> Ints:
    """Differences of so many rows."""
    win = (DISCORDANCE + gain) / 2
    return rng.choice(np.array([1, -1, 0]), n, p=[win, DISCORDANCE - win, 1.0 - DISCORDANCE])


def p_of(rows: Ints) -> float:
    """The exact test's p-value of "it is better"."""
    return mcnemar_superiority(int((rows > 0).sum()), int((rows < 0).sum()))


def labels_to_pass(values: Ints, first: Ints, p: float) -> int:
    """On how many of these differing requests, in their order, the gain is shown; 0 if on none. As `evaluate.again`."""
    level = asked(p, LEVEL, LEVEL * KEPT / (1.0 - KEPT))
    apart = first[first != 0]
    gain = float(np.clip(apart.mean(), 0.05, 0.8)) if len(apart) and apart.mean() > 0 else 0.2
    plan = max(40, int(np.ceil(COST * needed(1.0, gain, 0.0, level, POWER))))
    game = Planned(0.0, Plan(rows=plan, alpha=level, square=1.0))
    for k, value in enumerate(values, 1):
        game.update(float(value))
        if game.p[0] <= level:
            return k
    return 0


def tried(gain: float, rng: np.random.Generator) -> dict[str, int]:
    """One candidate: whether the first look passes it, and the labels that later ones took."""
    first, live = drawn(gain, ROWS, rng), drawn(gain, LIVE, rng)
    p = p_of(first)
    if p <= LEVEL:
        return {"first": 1}
    chance = rng.random(LIVE) < LABELED
    by_chance = np.flatnonzero(chance)
    at = labels_to_pass(live[by_chance][live[by_chance] != 0], first, p)
    every = np.flatnonzero(live[by_chance] != 0)
    told = {"first": 0, "chance": int(every[at - 1] + 1) if at else 0}
    told["apart"] = labels_to_pass(live[live != 0], first, p)
    looks = range(30, len(by_chance) + 1, 30)
    told["naive"] = int(any(p_of(np.concatenate([first, live[by_chance][:n]])) <= LEVEL for n in looks))
    return told


def gains(gain: float, runs: int, seed: int) -> dict[str, Any]:
    """What becomes of candidates of one true gain."""
    rng = np.random.default_rng([seed, round(1000 * gain)])
    found = [tried(gain, rng) for _ in range(runs)]
    first = sum(one["first"] for one in found)
    line: dict[str, Any] = {"gain": gain, "first": _share(first, runs)}
    for way in ("chance", "apart"):
        took = [one[way] for one in found if one.get(way)]
        line[way] = _share(first + len(took), runs)
        line[f"labels_{way}"] = float(np.median(took)) if took else None
    line["asked_again_at_the_same_level"] = _share(first + sum(one.get("naive", 0) for one in found), runs)
    return line


def guard(runs: int, seed: int) -> dict[str, Any]:
    """Guards that lose exactly the margin, which may not be shown."""
    rng, count, before = np.random.default_rng([seed, 5]), 0, 0
    more = KEPT * SETTINGS.alpha
    claim = Asked(name="replies", bound=-MARGIN, level=1.0, rows=80, gain=False, told=True)
    for _ in range(runs):
        p = noninferiority(drawn(-MARGIN, GUARDED, rng).astype(np.float64), MARGIN)
        if p <= SETTINGS.alpha:
            before += 1
            continue
        live = drawn(-MARGIN, LIVE, rng)
        own = replace(claim, level=asked(p, SETTINGS.alpha, more))
        bound = among(own, (int(np.count_nonzero(live[:PAIRS])), PAIRS))
        if bound <= -1.0:
            count += 1
            continue
        game = Planned(bound, Plan(rows=own.rows, alpha=own.level, square=1.0))
        game.extend(live[live != 0].astype(np.float64))
        count += bool(game.p[0] <= 0.9 * own.level)
    return {"first": _share(before, runs), "either": _share(before + count, runs)}


def _share(k: int, n: int) -> list[float]:
    found = proportion(k, n)
    return [round(found.mean, 5), round(found.low, 5), round(found.high, 5)]


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=41)
    given = parser.parse_args()
    runs, started = 100 if given.quick else given.runs, time.monotonic()
    none = gains(0.0, runs, given.seed)
    lost = guard(runs, given.seed)
    better = [gains(gain, max(100, runs // 8), given.seed) for gain in GAINS]
    value, low, high = max((none[way] for way in ("chance", "apart")), key=lambda told: told[0])
    goal = granted(1, 0, SETTINGS.alpha)
    told = {
        "bar": "again",
        "value": value,
        "interval": [low, high],
        "n": runs,
        "goal": round(goal, 5),
        "met": low <= goal and lost["either"][1] <= (1.0 + KEPT) * SETTINGS.alpha,
        "seconds": round(time.monotonic() - started, 1),
        "quick": given.quick,
        "no_better": none,
        "loses_the_margin": lost,
        "better": better,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
