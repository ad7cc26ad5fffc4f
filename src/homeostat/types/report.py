"""Scores, reports, verdicts: what was measured and what the gate made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Z95 = 1.959964
"""Standard errors on either side of a mean that hold 95 % of a normal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean that is never without its interval and its n."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def error(self) -> float:
        """The standard error that an interval of 95 % stands for."""
        return (self.high - self.low) / (2 * Z95)


_ROUNDING = 1e-9
"""Of a mean of ones and zeros."""


class Outcome(StrEnum):
    """What a gate can say."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    """The rows do not decide; go on in shadow or ask for labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The very bytes of a base."""

    name: str
    """`builtin`, a hub name or a folder."""
    content: str
    """SHA-256 over the names and hashes of its weights, configuration and tokenizer files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakest:
    """The slice of requests that suffers most under a disturbance, of all that were looked at. Its intervals hold
    together with those of all slices under all disturbances that were asked at once.
    """

    slice: str
    """A tag's value, or a label, as the gate names slices."""
    score: Score
    """How right its rows are under the disturbance."""
    plain: Score
    """How right the same rows are as they are."""
    beyond: Score
    """What its rows gain by being disturbed, less what the others of the part gain: below 0 it suffers more."""
    shown: bool
    """Whether that it suffers more is beyond doubt."""
    among: int
    """Slices of the part that had rows enough to be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Both versions on one part of a suite."""

    candidate: Score
    champion: Score
    difference: Score
    """Candidate minus champion, paired."""
    margin: float
    """How much may be lost."""
    gated: bool
    """Whether the cases suffice to demand a proof; if not, only a loss that is shown counts."""
    at_least: float | None = None
    """The mean that the candidate must reach on these very cases, or the champion's where that is lower."""
    weakest: Weakest | None = None
    """Where a disturbance costs the candidate most; None where nothing is disturbed, or no slice has rows enough."""

    @property
    def broken(self) -> bool:
        """Whether the candidate falls short of what is demanded of the mean itself."""
        return self.at_least is not None and self.candidate.mean < min(self.at_least, self.champion.mean) - _ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The candidate beside the champion on the same rows."""

    id: str
    task: str
    time: float
    candidate: str
    champion: str
    metric: str
    candidate_score: Score
    champion_score: Score
    difference: Score
    """Candidate minus champion, paired."""
    groups: Mapping[str, Score] = field(default_factory=dict)
    """Paired difference per guard group or slice."""
    gated: tuple[str, ...] = ()
    """Groups large enough to be gated alone, by the power table."""
    suites: Mapping[str, Trial] = field(default_factory=dict)
    """Both versions on every part of the task's suites, whose rows stand apart from the test rows."""
    rows: str = ""
    """Content hash of the per-row outcomes."""
    base: Base | None = None
    """What the candidate stood on; None in reports that are older than this field."""
    unasked: tuple[str, ...] = ()
    """Why something that suites ask was not asked, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a candidate spent from its task's account of false discoveries."""

    place: int
    """Which candidate of the task it was, from 1."""
    found: int
    """How many before it had passed."""
    alpha: float
    """Share of those that pass which may be no better, on average over programs."""
    level: float
    """At which "it is better" had to be shown."""
    p: float
    """At which it was shown."""
    worn: int = 0
    """How many candidates at least one of its test rows had gated before, where that is too many; else 0."""
    asked: float = 0.0
    """Level at which live requests that were labeled later had to show it, where the gate has looked again; else 0."""
    again: float = 1.0
    """At which they did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says of a report, in a sentence."""

    id: str
    task: str
    time: float
    report: str
    candidate: str
    outcome: Outcome
    because: str
    artifact: str = ""
    """Content hash of the very folder that was evaluated; the one that serves must have the same."""
    base: Base | None = None
    """What it stood on, byte for byte; the one that serves must be the same. None in verdicts that are older."""
    tests: Mapping[str, float] = field(default_factory=dict)
    """p-value of each test that was run."""
    spent: Spent | None = None
    """Its entry in the task's account; none in a verdict that was no part of it."""
