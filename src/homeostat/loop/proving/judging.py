"""Candidate beside champion: the steps of a turn that measure, and ask the gate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from homeostat.config.schema import Evaluate
from homeostat.evaluate.account import charged, due
from homeostat.evaluate.gate import compare
from homeostat.evaluate.gate import gate as judge
from homeostat.evaluate.overrated import heeded
from homeostat.evaluate.score import PairedRow, from_lines, to_lines
from homeostat.evaluate.slices import common, labeled, tagged
from homeostat.evaluate.suites.beside import beside
from homeostat.loop.listening.overrating import reward_of, rewarded
from homeostat.loop.making.prefacing import chosen as option_of
from homeostat.loop.proving.examining import beside_suites
from homeostat.loop.proving.guarding import guarded, numbered
from homeostat.loop.proving.wear import RETIRED, rested, row_id, worn
from homeostat.loop.steps import Now, turn_of
from homeostat.loop.workshop import Exam, Workshop, demanded
from homeostat.metrics.replies import right
from homeostat.stats.clustered import cluster_of
from homeostat.types import ids
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.suite import Terms
from homeostat.types.task import Kind
from homeostat.types.version import State, Version

NEW, KNOWN, REPLIES = "new labels", "known labels", "replies"
"""Groups of test rows: with labels new to the champion, with others, and all those of a task of text."""


def evaluate(shop: Workshop, now: Now, candidate: str) -> str:
    """Measure the candidate and the champion on the same rows."""
    champion = shop.champion(now.task)
    tried = shop.store.versions.get(candidate)
    report, rows = reported(shop, now, tried, champion)
    kept, id = shop.store.blobs.put_text(to_lines(rows)), ids.derived("rep", now.turn, candidate)
    report = replace(report, id=id, rows=kept, base=shop.base_of(tried))
    shop.store.reports.put(report)
    return report.id


def reported(shop: Workshop, now: Now, candidate: Version, champion: Version) -> tuple[Report, list[PairedRow]]:
    """Both versions on the test rows shown so far and on the task's suites, with how they did on every row. Test rows
    that are worn stand apart and guard alone (`loop.wear`).
    """
    chosen = rested(shop, now.task, shop.suite_at(now.task, now.until))
    rows = paired_rows(shop, now, candidate, champion, chosen.gating)
    settings = shop.config.evaluate
    report = compare(
        shop.config.task(now.task), candidate.id, champion.id, rows, settings, now=now.until, target=aims(rows)
    )
    report, rows = beside_suites(shop, report, rows, now.until)
    if not chosen.retired:
        return report, rows
    retired = [replace(row, group=RETIRED) for row in paired_rows(shop, now, candidate, champion, chosen.retired)]
    apart = beside(report, rows, retired, {RETIRED: Terms()}, settings)
    return replace(apart, suites={**report.suites, **apart.suites}), [*rows, *retired]


def paired_rows(
    shop: Workshop, now: Now, candidate: Version, champion: Version, rows: Sequence[Exam]
) -> list[PairedRow]:
    """How both versions do on test rows, in [0, 1]."""
    task, held = shop.config.task(now.task), shop.config.tasks[now.task].fair
    texts, tags = [row.text for row in rows], [row.tags for row in rows]
    said = [shop.replies(task, version, texts, tags) for version in (candidate, champion)]
    paired = [
        _paired(row_id(row), _group(task.kind, row, champion), row, both, task.kind, held)
        for row, both in zip(rows, zip(*said, strict=True), strict=True)
    ]
    often = common([row.tags for row in rows])
    paired = [replace(one, slices=_slices(task.kind, row, often)) for one, row in zip(paired, rows, strict=True)]
    return guarded(shop, rows, paired, (candidate, champion))


def unanswered(shop: Workshop, task: str, champion: Version, rows: Sequence[Exam]) -> list[PairedRow]:
    """Test rows as `paired_rows` gives them, but for what nobody has replied yet: outcomes in them mean nothing."""
    kind, held, often = shop.config.task(task).kind, shop.config.tasks[task].fair, common([row.tags for row in rows])
    found, labeled = list[PairedRow](), kind is Kind.LABEL
    for row, cluster in zip(rows, numbered([cluster_of(row.tags) for row in rows]), strict=True):
        one = _paired(row_id(row), _group(kind, row, champion), row, ("", ""), kind, held)
        blank = replace(one, candidate=0.0, champion=0.0, slices=_slices(kind, row, often), cluster=cluster)
        known = {"target": row.target, "sure": (0.0, 0.0)} if labeled else {"formed": (0.0, 0.0)}
        found.append(replace(blank, **known))
    return found


def _paired(id: str, group: str, row: Exam, said: tuple[str, str], kind: Kind, held: Collection[str]) -> PairedRow:
    """How both versions do on one row; with the tags that are held to be treated alike, where it carries any."""
    mine, theirs = (right(kind, reply, row.target) for reply in said)
    plain = PairedRow(id=id, group=group, candidate=mine, champion=theirs)
    tags = {tag: row.tags[tag] for tag in held if tag in row.tags}
    return replace(plain, tags=tags, target=row.target, said=said) if tags else plain


def _slices(kind: Kind, row: Exam, often: Collection[str]) -> tuple[str, ...]:
    """Where else a loss shall not hide: the values of its tags, and its label."""
    named = tuple(name for name in tagged(row.tags) if name in often)
    return (*named, labeled(row.target)) if kind is Kind.LABEL else named


def _group(kind: Kind, row: Exam, champion: Version) -> str:
    if kind is Kind.TEXT:
        return REPLIES
    return KNOWN if row.target in champion.labels else NEW


def aims(rows: Sequence[PairedRow]) -> tuple[str, ...]:
    """The groups that the candidate must improve: rows with labels new to the champion, where there are any."""
    return (NEW,) if any(r.group == NEW for r in rows) else ()


def gate(shop: Workshop, now: Now, report: str, candidate: str) -> str:
    """Say whether the candidate may go on, in a sentence, and what it spent of the task's account."""
    known = shop.store.reports.get(report)
    rows = from_lines(shop.store.blobs.text(known.rows))
    id = ids.derived("vdt", now.turn, candidate)
    verdict = replace(judged(shop, now, known, rows, own=id), id=id, time=now.until)
    shop.store.verdicts.put(verdict)
    if verdict.outcome is Outcome.FAIL:
        shop.store.versions.set_state(candidate, State.REFUSED)
    return verdict.id


