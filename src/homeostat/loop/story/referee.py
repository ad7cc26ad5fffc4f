"""Knows the right answers and what is true of every row, and keeps score.

Nothing that learns or decides may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from homeostat.collect.stream import Split, StreamRow, Truth
from homeostat.loop.story.replay import Sent
from homeostat.stats.intervals import proportion
from homeostat.types.report import Score


@dataclass(frozen=True, slots=True)
class Mark:
    """One request, judged."""

    time: float
    right: bool
    version: str
    slice: str
    phase: int


def score_of(marks: Sequence[Mark]) -> Score | None:
    """Accuracy over marks; None where there are none."""
    return proportion(sum(m.right for m in marks), len(marks)) if marks else None


@dataclass(slots=True)
class Referee:
    """Judges replies against the stream's labels; reads `truth` for slices and phases."""

    rows: Sequence[StreamRow]
    truths: Sequence[Truth]
    marks: list[Mark] = field(init=False, default_factory=list)

    def judge(self, sent: Sequence[Sent]) -> None:
        """Note which of these replies were right."""
        self.marks += [
            Mark(s.row.time, s.reply == s.row.label, s.version, self.slice_of(s.row), self.phase_of(s.row))
            for s in sent
        ]

    def slice_of(self, row: StreamRow) -> str:
        """The slice a row belongs to: the first text among its truths that is not a name of a single seed."""
        truth = self.truths[row.index]
        for key in ("slice", "domain", "scenario", "year"):
            if key in truth:
                return str(truth[key])
        return "all"

    def phase_of(self, row: StreamRow) -> int:
        """The phase of the drift a row came with; 0 where the stream names none."""
        phase = self.truths[row.index].get("phase", 0)
        return phase if isinstance(phase, int) else 0

    def onsets(self) -> list[float]:
        """Times at which a new phase begins in the traffic, in seconds since 1970."""
        first: dict[int, float] = {}
        for row in self.rows:
            if row.split is Split.LIVE:
                first.setdefault(self.phase_of(row), row.time)
        return [time for phase, time in sorted(first.items()) if phase > 0]

    def score(self, keep: Callable[[Mark], bool]) -> Score | None:
        """Accuracy over the marks that `keep` lets through; None where there are none."""
        return score_of([m for m in self.marks if keep(m)])

    def course(self, points: int = 40) -> list[dict[str, object]]:
        """Accuracy over time in `points` equal batches of requests, for the chart."""
        size = max(25, len(self.marks) // points)
        out: list[dict[str, object]] = []
        for start in range(0, len(self.marks) - size // 2, size):
            batch = self.marks[start : start + size]
            score = proportion(sum(m.right for m in batch), len(batch))
            out.append(
                {
                    "time": batch[len(batch) // 2].time,
                    "mean": score.mean,
                    "low": score.low,
                    "high": score.high,
                    "n": score.n,
                    "version": batch[-1].version,
                }
            )
        return out
