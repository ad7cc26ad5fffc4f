"""The gate's sentence: what was decided and by which numbers, for somebody who reads nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from homeostat.config.schema import Evaluate
from homeostat.stats.power import needed
from homeostat.types.report import Outcome, Score, Trial

_NAMED = 3
"""Groups, or labels, named one by one; more of them are counted."""

_NONE: Mapping[str, Trial] = MappingProxyType({})
_POWER = 0.8
"""Chance to decide that the suggested number of further rows is computed for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the rows say about one claim `E[D] > bound`."""

    name: str
    score: Score
    """Mean difference with its interval."""
    bound: float
    """What the mean difference must exceed: the least gain for a target, minus the margin for a guard."""
    guard: bool
    """Whether nothing may be lost here, rather than something won."""
    required: bool
    """Whether the candidate passes only if this is shown."""
    variance: float
    """Of the differences; what more rows would have to overcome."""
    p: float
    """Of the test that could show the claim; 1 where none was run."""
    alpha: float
    gap: bool = False
    """Whether it is about how far groups are apart (`evaluate.fair`): the mean is then minus the gap."""
    cost: float = 1.0
    """Rows that the test needs for each row of one that is looked at once."""
    suite: bool = False
    """Whether the rows are those of a suite and not test rows."""
    metric: bool = False
    """Whether it is about another metric than the task's (`evaluate.guarded`)."""
    lost: bool = False
    """Whether the opposite is shown by another test than the interval."""

    @property
    def shown(self) -> bool:
        """Whether the claim is proven."""
        return self.p <= self.alpha

    @property
    def refuted(self) -> bool:
        """Whether its opposite is proven: by a test of its own, or as all that the rows allow lies below the bound."""
        return self.lost or self.score.high < self.bound


def sentence(
    outcome: Outcome,
    findings: Sequence[Finding],
    settings: Evaluate,
    *,
    untested: Sequence[str] = (),
    broken: Mapping[str, Trial] = _NONE,
) -> str:
    """One sentence with numbers, in points of the metric; last the labels that no row speaks of, if there are any.
    `broken` are the parts of suites whose mean falls short of what is demanded.
    """
    match outcome:
        case Outcome.FAIL if broken:
            said = _short(broken)
        case Outcome.FAIL:
            said = _refused(findings)
        case Outcome.PASS:
            said = _passed(findings)
        case _:
            said = _undecided(findings, settings)
    return said + _silent(untested)


def _passed(findings: Sequence[Finding]) -> str:
    gains = " and ".join(_gain(finding) for finding in findings if finding.required and not finding.guard)
    gated = [finding for finding in findings if finding.guard and finding.required and not finding.gap]
    kept = f"; nothing lost where it was good: {_list(gated)}" if gated else ""
    alike = [finding for finding in findings if finding.gap and finding.required]
    fair = f"; groups are treated alike: {_gaps(alike)}" if alike else ""
    return gains + kept + fair + _unproven(findings)


def _refused(findings: Sequence[Finding]) -> str:
    """Forgetting is named first: it is the reason people do not expect."""
    lost = [finding for finding in findings if finding.refuted and finding.guard and not finding.gap]
    unlike = [finding for finding in findings if finding.refuted and finding.gap]
    short = [finding for finding in findings if finding.refuted and not finding.guard]
    overall = next((finding for finding in findings if not finding.guard), None)
    rest = f"; {_gain(overall)}" if overall else ""
    apart = f"it treats groups unlike — {_gaps(unlike)}, where at most {_at_most(unlike)} are allowed" if unlike else ""
    if lost:
        at_most = ", where at most " + _at_most(lost) + " may be lost"
        what = "it lost" if all(finding.suite or finding.metric for finding in lost) else "it forgot"
        return f"refused: {what} — {_lost(lost)}{at_most}{'; ' + apart if apart else ''}{rest}"
    if unlike:
        return f"refused: {apart}{rest}"
    word = "it is worse" if short[0].score.mean < 0.0 else f"it gains less than {_points(short[0].bound)} points"
    return f"refused: {word} — " + " and ".join(_gain(finding) for finding in short)


def _lost(findings: Sequence[Finding]) -> str:
    """Groups and large slices first; then the small slices, of which there may be many."""
    large, small = ([finding for finding in findings if finding.lost == alone] for alone in (False, True))
    return ", also ".join(_list(some, unit=" points") for some in (large, small) if some)


def _short(broken: Mapping[str, Trial]) -> str:
    """`refused: suite golden demands 100.0 % and gets 91.7 % (n=12, the champion 100.0 %)`."""
    parts = [
        f"{part} demands {_points(trial.at_least or 0.0)} % and gets {_points(trial.candidate.mean)} % "
        f"(n={trial.candidate.n:,}, the champion {_points(trial.champion.mean)} %)"
        for part, trial in sorted(broken.items(), key=lambda entry: entry[1].candidate.mean)
    ]
    more = f" and {len(parts) - _NAMED} more" if len(parts) > _NAMED else ""
    return "refused: " + "; ".join(parts[:_NAMED]) + more


