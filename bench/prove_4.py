"""Bar prove.4: how often a version fails live, told from a rehearsal on recorded requests before it is released.

    python bench/prove_4.py [--quick] [--streams ../shared/data/streams] [--rows 1000] [--texts 120] [--seed 4]

Labels: titles of preprints in the order of their years, twenty of them, which drift by themselves. At four moments a
champion (an exact head on hashed n-grams, trained on a part of the oldest rows) answers, and three candidates are
trained on a part of the rows before the moment: on all of it, on little, and with a fifth of the labels wrong. Texts:
the built-in model as it is writes replies to requests of the built-in traffic, likeliest words first and drawn at
temperature 1. Each candidate is rehearsed on the last `--rows` requests before the moment that it has not learned
from, and then answers all requests of the time after it: as many as are there until the next moment, 400 texts.

A behavior of `homeostat.monitor.behavior` counts if 50 events or more are expected of it. Its error is the factor by
which it was told too high or too low. `value` is the median of that, `interval` its 95 % bootstrap interval over
behaviors, by candidate and moment; the bar: at most 1.5, of 20 behaviors or more. Beside it: the share of realized
numbers in their 95 % intervals; and the medians where the rate is taken from requests that the candidate has learned
from (`learned`), or from the oldest requests in the log (`oldest`), or is what users saw of the champion lately
(`champion`).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.llm.backend import Reply, Request
from homeostat.llm.features import grams
from homeostat.llm.local import LocalBackend
from homeostat.loop.backtests.backtest import replies_of
from homeostat.monitor.behavior.failures import Rehearsed, behaviors
from homeostat.monitor.behavior.forecast import Forecast, forecasts, said_wrongly
from homeostat.stats.intervals import bootstrap, proportion
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

Ints = NDArray[np.int64]
GOAL, BEHAVIORS, EVENTS = 1.5, 20, 50
STREAM, WIDTH = "arxiv_years", 512
MOMENTS = (0.35, 0.5, 0.65, 0.8, 0.95)
"""Where candidates are released, as shares of the stream; each is judged until the next."""
LABELED = 0.5
"""Share of the rows before a moment that candidates may learn from."""
CANDIDATES = ("all", "little", "wrong labels")
TOKENS = 32
TEXT = Task(name="replies", kind=Kind.TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One behavior of one candidate: what was told and what came."""

    of: str
    behavior: str
    told: Forecast
    came: int
    others: Mapping[str, float]
    """What the ways beside it expected."""


