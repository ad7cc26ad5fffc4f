"""How often two windows of traffic that only follows the clock are said to differ, with hours matched and without.

    python bench/same_hours.py [--quick] [--runs 60] [--streams ../shared/data/streams] [--seed 0]

Real requests (`channels.py`: CLINC150, HWU64, titles of arXiv), 1,500 a week over four weeks. Volume and topics follow
the hour, and at the weekend other topics ask, as in `watch_1.py`; each week is like the others. Windows, as somebody
would choose them: `weeks`, the last two days beside the three weeks before; `days`, the last two days beside the six
before; `before`, the newest 1,000 requests beside the 1,000 before them, as `homeostat drift` does without flags;
`alike`, two weeks beside two weeks, where there is nothing to match. Each pair is compared as it is (`any`) and as it
is by default (`auto`), by confidence, words, characters, rarity, novelty and reply.

`false` is the share of pairs of which any line is called moved though nothing has, which may be a twentieth (Holm), and
`lines` the mean number of such lines. `seen` is the share in which a line is called moved where 15 % of the current
requests are about a topic that the reference never had: what matching costs. `by` says how many pairs were matched by
what, and `kept` which share of the current and of the reference's requests was compared (medians).

`value` is the largest `false` of the default where hours of the week could be matched (`weeks`, `alike`), with its
exact 95 % interval, the goal at most 0.05; met where the interval begins at no more.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from channels import DATA, STREAMS, Pool, pool

from homeostat.monitor.compare import Question, Report, Verdict, compare
from homeostat.monitor.hours import Hours
from homeostat.stats.intervals import proportion
from homeostat.types.interaction import Interaction

GOAL, PLANTED = 0.05, 0.15
WEEKS, PER_WEEK, HOUR_S, DAY_S = 4, 1_500, 3_600.0, 86_400.0
START = 2_800 * 7 * DAY_S
"""A midnight, in seconds since 1970."""
ASKED = ("confidence", "words", "characters", "rarity", "novelty", "reply")
WINDOWS = ("weeks", "days", "before", "alike")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one pair."""

    moved: int
    """Lines called moved."""
    hours: Hours
    kept: tuple[float, float]


def traffic(of: Pool, topic: int, rng: np.random.Generator) -> list[Interaction]:
    """Weeks that are like each other, without a topic."""
    topics = int(of.topic.max()) + 1
    peak, idle = rng.uniform(0, 24, topics), rng.normal(0, 0.7, topics)
    rows: list[Interaction] = []
    for hour in range(168 * WEEKS):
        weekend = hour % 168 >= 120
        volume = PER_WEEK / 168 * (1 + 0.8 * math.cos((hour - 14) * math.pi / 12)) * (0.5 if weekend else 1.2)
        weight = np.exp(2.0 * np.cos((hour - peak) * math.pi / 12) + idle * weekend)[of.topic]
        weight[of.topic == topic] = 0.0
        n = int(rng.poisson(volume))
        times = START + HOUR_S * np.sort(rng.uniform(hour, hour + 1, n))
        for k, at in zip(rng.choice(len(of), n, p=weight / weight.sum()).tolist(), times.tolist(), strict=True):
            rows.append(replace(of.interactions[k], id=f"int_{len(rows):06}", time=at))
    return rows


def planted(of: Pool, rows: Sequence[Interaction], topic: int, rng: np.random.Generator) -> list[Interaction]:
    """The same with a share of them about another topic, at the same times."""
    about = np.flatnonzero(of.topic == topic)
    hit = rng.random(len(rows)) < PLANTED
    other = [of.interactions[k] for k in rng.choice(about, len(rows)).tolist()]
    return [replace(new, id=row.id, time=row.time) if k else row for row, new, k in zip(rows, other, hit, strict=True)]


def windows(rows: Sequence[Interaction], kind: str) -> tuple[list[Interaction], list[Interaction]]:
    """Two windows of a log, the current one last."""
    end = START + 7 * WEEKS * DAY_S
    if kind == "before":
        return list(rows[-2_000:-1_000]), list(rows[-1_000:])
    days, before = {"weeks": (2, 21), "days": (2, 6), "alike": (14, 14)}[kind]
    cut = end - days * DAY_S
    reference = [row for row in rows if cut - before * DAY_S <= row.time < cut]
    return reference, [row for row in rows if row.time >= cut]


def seen(reference: Sequence[Interaction], current: Sequence[Interaction], hours: Hours) -> Seen:
    """Compare once."""
    report: Report = compare(reference, current, Question(features=ASKED, detectors=(), hours=hours))
    moved = sum(line.verdict is Verdict.MOVED for line in report.lines)
    return Seen(moved, report.hours, (report.n_current / len(current), report.n_reference / len(reference)))


def summary(calm: Sequence[Seen], shifted: Sequence[Seen]) -> dict[str, object]:
    """Of one kind of windows, compared in one way."""
    false, found = (proportion(sum(one.moved > 0 for one in some), len(some)) for some in (calm, shifted))
    kept = np.median([one.kept for one in calm], axis=0)
    return {
        "n": len(calm),
        "false": [round(false.mean, 3), round(false.low, 3), round(false.high, 3)],
        "lines": round(float(np.mean([one.moved for one in calm])), 3),
        "seen": [round(found.mean, 3), round(found.low, 3), round(found.high, 3)],
        "by": dict(Counter(str(one.hours) for one in calm)),
        "kept": [round(float(x), 3) for x in kept],
    }


def main() -> None:
    """Print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six draws")
    parser.add_argument("--runs", type=int, default=60, help="draws, each of every kind of windows")
    parser.add_argument("--streams", type=Path, default=DATA, help="where the streams lie")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    began, names, runs = time.perf_counter(), list(STREAMS), 6 if args.quick else args.runs
    found: dict[tuple[str, Hours, bool], list[Seen]] = {}
    for run in range(runs):
        of, rng = pool(names[run % len(names)], args.streams), np.random.default_rng([args.seed, run])
        topic = int(rng.integers(of.topic.max() + 1))
        rows = traffic(of, topic, rng)
        for kind in WINDOWS:
            reference, current = windows(rows, kind)
            both = ((False, current), (True, planted(of, current, topic, rng)))
            for hours in (Hours.ANY, Hours.AUTO):
                for shifted, now in both:
                    found.setdefault((kind, hours, shifted), []).append(seen(reference, now, hours))
        print(f"draw {run + 1} of {runs}", file=sys.stderr, flush=True)
    by = {
        kind: {
            str(hours): summary(found[kind, hours, False], found[kind, hours, True])
            for hours in (Hours.ANY, Hours.AUTO)
        }
        for kind in WINDOWS
    }
    worst = max((by[kind]["auto"]["false"] for kind in ("weeks", "alike")), key=lambda one: one[0])  # type: ignore[index,call-overload]
    line = {
        "bar": "same_hours",
        "value": worst[0],  # type: ignore[index]
        "interval": worst[1:],  # type: ignore[index]
        "n": runs,
        "goal": GOAL,
        "met": bool(worst[1] <= GOAL),  # type: ignore[index]
        "seconds": round(time.perf_counter() - began, 1),
        "quick": args.quick,
        "windows": by,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