def _undecided(findings: Sequence[Finding], settings: Evaluate) -> str:
    open_ = [finding for finding in findings if finding.required and not finding.shown]
    parts = [_open(finding) for finding in open_]
    return "undecided: " + "; ".join(parts) + _how_many(open_, settings) + _unproven(findings)


def _open(finding: Finding) -> str:
    if finding.gap:
        return f"a gap of {_points(-finding.bound)} points is not excluded in {_gaps([finding])}"
    if finding.guard or finding.bound < 0.0:
        return f"a loss of {_points(-finding.bound)} points is not excluded in {_list([finding], with_n=True)}"
    least = f" of more than {_points(finding.bound)} points" if finding.bound > 0.0 else ""
    return f"{_gain(finding)} does not prove a gain{least}"


def _how_many(open_: Sequence[Finding], settings: Evaluate) -> str:
    """How many rows would decide if those to come were like those at hand; empty where no number would."""
    worst = max((_rows_to_decide(finding, settings) for finding in open_), default=math.inf)
    return f"; about {math.ceil(worst / 100) * 100:,} such rows would decide" if math.isfinite(worst) else ""


def _rows_to_decide(finding: Finding, settings: Evaluate) -> float:
    """Rows that this claim needs, if the truth is what was measured."""
    distance = finding.score.mean - finding.bound
    if not (0.0 < distance < 1.0 and 0.0 < finding.variance <= 1.0 and settings.alpha > 0.0):
        return math.inf
    return finding.cost * needed(finding.variance, 0.0, distance, settings.alpha, _POWER)


def _unproven(findings: Sequence[Finding]) -> str:
    """Groups and targets that are reported without having been asked for a proof."""
    small = [finding for finding in findings if not finding.required and not finding.gap]
    unseen = [finding for finding in findings if not finding.required and finding.gap]
    said = f"; too few rows to demand a proof: {_list(small, with_n=True)}" if small else ""
    return said + (f"; too few rows to say that groups are treated alike: {_gaps(unseen)}" if unseen else "")


def _silent(untested: Sequence[str]) -> str:
    """`; no test rows of: x, y, z and 3 more`."""
    more = len(untested) - _NAMED
    rest = f" and {more} more" if more > 0 else ""
    return f"; no test rows of: {', '.join(untested[:_NAMED])}{rest}" if untested else ""


def _gain(finding: Finding) -> str:
    """`+8.4 points (6.1 to 10.7, n=1,500) overall`."""
    place = finding.name if finding.name == "overall" else f"in {finding.name}"
    return f"{_signed(finding.score.mean)} points ({_interval(finding.score)}, n={finding.score.n:,}) {place}"


def _list(findings: Sequence[Finding], *, unit: str = "", with_n: bool = False) -> str:
    """`old intents -0.3 (-1.1 to +0.5)`, the worst group first."""
    ordered = sorted(findings, key=lambda finding: finding.score.mean)
    named = [_group(finding, unit, with_n) for finding in ordered[:_NAMED]]
    more = len(ordered) - len(named)
    return ", ".join(named) + (f" and {more} more group{'s' * (more > 1)}, none lower" if more > 0 else "")


def _gaps(findings: Sequence[Finding]) -> str:
    """`recall of 'refund' by language, en over de: 3.1 points apart (0.4 to 6.0, n=812)`, the widest first."""
    ordered = sorted(findings, key=lambda finding: finding.score.mean)
    named = [_gap(finding) for finding in ordered[:_NAMED]]
    more = len(ordered) - len(named)
    return ", ".join(named) + (f" and {more} more, none wider" if more > 0 else "")


def _gap(finding: Finding) -> str:
    score = finding.score
    if not score.n:
        return f"{finding.name} (no two groups with rows)"
    between = f"{_points(abs(score.high))} to {_points(abs(score.low))}, n={score.n:,}"
    return f"{finding.name}: {_points(abs(score.mean))} points apart ({between})"


def _group(finding: Finding, unit: str, with_n: bool) -> str:
    count = f", n={finding.score.n:,}" if with_n else ""
    return f"{finding.name} {_signed(finding.score.mean)}{unit} ({_interval(finding.score)}{count})"


def _at_most(lost: Sequence[Finding]) -> str:
    margins = sorted({_points(-finding.bound) for finding in lost}, key=float)
    return " or ".join(margins)


def _interval(score: Score) -> str:
    """Without signs where both ends are gains."""
    if score.low >= 0.0:
        return f"{_points(score.low)} to {_points(score.high)}"
    return f"{_signed(score.low)} to {_signed(score.high)}"


def _signed(value: float) -> str:
    return f"{100.0 * value:+.1f}"


def _points(value: float) -> str:
    return f"{100.0 * value:.1f}"
