"""A suite: requests that every candidate of a task is asked beside the champion, and what it must not lose there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request of a suite."""

    text: str
    expect: str = ""
    """What the check holds the reply against; checks that need nothing leave it empty."""
    check: str = ""
    """Name of the check. Empty: the suite's."""
    family: str = ""
    """The same of cases that share a frame, of which one right makes the others likelier. Empty: a case by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Requests with what is right for them, and what is demanded of the replies."""

    name: str
    task: str
    check: str = ""
    """Name of the check of cases that name none. Empty: the label itself, or for texts how far the reply agrees."""
    cases: tuple[Case, ...] = ()
    test_rows: int = 0
    """So many of the task's own test rows are cases too."""
    fixed: int = 0
    """So many requests that a champion got wrong and a later one right are cases too, the newest ones."""
    under: tuple[str, ...] = ()
    """Names of disturbances: every case is asked again under each of them, and each is judged apart."""
    tries: int = 1
    """How often a case is asked under a disturbance, each time disturbed anew; the worst reply counts."""
    margin: float | None = None
    """How much of the mean may be lost against the champion. None: as much as of a group of test rows."""
    at_least: float | None = None
    """The mean that a candidate must reach on these very cases, or the champion's where that is lower. None: any."""
    benchmarks: str = ""
    """Folder with task files of lm-evaluation-harness: each of its tasks is a part of the suite, and guarded too."""
    documents: int = 0
    """So many of each of those tasks are asked, the first ones; 0 for all."""
    files: str = ""
    """SHA-256 of what lay in that folder when the suite was added."""

    @property
    def worth(self) -> int:
        """Its own cases, those of a family counted once: by these the power table is asked."""
        return len({case.family or place for place, case in enumerate(self.cases)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is demanded of a candidate on one part of a suite: its cases as they are, or under one disturbance."""

    margin: float | None = None
    at_least: float | None = None
