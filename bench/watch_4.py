"""Bar watch.4: accuracy told without labels, under covariate shift, and refused where labels contradict it.

    python bench/watch_4.py [--quick] [--windows 1000] [--draws 1000] [--streams DIR]

Replies and their confidence are a real classifier's (the ridge head on hashed n-grams, trained on half of each stream's
rows). A calibration of `LABELS` labels tells windows of 100 to 500 requests that were drawn otherwise than they: by
domain, by difficulty, by length, or not. Right and wrong are drawn anew with the probability that a calibration on all
rows gives, so that confidence means the same for all of them, which is what the estimate presumes (`held`); beside it
stand the real labels (`real`), where a domain may be told worse than its confidence says. An oracle knows each
reply's probability, and its interval is the window's own luck.

Then confidence changes its meaning: a third of the replies is wrong whatever it is. The product's `window` is shown
such windows with `TRICKLE` labels: `refused` is the share in which nothing is estimated, `asked` that in which it
refuses or says how many labels it lacks, `settled` the share refused once it has the labels it asked for, and `doubted`
the share refused where nothing has changed. `wider` is the width of `held` in units of the oracle's, with Student's
interval over windows. `powered` is prediction-powered inference with the trickle. `spared` says how many labels such
inference saves at equal width, judge by judge (`spared.py`).

`value` is the lower bound of the share of `held` windows whose accuracy lies inside its 95 % interval; the bar: at
least 93 %, of 2,000 windows or more. And, by the lower bounds: a changed meaning refused more often than not, refused
or asked about in 93 %, and once it has the labels as often as they promise (`POWER`); `held` at most twice as wide as
the oracle's; every good judge saves labels, one that says nothing saves none, and with each the truth is covered in
93 %.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spared import Saved, met, spared, told

from homeostat.llm.features import grams
from homeostat.loop.backtests.backtest import replies_of
from homeostat.monitor.quality.calibration import Calibration
from homeostat.monitor.quality.course import POWER, Labels, Told, Window
from homeostat.monitor.quality.course import window as window_of
from homeostat.monitor.quality.unlabeled import by_calibration, by_difference, by_threshold
from homeostat.stats.intervals import mean_interval, proportion
from homeostat.stats.predicted import powered_mean
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.report import Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GOAL, LEAST = 0.93, 2000
STREAMS = ("clinc150_domains", "hwu64_scenarios", "arxiv_years")
SHIFTS = ("none", "domain", "difficulty", "length")
LABELS, TRICKLE = 400, 60
WIDEST = 2.0
"""Width that is allowed, in units of the oracle's."""
CHANGED = ("refused", "asked", "settled", "doubted")
WAYS = ("held", "real", "threshold", "difference", "powered")


@dataclass(frozen=True, slots=True)
class Replies:
    """What a classifier replied to rows that it had not seen."""

    sure: Floats
    right: Floats
    likely: Floats
    """Its chance of being right by a calibration on all of them."""
    domain: Ints
    words: Floats


def lot(file: Path, every: int) -> tuple[list[dict[str, Any]], Floats]:
    """A stream's rows, or every so manieth, in the order of a lot; and float64[rows, 2048], their n-grams."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for k, line in enumerate(lines) if k % every == 0]
    rows = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))]
    return rows, grams([row["text"] for row in rows], 2048)


def replies(rows: Sequence[dict[str, Any]], features: Floats) -> Replies:
    """A head trained on one half of a stream's rows, and what it says of the other."""
    head, half = RidgeHead(features.shape[1], ridge=1.0), len(rows) // 2
    head.add(features[:half], [row["label"] for row in rows[:half]])
    said, sure = replies_of(head, features[half:])
    right = np.array([float(a == row["label"]) for a, row in zip(said, rows[half:], strict=True)])
    named = [str(next(iter(row.get("truth", {"": ""}).values()), "")) for row in rows[half:]]
    domain = np.unique(named, return_inverse=True)[1]
    words = np.array([len(row["text"].split()) for row in rows[half:]], dtype=np.float64)
    return Replies(sure, right, Calibration.fit(sure, right)(sure), domain, words)


