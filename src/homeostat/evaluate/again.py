"""The gate looks again at a candidate that it was unsure about, as live requests that both versions answer get labels.

Nothing that the first look has tested is tested again. What it has shown stays shown. Of each claim that it left open
its p-value says how much of a level that was kept for this is left (`stats.again`), and at that level the claim is bet
on over the later rows alone, after every one of them (`stats.planned`). So both looks together err as seldom as the
levels say, and the task's account is spent once.

Where both versions reply the same their difference is 0, and nobody has to say so. A mean difference above a bound is
therefore a mean difference above `bound / share` among the requests on which they differ, of which a share of all
requests is one: labels are wanted of these alone, and it is fair to draw them by lot. The share is told by requests
without labels: prediction-powered inference (2301.09633) with a predictor that is never wrong where it says 0.

Where a judge rates both replies, what it says of requests without a label makes each label worth more, as far as labels
show that it is right (`stats.assisted`); it is never believed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.asked import Asked, Ground, Later, once
from homeostat.evaluate.besides import besides, first_values, values_of
from homeostat.evaluate.gate import OVERALL
from homeostat.evaluate.groups import PLANNED_DISCORDANCE, POWER, places, split
from homeostat.evaluate.score import Floats, PairedRow, differences
from homeostat.evaluate.slices import gated, slices
from homeostat.evaluate.small import small
from homeostat.evaluate.watched import COST
from homeostat.stats.again import KEPT, asked
from homeostat.stats.assisted import Assisted
from homeostat.stats.intervals import upper_bound
from homeostat.stats.planned import Plan
from homeostat.stats.power import needed
from homeostat.types import ids
from homeostat.types.report import Outcome, Report, Verdict

PAIRS = 200
"""Requests, labeled or not, by which the share on which the versions differ is told."""
DOUBT = 0.1
"""Part of a claim's level that pays for not knowing that share exactly."""
LEAST, MOST = 40, 100_000
"""Labels that are planned for a claim, at least and at most."""
LIKELY = 0.2
"""Gain among the requests on which they differ that is planned for where the first look saw none."""
_WIDEST = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How a claim stands."""

    asked: Asked
    wins: int
    losses: int
    n: int
    """Labels that it was played on, one of each user."""
    p: float
    level: float
    """At which it has to be shown, what the share of differing replies may cost already taken off."""
    worse: bool = False
    """Whether the candidate is shown to be worse."""
    waits: bool = False
    """Whether it is not asked yet, for it is about a place that had too few rows and has too few labels still."""

    @property
    def shown(self) -> bool:
        """Whether it is."""
        return self.p <= self.level

    @property
    def wanted(self) -> int:
        """Labels that are still planned for; once the plan is over, as many again."""
        left = self.asked.rows - self.n
        return 0 if self.shown or self.waits else left if left > 0 else self.n


def opened(
    first: Verdict, report: Report, rows: Sequence[PairedRow], settings: Evaluate, ground: Ground
) -> tuple[list[Asked], list[str]]:
    """The claims that a verdict which was unsure has left open: those that labels of live requests may still show, and
    the names of those that no live request speaks of (lists of cases, macro F1).

    Args:
        first: the verdict, with what it spent of the account.
        report: what it rests on.
        rows: the rows of that report.
        settings: the gate's.
        ground: what else is known.

    Raises:
        ValueError: the verdict has spent nothing, so nothing is kept either.
    """
    spent = first.spent
    if spent is None:
        raise ValueError(f"verdict {first.id} has spent nothing of an account")
    own = [row for row in rows if row.group not in report.suites]
    found, left = list[Asked](), list[str]()
    known = {one.name: one for one in _claims(own, settings, ground.target, ground.told)}
    for name, p in first.tests.items():
        claim = known.get(name)
        if claim is not None and claim.gain:
            p = 1.0 if spent.worn else p
            if p > spent.level:
                level = asked(p, spent.level, spent.level * KEPT / (1.0 - KEPT))
                found.append(_planned(replace(claim, level=level), own))
        elif p > spent.alpha:
            level = asked(p, spent.alpha, KEPT * min(ground.live, spent.alpha))
            found += [_planned(replace(claim, level=level), own)] if claim else []
            left += [] if claim else [name]
    more, silent = besides(first, report, rows, settings, ground, left)
    asks = [*found, *(_planned(claim, rows) for claim in more)]
    known_names = {claim.name for claim in asks}
    return [*asks, *(claim for claim in small(own, settings, ground) if claim.name not in known_names)], silent


def _claims(rows: Sequence[PairedRow], settings: Evaluate, target: Sequence[str], seen: Sequence[str]) -> list[Asked]:
    """The claims of the gate that live requests can speak of, still without levels and plans."""
    blank = Asked(name=OVERALL, bound=settings.min_gain, level=1.0, rows=0, gain=True, told=True)
    aimed = tuple(dict.fromkeys(row.group for row in rows if row.group in target))
    found = [blank, replace(blank, name=", ".join(aimed), groups=aimed, told=False)] if aimed else [blank]
    sizes = {name: sample.worth for name, sample in split(rows).items()}
    guard = replace(blank, gain=False)
    for place in places(sizes, settings, target):
        told = all(group in seen for group in place.groups)
        found.append(replace(guard, name=place.name, bound=-place.margin, groups=place.groups, told=told))
    for one in gated(slices(rows, target), settings):
        told = not target and "=" in one.name
        claim = replace(guard, name=one.name, bound=-one.margin, slice=one.name, without=tuple(target), told=told)
        found.append(claim)
    return found


def _planned(claim: Asked, rows: Sequence[PairedRow]) -> Asked:
    """The claim with the labels that it will take, going by the rows of the first look."""
    values = first_values(claim, rows) if claim.beside else differences(row for row in rows if claim.about(row))
    if claim.gain and claim.apart and claim.bound == 0.0:
        apart = values[values != 0.0]
        gain = float(np.clip(apart.mean(), 0.05, 0.8)) if len(apart) and apart.mean() > 0.0 else LIKELY
        return replace(claim, rows=_rows(1.0, gain, 0.0, claim.level))
    spread = float(np.clip(np.mean(values**2), 0.01, 1.0)) if len(values) else PLANNED_DISCORDANCE
    bound = among(claim, (int(np.count_nonzero(values)), len(values))) if claim.told else claim.bound
    square = 1.0 if claim.told else spread
    gain = float(np.clip(values.mean(), 0.0, 0.5 * square)) if claim.gain and len(values) else 0.0
    if bound >= gain:
        return replace(claim, rows=MOST)
    return replace(claim, rows=_rows(square, gain, max(bound, -_WIDEST), claim.level))


def _rows(square: float, gain: float, bound: float, level: float) -> int:
    return min(max(math.ceil(COST * needed(square, gain, -bound, level, POWER)), LEAST), MOST)


def stand(claim: Asked, pairs: Sequence[Later], share: tuple[int, int] | None, alpha: float) -> Stand:
    """How a claim stands after these pairs, in the order in which they were labeled.

    Args:
        claim: what is asked.
        pairs: all that were labeled so far.
        share: of so many requests that the claim is about (the second number) they differ on so many; None where too
            few are known yet. Once it is known it must not change.
        alpha: at which a candidate is taken to be worse.
    """
    values, words = _values(claim, pairs), _words(claim, pairs)
    wins, losses = int((values > 0.0).sum()), int((values < 0.0).sum())
    exact = claim.bound == 0.0 or not claim.told
    level = claim.level if exact else (1.0 - DOUBT) * claim.level
    blank = Stand(asked=claim, wins=wins, losses=losses, n=len(values), p=1.0, level=level, waits=claim.small)
    worse = (
        claim.gain
        and claim.bound == 0.0
        and _p(-values, 0.0, replace(claim, level=alpha), words * [-1, -1, 1]) <= alpha
    )
    if not exact and share is None:
        return blank
    bound = claim.bound if exact or share is None else among(claim, share)
    if bound <= -1.0:  # they differ too seldom for so much to be lost
        return replace(blank, p=0.0, waits=False)
    return replace(
        blank,
        p=_p(values, bound, claim, words) if bound < _WIDEST else 1.0,
        worse=worse or _lost(claim, values, words, share),
        waits=claim.small and len(values) < claim.rows,
    )


def _lost(claim: Asked, values: Floats, words: Floats, share: tuple[int, int] | None) -> bool:
    """Whether more than the margin is shown to be lost in a place that was too small at the first look."""
    if not claim.harm or not len(values):
        return False
    level, bound = claim.harm, -claim.bound
    if claim.told and share is not None:
        least = 1.0 - upper_bound(share[1] - share[0], share[1], 1.0 - DOUBT * claim.harm)
        level, bound = (1.0 - DOUBT) * claim.harm, bound / least if least > 0.0 else math.inf
    return bound < _WIDEST and _p(-values, bound, replace(claim, level=level), words * [-1, -1, 1]) <= level


def _values(claim: Asked, pairs: Sequence[Later]) -> Floats:
    if claim.beside:
        return values_of(claim, pairs)
    return differences(one.row for one in _played(claim, pairs))


def _played(claim: Asked, pairs: Sequence[Later]) -> list[Later]:
    """The labels that a claim of replies is bet on with."""
    # What was asked for because the two differ says nothing of the others.
    about = (one for one in pairs if claim.about(one.row) and (one.differ if claim.apart else not one.lot))
    return once(about, lambda one: one.row.cluster)


def _words(claim: Asked, pairs: Sequence[Later]) -> Floats:
    """float64[rows, 3]: what a judge says of the rows of a claim, of those without a label beside each, and how many
    these are; zeros where it says nothing, and where those without a label need not be rows of the claim.
    """
    heard = claim.told and claim.apart and not claim.slice
    if not heard:
        return np.zeros((len(_values(claim, pairs)), 3))
    return np.array([one.word or (0.0, 0.0, 0) for one in _played(claim, pairs)], np.float64).reshape(-1, 3)


def among(claim: Asked, share: tuple[int, int]) -> float:
    """What the mean among differing replies has to exceed, wherever their share lies within its bound."""
    differing, n = share
    if not n or not claim.level:
        return claim.bound
    level = 1.0 - DOUBT * claim.level
    if claim.bound < 0.0:
        return claim.bound / upper_bound(differing, n, level)
    least = 1.0 - upper_bound(n - differing, n, level)
    return claim.bound / least if least > 0.0 else math.inf


def _p(values: Floats, bound: float, claim: Asked, words: Floats) -> float:
    square = 1.0 if claim.apart or claim.gap is not None else PLANNED_DISCORDANCE
    game = Assisted(max(bound, -_WIDEST), Plan(rows=claim.rows, alpha=min(claim.level, 0.5), square=square))
    for value, (told, rest, beside) in zip(values, words, strict=True):
        game.update(value, told, rest, beside)
    return float(game.p[0])


def concluded(first: Verdict, stands: Sequence[Stand], left: Sequence[str], labels: int, *, now: float) -> Verdict:
    """The gate's second word: the first verdict, with what later rows have shown.

    PASS where every claim that is asked by now is shown; FAIL where the candidate is shown to be worse, anywhere that
    this is asked; else UNSURE.
    """
    tests = {**first.tests, **{one.asked.name: one.p for one in stands if not one.waits}}
    spent, gains = first.spent, [one for one in stands if one.asked.gain]
    if gains and spent is not None:
        weakest = max(gains, key=lambda one: one.p / one.level)
        spent = replace(spent, again=weakest.p, asked=weakest.level)
    outcome = Outcome.UNSURE
    if any(one.worse for one in stands):
        outcome = Outcome.FAIL
    elif not left and all(one.shown or one.waits for one in stands):
        outcome = Outcome.PASS
    return replace(
        first,
        id=ids.derived("vdt", first.id, "again"),
        time=now,
        outcome=outcome,
        because=_sentence(outcome, stands, left, labels),
        tests=tests,
        spent=spent,
    )


def shares_known(claims: Sequence[Asked], known: Mapping[str, tuple[int, int]]) -> list[Asked]:
    """The claims that still wait for the share of requests on which the versions differ."""
    return [claim for claim in claims if claim.told and claim.bound != 0.0 and claim.name not in known]


def _sentence(outcome: Outcome, stands: Sequence[Stand], left: Sequence[str], labels: int) -> str:
    """`passed on looking again, after 210 more labels: overall 55 won and 28 lost of 90 on which they differ …`."""
    word = {Outcome.PASS: "passed", Outcome.FAIL: "refused: it is worse", Outcome.UNSURE: "undecided"}[outcome]
    after = f"{word} on looking again, after {labels:,} more {'label' if labels == 1 else 'labels'}"
    said = "; ".join(_said(one) for one in stands if not one.waits or one.worse)
    few = [one.asked.name for one in stands if one.waits and not one.worse]
    rest = f"; no live request speaks of {', '.join(left)}" if left else ""
    wanted = max((one.wanted for one in stands), default=0)
    asks = [one for one in stands if not one.shown and not one.waits]
    apart = " of requests on which they differ" if all(one.asked.apart for one in asks) else ""
    more = f"; about {wanted:,} more labels{apart} would decide" if outcome is Outcome.UNSURE and wanted else ""
    small = f"; too few labels to ask of {', '.join(few)}" if few else ""
    return f"{after}: {said}{rest}{small}{more}"


def _said(one: Stand) -> str:
    points = f"{100 * -one.asked.bound:.1f} points"
    what = "better" if one.asked.gain else f"nothing lost, by {points}"
    if one.asked.gap is not None:
        what, seen = f"at most {points} apart", f"{one.n:,} pairs labeled"
    else:
        where = "on which they differ" if one.asked.apart else "labeled"
        seen = f"{one.wins} won and {one.losses} lost of {one.n:,} {where}"
    return f"{one.asked.name} ({what}): {seen}, shown at p = {one.p:.2g} where {one.level:.2g} is asked"
