"""What a version would have been worth over the requests of the log, told from those that it was given by chance.

Reads requests, releases, copies and feedback; `stats.off_policy` does the sums. A request counts where the release in
force could have given it to the version, by the chance of that. A reply that a copy shows to be the very one that the
version gives has the outcome that the version's own would have had, whoever the user heard: so where two versions agree
every request tells, and the chances weigh down only those where they differ.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from homeostat.metrics.text import chrf_row
from homeostat.release.judges import JUDGED, Said, said_of, truth_of
from homeostat.release.route import chance
from homeostat.stats.off_policy import LEAST, Logged, Valued, value_of
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release
from homeostat.types.task import Kind

Floats = NDArray[np.float64]

SLICES = 12
"""Values of tags that are told apart, the most frequent ones."""
WORDS = 24
"""Columns that the words of a request are counted in, for the model of outcomes."""
TAGS = 30
"""Values of tags that the model sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    task: str
    version: str
    kind: Kind = Kind.LABEL
    outcome: str = "rating"
    """One of `OUTCOMES`."""
    since: float = 0.0
    """First moment, in seconds since 1970, by the clock of the requests; `until` is the first that is too late."""
    until: float = math.inf
    least: float = LEAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindsight:
    """What a version would have been worth."""

    version: str
    outcome: str
    requests: int
    """Requests of the window."""
    reached: int
    """Those that the version could have been given; the estimate speaks of these alone."""
    own: int
    """Those that it answered."""
    agreed: int
    """Those that another version answered with the very reply that a copy shows to be its own."""
    share: float
    """Mean chance over those reached that the reply of the log is the version's."""
    value: Valued
    others: float
    """Plain mean of the outcomes over what other versions answered of those reached; NaN without any."""
    slices: Mapping[str, Valued]
    """By `tag=value`, each with an interval of its own."""


def _rating(said: Said, reply: str, kind: Kind) -> float | None:
    rated = said.get(FeedbackKind.RATING)
    return None if rated is None else float(rated.value)


def _judged(said: Said, reply: str, kind: Kind) -> float | None:
    rated = said.get(JUDGED)
    return None if rated is None else float(rated.value)


def _truth(said: Said) -> Feedback | None:
    return truth_of(one for one in said.values() if not one.picked)


def _corrected(said: Said, reply: str, kind: Kind) -> float | None:
    truth = _truth(said)
    return float(truth is not None and truth.value.strip() != reply.strip())


def _right(said: Said, reply: str, kind: Kind) -> float | None:
    truth = _truth(said)
    if truth is None:
        return None
    return float(reply.strip() == truth.value.strip()) if kind is Kind.LABEL else chrf_row(reply, truth.value) / 100


OUTCOMES: Mapping[str, Callable[[Said, str, Kind], float | None]] = {
    "rating": _rating,
    "judged": _judged,
    "corrected": _corrected,
    "right": _right,
}
"""What a reply was worth, from what was said of it: people's mean rating of those that they rated; judges'; the share
that somebody corrected, of all; how right they were, of those labeled or corrected. None where it is not known.
"""


def hindsight(store: Store, question: Question) -> Hindsight:
    """What the version would have been worth over the window, with slices."""
    task, since, until = question.task, question.since, question.until
    rows = store.interactions.list(task, since=since, until=until)
    reached, chances, hits = _reached(store, question, rows)
    said = said_of(store, task, [row.id for row in reached])
    worth = [OUTCOMES[question.outcome](said.get(row.id, {}), row.reply, question.kind) for row in reached]
    told = np.array([one is not None for one in worth], dtype=bool)
    outcome = np.array([one or 0.0 for one in worth], dtype=np.float64)
    _, episode = np.unique([row.episode or row.id for row in reached], return_inverse=True)
    logged = Logged(chances, hits, told, outcome, episode.astype(np.int64), _about(reached))
    own = np.array([row.version == question.version for row in reached], dtype=bool)
    others = outcome[told & ~own]
    return Hindsight(
        version=question.version,
        outcome=question.outcome,
        requests=len(rows),
        reached=len(reached),
        own=int(own.sum()),
        agreed=int((hits & ~own).sum()),
        share=float(chances.mean()) if len(chances) else 0.0,
        value=value_of(logged, least=question.least),
        others=float(others.mean()) if len(others) else math.nan,
        slices={name: value_of(_part(logged, members), least=question.least) for name, members in _slices(reached)},
    )


