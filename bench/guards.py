"""How often the gate's guard metrics err: a loss just at the margin that is passed, and no loss that is called one.

    python bench/guards.py [--quick] [--draws 1000] [--seed 100000]

Two versions on the same rows, many times, with replies drawn by chance (`evaluate.guarded`, alpha 0.05, margins of the
defaults, so five points):

- macro F1: three labels (60, 25 and 15 % of rows); the candidate gets the rarest wrong so often that macro F1 is lower
  by just the margin. 600 rows alone; and 1,200 of 400 users, whose rows fare alike, counted as users and, beside it, as
  if they were rows alone.
- calibration: 400 rows, of which both get the same 70 % right; the candidate is surer by 22.4 points, so that its Brier
  score is worse by just the margin.
- form: 400 replies, of which 98 % and 93 % are of the right form.
- the gate's own claims, of 1,200 rows of 400 users who fare alike, at discordance 0.1 and 0.15: that it is better, of a
  candidate that is not, at alpha and at the level of a task's first candidate (0.0099); and that no five points were
  lost, of one that lost them. Counted as users, and as rows alone. And a gain of 6 points: how often it is shown.
- `who come back`, of 200 draws at most: bets that are looked at again, and gaps between groups, of 1,200 rows of 200
  users (`bench/returning.py`).

And the same where nothing was lost: how often that is shown, and how often a loss is claimed. Prints one JSON line:
`value` is the largest share of draws in which a loss at the margin is passed, `interval` its exact 95 % interval. The
bar is the lower end at most alpha: no such rate is shown to be above it. `rates` has all of them: passed at the margin,
passed and refused where nothing was lost, rows alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import returning

from homeostat.config.schema import Evaluate
from homeostat.evaluate.guarded import CALIBRATION, FORM, MACRO_F1, guard_findings
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.sentence import Finding
from homeostat.stats.intervals import proportion
from homeostat.stats.online import granted

SETTINGS = Evaluate()
LABELS = ("often", "some", "rare")
SHARES = (0.6, 0.25, 0.15)
Chances = tuple[float, float, float]
GOOD: Chances = (0.9, 0.85, 0.8)
LEVEL: Chances = (0.7, 0.7, 0.7)
SURER = 0.05**0.5
"""Confidence above what is so by which a Brier score is worse by 0.05."""
Draw = Callable[[int], list[PairedRow]]


def labeled(
    seed: int, n: int, mine: Chances, theirs: Chances = GOOD, *, oversure: float = 0.0, users: int = 0
) -> list[PairedRow]:
    """Rows of labels that both get right so often, by label; the candidate says that it is surer than it is. With
    users, all rows of one are of one label and fare alike.
    """
    rng = np.random.default_rng(seed)
    count = users or n
    whose = rng.integers(0, count, n).tolist() if users else range(n)
    target, luck, other = rng.choice(3, count, p=SHARES).tolist(), rng.random(count), rng.integers(1, 3, count)
    return [
        _row(target[k], float(luck[k]), int(other[k]), (mine, theirs), oversure, str(k) if users else "") for k in whose
    ]


def _row(
    target: int, luck: float, other: int, chances: tuple[Chances, Chances], oversure: float, cluster: str
) -> PairedRow:
    mine, theirs = (LABELS[target if luck < chance[target] else (target + other) % 3] for chance in chances)
    return PairedRow(
        group="known labels",
        candidate=float(mine == LABELS[target]),
        champion=float(theirs == LABELS[target]),
        target=LABELS[target],
        said=(mine, theirs),
        sure=(min(chances[0][target] + oversure, 1.0), chances[1][target]),
        cluster=cluster,
    )


def written(seed: int, n: int, mine: float, theirs: float) -> list[PairedRow]:
    """Texts that are of the right form so often, by candidate and champion."""
    luck = np.random.default_rng(seed).random((n, 2)).tolist()
    return [
        PairedRow(group="replies", candidate=0.5, champion=0.5, formed=(float(a < mine), float(b < theirs)))
        for a, b in luck
    ]


def macro_f1(chances: Chances) -> float:
    """Macro F1 of endlessly many rows."""
    right, shares = np.array(chances), np.array(SHARES)
    wrong = shares * (1.0 - right) / 2.0
    said = shares * right + wrong.sum() - wrong
    return float(np.mean(2.0 * shares * right / (shares + said)))


def edge() -> Chances:
    """Chances of a candidate whose macro F1 has lost just the margin, all in the rarest label."""
    low, high = 0.0, GOOD[2]
    for _ in range(60):
        middle = (low + high) / 2
        lost = macro_f1(GOOD) - macro_f1((*GOOD[:2], middle)) > SETTINGS.small_margin
        low, high = (middle, high) if lost else (low, middle)
    return (*GOOD[:2], high)


def of(rows: Sequence[PairedRow], name: str) -> Finding:
    """What rows say of one guard metric."""
    return next(found for found in guard_findings(rows, SETTINGS) if found.name == name)


def counts(draw: Draw, name: str, seeds: Sequence[int]) -> tuple[int, int]:
    """Draws in which no loss is shown, and in which one is."""
    found = [of(draw(seed), name) for seed in seeds]
    return sum(one.shown for one in found), sum(one.refuted for one in found)


def alone(rows: Sequence[PairedRow]) -> list[PairedRow]:
    """The same rows as if they were of nobody."""
    return [replace(row, cluster="") for row in rows]


def cases() -> dict[str, tuple[str, Draw, Draw]]:
    """Name -> metric, a loss at the margin, and no loss."""
    worse = edge()
    return {
        "macro F1": (MACRO_F1, lambda s: labeled(s, 600, worse), lambda s: labeled(s, 600, GOOD)),
        "macro F1 of users": (
            MACRO_F1,
            lambda s: labeled(s, 1200, worse, users=400),
            lambda s: labeled(s, 1200, GOOD, users=400),
        ),
        "calibration": (
            CALIBRATION,
            lambda s: labeled(s, 400, LEVEL, LEVEL, oversure=SURER),
            lambda s: labeled(s, 400, LEVEL, LEVEL),
        ),
        "form": (FORM, lambda s: written(s, 400, 0.93, 0.98), lambda s: written(s, 400, 0.98, 0.98)),
    }


def of_users(seed: int, gain: float, discordance: float, level: float) -> tuple[bool, bool]:
    """Whether a claim about 1,200 rows of 400 users is shown at a level: by users, and by rows alone. The claim is that
    the candidate is better; of one that is truly worse that it lost no five points.
    """
    rng, win = np.random.default_rng(seed), (discordance + gain) / 2.0
    users = rng.choice([1.0, -1.0, 0.0], 400, p=[win, discordance - win, 1.0 - discordance])
    whose = rng.integers(0, 400, 1200)
    bound = min(gain, 0.0)
    samples = Sample(users[whose], whose), Sample(users[whose])
    shown = [sample.p_above(bound) <= level for sample in samples]
    return shown[0], shown[1]


CLAIMS = {
    "better": (0.0, 0.1, SETTINGS.alpha),
    "better, at the account's first level": (0.0, 0.1, 0.9 * granted(1, 0, SETTINGS.alpha)),
    "nothing lost": (-0.05, 0.15, SETTINGS.alpha),
    "truly better by 6 points": (0.06, 0.1, SETTINGS.alpha),
}
"""Claim -> true gain, discordance, level."""


def claimed(seeds: Sequence[int]) -> dict[str, dict[str, float]]:
    """How often each claim of the gate is shown."""
    found = dict[str, dict[str, float]]()
    for name, (gain, discordance, level) in CLAIMS.items():
        shown = np.array([of_users(seed, gain, discordance, level) for seed in seeds]).mean(axis=0)
        found[name] = {"shown": float(shown[0]), "shown, rows alone": float(shown[1]), "level": level}
    return found


def main() -> None:
    """Simulate and print the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 draws")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=100_000)
    args = parser.parse_args()
    began, draws = time.perf_counter(), 100 if args.quick else args.draws
    seeds, rates = range(args.seed, args.seed + draws), dict[str, dict[str, float]]()
    for name, (metric, at_margin, no_loss) in cases().items():
        passed, _ = counts(at_margin, metric, seeds)
        kept, refused = counts(no_loss, metric, seeds)
        rates[name] = {"at margin": passed / draws, "kept": kept / draws, "refused": refused / draws}
        if name.endswith("users"):
            rows_alone, _ = counts(lambda s, draw=at_margin: alone(draw(s)), metric, seeds)  # type: ignore[misc]
            rates[name]["at margin, rows alone"] = rows_alone / draws
    worst = proportion(round(max(one["at margin"] for one in rates.values()) * draws), draws)
    line = {
        "bar": "guards",
        "value": worst.mean,
        "interval": [round(worst.low, 4), round(worst.high, 4)],
        "n": draws,
        "goal": {"passed at the margin at most": SETTINGS.alpha},
        "met": worst.low <= SETTINGS.alpha,
        "rates": rates,
        "of users": claimed(seeds),
        "who come back": returning.rates(seeds[:200]),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
