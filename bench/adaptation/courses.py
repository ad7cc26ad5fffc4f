"""The streams of bar loop.2, each with the moments at which every arm may train.

The schedule is fixed from outside, by the stream's own phases, years or length, so that no arm chooses its moments.
Nothing else here reads what is true of a row.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from homeostat.builtin.resources import traffic_path
from homeostat.collect.git import read_git
from homeostat.collect.stream import Split, StreamRow, Truth, read_stream
from homeostat.errors import EmptyStream, NotARepository

LEAST_COMMITS = 400
"""Usable commits below which the repository at hand is too short a history."""

NAMES = ("support", "clinc150_domains", "hwu64_scenarios", "arxiv_years", "git")
"""The five streams; `support` is the built-in traffic."""


class Skipped(Exception):
    """A stream cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A stream and its turns."""

    name: str
    rows: Sequence[StreamRow]
    moments: tuple[float, ...]
    """When the world begins to move, then the turns: seconds since 1970. Moment 0 is the first champion's."""

    @property
    def turns(self) -> range:
        """Numbers of the turns, from 1."""
        return range(1, len(self.moments))

    def of(self, split: Split) -> list[StreamRow]:
        """The rows of a split, in the order of time."""
        return [row for row in self.rows if row.split is split]

    def seen(self, turn: int) -> list[StreamRow]:
        """The test rows the world has shown by a turn and that still hold."""
        now = self.moments[turn]
        return [row for row in self.of(Split.TEST) if row.time <= now < row.until]

    def known_before(self, turn: int) -> list[StreamRow]:
        """Of the test rows seen at a turn those that the turn before had seen already."""
        earlier = {row.index for row in self.seen(turn - 1)}
        return [row for row in self.seen(turn) if row.index in earlier]

    def group(self, turn: int) -> list[StreamRow]:
        """Of the test rows of a turn those that it is the first to see and that hold to the end."""
        earlier = {row.index for row in self.seen(turn - 1)} if turn else set()
        return [row for row in self.seen(turn) if row.index not in earlier and row.until > self.moments[-1]]

    def answerable(self, turn: int) -> list[StreamRow]:
        """Of these the rows that every model can give the label of: the history has it."""
        known = {row.label for row in self.of(Split.HISTORY)}
        return [row for row in self.group(turn) if row.label in known]

    def labeled(self, share: float, seed: int) -> list[StreamRow]:
        """A uniform share of the live rows; a smaller share of the same seed is part of a larger one."""
        live = self._drawn(seed)
        return sorted(live[: round(share * len(live))], key=lambda row: row.index)

    def judging(self, turn: int, share: float, seed: int) -> list[StreamRow]:
        """What a gate may see: live rows up to a turn that no arm learns from, drawn, as many as there are test rows,
        of which it sees none. Nobody is measured on what chose him.
        """
        live = self._drawn(seed)
        others = [row for row in live[round(share * len(live)) :] if row.time <= self.moments[turn]]
        return sorted(others[: len(self.seen(turn))], key=lambda row: row.index)

    def _drawn(self, seed: int) -> list[StreamRow]:
        """The live rows in the order in which a seed draws them."""
        live = self.of(Split.LIVE)
        return [live[k] for k in np.random.default_rng([seed, 3]).permutation(len(live))]

    @property
    def fingerprint(self) -> str:
        """Names the test rows and their numbers, which scores are kept under."""
        rows = [(row.index, row.text, row.label) for row in self.of(Split.TEST)]
        return hashlib.sha256(repr(rows).encode()).hexdigest()


def thinned(rows: Sequence[StreamRow], every: int) -> list[StreamRow]:
    """Every so many-th row of each label in each split, the first one always.

    What is kept of a prefix is a prefix of what is kept, so the order of events stays.
    """
    met: Counter[tuple[Split, str]] = Counter()
    kept = []
    for row in rows:
        if met[row.split, row.label] % every == 0:
            kept.append(row)
        met[row.split, row.label] += 1
    return kept


def open_course(name: str, streams: Path, git: Path | None, *, every: int = 1) -> Course:
    """The stream of this name, with one of `every` rows; the turns are those of the whole stream.

    Raises:
        Skipped: it is not here.
    """
    rows, moments = _git(git) if name == "git" else _recorded(name, streams)
    return Course(name=name, rows=thinned(rows, every), moments=moments)


def _recorded(name: str, streams: Path) -> tuple[list[StreamRow], tuple[float, ...]]:
    path = traffic_path() if name == "support" else streams / f"{name}.jsonl.gz"
    if not path.exists():
        raise Skipped(f"no file {path.name} in {streams.name}; name its folder with --streams")
    rows, truths = read_stream(path)
    return rows, _SCHEDULES[name](rows, truths)


def _git(path: Path | None) -> tuple[list[StreamRow], tuple[float, ...]]:
    """A given history whatever its length; that of this project only if it is long enough."""
    if path is not None:
        rows = read_git(path)
        return rows, _parts(rows, 4)
    try:
        rows = read_git(Path(__file__).resolve().parents[2])
    except (NotARepository, EmptyStream):
        rows = []
    if len(rows) < LEAST_COMMITS:
        raise Skipped(
            f"this repository has {len(rows)} usable commits, fewer than {LEAST_COMMITS}; name one with --git"
        )
    return rows, _parts(rows, 4)


def _phases(rows: Sequence[StreamRow], truths: Sequence[Truth]) -> tuple[float, ...]:
    """The end of each phase."""
    begins: defaultdict[int, float] = defaultdict(lambda: math.inf)
    ends: dict[int, float] = {}
    for row in rows:
        phase = int(str(truths[row.index].get("phase", 0)))
        if row.split is Split.LIVE:
            ends[phase] = max(ends.get(phase, row.time), row.time)
        if row.split is not Split.HISTORY:
            begins[phase] = min(begins[phase], row.time)
    # The test rows of a phase bear the time at which the last request of the phase before came: stop short of them.
    return tuple(min(ends[phase], begins[phase + 1] - 0.5) for phase in sorted(ends))


def _half_phases(rows: Sequence[StreamRow], truths: Sequence[Truth]) -> tuple[float, ...]:
    """The middle request and the end of each phase after the first."""
    first, *ends = _phases(rows, truths)
    moments, since = [first], first
    for end in ends:
        times = [row.time for row in rows if row.split is Split.LIVE and since < row.time <= end]
        moments += [times[len(times) // 2], end]
        since = end
    return tuple(moments)


def _years(rows: Sequence[StreamRow], truths: Sequence[Truth]) -> tuple[float, ...]:
    """The ends of 2008 (the history), 2011, 2013 … 2019."""
    return tuple(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp() - 1 for year in (2008, *range(2011, 2020, 2)))


def _parts(rows: Sequence[StreamRow], parts: int) -> tuple[float, ...]:
    """The end of the history, and of equal parts of the traffic."""
    live = [row.time for row in rows if row.split is Split.LIVE]
    history = max(row.time for row in rows if row.split is Split.HISTORY)
    return (history, *(live[len(live) * part // parts - 1] for part in range(1, parts + 1)))


_SCHEDULES: dict[str, Callable[[Sequence[StreamRow], Sequence[Truth]], tuple[float, ...]]] = {
    "support": _half_phases,
    "clinc150_domains": _phases,
    "hwu64_scenarios": _phases,
    "arxiv_years": _years,
}
