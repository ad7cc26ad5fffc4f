"""The gate for those who look again: the claims of `evaluate.gate`, after any number of rows and as often as wanted.

Each claim is shown by an e-process (`stats.planned`) whose wealth has once reached 1/alpha, and refuted by that of its
opposite. A candidate that is not better, or has lost its margin in one place, is therefore passed with probability at
most alpha over all looks together (intersection-union, as in the gate). With 1.3 times the rows of a test that is
looked at once it decides as often; where the rows are fixed and looked at once, that test is the better one.

Where rows carry a user or an episode, who comes back is heard once: by the first row, by the mean of the first three,
and of the first nine, each with a part of alpha (`stats.depths`). Whether rows carry any is settled before the first
look, as the plan is; planned rows are then planned users.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import OVERALL, concluded, hold_same
from homeostat.evaluate.groups import PLANNED_DISCORDANCE, Place, places, target_suffices
from homeostat.evaluate.score import Floats, PairedRow, differences
from homeostat.evaluate.sentence import Finding
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.stats.depths import at_depth, depths, least_p
from homeostat.stats.planned import Plan, Planned, watched_mean
from homeostat.types import ids
from homeostat.types.report import Report, Score, Verdict

COST = 1.3
"""Rows until a claim is shown 80 % of the time, for each row of a test that is looked at once (bar `prove.1`)."""
_WIDEST = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is fixed before the first look: the claims and how many rows they are expected to get.

    Which groups are gated alone follows from the planned rows and not from those that have come, so that no look
    changes the claims. The rows of every look are those of the look before and new ones after them, in an order that
    does not depend on how well anybody did: by the time at which their labels came, say.
    """

    settings: Evaluate
    planned: Mapping[str, int]
    """Rows expected of each group by the time a decision is wanted. Groups that are not named join the pool."""
    target: tuple[str, ...] = ()
    """Groups where the candidate is meant to be better; the others are guarded."""

    def report(self, once: Report, rows: Sequence[PairedRow]) -> Report:
        """The report of `gate.compare` on these rows, its differences with intervals that hold at every look.

        Raises:
            ValueError: the rows are not those of the report.
        """
        hold_same(once, rows)
        found = {claim.name: claim.score(rows) for claim in self._claims(rows)}
        names = dict.fromkeys(row.group for row in rows)
        groups = {name: _Claim(name, (name,), 0.0, self._plan(name)).score(rows) for name in names}
        return replace(
            once,
            id=ids.derived("rep", once.id, "watched", self),
            difference=found.pop(OVERALL),
            groups=groups | found,
            gated=tuple(place.name for place in self._places(rows) if place.gated),
        )

    def verdict(
        self, report: Report, rows: Sequence[PairedRow], *, artifact: str = "", untested: Sequence[str] = ()
    ) -> Verdict:
        """What the rows so far prove, at level `settings.alpha` for each claim and over all looks together.

        Outcomes, claims and sentence are those of `gate.gate`; `report` is one of this watch. `tests` holds p-values
        that allow looking again. UNSURE is an invitation: ask again when more rows have come.

        Raises:
            ValueError: the rows are not those of the report.
        """
        hold_same(report, rows)
        p_values = self.p_values(rows)
        findings = [claim.finding(rows, report, p_values.get(claim.name, 1.0)) for claim in self._claims(rows)]
        id = ids.derived("vdt", report.id, self, artifact)
        return concluded(report, findings, self.settings, id=id, artifact=artifact, untested=untested)

    def p_values(self, rows: Sequence[PairedRow]) -> dict[str, float]:
        """p-value of every claim that has to be shown, valid at every look: it never rises as rows come in."""
        return {claim.name: claim.p(rows) for claim in self._claims(rows) if claim.required}

    def _claims(self, rows: Sequence[PairedRow]) -> Iterator[_Claim]:
        """Better where it is meant to be, better overall, and nowhere worse."""
        least, groups = self.settings.min_gain, [*self.planned, *(row.group for row in rows)]
        aimed = tuple(name for name in dict.fromkeys(groups) if name in self.target)
        if aimed and any(name not in self.target for name in self.planned):
            required = target_suffices(self._expected(aimed), self.settings)
            yield _Claim(", ".join(aimed), aimed, least, self._plan(*aimed), required=required)
        yield _Claim(OVERALL, None, least, self._plan(*self.planned))
        for place in self._places(rows):
            yield _Claim(
                place.name, place.groups, -place.margin, self._plan(*place.groups), guard=True, required=place.gated
            )

    def _places(self, rows: Sequence[PairedRow]) -> tuple[Place, ...]:
        return places(
            {**self.planned, **{row.group: self.planned.get(row.group, 0) for row in rows}}, self.settings, self.target
        )

    def _expected(self, groups: Iterable[str]) -> int:
        return sum(self.planned.get(name, 0) for name in groups)

    def _plan(self, *groups: str) -> Plan:
        return Plan(rows=max(1, self._expected(groups)), alpha=self.settings.alpha, square=PLANNED_DISCORDANCE)


@dataclass(frozen=True, slots=True)
class _Claim:
    """`E[D] > bound` about the rows of some groups, or of all."""

    name: str
    groups: tuple[str, ...] | None
    bound: float
    plan: Plan
    guard: bool = False
    required: bool = True

    def of(self, rows: Sequence[PairedRow]) -> tuple[Floats, Ints | None]:
        """The differences that it is about, in the order of the rows, and whose they are."""
        kept = [row for row in rows if self.groups is None or row.group in self.groups]
        return differences(kept), _whose(kept)

    def score(self, rows: Sequence[PairedRow]) -> Score:
        """Their mean; of no rows, that it may be anything."""
        values, whose = self.of(rows)
        return _interval(values, whose, self.plan) if len(values) else Score(mean=0.0, low=-1.0, high=1.0, n=0)

    def p(self, rows: Sequence[PairedRow]) -> float:
        """Its p-value; 1 before the first row."""
        bound = float(np.clip(self.bound, -_WIDEST, _WIDEST))

        def of_depth(values: Floats, depth: int) -> float:
            part = depths(whose)[depth]
            game = Planned(bound, replace(self.plan, alpha=part * self.plan.alpha))
            game.extend(values)
            return float(game.p[0])

        values, whose = self.of(rows)
        return least_p(of_depth, values, whose)

    def finding(self, rows: Sequence[PairedRow], report: Report, p: float) -> Finding:
        """What the rows say about it."""
        values, _ = self.of(rows)
        return Finding(
            name=self.name,
            score=report.difference if self.groups is None else report.groups[self.name],
            bound=self.bound,
            guard=self.guard,
            required=self.required,
            variance=float(np.var(values)) if len(values) else 0.0,
            p=p,
            alpha=self.plan.alpha,
            cost=COST,
        )


def _whose(rows: Sequence[PairedRow]) -> Ints | None:
    """Whose each row is; None where none of them says."""
    names = [row.cluster for row in rows]
    return clusters_of(names) if any(names) else None


def _interval(values: Floats, whose: Ints | None, plan: Plan) -> Score:
    """The mean of the rows, with all that no depth has refused at its part of alpha."""
    mean, low, high = float(values.mean()), -1.0, 1.0
    for depth, part in depths(whose).items():
        heard = at_depth(values, whose, depth)
        if len(heard):
            found = watched_mean(heard, replace(plan, alpha=part * plan.alpha))
            low, high = max(low, found.low), min(high, found.high)
    return Score(mean=mean, low=min(low, mean), high=max(high, mean), n=len(values))
