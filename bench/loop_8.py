"""Bar loop.8: how quickly the package is imported and the command line helps, and whether the rules of the house hold.

    python bench/loop_8.py [--times 5] [--quick]

Import and help are each measured in so many new processes, of which the quickest counts: noise only adds. `value` is
the seconds of `import homeostat`, `interval` the quickest and the slowest; help is measured from the start of Python to
its end. The bar: import at most 0.15 s, help at most 0.5 s, every test of `tests/house` green. `--quick` is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMPORT_S, HELP_S = 0.15, 0.5
IMPORT = """
import json, sys, time
began = time.perf_counter()
import homeostat
print(json.dumps([time.perf_counter() - began, len(sys.modules)]))
"""


def python(*arguments: str) -> str:
    """What a new Python prints."""
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def imports(times: int) -> tuple[list[float], int]:
    """Seconds of each import, and how many modules are loaded after it, those of Python itself included."""
    found = [json.loads(python("-c", IMPORT)) for _ in range(times)]
    return [seconds for seconds, _ in found], found[0][1]


def helps(times: int) -> list[float]:
    """Seconds of each `homeostat --help`."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        python("-m", "homeostat", "--help")
        took.append(time.perf_counter() - began)
    return took


def house() -> dict[str, int]:
    """How many tests of the house passed, failed, and so on."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/house"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(done.stdout[-6000:], file=sys.stderr)
    return counted(done.stdout)


def counted(printed: str) -> dict[str, int]:
    """The counts in the last line that pytest prints; empty where it printed none."""
    summary = printed.strip().splitlines()[-1:]
    return {name: int(n) for line in summary for n, name in re.findall(r"(\d+) (passed|failed|errors?|skipped)", line)}


def line(import_s: Sequence[float], help_s: Sequence[float], modules: int, tests: dict[str, int]) -> dict[str, object]:
    """The bar's line, but for `seconds`."""
    green = tests.get("passed", 0) > 0 and not tests.keys() & {"failed", "error", "errors"}
    return {
        "bar": "loop.8",
        "value": round(min(import_s), 4),
        "interval": [round(min(import_s), 4), round(max(import_s), 4)],
        "n": len(import_s),
        "goal": IMPORT_S,
        "met": min(import_s) <= IMPORT_S and min(help_s) <= HELP_S and green,
        "help_s": round(min(help_s), 4),
        "help_interval": [round(min(help_s), 4), round(max(help_s), 4)],
        "help_goal": HELP_S,
        "modules": modules,
        "house": tests,
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="processes per measurement")
    parser.add_argument("--quick", action="store_true", help="changes nothing: the run is short")
    args = parser.parse_args()
    began = time.perf_counter()
    import_s, modules = imports(args.times)
    found = line(import_s, helps(args.times), modules, house())
    print(json.dumps(found | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
