"""The detectors of bar watch.2, each as a course of its statistic: how much it speaks of a change after each row.

A detector alarms where its course first reaches a threshold, and up to there nothing depends on the threshold. So one
run of a stream tells when it would have alarmed at any; which threshold is fair is found on streams in which nothing
changes. The numbers that are learned from or ranked among are the first REFERENCE rows; the course begins after them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from shifts import BINS, LATE, REFERENCE, Desk, Floats, Places, Stream

from homeostat.config.schema import Monitor
from homeostat.monitor.detectors.batch.mmd import width_of
from homeostat.monitor.detectors.fixed import LUCKLESS, FixedReference
from homeostat.monitor.detectors.fixed import ROWS as LEARNED
from homeostat.monitor.detectors.loss import LossDetector, surprise
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets, log_mean
from homeostat.monitor.detectors.sliced import Sliced
from homeostat.monitor.opinion import ranked_in
from homeostat.monitor.reference import Reference
from homeostat.monitor.seasons import ALL, days, hours_of
from homeostat.monitor.traffic import ALLOWED, FIXED, QUICK, SLICED

Peer = Callable[[Floats, int], Floats]
"""From a column, and how many of its first rows are known to be normal, to the statistic after each row."""

BATCH, WINDOW, EVERY = 50, 200, 50
STEP_S = 60.0
LEVELS = np.arange(-1.0, 12.1, 0.5)
"""Minus the decimal logarithms of the settings at which detectors are tried that have no statistic to read."""
_PIECE = 512


def ours(desk: Desk, stream: Stream, seed: int) -> Floats:
    """The three detectors of requests at the defaults, as `monitor.traffic` runs them: the natural logarithm of the
    number of rows to a false alarm at which any of them would alarm now.
    """
    reference, known = Reference(desk.index, BINS), Monitor().min_reference
    scores, times = desk.scores[stream.rows], STEP_S * np.arange(len(stream.rows))
    quick, fixed = ShiryaevRoberts(2 * BETS, math.inf), FixedReference(reference.edges, math.inf, seed)
    sliced, u = Sliced(reference.edges, math.inf), np.ones(scores.shape)
    u[known:] -= np.random.Generator(np.random.PCG64(seed)).random(u[known:].shape)
    reference.learn(scores[:known], times[:known])
    fixed.learn(scores[:known], times[:known])
    out = [np.full(known, -np.inf)]
    for day in days(times[known:]):
        for first in range(known + day.start, known + day.stop, _PIECE):
            rows = slice(first, min(first + _PIECE, known + day.stop))
            p = reference.rank(scores[rows], u[rows], times[rows])
            levels = [
                log_mean(quick.scan(log_bets(p), times[rows])[0]) + math.log(ALLOWED[QUICK]),
                _fixed(fixed, scores[rows], u[rows], times[rows]) + math.log(ALLOWED[FIXED]),
                _sliced(sliced, scores[rows], u[rows], times[rows], stream.places[rows]) + math.log(ALLOWED[SLICED]),
            ]
            out.append(np.max(levels, axis=0))
    return np.concatenate(out)


def _fixed(fixed: FixedReference, scores: Floats, u: Floats, times: Floats) -> Floats:
    out, at = np.full(len(scores), -np.inf), 0
    while at < len(scores):
        if fixed.learned == LEARNED:
            logs = fixed.log_bets(scores[at:], u[at:], hours_of(times[at:]), ALL)
            out[at:] = log_mean(fixed.evidence.ahead(logs)) + math.log(1.0 - LUCKLESS)
        at += fixed.take(scores[at:], u[at:], times[at:])[0]
    return out


def _sliced(sliced: Sliced, scores: Floats, u: Floats, times: Floats, places: Places) -> Floats:
    ranks, n = sliced.rank(scores, u, places), len(scores)
    heights = np.sort(sliced.ahead({name: (at, log_bets(p)) for name, (at, p) in ranks.items()}, 0, n), axis=1)[:, ::-1]
    sliced.scan(ranks, times, 0, n)
    return np.asarray((heights + np.log(np.arange(1, heights.shape[1] + 1))).max(axis=1) - math.log(sliced.ways))


def our_loss(desk: Desk, stream: Stream, seed: int) -> Floats:
    """The detector of losses, by reply and by the tags; in units of labeled rows to a false alarm."""
    detector, wrong, reply = LossDetector(math.inf, None, seed), stream.wrong, desk.reply[stream.rows]
    sure = 1.0 - desk.scores[stream.rows, 0]
    levels = []
    for row in stream.labeled.tolist():
        places = (f"reply={reply[row]}", *stream.places[row])
        detector.update(float(wrong[row]), 0.0, places, float(sure[row]))
        levels.append(detector.level)
    return late(stream, np.array(levels), int((stream.labeled < REFERENCE).sum()))


def late(stream: Stream, course: Floats, known: int) -> Floats:
    """The course over labeled rows as one over all: each label comes LATE rows after its row."""
    out = np.full(len(stream.rows), -np.inf)
    seen = stream.labeled + LATE
    some = (seen < len(stream.rows)) & (np.arange(len(course)) >= known)
    out[seen[some]] = course[some]
    return out


# Peers: from a column and how many of its rows are known to be normal, to the statistic after each row.


def adwin(values: Floats, known: int) -> Floats:
    """ADWIN of river: minus the decimal logarithm of the least `delta` of LEVELS that has cut by then."""
    return _least(lambda level: river().ADWIN(delta=10.0**-level), LEVELS, values.tolist(), known)


def _least(make: Callable[[float], Any], levels: Floats, values: list[Any], known: int) -> Floats:
    """The highest level at which a detector has alarmed by then, after the known rows."""
    out = np.full(len(values), -np.inf)
    for level in levels:
        detector = make(float(level))
        for row, value in enumerate(values):
            detector.update(value)
            if row >= known and detector.drift_detected:
                out[row] = max(out[row], level)
                break
        else:
            break
    return out


def page_hinkley(values: Floats, known: int, delta: float = 0.005) -> Floats:
    """PageHinkley of river: the sum that it compares with its threshold."""
    detector, out = river().PageHinkley(delta=delta, threshold=math.inf), []
    for value in values.tolist():
        detector.update(value)
        rise = detector._sum_increase - detector._min_increase
        out.append(max(rise, detector._max_decrease - detector._sum_decrease))
    return _after(np.array(out), known)


def ddm(values: Floats, known: int) -> Floats:
    """DDM of river: by how many of its deviations errors are more than at their fewest."""
    detector, out = binary().DDM(drift_threshold=math.inf), []
    for value in values.tolist():
        detector.update(bool(value))
        p = detector._p.get()
        s = math.sqrt(p * (1 - p) / detector._p.n)
        out.append((p + s - detector._p_min) / detector._s_min if detector._s_min else 0.0)
    return _after(np.array(out), known)


def hddm(values: Floats, known: int) -> Floats:
    """HDDM_A of river: minus the decimal logarithm of the least of seven confidences at which it has alarmed."""
    levels = LEVELS[LEVELS > 0][::4]
    return _least(
        lambda level: binary().HDDMA(drift_confidence=10.0**-level), levels, values.astype(bool).tolist(), known
    )


def ks(size: int) -> Callable[[Floats, int], Floats]:
    """The distance of Kolmogorov and Smirnov of each batch and the known rows, of which the p-value is a function."""

    def course(values: Floats, known: int) -> Floats:
        out = np.full(len(values), -np.inf)
        held, n = np.sort(values[:known]), (len(values) - known) // size
        batches = values[known : known + n * size].reshape(n, size)
        upto, below = (np.searchsorted(held, batches, side=side) / known for side in ("right", "left"))
        inside = (batches[:, None, :] <= batches[:, :, None]).mean(axis=2)
        before = (batches[:, None, :] < batches[:, :, None]).mean(axis=2)
        apart = np.maximum(np.abs(inside - upto), np.abs(below - before)).max(axis=1)
        out[known + size - 1 : known + n * size : size] = apart
        return out

    return course


def mmd(points: NDArray[Any], known: int, window: int = WINDOW) -> Floats:
    """Squared MMD (Gaussian kernel, median width) of the newest `window` rows and the known ones, every EVERY rows."""
    x = points.reshape(len(points), -1).astype(np.float32)
    scale = np.float32(2 * width_of(cdist(x[:known][:300], x[:known][:300], "sqeuclidean")) ** 2)
    beside, out = _kernel(x[:known], x, scale).mean(axis=0), np.full(len(x), -np.inf)
    among = float(beside[:known].mean())
    for until in range(known + EVERY, len(x) + 1, EVERY):
        rows = slice(until - window, until)
        out[until - 1] = among + float(_kernel(x[rows], x[rows], scale).mean()) - 2 * float(beside[rows].mean())
    return out


def _kernel(a: NDArray[np.float32], b: NDArray[np.float32], scale: np.float32) -> NDArray[np.float32]:
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1)[None] - 2 * (a @ b.T)
    return np.asarray(np.exp(-np.maximum(squares, 0) / scale), dtype=np.float32)


def _after(course: Floats, known: int) -> Floats:
    return np.where(np.arange(len(course)) >= known, course, -np.inf)


def river() -> Any:
    """The package's detectors on numbers."""
    return importlib.import_module("river.drift")


