"""Trials of candidates on recorded replies under a virtual clock, by the release code of the product.

Not a bar: `world` records what real classifiers reply to a real stream, `traffic` draws what a day brings, `by_rows`
writes it into a store and lets `release.rollout` look at it, and `by_evidence` lets `release.guard` weigh the same
without a store, which is quicker where a trial takes thousands of requests.
"""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Release as Settings
from homeostat.llm.features import grams
from homeostat.release.alike import Replied
from homeostat.release.evidence import Evidence, weigh
from homeostat.release.games import Judged, Tried
from homeostat.release.noted import note_error, note_race
from homeostat.release.ramp import next_share
from homeostat.release.registry import promote
from homeostat.release.rollout import advance, open_canary
from homeostat.release.route import uniform
from homeostat.release.slices import slices_of
from homeostat.store import Store
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import Version

Ints, Floats, Bools = NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]
TASK, OLD, NEW = "routing", "ver_old", "ver_new"
WIDTH = 1024
SEGMENTS = {"home": 0.4, "business": 0.25, "school": 0.2, "bank": 0.15}
CHANNELS = {"web": 0.65, "mail": 0.35}
EARLIER = 600
"""Requests in the log before the trial begins."""
PER_S, LABELED, LABEL_S = 1.0, 0.3, 600.0
"""Requests a second in the mean of a day, the share that is labeled, and the median time until it is."""
FLAKY = 0.002
"""Share of the requests that any version fails on."""
RACED, FIRST_LOOK_S, GROWTH = 0.25, 10.0, 1.06
START = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class World:
    """Requests that nobody has learned from, and what each classifier replies to them."""

    name: str
    truth: NDArray[np.str_]
    replies: dict[str, NDArray[np.str_]]
    """Of `champion`, `same` (as many other rows), `better` (three times the rows), `sabotaged` and `wrong`."""

    def right(self, which: str) -> float:
        """Share of right replies."""
        return float(np.mean(self.replies[which] == self.truth))


def world(file: Path, seed: int, most: int = 18_000) -> World:
    """Teach the classifiers on five ninths of a stream, and have them answer the rest."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rng = np.random.default_rng(seed)
    rows = [rows[k] for k in rng.permutation(len(rows))[:most]]
    features = grams([row["text"] for row in rows], WIDTH)
    labels = np.array([row["label"] for row in rows])
    part, kept = len(rows) // 9, slice(5 * (len(rows) // 9), None)
    names = sorted(set(labels.tolist()))
    turned = {name: names[(k + 1) % len(names)] for k, name in enumerate(names)}
    ends = {"champion": (0, part), "same": (part, 2 * part), "better": (0, 3 * part), "wrong": (3 * part, 5 * part)}
    replies = {}
    for which, (low, high) in ends.items():
        told = [turned[x] for x in labels[low:high]] if which == "wrong" else labels[low:high].tolist()
        head = RidgeHead(WIDTH, ridge=1.0)
        head.add(features[low:high], told)
        scores, known = features[kept] @ head.weights(), np.array(head.labels)
        replies[which] = known[scores.argmax(axis=1)]
        if which == "champion":
            replies["sabotaged"] = known[scores.argmin(axis=1)]
    found = World(file.name.partition(".")[0], labels[kept], replies)
    if found.right("same") < found.right("champion"):  # of two alike the champion is the one that is not better
        replies["champion"], replies["same"] = replies["same"], replies["champion"]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is wrong with a candidate."""

    name: str
    replies: str = "champion"
    """Whose replies it gives."""
    failing: float = FLAKY
    late_ms: float = 0.0
    points: float = 0.0
    """Points by which it is worse than the champion where `segment` is this."""
    segment: str = ""


