"""What two versions do on a task's suites, and the texts that are fenced from training because they test."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from homeostat.evaluate.score import PairedRow, Row, by_group, score
from homeostat.evaluate.suites.ask import Question, demands, families, questions, wanted, worst, worth
from homeostat.evaluate.suites.beside import beside
from homeostat.loop.proving import general
from homeostat.loop.proving.guarding import numbered
from homeostat.loop.proving.mended import grown
from homeostat.loop.proving.suffering import suffering
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.replies import right
from homeostat.stats.clustered import cluster_of
from homeostat.types.report import Report
from homeostat.types.suite import Case, Suite, Terms
from homeostat.types.task import Task
from homeostat.types.version import Version

Rows = list[PairedRow]


def beside_suites(shop: Workshop, report: Report, rows: Rows, until: float) -> tuple[Report, Rows]:
    """A report of test rows and its rows, with what both versions do on the task's suites and their benchmarks. Raises
    as `general.beside`.
    """
    task = shop.config.task(report.task)
    questions, demanded = asked(shop, task, until)
    both = [shop.store.versions.get(version) for version in (report.candidate, report.champion)]
    candidate, champion = (worst(questions, answered(shop, task, one, questions)) for one in both)
    suffers = suffering(shop, both[0], questions, candidate, until)
    of = families(questions)
    more = [
        PairedRow(id=f"suite.{k}", group=key[0], candidate=mine, champion=champion[key], cluster=of[key])
        for k, (key, mine) in enumerate(candidate.items())
    ]
    probed = general.beside(shop, *both)
    more, demanded = [*more, *probed.rows], demanded | probed.demanded
    report = replace(report, unasked=probed.unasked)
    if not more:
        return report, rows
    report = beside(report, rows, more, demanded, shop.config.evaluate)
    suites = {part: replace(trial, weakest=suffers.get(part)) for part, trial in report.suites.items()}
    return replace(report, suites=suites), [*rows, *more]


def scored(shop: Workshop, version: Version, until: float) -> dict[str, Any]:
    """A version alone on the test rows shown by `until`, on every part of the task's suites, and where it suffers most
    under each disturbance.
    """
    task = shop.config.task(version.task)
    rows = shop.suite_at(task.name, until)
    replies = shop.replies(task, version, [row.text for row in rows], [row.tags for row in rows])
    values = [right(task.kind, reply, row.target) for reply, row in zip(replies, rows, strict=True)]
    whose = numbered([cluster_of(row.tags) for row in rows])
    own = score([Row(id=str(k), value=value, cluster=whose[k]) for k, value in enumerate(values)])
    questions, _ = asked(shop, task, until)
    found, of = worst(questions, answered(shop, task, version, questions)), families(questions)
    parts = by_group(
        [Row(id=f"{key[0]} {key[1]}", group=key[0], value=value, cluster=of[key]) for key, value in found.items()]
    )
    probed = [
        Row(id=f"{part} {document}", group=part, value=value)
        for part, values in general.alone(shop, version).items()
        for document, value in values.items()
    ]
    weak = suffering(shop, version, questions, found, until)
    told = {"version": version.id, "metric": task.metric, "score": own}
    return {**told, "suites": parts | by_group(probed), "weakest": weak}


def fence(shop: Workshop, task: str) -> list[str]:
    """Every text that must never be trained on: test rows of all times, and what suites ask."""
    asked = [case.text for suite in grown(shop, task, math.inf) for case in suite.cases]
    return [*(row.text for row in shop.suite(task)), *asked]


def asked(shop: Workshop, task: Task, until: float) -> tuple[list[Question], dict[str, Terms]]:
    """What the suites of a task ask once the world has shown its test rows up to `until`, and demand."""
    found, demanded = list[Question](), dict[str, Terms]()
    exams = shop.suite_at(task.name, until)
    for suite in grown(shop, task.name, until):
        found += questions(suite, _borrowed(exams, suite))
        demanded |= demands(suite)
    return found, demanded


def answered(shop: Workshop, task: Task, version: Version, questions: Sequence[Question]) -> list[float]:
    """What a version's replies to questions are worth, each in [0, 1]."""
    texts = wanted(questions)
    said = dict(zip(texts, shop.replies(task, version, texts), strict=True))
    return [worth(question, said) for question in questions]


def _borrowed(exams: Sequence[Exam], suite: Suite) -> list[Case]:
    """So many test rows as cases: the same ones as long as they hold, whatever comes later. Those of one user, or of
    one episode, are a family.
    """
    ordered = sorted(exams, key=lambda row: hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).digest())
    taken = ordered[: suite.test_rows]
    whose = [name and f"test rows {name}" for name in numbered([cluster_of(row.tags) for row in taken])]
    return [Case(text=row.text, expect=row.target, family=one) for row, one in zip(taken, whose, strict=True)]
