"""The gate: is the candidate better where it should be, and has it lost nothing anywhere else?

Intersection-union (Berger 1982): a candidate passes only if superiority on the target and non-inferiority on every
gated group are each shown at level alpha. Somebody who is worse in one place is let through by that place's test at
most alpha of the time, whatever the other tests say; so no correction for their number is needed. The number of rows
is fixed beforehand and the gate is asked once: who looks again as rows arrive asks `evaluate.watched`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from homeostat.config.schema import Evaluate
from homeostat.evaluate.fair import Demand, fair_findings
from homeostat.evaluate.groups import SMALL, Guard, guards, split, target_suffices
from homeostat.evaluate.guarded import guard_findings
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow, fingerprint
from homeostat.evaluate.sentence import Finding, sentence
from homeostat.evaluate.slices import gated, lost, slices
from homeostat.stats import clustered
from homeostat.types import ids
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Task

OVERALL = "overall"
"""Name of the claim about all rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A statement `E[D] > bound` about some rows that must be shown."""

    name: str
    sample: Sample
    bound: float
    guard: bool = False
    """Whether these are rows where nothing may be lost, rather than rows where something must be won."""
    required: bool = True
    """Whether the candidate passes only if this is shown. If not, only its opposite counts."""
    suite: bool = False
    lost: bool = False
    """Whether its opposite is known to be true."""


def compare(
    task: Task,
    candidate: str,
    champion: str,
    rows: Sequence[PairedRow],
    settings: Evaluate,
    *,
    now: float,
    target: Collection[str] = (),
) -> Report:
    """The candidate beside the champion: both scores, and the paired difference overall and in every group.

    Intervals of the two scores are at 95 %. Intervals of differences are at 1 - 2 alpha, two-sided, so that one that
    stays clear of the bound and a one-sided test at alpha say the same. `target` names the groups where the
    candidate is meant to be better; the others are guarded.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("nothing to compare: no rows")
    guarded, every = guards(rows, settings, target), Sample.of(rows)
    level = _level(settings)
    sliced = slices(rows, target)
    asked = gated(sliced, settings)
    parts = split(rows) | {guard.name: guard.sample for guard in guarded if guard.name == SMALL}
    parts |= {guard.name: guard.sample for guard in [*asked, *lost(sliced, settings)]}
    metrics = guard_findings(rows, settings, target)
    content = fingerprint(rows)
    return Report(
        id=ids.derived("rep", task.name, candidate, champion, content, *sorted(target)),
        task=task.name,
        time=now,
        candidate=candidate,
        champion=champion,
        metric=task.metric,
        candidate_score=clustered.mean([row.candidate for row in rows], every.clusters),
        champion_score=clustered.mean([row.champion for row in rows], every.clusters),
        difference=every.score(level),
        groups={name: sample.score(level) for name, sample in parts.items()}
        | {found.name: found.score for found in metrics},
        gated=tuple(guard.name for guard in [*guarded, *asked] if guard.gated)
        + tuple(found.name for found in metrics if found.required),
        rows=content,
    )


def gate(
    report: Report,
    rows: Sequence[PairedRow],
    settings: Evaluate,
    *,
    target: Collection[str] = (),
    artifact: str = "",
    untested: Sequence[str] = (),
    fair: Sequence[Demand] = (),
) -> Verdict:
    """What the rows prove about the candidate, at level `settings.alpha` for each claim.

    The claims are `E[D] > min_gain` for the target groups (if any are named) and for all rows together,
    `E[D] > -margin` for every gated guard group, every slice with rows enough (`evaluate.slices`), every guard metric
    with rows enough (`evaluate.guarded`) and every part of a suite that has cases enough, and what `fair` demands of
    the test rows (`evaluate.fair`).

    - FAIL: for one claim the opposite is shown: the interval lies wholly below the bound, so there is no gain of
      `min_gain`, or a group lost more than its margin. The pool of small groups, and a target, can fail a candidate
      however few their rows; they are asked for a proof only if these suffice. So can a slice, where the loss is
      beyond doubt for as many slices as there are. Or the mean on a suite falls short of what is demanded of it.
    - PASS: every claim is shown.
    - UNSURE: neither. The rows do not decide.

    The test of the overall and the target claim is McNemar's exact one, of the guard claims the exact unconditional
    one; real-valued outcomes (chrF) get Student's t. Where rows are of one user, or of one episode, these have to show
    it by themselves besides (`evaluate.sample`). `untested` are labels of the candidate that no row speaks of: they
    change no claim, and the sentence names them.

    Raises:
        ValueError: the rows are not those of the report.
    """
    hold_same(report, rows)
    own = [row for row in rows if row.group not in report.suites]
    claims = _target_claims(own, settings, target) + _guard_claims(guards(own, settings, target))
    claims += _slice_claims(own, settings, target) + _suite_claims(report, rows)
    findings = [_test(claim, settings) for claim in claims] + guard_findings(own, settings, target)
    findings += fair_findings(own, fair, settings)
    id = ids.derived("vdt", report.id, settings, artifact, *fair)
    return concluded(report, findings, settings, id=id, artifact=artifact, untested=untested)


