"""A candidate beside the champion on suites: a report with what both scored on every part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from homeostat.config.schema import Evaluate
from homeostat.evaluate.groups import place
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow, fingerprint
from homeostat.stats import clustered
from homeostat.types import ids
from homeostat.types.report import Report, Trial
from homeostat.types.suite import Terms


def beside(
    report: Report,
    rows: Sequence[PairedRow],
    asked: Sequence[PairedRow],
    demands: Mapping[str, Terms],
    settings: Evaluate,
) -> Report:
    """The report of test rows with that of suites, whose rows stand apart: they say nothing about the mean.

    Args:
        report: what `gate.compare` says of the test rows.
        rows: these.
        asked: rows of suites, the part as their group.
        demands: what is demanded, by part.
        settings: level and margins.
    """
    members: dict[str, list[PairedRow]] = {part: [] for part in demands}
    for row in asked:
        members[row.group].append(row)
    suites = {part: _trial(part, inside, demands[part], settings) for part, inside in members.items() if inside}
    content = fingerprint([*rows, *asked])
    return replace(report, id=ids.derived("rep", report.id, content), suites=suites, rows=content)


def _trial(part: str, rows: Sequence[PairedRow], demand: Terms, settings: Evaluate) -> Trial:
    held = settings if demand.margin is None else replace(settings, margin=demand.margin, small_margin=demand.margin)
    sample = Sample.of(rows)
    guarded = place(part, (part,), sample.worth, held)
    return Trial(
        candidate=clustered.mean([row.candidate for row in rows], sample.clusters),
        champion=clustered.mean([row.champion for row in rows], sample.clusters),
        difference=sample.score(1.0 - 2.0 * settings.alpha),
        margin=guarded.margin,
        gated=guarded.gated,
        at_least=demand.at_least,
    )