def _reached(
    store: Store, question: Question, rows: Sequence[Interaction]
) -> tuple[list[Interaction], Floats, NDArray[np.bool_]]:
    """The rows that the version could have been given, the chance that the logged reply is its, and whether it is.

    A row whose probability is not that of the release in force was routed by one just gone, or named its version
    itself: it is left out whoever answered it.
    """
    releases = store.releases.list(question.task)
    begun = [release.time for release in releases]
    mine = _copied(store, question, question.version)
    theirs: dict[str, dict[str, str]] = {}
    kept: list[Interaction] = []
    chances: list[float] = []
    hits: list[bool] = []
    for row in rows:
        place = bisect_right(begun, ids.moment(row.id) or row.time) - 1
        release = releases[place] if place >= 0 else None
        p = chance(release, question.version) if release else 0.0
        if release is None or not p or not math.isclose(row.probability, chance(release, row.version), abs_tol=1e-6):
            continue
        own = row.version == question.version
        other = _other(release, question.version)
        if own and other not in theirs:
            theirs[other] = _copied(store, question, other) if other else {}
        copy = theirs[other].get(row.id) if own else mine.get(row.id) if row.version == other else None
        same = copy is not None and copy.strip() == row.reply.strip()
        kept.append(row)
        chances.append(min(p + chance(release, other), 1.0) if same else p)
        hits.append(own or same)
    return kept, np.array(chances, dtype=np.float64), np.array(hits, dtype=bool)


def _copied(store: Store, question: Question, version: str) -> dict[str, str]:
    """By the id of a request, what a version replied to its copy."""
    copies = store.interactions.shadows(question.task, version, since=question.since, until=question.until)
    return {primary.id: copy.reply for primary, copy, _ in copies}


def _other(release: Release, version: str) -> str:
    """The version that answers copies of this one's requests, and this one copies of its; empty if there is none."""
    pair = {release.champion: release.candidate, release.candidate: release.champion}
    return pair.get(version, "") if release.candidate else ""


def _slices(rows: Sequence[Interaction]) -> list[tuple[str, NDArray[np.bool_]]]:
    """The most frequent values of tags, and which rows have them."""
    counts = Counter(pair for row in rows for pair in row.tags.items())
    some = [pair for pair, n in counts.most_common(SLICES) if n < len(rows)]
    return [
        (f"{tag}={value}", np.array([row.tags.get(tag) == value for row in rows], dtype=bool))
        for tag, value in sorted(some)
    ]


def _part(rows: Logged, members: NDArray[np.bool_]) -> Logged:
    return Logged(
        rows.chance[members],
        rows.hit[members],
        rows.told[members],
        rows.outcome[members],
        rows.episode[members],
        rows.about[members],
    )


def _about(rows: Sequence[Interaction]) -> Floats:
    """What is known of requests before they are answered: tags, words, length and when they came, float64[n, k]."""
    counts = Counter(pair for row in rows for pair in row.tags.items())
    tags = [pair for pair, _ in counts.most_common(TAGS)]
    out = np.zeros((len(rows), len(tags) + WORDS + 2))
    times = np.array([row.time for row in rows])
    span = float(np.ptp(times)) if len(rows) else 0.0
    for k, row in enumerate(rows):
        words = row.text.lower().split()
        out[k, : len(tags)] = [row.tags.get(tag) == value for tag, value in tags]
        for word in words:
            out[k, len(tags) + crc32(word.encode("utf-8", "surrogatepass")) % WORDS] += 1 / math.sqrt(len(words))
        out[k, -2] = math.log1p(len(words))
        out[k, -1] = (row.time - times[0]) / span if span else 0.0
    return out