def stream(file: Path) -> list[dict[str, Any]]:
    """The rows of a labeled stream but for its test rows, in the order of time."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return sorted((row for row in rows if row["split"] != "test"), key=lambda row: str(row["time"]))


def taught(features: NDArray[np.float64], labels: Sequence[str], rows: Ints) -> RidgeHead:
    """A head that has learned these rows."""
    head = RidgeHead(features.shape[1], ridge=1.0)
    head.add(features[rows], [labels[k] for k in rows])
    return head


def learned(which: str, free: Ints, labels: list[str], rng: np.random.Generator) -> tuple[Ints, list[str]]:
    """Which rows a candidate learns from, and what it is told of all rows."""
    told = list(labels)
    if which == "little":
        return rng.choice(free, 600, replace=False), told
    if which == "wrong labels":
        for k in rng.choice(free, len(free) // 5, replace=False):
            told[k] = str(rng.choice(labels))
    return free, told


def rehearsals(
    texts: Sequence[str],
    truth: Sequence[str],
    heard: tuple[list[str], Any],
    said: tuple[list[str], Any],
    known: frozenset[str],
) -> list[Rehearsed]:
    """Requests with what users got and what a candidate says, each with its right label."""
    return [
        Rehearsed(
            row=Interaction(
                id=f"int_{k}",
                task="t",
                time=float(k),
                text=text,
                reply=heard[0][k],
                version="old",
                confidence=float(heard[1][k]),
            ),
            reply=said[0][k],
            confidence=float(said[1][k]),
            told=truth[k],
            labels=known,
        )
        for k, text in enumerate(texts)
    ]


def labels_judged(
    rows: list[dict[str, Any]], n: int, moments: Sequence[float], rng: np.random.Generator
) -> list[Judged]:
    """Every candidate at every moment, rehearsed and then let answer."""
    texts, labels = [row["text"] for row in rows], [row["label"] for row in rows]
    features = grams(texts, WIDTH)
    first = int(0.2 * len(rows))
    champion = taught(features, labels, np.arange(0, first, 2))
    known, found = frozenset(champion.labels), []
    for at, until in pairwise(moments):
        cut, end = int(at * len(rows)), int(until * len(rows))
        free = np.flatnonzero(rng.random(cut) < LABELED)
        rest = np.setdiff1d(np.arange(cut), free)
        sets = {
            "rehearsed": rest[-n:],
            "learned": free[-n:],
            "oldest": rest[:n],
            "live": np.arange(cut, end),
        }
        heard = {name: replies_of(champion, features[k]) for name, k in sets.items()}
        for which in CANDIDATES:
            chosen, told = learned(which, free, labels, rng)
            if which == "little":
                sets["learned"], heard["learned"] = np.sort(chosen), replies_of(champion, features[np.sort(chosen)])
            head = taught(features, told, chosen)
            done = {
                name: rehearsals(
                    [texts[i] for i in k], [labels[i] for i in k], heard[name], replies_of(head, features[k]), known
                )
                for name, k in sets.items()
            }
            found += judged(f"{which} at {at:g}", done, Kind.LABEL)
    return found


def judged(of: str, done: Mapping[str, list[Rehearsed]], kind: Kind) -> list[Judged]:
    """Forecasts of one candidate beside what came and what other ways would have told."""
    live = len(done["live"])
    told = forecasts(done["rehearsed"], kind, live)
    named = behaviors(kind) | said_wrongly(done["rehearsed"], kind)
    ways = {name: done[name] for name in ("learned", "oldest") if name in done}
    ways["champion"] = [one.as_logged() for one in done["rehearsed"]]
    found = []
    for name, forecast in told.items():
        if forecast.expected < EVENTS or name == "cut off":
            continue
        others = {way: live * _rate([named[name](row) for row in rows]) for way, rows in ways.items()}
        came = sum(bool(named[name](row)) for row in done["live"])
        found.append(Judged(of=of, behavior=name, told=forecast, came=came, others=others))
    return found


def _rate(shown: Sequence[bool | None]) -> float:
    known = [one for one in shown if one is not None]
    return (sum(known) + 0.5) / (len(known) + 1)


def texts_judged(n: int, live: int, temperatures: Sequence[float]) -> list[Judged]:
    """The built-in model as it is, writing; what users got is what the desk replied then."""
    rows = [row for row in read_stream(traffic_path())[0] if row.split is Split.LIVE]
    before = [row for row in rows[: len(rows) // 2] if row.reply][-n:]
    after = [row for row in rows[len(rows) // 2 :] if row.reply][:: max(1, len(rows) // 2 // live)][:live]
    backend, found = LocalBackend("builtin"), []
    backend.load(Version(id="bare", task=TEXT.name, time=0.0, base="builtin", kind="base"), None)
    for warm in temperatures:
        done = {}
        for name, some in (("rehearsed", before), ("live", after)):
            asked = [Request(task=TEXT, text=r.text, version="bare", max_tokens=TOKENS, temperature=warm) for r in some]
            replies = backend.reply(asked)
            done[name] = [_written(row.text, row.reply, reply) for row, reply in zip(some, replies, strict=True)]
        found += judged(f"writing at temperature {warm:g}", done, Kind.TEXT)
    return found


def _written(text: str, desk: str, reply: Reply) -> Rehearsed:
    row = Interaction(id="int_t", task=TEXT.name, time=0.0, text=text, reply=desk, version="desk")
    return Rehearsed(row=row, reply=reply.text, confidence=reply.confidence, cut=reply.reply_tokens >= TOKENS)


def factor(told: float, came: float) -> float:
    """By how much too high or too low, 1 or more."""
    a, b = max(told, 0.5), max(came, 0.5)
    return max(a / b, b / a)


def summary(found: Sequence[Judged]) -> dict[str, Any]:
    """The bar's line."""
    errors = [factor(one.told.expected, one.came) for one in found]
    middle = bootstrap(errors, lambda x: float(np.median(x)))
    inside = proportion(sum(one.told.low <= one.came <= one.told.high for one in found), len(found))
    beside = {
        way: round(float(np.median([factor(one.others[way], one.came) for one in found if way in one.others])), 3)
        for way in sorted({way for one in found for way in one.others})
    }
    different = sorted({one.behavior for one in found})
    return {
        "bar": "prove.4",
        "value": round(middle.mean, 3),
        "interval": [round(middle.low, 3), round(middle.high, 3)],
        "n": len(found),
        "goal": GOAL,
        "met": bool(middle.mean <= GOAL and len(different) >= BEHAVIORS),
        "different": len(different),
        "within_1.5": round(float(np.mean(np.array(errors) <= GOAL)), 3),
        "worst": round(max(errors), 2),
        "inside": [round(x, 3) for x in (inside.mean, inside.low, inside.high)],
        "beside": beside,
        "behaviors": [
            [one.of, one.behavior, round(one.told.expected), round(one.told.low), round(one.told.high), one.came]
            for one in found
        ],
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="half of the titles, fewer moments, few texts")
    parser.add_argument("--rows", type=int, default=1000, help="requests of a rehearsal on labels")
    parser.add_argument("--texts", type=int, default=120, help="requests of a rehearsal on texts")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--seed", type=int, default=4)
    args = parser.parse_args()
    began = time.perf_counter()
    rows = stream(args.streams / f"{STREAM}.jsonl.gz")[:: 2 if args.quick else 1]
    moments = MOMENTS[1::2] if args.quick else MOMENTS
    found = labels_judged(rows, args.rows, moments, np.random.default_rng(args.seed))
    texts = 40 if args.quick else args.texts
    found += texts_judged(texts, 160 if args.quick else 400, (0.0,) if args.quick else (0.0, 1.0))
    print(json.dumps(summary(found) | {"quick": args.quick, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
