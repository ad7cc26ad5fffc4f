"""Bar train.4: every method's proof passes, and what each method brings has an interval that is above 0.

    python bench/train_4.py [--draws 5] [--first 10] [--quick] [--only adapt.lora difficulty ...] [--keep]
    python bench/train_4.py --table

Runs the tests that `docs/evidence.yaml` names as proofs, each once, in one process of pytest. Most of them go through
`--draws` draws of rows, order and beginning, from `--first` on, others than those their thresholds were chosen on, and
take down by how much the method does what it is for, more than the same run without it (`tests/shown.py`); some look at
the rows of one draw instead, the first of these. Prints a table of the methods on standard error and one JSON line:
`value` is the share of methods whose proofs all pass, with its exact 95 % interval, and `methods` what each showed. A
proof that fails, is skipped or is not there counts as one that does not pass; the bar is met if all pass and no method
is without an effect surely above 0. `--quick` takes the proofs that are not marked slow, with their own draws, where a
single draw has no interval yet.

All proofs in one go take hours, so they are run in parts (`--only`), each of which `--keep` puts into
`bench/results/train.4.json` in the place of what was kept of the same methods. `--table` runs nothing: it draws what
was kept together into one line with all methods that there are, each with its date (`bench/proven.py`), which is met if
all of them are proven in full; from it `python docs/methods_page.py` makes the table of the docs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from proven import RESULTS, is_sure, write
from rich.console import Console
from rich.table import Table

from homeostat.stats.intervals import proportion

ROOT = Path(__file__).resolve().parents[1]
EVIDENCE = ROOT / "docs" / "evidence.yaml"
GOAL = 1.0
LIMIT_S = 3600
"""Seconds that a proof may take with all its draws."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What became of one test."""

    test: str
    """`tests/…/test_x.py::test_y[z]`."""
    outcome: str
    """`passed`, `failed` or `skipped`."""
    seconds: float = 0.0
    effect: Mapping[str, Any] | None = None


def proofs(only: Sequence[str] = ()) -> dict[str, list[str]]:
    """Method, as `adapt.lora`, -> the tests that prove it; of these shelves and methods alone, if any are named."""
    told = yaml.safe_load(EVIDENCE.read_text(encoding="utf-8"))
    found = {
        f"{shelf}.{name}": [entry["proof"]] if isinstance(entry["proof"], str) else entry["proof"]
        for shelf, entries in told.items()
        for name, entry in entries.items()
    }
    return {name: tests for name, tests in found.items() if not only or {name, name.partition(".")[0]} & {*only}}


