"""Attacks versions on their task's test rows, and makes a suite of what broke: grown from failures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from homeostat.errors import UnsuitedModel, WrongType
from homeostat.evaluate.attack.attack import Attacked, Attempt, Limits, attack, attacked
from homeostat.evaluate.attack.search import Told
from homeostat.evaluate.slices import common, labeled, tagged
from homeostat.evaluate.suites.read import read
from homeostat.evaluate.suites.weakest import Disturbed, weakest
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.clustered import cluster_of
from homeostat.stats.intervals import paired
from homeostat.types.report import Score, Weakest
from homeostat.types.suite import Case
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

_NAMED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass(frozen=True, slots=True)
class OnVersion:
    """A version of a label task, as an attack asks it."""

    backend: LocalBackend
    task: Task
    version: Version

    def told(self, texts: Sequence[str], right: Sequence[str]) -> list[Told]:
        """What it says to each text, and how likely it finds what is right there."""
        labels, number = self._labels, {label: k for k, label in enumerate(self._labels)}
        return [
            Told(labels[int(scores.argmax())], float(scores[number[wanted]]) if wanted in number else -np.inf)
            for scores, wanted in zip(self.backend.score(self._requests(texts)), right, strict=True)
        ]

    def foresee(self, texts: Sequence[str], right: Sequence[str], others: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """What would take most from what is right. Raises as `LocalBackend.foresee`."""
        return self.backend.foresee(self._requests(texts), right, others)

    @property
    def _labels(self) -> tuple[str, ...]:
        return self.version.labels or self.task.labels

    def _requests(self, texts: Sequence[str]) -> list[Request]:
        return [Request(task=self.task, text=text, version=self.version.id) for text in texts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attack on a version."""

    told: Attacked
    attempts: tuple[Attempt, ...]
    better: Score | None = None
    """How much more of the rows the first version tells right under attack than this one, paired; None for itself."""
    weakest: Weakest | None = None
    """The slice of the rows that suffers most, its intervals over the slices of all versions; None without slices."""


def tried(
    shop: Workshop,
    versions: Sequence[Version],
    rows: Sequence[Exam],
    limits: Limits,
    watching: Callable[[int], None] = lambda done: None,
) -> dict[str, Tried]:
    """Attack each version on these rows, each as it answers, and put the others beside the first. Nothing is written.

    Raises:
        UnsuitedModel: the task is one of texts, where no reply is simply another; or a gradient is wanted of what has
            none.
        UnknownPlugin: as `homeostat.evaluate.attack.attack.attack`.
    """
    task, found = shop.config.task(versions[0].task), dict[str, tuple[Attempt, ...]]()
    if task.kind is Kind.TEXT:
        what = f"task '{task.name}' is answered in texts, and an attack looks for another label"
        raise UnsuitedModel(what, fix="ask under disturbances instead: a suite with `under` and `check: same`")
    pairs = [(row.text, row.target) for row in rows]
    for k, version in enumerate(versions):
        with shop.loaded(version) as backend:
            subject, before = OnVersion(backend, task, version), k * len(rows)
            found[version.id] = tuple(attack(pairs, subject, limits, lambda done: watching(before + done)))  # noqa: B023
    worst = weakest({id: _suffered(rows, some) for id, some in found.items()}, shop.config.evaluate.alpha)
    first = [float(one.stands) for one in found[versions[0].id]]
    return {
        id: Tried(
            told=attacked(attempts),
            attempts=attempts,
            better=paired(first, [float(one.stands) for one in attempts]) if id != versions[0].id else None,
            weakest=worst.get(id),
        )
        for id, attempts in found.items()
    }


def _suffered(rows: Sequence[Exam], attempts: Sequence[Attempt]) -> list[Disturbed]:
    """What an attack did to each row, with the tags that are common among the rows, and the label that is right."""
    often = common([row.tags for row in rows])
    return [
        Disturbed(
            slices=(*(name for name in tagged(row.tags) if name in often), labeled(row.target)),
            plain=float(one.said == one.right),
            value=float(one.stands),
            cluster=cluster_of(row.tags),
        )
        for row, one in zip(rows, attempts, strict=True)
    ]


def chosen(rows: Sequence[Exam], most: int) -> list[Exam]:
    """So many test rows, the same ones each time, whatever comes later."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).digest())[:most]


def hold_suite(file: Path, task: Task) -> list[Case]:
    """Hold that what breaks can be written to a file as a suite; the cases that the file has already.

    Raises:
        WrongType: the file's name is none for a suite, or it is there and holds one that somebody wrote.
        What `homeostat.evaluate.suites.read.read` raises of a file that is there.
    """
    if not set(file.stem) <= _NAMED or not file.stem[:1].isalnum():
        raise WrongType(f"'{file.stem}' is no name for a suite", where=str(file), fix="letters, digits, - and _")
    return _known(file, task) if file.exists() else []


def write_suite(file: Path, task: Task, attempts: Sequence[Attempt]) -> int:
    """Write what broke as a suite for `homeostat suites add`, with the cases that the file had; how many there are.
    Where there are none nothing is written.

    The suite demands all of them, or as many as the champion tells right: what a version has mended no later one may
    lose.

    Raises:
        What `hold_suite` raises.
    """
    known = hold_suite(file, task)
    broken = [Case(text=one.found.text, expect=one.right) for one in attempts if one.found]
    cases = list({case.text: case for case in (*known, *broken)}.values())
    if not cases:
        return 0
    document: Mapping[str, object] = {
        "suite": file.stem,
        "task": task.name,
        "at_least": 1.0,
        "cases": [{"text": case.text, "expect": case.expect} for case in cases],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")
    return len(cases)


def _known(file: Path, task: Task) -> list[Case]:
    """The cases of a suite that an attack has written before."""
    suite = read(file, lambda name: task)
    if suite.name != file.stem or suite.under or suite.test_rows or any(case.check for case in suite.cases):
        raise WrongType("this suite was written by hand", where=str(file), fix="name another file")
    return list(suite.cases)
