"""The e-detector beside the classical detectors: how often each alarms falsely, and how soon it finds a change.

    python bench/second_opinion.py [--streams 20] [--rows 20000] [--seed 0]

Strangeness is a normal number; a changed row is 1.466 stranger, so that it is the stranger of a pair in 85 of 100. A
reference of 1,000 rows comes first. False alarms are counted in streams in which nothing moves, an equal number of rows
in all; delays over streams in which a share of the rows changes after 500. The e-detector is set to 50,000 rows (its
growing reference is what its bound needs), the others as they are when nobody sets them; `ks` is Kolmogorov-Smirnov on
each batch of 50 at 0.001. A stream in which a detector has alarmed before the change is left out of its delays. Prints
a table; not a bar.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets
from homeostat.monitor.opinion import ranked_in
from homeostat.monitor.reference import Histogram

Floats = NDArray[np.float64]
Alarms = Callable[[Floats, Floats, np.random.Generator], Iterator[int]]

KNOWN, ONSET, AFTER, BATCH = 1_000, 500, 3_000, 50
STRANGER = 1.466
SHARES = (0.1, 0.25, 0.5)
EDGES = np.linspace(-4, 6, 511)


def e_detector(known: Floats, scores: Floats, rng: np.random.Generator) -> Iterator[int]:
    """Rows after which the default alarms."""
    histogram, detector = Histogram(EDGES), ShiryaevRoberts(BETS, 50_000)
    histogram.learn(known)
    logs, at = log_bets(histogram.rank(scores, 1 - rng.random(len(scores)))[:, None]), 0
    while at < len(logs):
        levels, alarm = detector.scan(logs[at:], np.zeros(len(logs)))
        at += len(levels)
        if alarm:
            yield at


def batches(known: Floats, scores: Floats, rng: np.random.Generator) -> Iterator[int]:
    """Rows after which a batch differs from the reference at 0.001."""
    for at in range(BATCH, len(scores) + 1, BATCH):
        if stats.ks_2samp(known, scores[at - BATCH : at], method="asymp").pvalue < 0.001:
            yield at


def classical(name: str) -> Alarms:
    """Rows after which a classical detector alarms, on ranks among the reference as `homeostat drift` gives them."""

    def alarms(known: Floats, scores: Floats, rng: np.random.Generator) -> Iterator[int]:
        detector, ranks = DETECTORS.get(name)(), ranked_in(known, scores)
        values = np.sqrt(12) * (ranks - 0.5) if detector.standard else ranks
        return (at for at, value in enumerate(values.tolist(), 1) if detector.update(value))

    return alarms


DETECTED: dict[str, Alarms] = {"e-detector": e_detector, "ks": batches} | {n: classical(n) for n in DETECTORS.names()}


def false_alarms(alarms: Alarms, streams: int, rows: int, seed: int) -> int:
    """How many in all."""
    found = 0
    for stream in range(streams):
        rng = np.random.default_rng([seed, 1, stream])
        found += sum(1 for _ in alarms(rng.normal(size=KNOWN), rng.normal(size=rows), rng))
    return found


def delays(alarms: Alarms, streams: int, share: float, seed: int) -> list[float]:
    """Rows from the change to the first alarm, infinite where there is none, of streams without one before."""
    found = []
    for stream in range(streams):
        rng = np.random.default_rng([seed, 2, stream, int(100 * share)])
        changed = rng.random(ONSET + AFTER) < share
        changed[:ONSET] = False
        scores = rng.normal(size=ONSET + AFTER) + STRANGER * changed
        first = next(alarms(rng.normal(size=KNOWN), scores, rng), np.inf)
        if first > ONSET:
            found.append(first - ONSET)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    quiet = max(1, args.streams // 5)
    print(f"{'detector':14}false alarms in {quiet * args.rows:,}   median rows to a change of", *SHARES)
    for name, alarms in DETECTED.items():
        told = [delays(alarms, args.streams, share, args.seed) for share in SHARES]
        seen = [f"{np.median(one):6.0f} ({len(one)})" if one else "     –    " for one in told]
        print(f"{name:14}{false_alarms(alarms, quiet, args.rows, args.seed):6d}", " " * 24, *seen, flush=True)


if __name__ == "__main__":
    main()
