"""One account of false discoveries for all candidates of a task: what each may spend, what it spent, what that says.

A discovery is a pass: the candidate is better, and every guard has held. The guards need no account (who is worse in
one place is let through by that place's own test at most alpha of the time, `evaluate.gate`); the claim to be better
does, for of hundreds of candidates that are no better one in twenty passes at 5 %. The levels are those of
`stats.online`, of which a tenth is kept for looking again at the same candidate (`evaluate.again`): whoever is looked
at again spends nothing anew. Everything follows from the verdicts of the task in the order in which they were written.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from scipy import stats

from homeostat.evaluate.gate import OVERALL
from homeostat.stats.again import KEPT, asked
from homeostat.stats.online import granted, share
from homeostat.types.report import Outcome, Report, Spent, Verdict

_ROUNDING = 1.0 + 1e-9
_POWER = 0.8
"""Chance to show the gain that the suggested number of rows is computed for."""


def entries(verdicts: Iterable[Verdict], before: str = "") -> list[tuple[Verdict, Spent]]:
    """The verdicts that spent from the account, oldest first: all, or those written before the one of this id."""
    earlier = takewhile(lambda verdict: verdict.id != before, verdicts)
    return [(verdict, verdict.spent) for verdict in earlier if verdict.spent is not None]


def due(verdicts: Iterable[Verdict], alpha: float, own: str = "") -> Spent:
    """What the next candidate of a task is granted, by the task's verdicts so far; its p is 1 as long as none is known.

    `own` is the id of its own verdict. Where a step is run again that may be there already, and later ones too, which
    it knew nothing of.
    """
    before = entries(verdicts, own)
    place, found = len(firsts(before)) + 1, len({spent.place for verdict, spent in before if _passed(verdict)})
    return Spent(place=place, found=found, alpha=alpha, level=(1.0 - KEPT) * granted(place, found, alpha), p=1.0)


def firsts(entries: Sequence[tuple[Verdict, Spent]]) -> list[tuple[Verdict, Spent]]:
    """The entries that were spent: one for each candidate that was gated, however often the gate has looked again."""
    return list({spent.place: (verdict, spent) for verdict, spent in reversed(entries)}.values())[::-1]


def _passed(verdict: Verdict) -> bool:
    return verdict.outcome is Outcome.PASS


def charged(verdict: Verdict, report: Report, due: Spent, target: Collection[str] = ()) -> Verdict:
    """The gate's verdict with what it spent; one that passes at alpha and not at the level granted is UNSURE.

    So is one that passes on rows which have gated too many candidates before (`due.worn`). `target` names the groups
    where the candidate was to be better.
    """
    spent = replace(due, p=_better(verdict, target))
    because, outcome = verdict.because, verdict.outcome
    if outcome is Outcome.PASS and spent.p > spent.level:
        outcome, because = Outcome.UNSURE, f"undecided: {because}; {_too_weak(spent, report.difference.n)}"
    elif outcome is Outcome.PASS and spent.worn:
        outcome, because = Outcome.UNSURE, f"undecided: {because}; {_worn(spent)}"
    return replace(verdict, outcome=outcome, because=because, spent=spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How an account stands."""

    tried: int
    """Candidates that were gated."""
    passed: int
    alpha: float
    """Share of those that passed which may be no better, on average."""
    false_at_most: float
    """How many of those that passed that is."""
    spent: float
    """Share of alpha that is gone; what is left is enough for any number of candidates, at ever lower levels."""
    next_level: float
    """At which the next candidate has to show that it is better."""
    weak: int
    """Candidates that passed at alpha and not at the level granted, or on worn rows: undecided."""
    replays: bool
    """Whether every level that was granted, and every outcome, is what follows from the verdicts before."""


def standing(verdicts: Sequence[Verdict], alpha: float) -> Account:
    """How the account of a task stands, by its verdicts, oldest first."""
    known, coming = entries(verdicts), due(verdicts, alpha)
    bound = max((spent.alpha for _, spent in known), default=alpha)
    passed = coming.found
    return Account(
        tried=len(firsts(known)),
        passed=passed,
        alpha=bound,
        false_at_most=bound * passed,
        spent=math.fsum(share(spent.place) for _, spent in firsts(known)),
        next_level=coming.level,
        weak=sum(_short(verdict, spent) for verdict, spent in firsts(known)),
        replays=all(_follows(known[:k], entry) for k, entry in enumerate(known)),
    )


def _follows(before: Sequence[tuple[Verdict, Spent]], entry: tuple[Verdict, Spent]) -> bool:
    """Whether an entry is what the verdicts before it make of it."""
    verdict, spent = entry
    first = next((one for one in before if (one[1].place, one[0].candidate) == (spent.place, verdict.candidate)), None)
    if first is not None:
        return _follows_again(first, entry)
    again = due([known for known, _ in before], spent.alpha)
    told = (spent.place, spent.found, spent.level) == (again.place, again.found, again.level)
    return told and not spent.asked and (not _passed(verdict) or (spent.p <= spent.level and not spent.worn))


def _follows_again(first: tuple[Verdict, Spent], entry: tuple[Verdict, Spent]) -> bool:
    """Whether a second word on a candidate is what the first left open: it spends nothing, is asked at no higher level
    than was kept for it, and passes where that is shown, or where the gain was shown before.
    """
    (was, before), (verdict, spent) = first, entry
    if replace(spent, asked=before.asked, again=before.again) != before or was.outcome is not Outcome.UNSURE:
        return False
    if not spent.asked:
        return not _passed(verdict) or (before.p <= before.level and not before.worn)
    gains = [1.0] if before.worn else [p for p in was.tests.values() if p > before.level]
    most = max((asked(p, before.level, before.level * KEPT / (1.0 - KEPT)) for p in gains), default=0.0)
    return spent.asked <= most * _ROUNDING and (not _passed(verdict) or spent.again <= spent.asked)


def _short(verdict: Verdict, spent: Spent) -> bool:
    """Whether the account, and nothing else, kept a candidate from passing."""
    every = max(verdict.tests.values(), default=1.0) <= spent.alpha
    return verdict.outcome is Outcome.UNSURE and every and (spent.p > spent.level or spent.worn > 0)


def _better(verdict: Verdict, target: Collection[str]) -> float:
    """The p-value of "it is better": overall, and where it is meant to be, if a proof was asked there."""
    names = {OVERALL, ", ".join(target)}
    return max((p for name, p in verdict.tests.items() if name in names), default=1.0)


def _too_weak(spent: Spent, n: int) -> str:
    passed = f"{spent.found} having passed" if spent.found else "none having passed"
    levels = f"it has to show a gain at p = {spent.level:.2g}, and does so at {spent.p:.2g}"
    said = f"but as candidate {spent.place} of its task, {passed}, {levels}"
    shown = float(stats.norm.isf(spent.p))
    if shown <= 0.0:
        return said
    wanted = n * ((float(stats.norm.isf(spent.level)) + float(stats.norm.isf(1.0 - _POWER))) / shown) ** 2
    return f"{said}; about {math.ceil(wanted / 100) * 100:,} such rows would decide"


def _worn(spent: Spent) -> str:
    return f"but its test rows have gated {spent.worn} candidates before, and it may suit them alone: import others"
