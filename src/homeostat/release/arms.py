"""What the rows say of the versions of a split: how good each is, beside the champion and beside each other.

Nothing is copied here: a request is answered once, by the version that its episode drew. What is said of it counts for
that version, weighed by the chance of it, so that ratings, which tell of the reply that was heard and of no other,
count as well as labels. Of two versions only the episodes count that began while both took part: of those, the share
that either one has is the same from the first to the last.

Harm is bet on as in the canary, with the same stakes and margins (`release.games`): quality, slices, failures, time and
length, where "much slower" and "much longer" is more than the champion's usual before the split began. Which is best is
a race of its own (`stats.race`). Both are valid at every look. What they rest on: that whether a request gets feedback
does not depend on which version answered it; where people tell of wrong replies alone, judge by `corrected`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Release as Settings
from homeostat.release.answered import Plan, Table, plan_of, table_of, units_of
from homeostat.release.games import COST, ERRORS, FAILING, LATENCY, QUALITY, SLACK, SLICES, STAKES, Game, Games
from homeostat.release.route import divided
from homeostat.stats import race
from homeostat.store import Store
from homeostat.types.release import Release
from homeostat.types.report import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One version of a split."""

    version: str
    share: float
    """Of the episodes that begin now; 0 for one that has left."""
    episodes: int
    """Those that it answered."""
    quality: Score
    """Over those of which something is known; the interval holds at every look."""
    beside: Score
    """The same less the champion's, over what both answered in the same time; 0 ± 0 of the champion itself."""
    slices: Mapping[str, Score] = field(default_factory=dict)
    """The same by slice, each interval by itself."""
    failures: int = 0
    beaten: float = 0.0
    """Natural logarithm of the wealth against "none of the others is better"."""
    harm: float = 0.0
    """The same against "it does no harm", over all games."""
    safe: float = 0.0
    """The same, the least, against "it is worse than the champion by the margin", overall and in every slice."""
    games: tuple[Game, ...] = ()
    """What is bet on beside the champion, each by itself."""

    @property
    def failing(self) -> bool:
        """Whether it fails more often than the champion by more than is borne, shown or not."""
        return any(game.name == ERRORS and game.mean < -game.margin for game in self.games)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a split stands."""

    plan: Plan
    release: Release
    arms: tuple[Arm, ...]
    """The champion first."""

    def of(self, version: str) -> Arm:
        """One of them."""
        return next(arm for arm in self.arms if arm.version == version)

    def unbeaten(self, alpha: float) -> list[Arm]:
        """Those that take part still and are not shown to be worse than another."""
        return [arm for arm in self.arms if arm.share and arm.beaten < -math.log(alpha)]


def standing(store: Store, release: Release, settings: Settings) -> Standing | None:
    """How the split stands that a release row belongs to; None where it belongs to none."""
    plan = plan_of(store, release.trial) if release.trial else None
    if plan is None:
        return None
    rows = [row for row in store.releases.list(release.task) if row.trial == plan.trial]
    open_rows = [row for row in rows if row.shares]
    versions = list(plan.weights)
    units = units_of(store, plan, open_rows)
    table = table_of(plan, versions, units, open_rows)
    found = _leads(plan, versions, table)
    now = divided(rows[-1]) if rows and rows[-1].shares else {}
    arms = [
        _arm(plan, versions, k, table, settings, beaten=beaten, share=now.get(versions[k], 0.0))
        for k, beaten in enumerate(race.beaten(found).tolist())
    ]
    return Standing(plan=plan, release=rows[-1] if rows else release, arms=tuple(arms))


def _leads(plan: Plan, versions: Sequence[str], table: Table) -> Floats:
    """`stats.race.leads` of the quality."""
    told = table.columns[QUALITY]
    values, k = np.unique(told[~np.isnan(told)]), len(versions)
    units = np.zeros((k, k, len(values)))
    for a in range(k):
        for b in range(k):
            if a != b:
                units[a, b] = _counted(values, table.both(a, b, QUALITY))
    weights = [plan.weights[version] for version in versions]
    return race.leads(values, units, weights, center=plan.center)


def _counted(values: Floats, seen: Floats) -> Floats:
    return np.bincount(np.searchsorted(values, seen), minlength=len(values)).astype(np.float64)


def _arm(
    plan: Plan, versions: Sequence[str], k: int, table: Table, settings: Settings, *, beaten: float, share: float
) -> Arm:
    mine = table.arm == k
    told = table.columns[QUALITY][mine & ~np.isnan(table.columns[QUALITY])]
    values = np.unique(told)
    failed = table.columns[ERRORS][mine]
    arm = Arm(
        version=versions[k],
        share=share,
        episodes=int(mine.sum()),
        quality=race.level(values, _counted(values, told), alpha=settings.alpha),
        beside=Score(mean=0.0, low=0.0, high=0.0, n=len(told)),
        failures=int((failed < 1.0).sum()),
        beaten=beaten,
    )
    first = versions.index(plan.champion)
    if k == first:
        return arm
    beside = _games(plan, versions, table, (k, first), settings)
    others = [j for j in range(len(versions)) if j != k] if plan.adaptive else [first]
    harms = [_games(plan, versions, table, (k, j), settings).harm if j != first else beside.harm for j in others]
    return replace(
        arm,
        beside=_difference(plan, versions, table, (k, first), QUALITY, settings.alpha),
        slices={name: _difference(plan, versions, table, (k, first), name, settings.alpha) for name in plan.slices},
        harm=float(np.logaddexp.reduce(harms)) - math.log(len(harms)),
        safe=beside.safe,
        games=beside.all,
    )


def _chance(plan: Plan, versions: Sequence[str], pair: tuple[int, int]) -> float:
    one, other = (plan.weights[versions[k]] for k in pair)
    return one / (one + other)


def _difference(
    plan: Plan, versions: Sequence[str], table: Table, pair: tuple[int, int], name: str, alpha: float
) -> Score:
    ours, theirs = table.both(*pair, name), table.both(pair[1], pair[0], name)
    values, chance = np.unique(np.concatenate([ours, theirs])), _chance(plan, versions, pair)
    counts = _counted(values, ours), _counted(values, theirs)
    return race.difference(values, *counts, chance=chance, center=plan.center, alpha=alpha)


def _games(plan: Plan, versions: Sequence[str], table: Table, pair: tuple[int, int], settings: Settings) -> Games:
    """The games of the canary on one version beside another, each request answered by one of them."""
    chance, margin = _chance(plan, versions, pair), settings.harm_margin
    least = min(chance, 1.0 - chance)
    whole = STAKES[QUALITY] + (0.0 if plan.slices else STAKES[SLICES])
    wanted = [(QUALITY, whole, margin, plan.center)]
    wanted += [(name, STAKES[SLICES] / len(plan.slices), margin, plan.center) for name in plan.slices]
    wanted += [(ERRORS, STAKES[ERRORS], FAILING, 1.0), (LATENCY, STAKES[LATENCY], SLACK, 1.0)]
    wanted += [(COST, STAKES[COST], SLACK, 1.0)]
    found = []
    for name, stake, allowed, center in wanted:
        ours = (table.both(*pair, name) - center) * (least / chance)
        theirs = (center - table.both(pair[1], pair[0], name)) * (least / (1.0 - chance))
        game = Game.of(name, stake, least * allowed, np.concatenate([ours, theirs]))
        found.append(replace(game, mean=game.mean / least, margin=allowed))
    return Games(tuple(found))
