"""Bar train.8: whatever bad a training is given, it says one clear error or records how it got over it.

    python bench/train_8.py [--at-once 2] [--quick]

Each case of `bad_training.py` is done to a copy of a small real project, by a command in a process of its own. An error
has to be the one that is right, with what, where and fix and its own exit code, and must have changed nothing; a
recovery has to end well and say in its figures what it did. The champion, its weights and all rows that were stored
before are the same afterwards, in every case. `value` is the share of cases of which all of that holds. `--quick` takes
one case of each kind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bad_input import Case, lay, run
from bad_training import CASES, RECOVERIES, Recovery
from loop_7 import line as shares


def faults(case: Case | Recovery, laid: Path, folder: Path) -> list[str]:
    """What is wrong with what came of a case."""
    return case.faults(laid, folder) if isinstance(case, Recovery) else run(case, laid, folder).faults(case)


def chosen(quick: bool) -> list[Case | Recovery]:
    """The cases: all, or one of each kind."""
    every: list[Case | Recovery] = [*CASES, *RECOVERIES]
    kinds: dict[str, Case | Recovery] = {}
    for case in every:
        kinds.setdefault(case.kind, case)
    return list(kinds.values()) if quick else every


def measure(cases: list[Case | Recovery], at_once: int) -> dict[str, list[str]]:
    """Case -> what is wrong with its outcome."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(at_once) as pool:
        laid = lay(Path(folder) / "laid")

        def tried(number: int) -> list[str]:
            case = cases[number]
            found = faults(case, laid, Path(folder) / f"case{number}")
            print(f"{case.kind}, {case.how}: {'; '.join(found) or 'as it should be'}", file=sys.stderr, flush=True)
            return found

        each = list(pool.map(tried, range(len(cases))))
    return {f"{case.kind}: {case.how}": found for case, found in zip(cases, each, strict=True)}


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", type=int, default=2, help="cases at the same time")
    parser.add_argument("--quick", action="store_true", help="one case of each kind")
    args = parser.parse_args()
    began = time.perf_counter()
    found = measure(chosen(args.quick), args.at_once)
    told = shares(found, time.perf_counter() - began, quick=args.quick)
    print(json.dumps(told | {"bar": "train.8"}, ensure_ascii=False))


if __name__ == "__main__":
    main()
