"""Bar watch.2: how soon a change is found, and how often not, beside others at the same rate of false alarms.

    python bench/watch_2.py [--quick] [--seeds 20] [--calm 40] [--check 10] [--streams DIR] [--cache DIR]
                            [--evidently PYTHON]

Five kinds of change in real requests of four desks (`shifts.py`): sudden, gradual, recurring, in a subgroup of 5 %, and
of concept, where only labels tell. All detectors are run over the same streams (`contenders.py`). For the first four
kinds they see the confidence of each reply and its request's distance to known ones; MMD and Evidently's embedding
drift see the embeddings. For concept they see the errors among the 40 % of the rows that are labeled, 200 rows late,
or, where the name says `sure`, errors weighted by how sure the reply was, which is what ours ranks. `slices`: once more
for each segment and channel, or each reply, as ours is always run. Without river or Evidently they are left out, and
so is a desk whose stream is not in `--streams` (of the built-in traffic it always is); `lacking` says what was.

Equal false alarms: for each desk and detector, the threshold is the least at which at most RATE of `calm` streams, as
long and with nothing that changes, have an alarm; `false` says how many of `check` others do then. `delay` is the
median of rows from the change to the alarm, with its interval by order statistics; a change not found in 3,000 rows is
a miss and counts as longest (null). Streams with an alarm before the change are left out. `shipped` is ours as it is
set by default, uncalibrated. `tenth`: a tenth of the requests change, and 12,000 rows follow; thresholds are the same.
`seconds` is of this run, without desks that were found in `--cache`.

`value` is the number of kinds on which the median of ours is the shortest of all. The bar: at least 4, on none worse
than second among ours, river, KS, MMD and Evidently (each at its best), and at a tenth 8 times sooner than KS of 50.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import contenders as seen
import numpy as np
from scipy import stats
from shifts import KINDS, ONSET, REFERENCE, STREAMS, Desk, Floats, Stream, desk, draw

from homeostat.config.schema import Monitor
from homeostat.stats.intervals import proportion

RATE, GOAL, TIMES, LONG = 0.05, 4, 8.0, 12_000
NAMES, CALM, TENTH, CONCEPT = (*STREAMS, "builtin"), "calm", "tenth", "concept"
OURS, SHIPPED = "ours", "ours, shipped"
REQUESTS = tuple(kind for kind in KINDS if kind != CONCEPT)
BATCHES = "KS of 50"
Contender = Callable[[Desk, Stream, int], Floats]
Found = dict[tuple[str, str, str], list[float]]
"""(kind, contender, desk) -> rows to the alarm of each stream; infinite without one, negative before the change."""


def contenders(kind: str) -> dict[str, Contender]:
    """Name -> detector of a kind of change."""
    if kind == CONCEPT:
        peers = {"PageHinkley": seen.page_hinkley, "ADWIN": seen.adwin, "DDM": seen.ddm, "HDDM_A": seen.hddm}
        made: dict[str, Contender] = {f"river {n}": partial(_labels, course) for n, course in peers.items()}
        for name in ("PageHinkley", "ADWIN"):
            made[f"river {name}, sure"] = partial(_surprise, peers[name])
            made[f"river {name}, slices"] = partial(_replies, peers[name])
        made |= {BATCHES: partial(_labels, seen.ks(50)), f"{BATCHES}, sure": partial(_surprise, seen.ks(50))}
        made |= {"MMD of 200": partial(_labels, seen.mmd), "MMD of 200, sure": partial(_surprise, seen.mmd)}
        return {OURS: seen.our_loss} | _installed(made)
    peers = {"PageHinkley": seen.page_hinkley, "ADWIN": seen.adwin}
    made = {f"river {n}": partial(_channels, course) for n, course in peers.items()}
    if kind == TENTH:
        made |= {BATCHES: partial(_channels, seen.ks(50)), "KS of 200": partial(_channels, seen.ks(200))}
        return {OURS: seen.ours} | _installed(made)
    made |= {f"river {name}, slices": partial(_slices, course) for name, course in peers.items()}
    made |= {BATCHES: partial(_channels, seen.ks(50)), "KS of 200": partial(_channels, seen.ks(200))}
    return {OURS: seen.ours} | _installed(made) | {"MMD of 200": _embeddings}


def _installed(made: dict[str, Contender]) -> dict[str, Contender]:
    return made if find_spec("river") else {n: one for n, one in made.items() if not n.startswith("river")}


def _channels(course: seen.Peer, of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.over_channels(course, of, stream)


def _slices(course: seen.Peer, of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.over_slices(course, of, stream)


def _labels(course: seen.Peer, of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.over_labels(course, stream, stream.wrong)


def _surprise(course: seen.Peer, of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.over_labels(course, stream, seen.surprises(of, stream))


def _replies(course: seen.Peer, of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.over_replies(course, of, stream)


def _embeddings(of: Desk, stream: Stream, seed: int) -> Floats:
    return seen.mmd(of.points[stream.rows], REFERENCE)


def threshold(highest: Sequence[float], rate: float) -> float:
    """The least that is passed by at most this share of streams, of the highest value of each."""
    order = np.sort(highest)
    return float(order[len(order) - 1 - math.floor(rate * len(order))])


def passage(course: Floats, limit: float) -> float:
    """Rows from the change to the first above the limit: 1 is the first changed row; infinite if there is none."""
    over = np.flatnonzero(course > limit)
    return float(over[0]) - ONSET + 1 if len(over) else math.inf


def median(delays: Sequence[float]) -> tuple[float, float, float, int]:
    """The median of the delays that are not negative, with a 95 % interval by order statistics, and of how many."""
    known = np.sort([one for one in delays if one > 0])
    n = len(known)
    if not n:
        return math.inf, 0.0, math.inf, 0
    low = int(stats.binom.ppf(0.025, n, 0.5))
    inside = low >= 1
    ends = (known[low - 1], known[n - low]) if inside else (0.0, math.inf)
    middle = (known[(n - 1) // 2] + known[n // 2]) / 2
    return float(middle), float(ends[0]), float(ends[1]), n


def measured(of: Desk, counts: tuple[int, int, int], seed: int, evidently: str) -> Found:
    """Delays of each kind and contender, and under CALM rows to the false alarms of `check` streams."""
    calm, check, seeds = counts
    found = Found()
    for kinds in (REQUESTS, (CONCEPT,)):
        streams = {CALM: [draw(of, CALM, _rng(of, seed, 0, k)) for k in range(calm + check)]}
        streams |= {
            kind: [draw(of, kind, _rng(of, seed, 1 + KINDS.index(kind), k)) for k in range(seeds)] for kind in kinds
        }
        if kinds is REQUESTS:
            streams[TENTH] = [draw(of, TENTH, _rng(of, seed, 9, k), LONG) for k in range(seeds)]
        for name, contender in contenders(kinds[0]).items():
            own = {kind: some for kind, some in streams.items() if kind != TENTH or name in contenders(TENTH)}
            _tell(found, of, name, kinds, calm, {k: _courses(contender, of, some) for k, some in own.items()})
        if evidently:
            streams.pop(TENTH, None)
            for name, courses in aside(of, streams, evidently, labels=kinds[0] == CONCEPT).items():
                _tell(found, of, name, kinds, calm, courses)
    return found


def _rng(of: Desk, seed: int, what: int, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, 22, NAMES.index(of.name), what, number])


def _courses(contender: Contender, of: Desk, streams: Sequence[Stream]) -> list[Floats]:
    return [contender(of, stream, number).astype(np.float32) for number, stream in enumerate(streams)]


def _tell(
    found: Found, of: Desk, name: str, kinds: Sequence[str], calm: int, courses: Mapping[str, Sequence[Floats]]
) -> None:
    """Note when a contender alarms at the threshold that its calm streams give, and ours at the default too."""
    limits = {name: threshold([float(course.max()) for course in courses[CALM][:calm]], RATE)}
    if name == OURS:
        limits[SHIPPED] = math.log(Monitor().false_alarm_every)
    for called, limit in limits.items():
        for kind, some in courses.items():
            told = [passage(course, limit) for course in (some[calm:] if kind == CALM else some)]
            found[f"{CALM}, {kinds[0]}" if kind == CALM else kind, called, of.name] = told
        told_of = {kind: round(median(found[kind, called, of.name])[0], 1) for kind in courses if kind != CALM}
        print(f"{of.name}: {called}: {told_of}", file=sys.stderr, flush=True)


def aside(of: Desk, streams: Mapping[str, Sequence[Stream]], python: str, *, labels: bool) -> dict[str, Any]:
    """Evidently's courses per kind, from a process of its own."""
    every = [stream for some in streams.values() for stream in some]
    columns = [s.wrong[s.labeled][:, None] if labels else of.scores[s.rows] for s in every]
    known = [int((s.labeled < REFERENCE).sum()) if labels else REFERENCE for s in every]
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "asked.npz", Path(folder) / "answered.npz"
        np.savez(
            asked,
            columns=np.concatenate(columns),
            begins=np.cumsum([0, *map(len, columns)]),
            known=known,
            rows=np.concatenate([s.rows for s in every]),
            points=np.zeros((0, 0)) if labels else of.points,
        )
        command = [python, str(Path(__file__).with_name("evidently_side.py")), str(asked), str(answered)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"Evidently failed:\n{done.stderr[-2000:]}")
        with np.load(answered) as told:
            scores = {"Evidently columns": told["columns"], "Evidently embeddings": told["embeddings"]}
            ends = np.cumsum([0, *told["windows"]])
    found: dict[str, dict[str, list[Floats]]] = {}
    for name, values in scores.items():
        if len(values):
            parts = [values[a:b] for a, b in pairwise(ends)]
            courses = iter([_spread(s, p, n, labels=labels) for s, p, n in zip(every, parts, known, strict=True)])
            found[name] = {kind: [next(courses) for _ in some] for kind, some in streams.items()}
    return found


