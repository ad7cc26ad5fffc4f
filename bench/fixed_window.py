"""False alarms per nominal false alarm: a reference that grows beside a window that stays as it is.

    python bench/fixed_window.py [--rows 2000000] [--seed 0]

Independent normal scores in streams of 50,000, one channel, c = 50,000: nothing ever moves, so each alarm is false, and
1.0 is what the guarantee allows. Prints a table; not a bar.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets
from homeostat.monitor.reference import Histogram

THRESHOLD = STREAM = 50_000
EDGES = np.linspace(-4, 4, 511)

Floats = NDArray[np.float64]


def growing(window: Floats, scores: Floats, u: Floats) -> Floats:
    """P-values against the window and all scores before."""
    histogram = Histogram(EDGES)
    histogram.learn(window)
    return histogram.rank(scores, u)


def fixed(window: Floats, scores: Floats, u: Floats) -> Floats:
    """P-values against the window alone."""
    known, place = np.sort(np.searchsorted(EDGES, window)), np.searchsorted(EDGES, scores)
    at_most = np.searchsorted(known, place, side="right")
    same = at_most - np.searchsorted(known, place, side="left")
    return np.asarray((len(known) - at_most + u * (same + 1)) / (len(known) + 1), dtype=np.float64)


def alarms(p: Floats) -> int:
    """How often one stream alarms."""
    detector, logs, at, found = ShiryaevRoberts(BETS, THRESHOLD), log_bets(p[:, None]), 0, 0
    while at < len(logs):
        levels, alarm = detector.scan(logs[at:], np.zeros(len(logs)))
        at, found = at + len(levels), found + (alarm is not None)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("reference  fixed  growing")
    for size in (300, 1000, 4000):
        rng, total = np.random.default_rng([args.seed, size]), np.zeros(2)
        for _ in range(args.rows // STREAM):
            x, u = rng.normal(size=size + STREAM), 1 - rng.random(STREAM)
            total += [alarms(fixed(x[:size], x[size:], u)), alarms(growing(x[:size], x[size:], u))]
        rates = total * THRESHOLD / (args.rows // STREAM * STREAM)
        print(f"{size:9d}  {rates[0]:5.2f}  {rates[1]:7.2f}")


if __name__ == "__main__":
    main()