def drawn(of: Replies, shift: str, rest: Ints, rng: np.random.Generator) -> Ints:
    """A window of the rows that are left, drawn otherwise than they lie there."""
    if shift == "domain":
        weight = rng.dirichlet(np.full(of.domain.max() + 1, 0.3))[of.domain[rest]] + 1e-9
    elif shift == "difficulty":
        weight = np.exp(-rng.uniform(-1.0, 1.5) * np.log(of.sure[rest] / (1 - of.sure[rest] + 1e-9)))
    elif shift == "length":
        weight = np.exp(rng.uniform(-1.5, 1.5) * (of.words[rest] - of.words.mean()) / of.words.std())
    else:
        weight = np.ones(len(rest))
    size = min(int(rng.integers(100, 501)), len(rest) // 3)
    return rng.choice(rest, size, replace=False, p=weight / weight.sum())


@dataclass(frozen=True, slots=True)
class Tried:
    """One window: for each way whether the truth lies inside, how wide it is, and what became of a changed meaning."""

    inside: dict[str, bool]
    width: dict[str, float]
    refused: bool
    asked: bool
    """Refused, or said how many labels are lacking."""
    settled: bool
    """Refused, with the labels that it had asked for."""
    doubted: bool


def tried(of: Replies, shift: str, rng: np.random.Generator) -> Tried:
    """Calibrate, tell a window every way, then change what confidence means."""
    order = rng.permutation(len(of.sure))
    known, window = order[:LABELS], drawn(of, shift, order[LABELS:], rng)
    outcome = (rng.random(len(of.sure)) < of.likely).astype(float)
    calibration = Calibration.fit(of.sure[known], outcome[known])
    by_real = Calibration.fit(of.sure[known], of.right[known])
    sure, labeled = of.sure[window], np.arange(len(window)) < TRICKLE
    worse = outcome[window] * (rng.random(len(window)) < 2 / 3)
    p = calibration(sure)
    powered = powered_mean(outcome[window][labeled], p[labeled], p[~labeled])
    ways = {
        "held": (by_calibration(calibration, sure), outcome),
        "real": (by_calibration(by_real, sure), of.right),
        "threshold": (by_threshold(of.sure[known], outcome[known], sure), outcome),
        "difference": (by_difference(of.sure[known], outcome[known], sure), outcome),
        "powered": (powered.score, outcome),
    }
    inside = {way: covers(score, float(truth[window].mean())) for way, (score, truth) in ways.items()}
    width = {way: score.high - score.low for way, (score, _) in ways.items()}
    likely = of.likely[window]
    width["oracle"] = 2 * 1.96 * float(np.sqrt((likely * (1 - likely)).sum())) / len(window)
    before = (of.sure[known], outcome[known])
    seen = shown(before, sure, worse, TRICKLE)
    again = shown(before, sure, worse, TRICKLE + seen.wanted) if seen.estimated and seen.wanted else seen
    return Tried(
        inside=inside,
        width=width,
        refused=seen.estimated is None,
        asked=seen.estimated is None or seen.wanted > 0,
        settled=again.estimated is None,
        doubted=shown(before, sure, outcome[window], TRICKLE).estimated is None,
    )


def shown(before: tuple[Floats, Floats], sure: Floats, right: Floats, labels: int) -> Window:
    """What the product tells of a window whose first rows are labeled, by labels of before it."""
    pairs = enumerate(zip(sure.tolist(), right.tolist(), strict=True))
    rows = [Told(time=float(k), confidence=c, right=y if k < labels else None) for k, (c, y) in pairs]
    return window_of(rows, Labels(*(column.tolist() for column in before)))


def covers(score: Score, truth: float) -> bool:
    """Whether the truth lies inside."""
    return score.low <= truth <= score.high


@dataclass(slots=True)
class Found:
    """All that was tried."""

    windows: list[tuple[str, str, Tried]] = field(default_factory=list)
    """Stream, shift, and what came of it."""
    spared: dict[str, dict[str, Saved]] = field(default_factory=dict)


def every(folder: Path, windows: int, draws: int, *, quick: bool) -> Found:
    """So many windows of each stream, of each shift in turn, and so many draws of labels."""
    found = Found()
    for number, stream in enumerate(STREAMS):
        rows, features = lot(folder / f"{stream}.jsonl.gz", 4 if quick else 1)
        of = replies(rows, features)
        print(f"{stream}: {len(of.sure):,} replies, {of.right.mean():.1%} right", file=sys.stderr, flush=True)
        found.spared[stream] = spared(features, [row["label"] for row in rows], draws, number)
        rng = np.random.default_rng(number)
        for k in range(windows):
            shift = SHIFTS[k % len(SHIFTS)]
            found.windows.append((stream, shift, tried(of, shift, rng)))
    return found


def share(values: Sequence[bool]) -> list[float]:
    """A share with its exact interval."""
    found = proportion(sum(values), len(values))
    return [round(x, 4) for x in (found.mean, found.low, found.high)]


def summary(found: Found, seconds: float, *, quick: bool) -> dict[str, Any]:
    """The bar's line."""
    shifted, groups = [one for _, _, one in found.windows], defaultdict[str, list[Tried]](list)
    for stream, shift, one in found.windows:
        groups[f"{stream}, {shift}"].append(one)
    held = share([one.inside["held"] for one in shifted])
    changed = {name: share([getattr(one, name) for one in shifted]) for name in CHANGED}
    wider = mean_interval([one.width["held"] / one.width["oracle"] for one in shifted])
    asked = {
        "held": held[1] >= GOAL,
        "windows": quick or len(shifted) >= LEAST,
        "refuses": changed["refused"][1] > 0.5,
        "refuses_or_asks": changed["asked"][1] >= GOAL,
        "refuses_with_labels": changed["settled"][1] >= POWER,
        "narrow": wider.high <= WIDEST,
        **met(found.spared, GOAL),
    }
    return {
        "bar": "watch.4",
        "value": held[1],
        "interval": held[1:],
        "n": len(shifted),
        "goal": GOAL,
        "met": all(asked.values()),
        "seconds": round(seconds, 1),
        "quick": quick,
        "asked": asked,
        "coverage": {way: share([one.inside[way] for one in shifted]) for way in WAYS},
        "width": {way: round(float(np.mean([one.width[way] for one in shifted])), 4) for way in (*WAYS, "oracle")},
        "wider": [round(x, 4) for x in (wider.mean, wider.low, wider.high)],
        "changed": changed,
        "spared": told(found.spared),
        "by": {
            name: {way: share([one.inside[way] for one in some])[0] for way in WAYS} for name, some in groups.items()
        },
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a quarter of the rows, 200 windows, 300 draws of each")
    parser.add_argument("--windows", type=int, default=1000, help="of each stream")
    parser.add_argument("--draws", type=int, default=1000, help="of labels, of each stream")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    args = parser.parse_args()
    began = time.perf_counter()
    windows, draws = (200, 300) if args.quick else (args.windows, args.draws)
    found = every(args.streams, windows, draws, quick=args.quick)
    print(json.dumps(summary(found, time.perf_counter() - began, quick=args.quick)))


if __name__ == "__main__":
    main()