def _spread(stream: Stream, scores: Floats, known: int, *, labels: bool) -> Floats:
    """A course from the scores of windows: each comes with the last row of its window."""
    course = np.full(len(stream.labeled) if labels else len(stream.rows), -np.inf)
    course[known + seen.WINDOW - 1 + seen.WINDOW * np.arange(len(scores))] = scores
    return seen.late(stream, course, known) if labels else course


def family(name: str) -> str:
    """Whom a contender stands for: ours, river, KS, MMD or Evidently."""
    return name.split()[0].rstrip(",")


def table(found: Found, kind: str) -> dict[str, dict[str, Any]]:
    """Contender -> its figures over all desks, the soonest first, and its median on each."""
    out = {}
    for name in dict.fromkeys(called for what, called, _ in found if what == kind):
        each = {desk: told for (what, called, desk), told in found.items() if (what, called) == (kind, name)}
        every = [one for told in each.values() for one in told]
        known = [one for one in every if one > 0]
        missed = proportion(sum(map(math.isinf, known)), len(known)) if known else None
        middle, low, high, n = median(every)
        out[name] = {
            "delay": _told(middle),
            "interval": [_told(low), _told(high)],
            "n": n,
            "early": len(every) - len(known),
            "missed": [round(x, 3) for x in (missed.mean, missed.low, missed.high)] if missed else None,
            "by_desk": {desk: _told(median(told)[0]) for desk, told in each.items()},
        }
    return dict(sorted(out.items(), key=lambda item: math.inf if item[1]["delay"] is None else item[1]["delay"]))


