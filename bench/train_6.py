"""Bar train.6: few examples. Where past tasks contradict each other, and where they do not.

    python bench/train_6.py [--quick] [--tasks 30] [--waves 200] [--streams DIR] [--base builtin] [--cache DIR]

Waves (`bench/waves.py`): ten points each of `--waves` new sinusoids, five steps. Every beginning takes its own best
rate, chosen on other waves. `value` is the mean squared error from Reptile's beginning over that from the multi-task
one, paired by wave; the bar asks for at most a half.

Intents (`bench/intents.py`): `--tasks` tasks of ten intents of CLINC150 that no beginning has met, with 1, 5 and 20
examples of each. `intents` is the share told right by every method with its interval over tasks, `behind` the paired
difference of each to the best in its column. The bar asks that the package's default is the best, or not surely behind
it. `beside` says what that is due to. Beginnings, states and finished tasks are kept in `--cache`, so that a run that
was killed goes on. `--quick` takes six tasks, 1 and 5 examples, and shorter meta-training on intents.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from adaptation.courses import Skipped, open_course
from transformers.utils.logging import disable_progress_bar
from waves import Reached, beginnings, reached

from homeostat.stats.intervals import bootstrap, paired
from homeostat.train.few.shot import DEFAULT
from homeostat.train.meta.reptile import Plan
from homeostat.types.report import Score
from intents import ARMS, BARE, BESIDE, JOINT, PLAN, RATES, REPTILE, Apart, Lab

ROOT = Path(__file__).resolve().parents[1]
GOAL, LEAST = 0.5, 30
WAVES = Plan(rounds=2000, tasks=1, steps=10, rate=0.01)
PAST = 100
"""Intents that beginnings are learned on."""
Shares = dict[str, dict[int, np.ndarray]]
"""Arm -> number of examples -> float64[tasks]."""


def shares(tasks: Sequence[Mapping[str, Mapping[str, Sequence[float]]]], shots: Sequence[int], part: int) -> Shares:
    """Accuracies (part 0) or seconds (part 1) of all tasks; what needs no examples stands in every column."""
    found: Shares = {}
    for arm in tasks[0]:
        columns = {int(k): np.array([task[arm][k][part] for task in tasks]) for k in tasks[0][arm]}
        found[arm] = dict.fromkeys(shots, columns[0]) if arm == "prompted" else columns
    return found


def best(right: Shares, shots: int) -> str:
    """The arm of the highest mean among those that were measured with so many examples."""
    able = {arm: columns[shots].mean() for arm, columns in right.items() if shots in columns}
    return max(able, key=able.__getitem__)


def behind(right: Shares, shots: Sequence[int]) -> dict[str, dict[int, Score]]:
    """Arm -> number of examples -> its accuracy less that of the best, paired by task."""
    found: defaultdict[str, dict[int, Score]] = defaultdict(dict)
    for k in shots:
        first = best(right, k)
        for arm, columns in right.items():
            if k in columns:
                itself = Score(mean=0.0, low=0.0, high=0.0, n=len(columns[k]))
                found[arm][k] = itself if arm == first else paired(columns[k], right[first][k])
    return dict(found)


def line(
    waves: Mapping[str, Reached], right: Shares, beside: Shares, shots: Sequence[int], least: int
) -> dict[str, Any]:
    """The bar's line, but for `seconds` and what was asked for; with fewer than `least` tasks it is not met."""
    both = np.column_stack([waves["reptile"].losses, waves["multi-task"].losses])
    ratio = bootstrap(both, lambda rows: float(rows[:, 0].mean() / rows[:, 1].mean()))
    apart, tasks = behind(right, shots), len(next(iter(right[DEFAULT].values())))
    chosen = all(apart[DEFAULT][k].high >= 0 for k in shots)
    return {
        "bar": "train.6",
        "value": round(ratio.mean, 4),
        "interval": [round(ratio.low, 4), round(ratio.high, 4)],
        "n": ratio.n,
        "goal": GOAL,
        "met": ratio.mean <= GOAL and chosen and min(ratio.n, tasks) >= least,
        "waves": {name: shown(bootstrap(each.losses, _mean)) for name, each in waves.items()},
        "wave_rates": {name: each.rate for name, each in waves.items()},
        "default": DEFAULT,
        "default_is_best": chosen,
        "best": {k: best(right, k) for k in shots},
        "tasks": tasks,
        "intents": table(right),
        "behind": {arm: {k: shown(score) for k, score in row.items()} for arm, row in apart.items()},
        "beside": table(beside),
    }


def table(right: Shares) -> dict[str, dict[int, list[float]]]:
    """Arm -> number of examples -> mean, low, high over tasks."""
    return {
        arm: {k: shown(bootstrap(values, _mean)) for k, values in columns.items()} for arm, columns in right.items()
    }


def shown(score: Score) -> list[float]:
    """Mean, low, high."""
    return [round(value, 4) for value in (score.mean, score.low, score.high)]


def _mean(values: np.ndarray) -> float:
    return float(values.mean())


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="four tasks, 1 and 5 examples, one rate")
    parser.add_argument("--tasks", type=int, help="tasks of ten unseen intents; 30, or 4 if quick")
    parser.add_argument("--waves", type=int, default=200, help="new waves")
    parser.add_argument("--streams", type=Path, default=ROOT.parent / "shared" / "data" / "streams")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "few")
    args = parser.parse_args()
    args.tasks = args.tasks or (4 if args.quick else LEAST)
    args.shots = (1, 5) if args.quick else (1, 5, 20)
    try:
        args.course = open_course("clinc150_domains", args.streams, None)
    except Skipped as reason:
        parser.error(str(reason))
    return args


def main() -> None:
    """Run the bar and print its line."""
    disable_progress_bar()
    args, began = arguments(), time.perf_counter()

    def note(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    networks = beginnings(WAVES, note)
    waves = {name: reached(network, args.waves, 50) for name, network in networks.items()}
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for row in args.course.rows:
        texts[row.label].append(row.text)
    plan = replace(PLAN, rounds=PLAN.rounds // 4) if args.quick else PLAN
    rates = RATES[1:2] if args.quick else RATES
    lab = Lab(args.base, Apart.of(texts, PAST), args.cache, plan, 10 if args.quick else 20, rates, note)
    beside = {name: arm for name, arm in BESIDE.items() if arm.base == BARE or not args.quick}
    tasks = [lab.measured({**ARMS, **beside}, args.shots, number) for number in range(args.tasks)]
    right, took = shares(tasks, args.shots, 0), shares(tasks, args.shots, 1)
    least = 1 if args.quick else LEAST
    found = line(waves, {a: right[a] for a in ARMS}, {a: right[a] for a in beside}, args.shots, least)
    told = {
        "learn_s": {a: {k: round(float(np.median(v)), 3) for k, v in took[a].items()} for a in ARMS},
        "rates": {f"{base}, {k}": lab.rate(base, k) for base in (BARE, JOINT, REPTILE) for k in args.shots},
        "quick": args.quick,
    }
    print(json.dumps(found | told | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