def judged(shop: Workshop, now: Now, report: Report, rows: Sequence[PairedRow], own: str = "") -> Verdict:
    """What the gate says of a report, and the task's account of that; nothing is written. `own` is the id of the
    candidate's own verdict, which may be there already where a step is run again.
    """
    settings, store = demanded_of(shop, now, report.champion), shop.store
    candidate, aimed = store.versions.get(report.candidate), aims(rows)
    silent = untested(shop, now, candidate, store.versions.get(report.champion))
    fair = demanded(shop.config, now.task)
    verdict = judge(report, rows, settings, target=aimed, artifact=candidate.blob, untested=silent, fair=fair)
    if reward_of(candidate):
        chosen = rested(shop, now.task, shop.suite_at(now.task, now.until)).gating
        learned = rewarded(shop, candidate, store.versions.get(report.champion), chosen, settings.alpha)
        verdict = heeded(verdict, learned, alone=False)
    spending = due(store.verdicts.list(now.task), settings.alpha, own)
    verdict = replace(verdict, base=report.base, because="; ".join([verdict.because, *report.unasked]))
    return charged(verdict, report, replace(spending, worn=worn(store, report, rows, own)), aimed)


def demanded_of(shop: Workshop, now: Now, champion: str) -> Evaluate:
    """What the gate demands of a turn's candidate. One that was chosen for its cheaper answers, a student of the
    champion's, need not be better than that: it has to show that it is as good, within `evaluate.margin`.
    """
    option, settings = option_of(shop, now.turn), shop.config.evaluate
    if option is None or champion not in option.teachers:
        return settings
    return replace(settings, min_gain=-settings.margin)


def untested(shop: Workshop, now: Now, candidate: Version, champion: Version) -> list[str]:
    """The labels that a candidate can reply with and no test row shown so far speaks of, new ones first."""
    tested = {row.target for row in shop.suite_at(now.task, now.until)}
    silent = [label for label in candidate.labels if label not in tested]
    return sorted(silent, key=lambda label: label in champion.labels)


def passes(shop: Workshop, now: Now, verdict: str) -> str:
    """`yes` if the verdict lets the candidate pass, else empty."""
    return "yes" if shop.store.verdicts.get(verdict).outcome is Outcome.PASS else ""


def undecided(shop: Workshop, now: Now) -> str:
    """The last candidate that the gate is unsure about, or empty: live pairs may decide what test rows did not."""
    verdicts = [
        shop.store.verdicts.get(left) for step, left in turn_of(shop, now).diary.items() if step.startswith("gate.")
    ]
    unsure = [v.candidate for v in verdicts if v.outcome is Outcome.UNSURE]
    return unsure[-1] if unsure else ""