@dataclass(slots=True)
class Traffic:
    """What a trial brings, request by request, in the order of time; arrays of as many entries."""

    at: Floats
    truth: NDArray[np.str_]
    ours: NDArray[np.str_]
    theirs: NDArray[np.str_]
    segment: NDArray[np.str_]
    channel: NDArray[np.str_]
    lots: Floats
    """float64[n] in [0, 1): the candidate answers an episode whose lot lies below its share."""
    heard: Bools
    """Whether the candidate was drawn."""
    share: Floats
    """The candidate's share when the request came."""
    fails: Bools
    """Whether the candidate fails on it."""
    fails_old: Bools
    copied: Floats
    """When the copy is there; infinite where none is made."""
    labeled: Floats
    """When the label is there; infinite where none comes."""
    raced: Floats
    """Milliseconds of the candidate and the champion, [n, 2]; NaN where there was no race."""
    episodes: list[str] = field(default_factory=list)
    _judged: tuple[list[float], list[Judged]] = field(init=False, default=([], []))
    """When each pair is judged, and how well both did, in that order."""
    _replied: list[Replied] = field(init=False, default_factory=list)

    def deal(self, since: float, share: float) -> None:
        """The candidate has this share of what comes after a moment."""
        later = self.at > since
        self.share[later] = share
        self.heard[later] = self.lots[later] < share

    @property
    def paired(self) -> Bools:
        """Whether both versions answer."""
        return ~self.fails & ~self.fails_old & np.isfinite(self.copied)

    @property
    def replied(self) -> list[Replied]:
        """Whether both versions reply the same, request by request."""
        if not self._replied:
            self._replied = [
                Replied(same=bool(self.ours[k] == self.theirs[k]), slices=self._slices(k), whose=self._whose(k))
                for k in range(len(self.at))
            ]
        return self._replied

    def judged(self, moment: float) -> list[Judged]:
        """The pairs that are judged by a moment."""
        if not self._judged[0]:
            told = np.maximum(self.labeled, self.copied)
            both = self.paired
            order = [int(k) for k in np.argsort(told) if both[k] and np.isfinite(told[k])]
            self._judged = ([float(told[k]) for k in order], [self._scores(k) for k in order])
        return self._judged[1][: bisect_right(self._judged[0], moment)]

    def _scores(self, k: int) -> Judged:
        return Judged(
            candidate=float(self.ours[k] == self.truth[k]),
            champion=float(self.theirs[k] == self.truth[k]),
            slices=self._slices(k),
            whose=self._whose(k),
        )

    def _slices(self, k: int) -> tuple[str, str]:
        return f"segment={self.segment[k]}", f"channel={self.channel[k]}"

    def _whose(self, k: int) -> str:
        return f"episode {self.episodes[k]}"


def dealt(rng: np.random.Generator, shares: dict[str, float], n: int) -> NDArray[np.str_]:
    """Values by lot."""
    return rng.choice(np.array(list(shares)), n, p=list(shares.values()))


def replied(of: World, kind: Kind, segment: NDArray[np.str_], rng: np.random.Generator) -> NDArray[np.str_]:
    """What the candidate replies to every recorded request: in its slice so many points below the champion."""
    base = of.replies[kind.replies].copy()
    if not kind.points:
        return base
    inside = segment == kind.segment
    right = {
        name: float(np.mean((of.replies[name] == of.truth)[inside])) for name in ("champion", kind.replies, "wrong")
    }
    share = (kind.points / 100 + right[kind.replies] - right["champion"]) / (right[kind.replies] - right["wrong"])
    turned = inside & (rng.random(len(base)) < share)
    base[turned] = of.replies["wrong"][turned]
    return base


def arrivals(rng: np.random.Generator, n: int) -> Floats:
    """Moments of n requests of a day that begins at any hour: three times as many at noon as at night."""
    day = rng.random() * 86_400
    seconds = np.arange(8 * n) + 1.0
    rate = PER_S * (1 + 0.5 * np.sin(2 * np.pi * (seconds + day) / 86_400))
    sums = np.cumsum(rate)
    return np.interp(np.cumsum(rng.exponential(1.0, n)), sums, seconds)