def _told(value: float) -> float | None:
    return None if math.isinf(value) else round(value, 1)


def false(found: Found) -> dict[str, dict[str, list[float]]]:
    """Group of kinds -> contender -> share of calm streams with an alarm, its interval, and of how many."""
    out: dict[str, dict[str, list[float]]] = {}
    for what, called, _ in found:
        if what.startswith(CALM):
            told = [x for (w, c, _), some in found.items() if (w, c) == (what, called) for x in some]
            share = proportion(sum(not math.isinf(x) for x in told), len(told))
            out.setdefault(what, {})[called] = [round(x, 3) for x in (share.mean, share.low, share.high)] + [len(told)]
    return out


def places(kinds: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> dict[str, tuple[int, int]]:
    """Kind -> the place of ours among all contenders, and among families, each at its best; equal ones share it."""
    out = {}
    for kind, rows in kinds.items():
        delay = {name: math.inf if row["delay"] is None else row["delay"] for name, row in rows.items()}
        delay.pop(SHIPPED, None)
        own = delay.pop(OURS)
        best: dict[str, float] = {}
        for name, value in delay.items():
            best[family(name)] = min(value, best.get(family(name), math.inf))
        out[kind] = 1 + sum(v < own for v in delay.values()), 1 + sum(v < own for v in best.values())
    return out


def times(found: Found, seed: int) -> tuple[float, float, float]:
    """How many times sooner ours finds a tenth than KS on batches, by medians, with a bootstrap interval.

    A change that KS does not find counts as found in the last row: at least so many times.
    """
    pools = []
    for name in (OURS, BATCHES):
        told = [x for (kind, called, _), some in found.items() if (kind, called) == (TENTH, name) for x in some]
        pools.append(np.minimum([x for x in told if x > 0], LONG))
    rng = np.random.default_rng(seed)
    lots = [
        np.median(rng.choice(pools[1], len(pools[1]))) / np.median(rng.choice(pools[0], len(pools[0])))
        for _ in range(2000)
    ]
    low, high = np.quantile(lots, [0.025, 0.975])
    return float(np.median(pools[1]) / np.median(pools[0])), float(low), float(high)


def kept(name: str, args: argparse.Namespace, counts: tuple[int, int, int]) -> Found:
    """What was measured on a desk: as it lies in `--cache` where a run with the same settings has left it."""
    settings = "-".join(map(str, (name, *counts, args.seed, bool(args.evidently))))
    file = args.cache / f"watch_2-{settings}.json" if args.cache else None
    if file and file.exists():
        rows = json.loads(file.read_text(encoding="utf-8"))
    else:
        found = measured(desk(name, args.streams), counts, args.seed, args.evidently)
        rows = [[*key, told] for key, told in found.items()]
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(rows), encoding="utf-8")
    return {(kind, called, at): told for kind, called, at, told in rows}


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one desk (HWU64 where it is), 20 calm streams, 4 of each")
    parser.add_argument("--seeds", type=int, default=20, help="streams of each kind and desk")
    parser.add_argument("--calm", type=int, default=40, help="calm streams of each desk that give the thresholds")
    parser.add_argument("--check", type=int, default=10, help="others that check them")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--cache", type=Path, default=None, help="where the results of each desk are kept")
    parser.add_argument("--evidently", default="", help="the Python of an environment that has Evidently")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began = time.perf_counter()
    names, gone = desks(args.streams, quick=args.quick)
    counts = (20, 5, 4) if args.quick else (args.calm, args.check, args.seeds)
    found = Found()
    for name in names:
        found |= kept(name, args, counts)
    print(json.dumps(summary(found, args.seed, time.perf_counter() - began, gone, quick=args.quick)))


