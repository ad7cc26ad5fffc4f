"""Which slice of the requests a version's suites are hardest on, disturbance by disturbance: tags of test rows, labels.

The cases that are test rows, and those that were some once (`loop.mended`), have the tags of these; of the cases of a
file nothing is known but what is right for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from homeostat.evaluate.slices import common, labeled, tagged
from homeostat.evaluate.suites.ask import Question, undisturbed
from homeostat.evaluate.suites.checks import DEFAULT
from homeostat.evaluate.suites.weakest import Disturbed, weakest
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.clustered import cluster_of
from homeostat.types.report import Weakest
from homeostat.types.task import Kind
from homeostat.types.version import Version

Values = Mapping[tuple[str, int], float]
"""Part of a suite and case -> the least that a reply to it was worth."""


def suffering(
    shop: Workshop, version: Version, asked: Sequence[Question], values: Values, until: float
) -> dict[str, Weakest]:
    """The slice that suffers most on every part of suites that is under a disturbance (`evaluate.suites.weakest`).

    Args:
        shop: the open project.
        version: who was asked.
        asked: the questions.
        values: what its replies to them were worth.
        until: the moment up to which test rows count, in seconds since 1970.
    """
    task, exams = shop.config.task(version.task), shop.suite_at(version.task, until)
    known, often = {row.text: row for row in exams}, common([row.tags for row in exams])
    disturbed = {one.part for one in asked if one.text != one.plain}
    once = {(one.part, one.case): one for one in asked if one.part in disturbed}
    texts = list(dict.fromkeys(one.plain for one in once.values()))
    said = dict(zip(texts, shop.replies(task, version, texts), strict=True))  # mostly said before, and remembered
    parts: dict[str, list[Disturbed]] = {}
    for key, one in once.items():
        row = known.get(one.plain)
        case = Disturbed(
            slices=_slices(task.kind, one, row, often),
            plain=undisturbed(one, said),
            value=values[key],
            cluster=one.family or (cluster_of(row.tags) if row else ""),
        )
        parts.setdefault(one.part, []).append(case)
    return weakest(parts, shop.config.evaluate.alpha)


def _slices(kind: Kind, asked: Question, row: Exam | None, often: Collection[str]) -> tuple[str, ...]:
    """Those of the test row that is asked; of another case its label, where it expects one."""
    named = tuple(name for name in tagged(row.tags) if name in often) if row else ()
    if kind is not Kind.LABEL or (row is None and asked.check != DEFAULT[kind]):
        return named
    return (*named, labeled(row.target if row else asked.expect))