def traffic(of: World, kind: Kind, seed: int, n: int, took_ms: Floats) -> Traffic:
    """Draw what a trial brings. `took_ms` are recorded times of single replies."""
    rng = np.random.default_rng([seed, 3])
    lots, ways = dealt(rng, SEGMENTS, len(of.truth)), dealt(rng, CHANNELS, len(of.truth))
    replies = replied(of, kind, lots, rng)
    rows, at = rng.integers(0, len(of.truth), n), arrivals(rng, n)
    episodes = [f"{seed}-{k}" for k in np.cumsum(rng.random(n) < 0.6)]  # some customers write more than once
    minute = np.exp(rng.normal(0, 0.3, int(at[-1] // 60) + 1)) * np.where(rng.random(int(at[-1] // 60) + 1) < 0.1, 4, 1)
    raced = rng.choice(took_ms, (n, 2)) * minute[(at // 60).astype(int), None]
    raced[:, 0] += kind.late_ms
    raced[rng.random(n) >= RACED] = np.nan
    found = Traffic(
        at=START + at,
        truth=of.truth[rows],
        ours=replies[rows],
        theirs=of.replies["champion"][rows],
        segment=lots[rows],
        channel=ways[rows],
        lots=np.array([uniform(NEW, episode) for episode in episodes]),
        heard=np.zeros(n, dtype=bool),
        share=np.zeros(n),
        fails=rng.random(n) < kind.failing,
        fails_old=rng.random(n) < FLAKY,
        copied=np.where(rng.random(n) < 0.98, START + at + rng.exponential(2.0, n), np.inf),
        labeled=np.where(rng.random(n) < LABELED, START + at + LABEL_S * np.exp(rng.normal(0, 1, n)), np.inf),
        raced=raced,
        episodes=episodes,
    )
    found.deal(0.0, Settings().ramp[0])
    return found


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial ended."""

    how: str
    """`harm` or `undecided`: taken back; `full`; `open`: the traffic ended first."""
    seconds: float
    exposed: int
    judged: int
    blamed: str = ""

    @property
    def withdrawn(self) -> bool:
        """Whether the candidate was taken back."""
        return self.how in ("harm", "undecided")


def looks(until: float) -> Iterator[float]:
    """Seconds at which somebody looks, close together at first."""
    at = FIRST_LOOK_S
    while at < until:
        yield at
        at = max(at + FIRST_LOOK_S, at * GROWTH)


def tried_by(seen: Traffic, moment: float) -> Tried:
    """What is known at a moment, as the guard reads it from rows."""
    come, copied, heard = seen.at <= moment, seen.copied <= moment, seen.heard
    both = seen.paired & copied
    # A version that fails for the user is not copied; whoever answers in its place is not asked again either.
    first = come & np.where(heard, seen.fails, seen.fails_old)
    second = copied & np.where(heard, ~seen.fails & seen.fails_old, ~seen.fails_old & seen.fails)
    ours = int((first & heard).sum() + (second & ~heard).sum())
    theirs = int((first & ~heard).sum() + (second & heard).sum())
    raced = np.flatnonzero(both & ~np.isnan(seen.raced[:, 0]))
    return Tried(
        judged=seen.judged(moment),
        pairs=int(both.sum()),
        replied=[seen.replied[k] for k in np.flatnonzero(both)],
        answered=int((both & ~heard).sum() + (come & heard & ~seen.fails).sum()),
        failed=(ours, theirs, 0),
        raced=[tuple(pair) for pair in seen.raced[raced].tolist()],
        racers=[f"episode {seen.episodes[k]}" for k in raced],
    )


def by_evidence(seen: Traffic, settings: Settings, *, passed: bool = False) -> Ended:
    """Lead a trial by the guard alone."""
    slices = slices_of([_row(seen, k, f"int_{k}") for k in range(EARLIER)])
    found, share = Evidence.of([], settings), settings.ramp[0]
    seen.deal(0.0, share)
    for at in looks(float(seen.at[-1] - START)):
        found = weigh(tried_by(seen, START + at), slices, settings)
        exposed = int((seen.heard & ~seen.fails & (seen.at <= START + at)).sum())
        if found.harm_shown(settings):
            return Ended("harm", at, exposed, found.judged, found.blamed())
        fit, higher = found.fit(settings, passed=passed), next_share(settings, share, found)
        if fit is not False and higher is not None:
            share = higher
            seen.deal(START + at, share)
        elif fit is not None:
            return Ended("full" if fit else "undecided", at, exposed, found.judged)
    return Ended("open", float(seen.at[-1] - START), int(seen.heard.sum()), found.judged)


def by_rows(seen: Traffic, settings: Settings, *, passed: bool = False) -> Ended:
    """Lead a trial by rows in a store, as the gateway and the users write them, and by what `advance` makes of them."""
    with TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/h.db", Path(folder) / "blobs") as store:
        for name in (OLD, NEW):
            known = Version(id=name, task=TASK, time=0.0, base="b", kind="base", labels=("any",))
            store.versions.put(known)
        promote(store, TASK, OLD, "first", now=START - 1e6)
        if passed:
            said = Verdict(
                id="vdt_1", task=TASK, time=0.0, report="", candidate=NEW, outcome=Outcome.PASS, because="by the bench"
            )
            store.verdicts.put(said)
        early = [replace(_row(seen, k, f"int_early{k}"), time=START - EARLIER + k, version=OLD) for k in range(EARLIER)]
        store.interactions.add(early)
        release = open_canary(store, TASK, NEW, settings, "canary", now=START)
        written = 0.0
        seen.deal(0.0, release.share)
        for at in looks(float(seen.at[-1] - START)):
            _write(store, release, seen, written, START + at)
            written, row = START + at, advance(store, TASK, settings, now=START + at)
            if row.stage is Stage.CANARY and row.id != release.id:
                release = row
                seen.deal(START + at, row.share)
            if row.stage in (Stage.FULL, Stage.ROLLBACK):
                kept = store.state.get(f"guard:{release.id}")
                how = "full" if row.stage is Stage.FULL else "harm" if "harm shown" in row.because else "undecided"
                exposed = store.interactions.count(TASK, version=NEW)
                return Ended(how, at, exposed, kept["judged"], row.because)
    return Ended("open", float(seen.at[-1] - START), int(seen.heard.sum()), 0)


def _row(seen: Traffic, k: int, id: str) -> Interaction:
    tags = {"segment": str(seen.segment[k]), "channel": str(seen.channel[k])}
    heard = bool(seen.heard[k])
    return Interaction(
        id=id,
        task=TASK,
        time=float(seen.at[k]),
        text="",
        reply=str(seen.ours[k] if heard else seen.theirs[k]),
        version=NEW if heard else OLD,
        episode=seen.episodes[k],
        probability=float(seen.share[k] if heard else 1.0 - seen.share[k]),
        tags=tags,
    )


def _write(store: Store, release: Release, seen: Traffic, since: float, until: float) -> None:
    """What has come between two moments: requests, copies, races, failures, labels."""

    def between(moments: Floats) -> list[int]:
        return [int(k) for k in np.flatnonzero((since < moments) & (moments <= until))]

    rows, told = [], []
    for k in between(seen.at):
        heard = seen.heard[k]
        if seen.fails[k] if heard else seen.fails_old[k]:
            note_error(store, release, NEW if heard else OLD, f"int_{k}", "failed")
            rows += [replace(_row(seen, k, f"int_{k}"), version=OLD, probability=1.0)] if heard else []
        else:
            rows.append(_row(seen, k, f"int_{k}"))
    for k in between(seen.copied):
        heard, other = seen.heard[k], OLD if seen.heard[k] else NEW
        if seen.fails[k] if heard else seen.fails_old[k]:
            continue
        if seen.fails_old[k] if heard else seen.fails[k]:
            note_error(store, release, other, f"int_{k}", "failed")
            continue
        reply = str(seen.theirs[k] if heard else seen.ours[k])
        copy = replace(_row(seen, k, f"int_{k}s"), version=other, reply=reply, role=Role.SHADOW, of=f"int_{k}")
        rows.append(copy)
        if not np.isnan(seen.raced[k, 0]):
            note_race(store, release, f"int_{k}", {NEW: float(seen.raced[k, 0]), OLD: float(seen.raced[k, 1])})
    store.interactions.add(rows)
    for k in between(seen.labeled):
        if not (seen.fails_old[k] and not seen.heard[k]):
            at, value = float(seen.labeled[k]), str(seen.truth[k])
            told.append(Feedback(id=f"fbk_{k}", interaction=f"int_{k}", kind=FeedbackKind.LABEL, value=value, time=at))
    store.feedback.add(told)


Way = Callable[..., Ended]
