"""Bar loop.7: whatever bad is given to it, it says one clear error, ends with its own code, and changes nothing.

    python bench/loop_7.py [--at-once 2] [--quick]

Each case of `bad_input.py` is done to a copy of a small real project: a command of `python -m homeostat` runs in a
process of its own and has to print exactly one error with what, where and fix, and to end with the exit code that no
other kind of error has; every file and every row that was stored before has to be the same after, and nothing may have
been added, but for what was written whole before a disk was full. `value` is the share of cases of which all of that
holds. `--quick` takes one case of each kind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bad_input import CASES, Case, lay, run

from homeostat.stats.intervals import proportion

GOAL = 1.0


def first_of_each_kind(cases: Iterable[Case]) -> list[Case]:
    """One case of every kind."""
    kinds: dict[str, Case] = {}
    for case in cases:
        kinds.setdefault(case.kind, case)
    return list(kinds.values())


def measure(cases: list[Case], at_once: int) -> dict[str, list[str]]:
    """Case -> what is wrong with its outcome."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(at_once) as pool:
        laid = lay(Path(folder) / "laid")

        def tried(number: int) -> list[str]:
            faults = run(cases[number], laid, Path(folder) / f"case{number}").faults(cases[number])
            print(
                f"{cases[number].kind}, {cases[number].how}: {'; '.join(faults) or 'as it should be'}", file=sys.stderr
            )
            return faults

        found = list(pool.map(tried, range(len(cases))))
    return {f"{case.kind}: {case.how}": faults for case, faults in zip(cases, found, strict=True)}


def line(found: dict[str, list[str]], seconds: float, *, quick: bool) -> dict[str, object]:
    """The bar's line."""
    good = sum(not faults for faults in found.values())
    share = proportion(good, len(found))
    return {
        "bar": "loop.7",
        "value": round(share.mean, 4),
        "interval": [round(share.low, 4), round(share.high, 4)],
        "n": len(found),
        "goal": GOAL,
        "met": good == len(found) > 0,
        "seconds": round(seconds, 1),
        "quick": quick,
        "faults": {name: faults for name, faults in found.items() if faults},
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=2, help="cases at the same time")
    parser.add_argument("--quick", action="store_true", help="one case of each kind")
    args = parser.parse_args()
    began = time.perf_counter()
    found = measure(first_of_each_kind(CASES) if args.quick else list(CASES), args.at_once)
    print(json.dumps(line(found, time.perf_counter() - began, quick=args.quick), ensure_ascii=False))


if __name__ == "__main__":
    main()
