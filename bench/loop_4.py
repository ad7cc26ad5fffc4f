"""Bar loop.4: turns killed by SIGKILL at each of their steps, and in the middle of training, and what became of them.

    python bench/loop_4.py [--runs 3] [--quick] [--moments begin:watch training:40 ...] [--seed 0]

One small project with a real, tiny model is laid and gone through once undisturbed: its turn trains a naive candidate
that is refused and a careful one that is released by stages. Then the same project is gone through again for every
moment and every run: the worker kills itself at that very moment and another one is started. A run counts if its turn
ends and leaves the very same: version ids, hashes of the weights, datasets, decision, verdicts, release rows, states
and diary, every row once, `verify` without a word. The moments are three per step (it has begun; its work is done and
not noted; noted, but DBOS does not know) and release rows and looks during training; in run k > 1 the training dies at
another look, drawn at random. Prints one JSON line; `value` is the share of runs that count, with its exact 95 %
interval.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mortal import steps, through
from small_project import copy, lay

from homeostat.config.schema import Config
from homeostat.stats.intervals import proportion

GOAL = 1.0
RECIPES = ("naive", "careful")


def moments(left: dict[str, Any]) -> list[str]:
    """Every moment at which a worker is killed once, from a turn that was left in peace."""
    names = steps(RECIPES)
    begun = [step for step in names if step not in {"stage", "advance"}]
    begun += ["stage.0", "advance.0", "stage.1", "advance.1", "stage.2"]
    told = [int(look["step"]) for looks in left["training"].values() for look in looks]
    return [
        *(f"begin:{step}" for step in begun),
        *(f"training:{step}" for step in (min(told), sorted(told)[len(told) // 2], max(told))),
        *(f"done:{step}" for step in names),
        *(f"noted:{step}" for step in names),
        *(f"row:{stage}" for stage in ("shadow", "canary", "full")),
    ]


def again(moment: str, most: int, rng: np.random.Generator) -> str:
    """The moment for a further run: in training, after any number of optimizer steps."""
    return f"training:{rng.integers(1, most + 1)}" if moment.startswith("training:") else moment


def ends_the_same(config: Config, folder: Path, death: str, expected: dict[str, Any]) -> bool:
    """Whether a copy of the project, killed so, ends as the undisturbed one; what differs goes to standard error."""
    try:
        left = through(copy(config, folder), [death])
    except RuntimeError as problem:
        print(f"{death}: {problem}", file=sys.stderr)
        return False
    differing = [name for name in expected if left[name] != expected[name]]
    if differing:
        print(f"{death}: other {', '.join(differing)}", file=sys.stderr)
    return not differing


def outcomes(args: argparse.Namespace, folder: Path) -> Iterator[bool]:
    """Of every run, whether it counts."""
    config, rng = lay(folder), np.random.default_rng(args.seed)
    expected = through(copy(config, folder / "undisturbed"))
    assert not expected["problems"], expected["problems"]
    most = int(max(look["step"] for looks in expected["training"].values() for look in looks))
    known = moments(expected)
    chosen = args.moments or ([m for m in known if m.startswith(("begin:", "training:"))] if args.quick else known)
    for run in range(1 if args.quick else args.runs):
        for moment in chosen:
            death = again(moment, most, rng) if run else moment
            print(f"run {run + 1}: {death}", file=sys.stderr, flush=True)
            yield ends_the_same(config, folder / f"{run}-{moment.replace(':', '-')}", death, expected)


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="runs of each moment")
    parser.add_argument("--quick", action="store_true", help="once each, as steps begin and in training")
    parser.add_argument("--moments", nargs="+", help="these alone, as `mortal.arm` names them")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        counted = list(outcomes(args, Path(folder)))
    share = proportion(sum(counted), len(counted))
    line = {
        "bar": "loop.4",
        "value": round(share.mean, 5),
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": share.n,
        "goal": GOAL,
        "met": share.mean >= GOAL,
        "seconds": round(time.perf_counter() - began, 1),
        "quick": args.quick,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
