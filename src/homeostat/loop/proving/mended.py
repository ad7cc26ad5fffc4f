"""What was wrong once and is right since: cases of suites that grow by themselves out of test rows and live requests.

A champion answers wrongly, somebody says what is right, a candidate answers rightly and is released. From then on such
a request is a case wherever a suite wants some (`fixed`), and is fenced from training as all cases are: so that it
stays right, and not because it was learned by heart. Test rows are told by the reports of those that were released,
live requests by what both versions replied while they were tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from homeostat.evaluate.score import from_lines
from homeostat.loop.listening.held import book
from homeostat.loop.proving.later import both_answered
from homeostat.loop.proving.suites import suites
from homeostat.loop.proving.wear import row_id
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.release.judges import is_judge
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Task

HALF = 0.5
"""What a reply is worth from which on it counts as right."""


def grown(shop: Workshop, task: str, until: float) -> list[Suite]:
    """The suites of a task, those that want such cases with the newest of them known by a moment."""
    found = suites(shop.store, task)
    if not any(suite.fixed for suite in found):
        return found
    known = mended(shop, task, until)
    return [replace(suite, cases=_with(suite, known)) for suite in found]


def mended(shop: Workshop, task: str, until: float) -> list[Case]:
    """Requests that a champion got wrong and one that took its place gets right, each once, oldest first.

    Args:
        shop: the open project.
        task: its name.
        until: the moment up to which is looked, in seconds since 1970.
    """
    known, exams = shop.config.task(task), {row_id(row): row for row in shop.suite_at(task, until)}
    found = dict[str, tuple[float, str]]()
    for champion, candidate in _successions(shop.store, task, until):
        rows = (exams[id] for id in _of_tests(shop.store, task, candidate, until) if id in exams)
        tested = [(row.time, row.text, row.target) for row in rows]
        live = _live(shop.store, known, champion, candidate, until)
        found |= {text: (time, target) for time, text, target in sorted([*live, *tested])}
    return [Case(text=text, expect=target) for text, (_, target) in sorted(found.items(), key=lambda one: one[1])]


def _with(suite: Suite, known: list[Case]) -> tuple[Case, ...]:
    own = {case.text for case in suite.cases}
    more = [case for case in known if case.text not in own]
    return (*suite.cases, *more[len(more) - min(suite.fixed, len(more)) :])


def _successions(store: Store, task: str, until: float) -> Iterator[tuple[str, str]]:
    """Each champion with the one that took its place, in order; ways back are none."""
    champion = ""
    for release in store.releases.list(task):
        if release.time > until:
            return
        if release.stage is Stage.FULL and champion and release.champion != champion:
            yield champion, release.champion
        champion = release.champion


def _of_tests(store: Store, task: str, candidate: str, until: float) -> Iterator[str]:
    """Ids of the test rows that a candidate had right and the champion beside it wrong, by its newest report."""
    reports = [one for one in store.reports.list(task) if one.candidate == candidate and one.time <= until]
    if reports and store.blobs.holds(reports[-1].rows):  # else rows of it were erased
        for row in from_lines(store.blobs.text(reports[-1].rows)):
            if row.group not in reports[-1].suites and row.champion < HALF <= row.candidate:
                yield row.id


def _live(store: Store, task: Task, champion: str, candidate: str, until: float) -> Iterator[tuple[float, str, str]]:
    """Time, text and right reply of the requests on which the two differed so while both answered. What is doubted, or
    only a judge said, tells of none.
    """
    doubted = book(store, task.name).held
    for heard, copy, truth in both_answered(store, task.name, candidate, champion):
        if truth is None or truth.time > until or truth.id in doubted or is_judge(truth.source):
            continue
        mine, theirs = (heard, copy) if heard.version == candidate else (copy, heard)
        if right(task.kind, theirs.reply, truth.value) < HALF <= right(task.kind, mine.reply, truth.value):
            yield heard.time, heard.text, truth.value
