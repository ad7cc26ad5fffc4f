"""Bar prove.3: broken candidates are taken back by themselves, and good ones are not.

    python bench/prove_3.py [--quick] [--part virtual|live] [--runs 300] [--streams ../shared/data/streams] [--seed 3]

`virtual`: trials of a candidate in the canary on recorded replies of real classifiers (ridge heads on hashed n-grams)
to three real streams (arXiv titles, CLINC150, HWU64), under a virtual clock: a request a second in the mean of a day,
30 % of them labeled after ten minutes in the median, copies a few seconds late and some missing, four segments and
two channels dealt by lot, a machine that is four times slower in one minute of ten, and every version failing on two
requests of a thousand. The product's routing draws who answers, its guard weighs what has come, at defaults; no gate
has let the candidate pass, so that it has to show in every slice that it is safe, as in a drill. Kinds:

- `sabotaged`: gives the label that the champion finds least likely; `slow`: half a second late, a quarter of the copies
  timed; `erroring`: fails on a quarter of the requests;
- `biased`: 10 points below the champion in one segment of 20 or 25 % of the traffic, elsewhere the champion itself, or
  another head taught as many other rows;
- `good`: taught three times the rows, 5 to 7 points better; with `--more` also `equal`: as many other rows.

`withdrawn` are those taken back, because harm was shown (`harm`) or because they had not shown in time that they are
safe (`undecided`); a trial whose traffic ends first counts as not withdrawn, and not as surviving. `power` says how
often harm was shown, and how often a biased candidate was withdrawn, for a bias of 2, 5 and 10 points in a fifth of
the traffic; with `--more`, `patient` says what comes of four times the labels, and `gated` what becomes of candidates
that the gate let pass, who need 40 judged pairs. Of the first three kinds some trials are led a second time by rows
in a store, which `release.rollout.advance` looks at, and have to end at the same moment in the same way
(`same_by_rows`). Thresholds were looked at on other seeds.

`value` is the smallest lower end of the four kinds' exact 95 % intervals of the share withdrawn; the bar: 98 %, and of
the good at least 95 % survive.

`live`: three drills of each kind over HTTP (`bench/drilled.py`), none of whose requests may go without an answer.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from drilled import live
from trial import Ended, Floats, Kind, World, by_evidence, by_rows, traffic, world

from homeostat.config.schema import Release as Settings
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import proportion
from homeostat.types.task import Task
from homeostat.types.version import Version

GOAL, SURVIVE = 0.98, 0.95
STREAMS = ("arxiv_years", "clinc150_domains", "hwu64_scenarios")
LONG, SHORT = 14_000, 3_000
"""Requests after which the traffic of a trial ends."""
PATIENT = 4
"""How many times the default of `release.most_feedback`, and the traffic, are in trials with patience."""
LATE_MS = 500.0
BROKEN: dict[str, tuple[Kind, ...]] = {
    "sabotaged": (Kind(name="sabotaged", replies="sabotaged"),),
    "slow": (Kind(name="slow", late_ms=LATE_MS),),
    "erroring": (Kind(name="erroring", failing=0.25),),
    "biased": tuple(
        Kind(name="biased", replies=replies, points=10.0, segment=segment)
        for replies, segment in (
            ("champion", "school"),
            ("same", "school"),
            ("champion", "business"),
            ("same", "business"),
        )
    ),
}
WHOLE = {"good": (Kind(name="good", replies="better"),), "equal": (Kind(name="equal", replies="same"),)}


def recorded(n: int) -> Floats:
    """Milliseconds that the built-in model takes for each of n requests, one at a time, on this machine."""
    backend, labels = LocalBackend("builtin"), ("refund", "delivery", "login", "invoice")
    backend.load(Version(id="v", task="t", time=0.0, base="builtin", kind="base", labels=labels), None)
    took, task = [], Task(name="t", labels=labels)
    for k in range(n + 5):
        started = time.perf_counter()
        backend.reply([Request(task=task, text=f"my parcel number {k} has not come yet, please look", version="v")])
        took.append(1e3 * (time.perf_counter() - started))
    return np.array(took[5:])


def trials(
    worlds: Sequence[World],
    kinds: Sequence[Kind],
    seeds: Sequence[int],
    took: Floats,
    *,
    passed: bool = False,
    patience: int = 1,
    share: tuple[float, ...] = Settings().canary_share,
) -> list[Ended]:
    """One trial a seed, the streams and kinds in turn."""
    settings = replace(Settings(), most_feedback=patience * Settings().most_feedback, canary_share=share)
    ended = []
    for seed in seeds:
        kind = kinds[seed // len(worlds) % len(kinds)]
        long = kind.points or kind in (WHOLE["good"][0], WHOLE["equal"][0])
        n = patience * (LONG if long else SHORT)
        ended.append(by_evidence(traffic(worlds[seed % len(worlds)], kind, seed, n, took), settings, passed=passed))
    return ended


def checked(worlds: Sequence[World], kind: Kind, seeds: Sequence[int], took: Floats) -> int:
    """Of how many trials both ways, the guard alone and rows in a store, end at the same moment in the same way."""
    same = 0
    for seed in seeds:
        drawn = traffic(worlds[seed % len(worlds)], kind, seed, SHORT, took)
        one, other = (way(drawn, Settings()) for way in (by_evidence, by_rows))
        same += (one.how, one.seconds, one.exposed) == (other.how, other.seconds, other.exposed)
    return same


def told(ended: Sequence[Ended]) -> dict[str, Any]:
    """What came of the trials of a kind."""
    back = proportion(sum(one.withdrawn for one in ended), len(ended))
    exposed, seconds = ([getattr(one, name) for one in ended] for name in ("exposed", "seconds"))
    return {
        "n": len(ended),
        "withdrawn": [round(x, 4) for x in (back.mean, back.low, back.high)],
        "ends": dict(Counter(one.how for one in ended)),
        "exposed": [round(float(x)) for x in np.percentile(exposed, [50, 95])],
        "seconds": [round(float(x)) for x in np.percentile(seconds, [50, 95])],
        "judged": round(float(np.median([one.judged for one in ended]))),
    }


def power(worlds: Sequence[World], n: int, took: Floats) -> dict[str, Any]:
    """How often a bias is found, by its size."""
    found = {}
    for points in (2.0, 5.0, 10.0):
        for replies in ("champion", "same"):
            kind = Kind(name="biased", replies=replies, points=points, segment="school")
            ended = trials(worlds, (kind,), range(10_000, 10_000 + n), took)
            shown = proportion(sum(one.how == "harm" for one in ended), n)
            found[f"{points:g} points, {'a copy' if replies == 'champion' else 'another head'}"] = {
                "harm shown": [round(x, 3) for x in (shown.mean, shown.low, shown.high)],
                "withdrawn": told(ended)["withdrawn"],
            }
    return found


class Parts:
    """Results of the parts of a run, kept in a file if there is one, so that a run that was ended goes on."""

    def __init__(self, file: Path | None) -> None:
        self._file, self._began = file, time.perf_counter()
        self.known: dict[str, Any] = json.loads(file.read_text()) if file and file.exists() else {}

    def of(self, name: str, measured: Callable[[], Any]) -> Any:
        """The result of a part, measured unless it is known."""
        if name not in self.known:
            before = time.perf_counter()
            self.known[name] = measured()
            self.known["seconds"] = self.known.get("seconds", 0.0) + time.perf_counter() - before
            if self._file:
                self._file.write_text(json.dumps(self.known))
            print(name, self.known[name], f"{time.perf_counter() - self._began:.0f} s", file=sys.stderr, flush=True)
        return self.known[name]


def virtual(folder: Path, runs: int, seed: int, parts: Parts, *, more: bool) -> dict[str, Any]:
    """The line of the virtual part."""
    took = np.array(parts.of("took_ms", lambda: recorded(max(40, runs)).tolist()))
    worlds = [world(folder / f"{name}.jsonl.gz", seed) for name in STREAMS]
    found = {}
    for name, kinds in (BROKEN | (WHOLE if more else {"good": WHOLE["good"]})).items():
        n = runs if name != "equal" else -(-runs // 3)
        found[name] = parts.of(name, lambda kinds=kinds, n=n: told(trials(worlds, kinds, range(n), took)))
    few = max(3, runs // 50)
    same = parts.of(
        "same by rows",
        lambda: {
            name: [checked(worlds, BROKEN[name][0], range(few), took), few]
            for name in ("sabotaged", "slow", "erroring")
        },
    )
    beside = {"power": parts.of("power", lambda: power(worlds, max(3, runs // 15), took))}
    beside["one share"] = parts.of("one share", lambda: one_share(worlds, max(3, runs // 3), took))
    if more:
        beside["gated"] = parts.of("gated", lambda: others(worlds, -(-runs // 5), took, passed=True))
        beside["patient"] = parts.of("patient", lambda: others(worlds, max(3, runs // 12), took, patience=PATIENT))
    survived = proportion(found["good"]["ends"].get("full", 0), found["good"]["n"])
    least = min(found[name]["withdrawn"][1] for name in BROKEN)
    return {
        "bar": "prove.3",
        "value": least,
        "interval": [least, min(found[name]["withdrawn"][2] for name in BROKEN)],
        "n": runs * len(BROKEN),
        "goal": GOAL,
        "met": bool(least >= GOAL and survived.mean >= SURVIVE and all(a == b for a, b in same.values())),
        "survived": [round(x, 4) for x in (survived.mean, survived.low, survived.high)],
        "kinds": found,
        **beside,
        "same_by_rows": same,
        "accuracy": {w.name: {k: round(w.right(k), 3) for k in w.replies} for w in worlds},
        "took_ms": [round(float(x), 1) for x in np.percentile(took, [50, 95])],
        "seconds": round(parts.known["seconds"], 1),
    }


def one_share(worlds: Sequence[World], n: int, took: Floats) -> dict[str, Any]:
    """The same with one share from the first request to the last, the largest of the ramp: who is exposed by that."""
    share = Settings().ramp[-1:]
    kinds = {**BROKEN, "good": WHOLE["good"]}
    return {name: told(trials(worlds, some, range(n), took, share=share)) for name, some in kinds.items()}


def others(worlds: Sequence[World], n: int, took: Floats, **how: Any) -> dict[str, Any]:
    """What becomes of a biased candidate that is another head, of a good one and of an equal one, under other rules."""
    kinds = {"biased": BROKEN["biased"][1::2], **WHOLE}
    return {name: told(trials(worlds, some, range(n), took, **how)) for name, some in kinds.items()}


def main() -> None:
    """Run the bar and print its lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six trials of each kind, and one drill over HTTP")
    parser.add_argument("--part", choices=("virtual", "live", "both"), default="both")
    parser.add_argument("--more", action="store_true", help="equal candidates, other rules as well")
    parser.add_argument("--runs", type=int, default=300, help="trials of each kind")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument(
        "--keep", type=Path, help="file that keeps what is measured, for a run that is ended and begun again"
    )
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    if args.part != "live":
        line = virtual(args.streams, 6 if args.quick else args.runs, args.seed, Parts(args.keep), more=args.more)
        print(json.dumps(line | {"quick": args.quick}), flush=True)
    if args.part != "virtual":
        print(json.dumps(live(1 if args.quick else 3, args.seed, quick=args.quick) | {"quick": args.quick}), flush=True)


if __name__ == "__main__":
    main()