def hold_same(report: Report, rows: Sequence[PairedRow]) -> None:
    """Hold that a report was made from these rows.

    Raises:
        ValueError: it was not.
    """
    if fingerprint(rows) != report.rows:
        raise ValueError(f"report {report.id} was made from other rows than these {len(rows)}")


def concluded(
    report: Report, findings: Sequence[Finding], settings: Evaluate, *, id: str, artifact: str, untested: Sequence[str]
) -> Verdict:
    """The verdict that these findings come to, with its sentence."""
    broken = {part: trial for part, trial in report.suites.items() if trial.broken}
    outcome = Outcome.FAIL if broken else _decided(findings)
    said = sentence(outcome, findings, settings, untested=untested, broken=broken)
    return Verdict(
        id=id,
        task=report.task,
        time=report.time,
        report=report.id,
        candidate=report.candidate,
        outcome=outcome,
        because=said,
        artifact=artifact,
        tests={finding.name: finding.p for finding in findings if finding.required},
    )


def _target_claims(rows: Sequence[PairedRow], settings: Evaluate, target: Collection[str]) -> list[_Claim]:
    """Better overall, and better where it is meant to be."""
    overall = _Claim(name=OVERALL, sample=Sample.of(rows), bound=settings.min_gain)
    aimed = [row for row in rows if row.group in target]
    if not aimed or len(aimed) == len(rows):
        return [overall]
    name = ", ".join(dict.fromkeys(row.group for row in aimed))
    sample = Sample.of(aimed)
    required = target_suffices(sample.worth, settings)
    return [_Claim(name=name, sample=sample, bound=settings.min_gain, required=required), overall]


def _guard_claims(guarded: Sequence[Guard]) -> list[_Claim]:
    return [
        _Claim(name=guard.name, sample=guard.sample, bound=-guard.margin, guard=True, required=guard.gated)
        for guard in guarded
    ]


def _slice_claims(rows: Sequence[PairedRow], settings: Evaluate, target: Collection[str]) -> list[_Claim]:
    """Nothing lost in slices with rows enough; and those with fewer that did lose."""
    found = slices(rows, target)
    return _guard_claims(gated(found, settings)) + [
        replace(claim, lost=True) for claim in _guard_claims(lost(found, settings))
    ]


def _suite_claims(report: Report, rows: Sequence[PairedRow]) -> list[_Claim]:
    """Nothing lost on any part of a suite."""
    parts: dict[str, list[PairedRow]] = {part: [] for part in report.suites}
    for row in rows:
        if row.group in parts:
            parts[row.group].append(row)
    return [
        _Claim(
            name=part,
            sample=Sample.of(parts[part]),
            bound=-trial.margin,
            guard=True,
            required=trial.gated,
            suite=True,
        )
        for part, trial in report.suites.items()
    ]


def _test(claim: _Claim, settings: Evaluate) -> Finding:
    return Finding(
        name=claim.name,
        score=claim.sample.score(_level(settings)),
        bound=claim.bound,
        guard=claim.guard,
        required=claim.required,
        variance=claim.sample.variance,
        p=claim.sample.p_above(claim.bound) if claim.required else 1.0,
        alpha=settings.alpha,
        suite=claim.suite,
        lost=claim.lost,
    )


def _decided(findings: Sequence[Finding]) -> Outcome:
    """FAIL if the opposite of a claim is shown, PASS if every required claim is, UNSURE otherwise."""
    if any(finding.refuted for finding in findings):
        return Outcome.FAIL
    if all(finding.shown for finding in findings if finding.required):
        return Outcome.PASS
    return Outcome.UNSURE


def _level(settings: Evaluate) -> float:
    return 1.0 - 2.0 * settings.alpha