def desks(folder: Path, *, quick: bool) -> tuple[tuple[str, ...], list[str]]:
    """The desks to measure, and what to say of those whose streams are not there; where none is, the built-in one."""
    wanted = ("hwu64",) if quick else NAMES
    there = tuple(name for name in wanted if name not in STREAMS or (folder / f"{STREAMS[name]}.jsonl.gz").exists())
    gone = [f"{STREAMS[name]} is not in {folder.name or folder}" for name in wanted if name not in there]
    return there or ("builtin",), gone


def summary(found: Found, seed: int, seconds: float, gone: Sequence[str] = (), *, quick: bool) -> dict[str, Any]:
    """The bar's line; `gone` are the desks that it lacks."""
    kinds = {kind: table(found, kind) for kind in KINDS}
    placed, sooner = places(kinds), times(found, seed)
    first = sum(place == 1 for place, _ in placed.values())
    families = {family(name) for rows in kinds.values() for name in rows}
    lacking = sorted({"river", "KS", "MMD", "Evidently"} - families)
    enough = first >= GOAL and max(place for _, place in placed.values()) <= 2 and sooner[0] >= TIMES
    return {
        "bar": "watch.2",
        "value": first,
        "interval": None,
        "n": sum(row["n"] for rows in kinds.values() for name, row in rows.items() if name == OURS),
        "goal": GOAL,
        "met": enough and (quick or not (lacking or gone)),
        "seconds": round(seconds, 1),
        "quick": quick,
        "lacking": [*gone, *(f"{name} is not installed" for name in lacking)],
        "places": placed,
        "times_sooner_than_ks": [round(x, 2) for x in sooner],
        "kinds": kinds,
        "tenth": table(found, TENTH),
        "false": false(found),
    }


if __name__ == "__main__":
    main()
