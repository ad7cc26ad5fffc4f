"""How many labels does a judge save a second look, and what does it let through?

    python bench/assisted.py [--quick] [--runs 4000] [--seed 83]

Requests on which two versions differ are labeled one after the other, and the claim "the candidate is better", or "it
has lost no more than the margin", is bet on after every label (`stats.assisted`, as `evaluate.again` does), at the
level that the first candidate of a task has for looking again after p = 0.02 (0.012), planned for 200 labels. Beside
each label stand four requests without one. Judges rate every request: `blind` says anything; `fair` knows what is right
in seven of ten and says anything of the rest, `strong` in nine; `biased` is as `fair` and likes the candidate's reply
better in half of all requests, whatever it is; `contrary` says the opposite in nine of ten; `moody` is `strong` for the
first hundred labels and then contrary.

- `false`: share of the candidates ever shown to be better that are exactly as good, over 1,000 looks; and of those that
  lose exactly the margin, 0.3 among requests on which they differ, shown to lose less. Goal: at most the level.
- `saved`: labels by which 80 of 100 candidates are shown that win by 0.15, 0.25 and 0.4 among requests on which they
  differ (3 points at a discordance of 0.2, 0.12 and 0.075), with a judge and without one, on the same draws.
- `taken at its word`: what a judge's mean over as many requests, without a label, passes: the same candidates that are
  as good, called better where its mean over 1,000 requests is above 0 at the level.

`value` is the largest share of false ones over judges and both claims, with its exact 95 % interval.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.stats.again import asked
from homeostat.stats.assisted import MOST, Assisted
from homeostat.stats.intervals import proportion
from homeostat.stats.online import granted
from homeostat.stats.planned import Plan

Floats = NDArray[np.float64]
JUDGES: dict[str, dict[str, float]] = {
    "blind": {"knows": 0.0},
    "fair": {"knows": 0.7},
    "strong": {"knows": 0.9},
    "biased": {"knows": 0.7, "leans": 0.5},
    "contrary": {"knows": -0.9},
    "moody": {"knows": 0.9, "turns": 100},
}
GAINS, MARGIN, LABELS, LOOKS = (0.15, 0.25, 0.4), 0.3, 600, 1000
LEVEL = asked(0.02, 0.9 * granted(1, 0, 0.05), 0.1 * granted(1, 0, 0.05))
PLAN = Plan(rows=200, alpha=LEVEL, square=1.0)


class Stream:
    """Labels of requests on which two versions differ, and what a judge says of them and of others; label by label."""

    def __init__(self, gain: float, games: int, seed: int, knows: float, leans: float = 0.0, turns: float = 0) -> None:
        """The same seed draws the same labels, whoever judges."""
        self.gain, self.games, self.knows, self.leans, self.turns = gain, games, knows, leans, turns
        self.labels, self.rest, self.k = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2]), 0

    def next(self) -> tuple[Floats, Floats, Floats]:
        """float[games]: the labels, what the judge says of them, and of the others beside them on average."""
        label = self._truth(self.labels)
        own, others = self.said(label), [self.said(self._truth(self.rest)) for _ in range(MOST)]
        self.k += 1
        return label, own, np.mean(others, axis=0)

    def said(self, truth: Floats) -> Floats:
        """What the judge says of requests."""
        knows = -self.knows if self.turns and self.k >= self.turns else self.knows
        known = self.rest.random(truth.shape) < abs(knows)
        said = np.where(known, np.sign(knows) * truth, self.rest.choice([-1.0, 1.0], truth.shape))
        return np.where(self.rest.random(truth.shape) < self.leans, 1.0, said)

    def _truth(self, rng: np.random.Generator) -> Floats:
        return np.where(rng.random(self.games) < (1.0 + self.gain) / 2.0, 1.0, -1.0)


def played(stream: Stream, labels: int, bound: float = 0.0, *, alone: bool = False) -> Floats:
    """Labels after which each game has shown its claim; infinite where it has not."""
    game, first = Assisted(np.full(stream.games, bound), PLAN), np.full(stream.games, np.inf)
    for k in range(labels):
        label, own, rest = stream.next()
        game.update(label, own, rest, 0 if alone else MOST)
        first[(game.p <= PLAN.alpha) & np.isinf(first)] = k + 1
    return first


def trusted(judge: dict[str, float], games: int, seed: int) -> float:
    """Share of candidates that are as good, and that the judge's own mean calls better."""
    stream = Stream(0.0, games, seed, **judge)
    total = np.sum([stream.next()[1] for _ in range(LOOKS)], axis=0)
    return float(np.mean(stats.norm.sf(total / np.sqrt(LOOKS)) <= LEVEL))


def needed(first: Floats) -> float | None:
    """Labels by which 80 of 100 are shown; None where that takes more than there are."""
    found = float(np.quantile(first, 0.8, method="higher"))
    return found if np.isfinite(found) else None


def _share(k: int, n: int) -> list[float]:
    found = proportion(k, n)
    return [round(found.mean, 5), round(found.low, 5), round(found.high, 5)]


def main() -> None:
    """Measure, and print one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=83)
    given, started = parser.parse_args(), time.monotonic()
    runs, looks = (200, 200) if given.quick else (given.runs, LOOKS)
    false, saved, believed = dict[str, Any](), dict[str, Any](), dict[str, float]()
    for k, (name, judge) in enumerate(JUDGES.items()):
        for claim, bound in (("better", 0.0), ("margin", -MARGIN)):
            first = played(Stream(bound, runs, given.seed + k, **judge), looks, bound)
            false[f"{name}, {claim}"] = _share(int(np.isfinite(first).sum()), runs)
        believed[name] = trusted(judge, min(runs, 1000), given.seed + k)
    for gain in GAINS:
        some = max(200, runs // 4)
        alone = needed(played(Stream(gain, some, given.seed + 50, **JUDGES["blind"]), LABELS, alone=True))
        with_judge = {
            name: needed(played(Stream(gain, some, given.seed + 50, **judge), LABELS)) for name, judge in JUDGES.items()
        }
        saved[f"{gain}"] = {"alone": alone, **with_judge}
    value, low, high = max(false.values(), key=lambda told: told[0])
    told = {
        "bar": "assisted",
        "value": value,
        "interval": [low, high],
        "n": runs,
        "goal": round(LEVEL, 5),
        "met": bool(low <= LEVEL),
        "seconds": round(time.monotonic() - started, 1),
        "false": false,
        "labels_for_80_percent": saved,
        "called_better_by_the_judge_alone": believed,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