def run(tests: Iterable[str], *, quick: bool, draws: int, first: int) -> tuple[list[Ran], str]:
    """Run tests, each once, in one process; what became of them, and what went wrong with the process itself."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        told = ["-m", "not slow"] if quick else [f"--draws={draws}", f"--first-draw={first}", f"--timeout={LIMIT_S}"]
        flags = ["-v", "-p", "no:cacheprovider", f"--junitxml={report}", "-o", "junit_family=xunit1"]
        command = [sys.executable, "-m", "pytest", *flags, *told, *dict.fromkeys(tests)]
        done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)
        trouble = "" if done.returncode in (0, 1) else f"pytest ended with {done.returncode}"
        return (read(report.read_text(encoding="utf-8")) if report.exists() else []), trouble


def read(report: str) -> list[Ran]:
    """The tests of a JUnit report, as pytest writes it with `junit_family=xunit1`."""
    found = []
    for case in ET.fromstring(report).iter("testcase"):
        bad = case.find("failure") is not None or case.find("error") is not None
        effects = [p.get("value") for p in case.iter("property") if p.get("name") == "effect"]
        found.append(
            Ran(
                test=f"{case.get('file')}::{case.get('name')}",
                outcome="failed" if bad else "skipped" if case.find("skipped") is not None else "passed",
                seconds=float(case.get("time", 0.0)),
                effect=json.loads(effects[-1]) if effects and effects[-1] else None,
            )
        )
    return found


def of(test: str, ran: Sequence[Ran]) -> list[Ran]:
    """What became of a test that is named; of all its cases where none is."""
    return [one for one in ran if one.test == test or one.test.partition("[")[0] == test]


def judged(tests: Sequence[str], ran: Sequence[Ran]) -> dict[str, Any]:
    """What a method has shown: `outcome`, the worst of its proofs, and of the first that says one the effect."""
    every = [of(test, ran) for test in tests]
    outcomes = {one.outcome for some in every for one in some} | ({"not there"} if not all(every) else set())
    worst = next(o for o in ("failed", "not there", "skipped", "passed") if o in outcomes)
    effects = [one.effect for some in every for one in some if one.effect]
    shown = effects[0] if effects else {}
    numbers = {key: rounded(shown[key]) for key in ("value", "interval") if key in shown}
    return {
        "outcome": worst,
        **shown,
        **numbers,
        "seconds": round(sum(one.seconds for some in every for one in some), 1),
    }


def rounded(value: Any) -> Any:
    """To three digits; what has no bound, as the interval of one draw, is None."""
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return None if abs(value) == float("inf") else float(f"{value:.3g}")


def line(methods: Mapping[str, Sequence[str]], ran: Sequence[Ran], trouble: str, *, quick: bool) -> dict[str, Any]:
    """The bar's line, but for `seconds`. A quick run leaves out methods none of whose proofs is quick; `met` says then
    that what was run passed, and is taken away where results are kept (`bars.settled`).
    """
    told = {name: judged(tests, ran) for name, tests in methods.items() if not quick or any(of(t, ran) for t in tests)}
    # A quick run is not held to a method's slow proofs, which it has not run.
    passed = sum(
        all(one.outcome == "passed" for test in methods[name] for one in of(test, ran))
        if quick
        else said["outcome"] == "passed"
        for name, said in told.items()
    )
    share = proportion(passed, max(len(told), 1))
    weak = [name for name, said in told.items() if not is_sure(said)]
    return {
        "bar": "train.4",
        "value": round(share.mean, 5),
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": len(told),
        "goal": GOAL,
        "met": share.mean >= GOAL and bool(told) and not trouble and (quick or not weak),
        "left_out": len(methods) - len(told),
        "without_a_sure_effect": weak,
        "trouble": trouble,
        "methods": told,
    }


def table(told: Mapping[str, Mapping[str, Any]]) -> Table:
    """The methods with what they showed."""
    drawn = Table(show_edge=False, pad_edge=False)
    for title in ("method", "proof", "effect", "interval", "n", "of"):
        drawn.add_column(title)
    for name, said in told.items():
        ends = " to ".join("–" if end is None else f"{end:.3g}" for end in said.get("interval", ()))
        number = f"{said['value']:.3g}" if "value" in said else "–"
        drawn.add_row(
            name, said["outcome"], number, ends, f"{said.get('n', '')} {said.get('over', '')}", said.get("of")
        )
    return drawn


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=5, help="draws of each proof")
    parser.add_argument("--first", type=int, default=10, help="the first of them; from 10 on no threshold was chosen")
    parser.add_argument("--quick", action="store_true", help="proofs that are not slow, with their own draws")
    parser.add_argument(
        "--only", nargs="+", default=[], help="these methods or shelves alone, as `adapt.lora` or `order`"
    )
    parser.add_argument("--keep", action="store_true", help="put what was seen among what is kept of all methods")
    parser.add_argument("--table", action="store_true", help="run nothing, draw together what was kept")
    return parser.parse_args()


def main() -> int:
    """Run the bar or draw it together, print the table and its line; 1 if a proof does not pass."""
    args, began = arguments(), time.perf_counter()
    if args.table:
        found = write(RESULTS, None, proofs())
    else:
        named = proofs(args.only)
        tests = (test for some in named.values() for test in some)
        ran, trouble = run(tests, quick=args.quick, draws=args.draws, first=args.first)
        found = line(named, ran, trouble, quick=args.quick)
        how = {"quick": args.quick, "draws": 0 if args.quick else args.draws, "first": args.first, "only": args.only}
        found |= {"seconds": round(time.perf_counter() - began, 1), **how}
        if args.keep:
            write(RESULTS, found, proofs())
    Console(stderr=True).print(table(found["methods"]))
    print(json.dumps(found))
    return 0 if found["value"] >= GOAL and not found["trouble"] else 1


if __name__ == "__main__":
    sys.exit(main())