def binary() -> Any:
    """Those on errors."""
    return importlib.import_module("river.drift.binary")


def columns(desk: Desk, stream: Stream) -> Floats:
    """The channels, float64[rows, 2], as ranks among the known rows, in [0, 1]."""
    scores = desk.scores[stream.rows]
    return np.column_stack([ranked_in(scores[:REFERENCE, k], scores[:, k]) for k in range(scores.shape[1])])


def over_channels(course: Peer, desk: Desk, stream: Stream) -> Floats:
    """The highest of a detector per channel."""
    return np.max([course(column, REFERENCE) for column in columns(desk, stream).T], axis=0)


def over_slices(course: Peer, desk: Desk, stream: Stream) -> Floats:
    """The highest of a detector per channel, on all rows and on each slice's."""
    out, values = over_channels(course, desk, stream), columns(desk, stream)
    for name in sorted({place for places in stream.places for place in places}):
        rows = np.flatnonzero([name in places for places in stream.places])
        for column in values.T:
            out[rows] = np.maximum(out[rows], course(column[rows], int((rows < REFERENCE).sum())))
    return out


def surprises(desk: Desk, stream: Stream) -> Floats:
    """Errors weighted as ours weights them: 0 where the reply is right, else by how sure it was."""
    sure = 1.0 - desk.scores[stream.rows, 0]
    return np.array([surprise(loss, p) for loss, p in zip(stream.wrong.tolist(), sure.tolist(), strict=True)])


def over_labels(course: Peer, stream: Stream, values: Floats) -> Floats:
    """A detector on a number of each labeled row."""
    known = int((stream.labeled < REFERENCE).sum())
    return late(stream, course(values[stream.labeled], known), known)


def over_replies(course: Peer, desk: Desk, stream: Stream) -> Floats:
    """A detector on the errors among labeled rows, and among those of each reply."""
    wrong, reply = stream.wrong[stream.labeled], desk.reply[stream.rows][stream.labeled]
    known = stream.labeled < REFERENCE
    out = course(wrong, int(known.sum()))
    for name in np.unique(reply):
        rows = np.flatnonzero(reply == name)
        out[rows] = np.maximum(out[rows], course(wrong[rows], int(known[rows].sum())))
    return late(stream, out, int(known.sum()))
