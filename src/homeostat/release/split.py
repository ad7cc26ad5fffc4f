"""A split: the champion and others answer a fixed share of the episodes each, until somebody or the evidence ends it.

It is a trial like a canary: a release row says who answers what, the guard takes a version back that does harm, at any
hour, `homeostat rollback` ends it in one step, and past its end the gateway gives everything to the champion by itself.
It goes forward only where it was told to: in an adaptive split versions that are shown to be worse than another leave,
and the last one answers everybody; else, if it is to promote, the shares stay as they are until one is shown to be
best. That the best of them is ever taken for worse has a probability of at most `release.alpha`, however often one
looks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from homeostat.config.schema import Release as Settings
from homeostat.errors import NotFound, NothingReleased, NotReleasable
from homeostat.release.answered import Plan, keep_plan, plan_of, usual
from homeostat.release.arms import Arm, Standing, standing
from homeostat.release.games import LEAST_MS, LEAST_TOKENS, TIMES
from homeostat.release.promoted import passed
from homeostat.release.proven import swapped
from homeostat.release.registry import stop
from homeostat.release.slices import SLICE_ROWS, slices_of
from homeostat.release.states import enact, hold, is_open, may_become, settle, taken
from homeostat.store import Store
from homeostat.store.erased import learned_from_erased
from homeostat.store.rows import plain
from homeostat.types import ids
from homeostat.types.release import Release, Stage
from homeostat.types.version import State

_NEW = frozenset({State.CANDIDATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants of a split."""

    versions: tuple[str, ...]
    """Those that stand beside the champion."""
    share: float = 0.0
    """Of the episodes, for all of them together; 0 for equal parts, the champion's among them."""
    until: float = 0.0
    """When it ends at the latest, in seconds since 1970; 0 for never."""
    by: str = "right"
    """What quality is: `right`, `rating` or `corrected`, as of `release.hindsight`."""
    adaptive: bool = False
    promotes: bool = False


def order(store: Store, turn: str, wish: Wish) -> None:
    """Write down what a split shall be, before it begins."""
    store.state.put(f"wish:{turn}", asdict(wish))


def ordered(store: Store, turn: str) -> Wish:
    """What a split was ordered to be.

    Raises:
        NotFound: nothing was ordered.
    """
    kept = store.state.get(f"wish:{turn}")
    if not isinstance(kept, dict):
        raise NotFound(f"no split was ordered under {turn}")
    return Wish(**{**kept, "versions": tuple(kept["versions"])})


def open_split(store: Store, task: str, wish: Wish, *, under: str, now: float) -> Release:
    """Have versions answer their shares. Opening it again `under` the same name changes nothing.

    Raises:
        NotFound: no such version.
        NothingReleased: no champion answers the task.
        NotReleasable: no version or one twice is named, one belongs to another task, is no candidate, was broken on
            purpose or has learned from rows that were erased since, or another trial is under way.
    """
    trial = ids.derived("spl", under)
    known = [row for row in store.releases.list(task) if row.trial == trial]
    if known:
        return known[-1]
    before = store.releases.current(task)
    if before is None:
        raise NothingReleased(f"no version answers task '{task}' yet", fix=f"`homeostat promote {wish.versions[0]}`")
    if is_open(before):
        raise taken(before)
    _hold_fit(store, task, wish)
    parts = len(wish.versions)
    share = wish.share or parts / (parts + 1)
    shares = dict.fromkeys(sorted(wish.versions), share / parts)
    keep_plan(store, _planned(store, task, trial, before.champion, shares, wish))
    who = f"{' and '.join(shares)} answer{'s' * (parts == 1)}"
    because = f"{who} {100 * share:.3g} % of the episodes beside {before.champion}"
    row = Release(id="", task=task, time=now, stage=Stage.SPLIT, champion=before.champion, because=because)
    return enact(store, before, replace(row, shares=shares, until=wish.until, trial=trial))


def _hold_fit(store: Store, task: str, wish: Wish) -> None:
    """Hold that every version may answer users."""
    if not wish.versions or len(set(wish.versions)) < len(wish.versions):
        raise NotReleasable("a split needs one version or more beside the champion, each once")
    tainted = learned_from_erased(store, task)
    for version in wish.versions:
        found = may_become(store, task, version, State.CANARY, coming_from=_NEW)
        if found.broken or version in tainted:
            why = "was broken on purpose, for a drill" if found.broken else "has learned from rows that were erased"
            raise NotReleasable(f"{version} {why}", fix="take another version")


def _planned(store: Store, task: str, trial: str, champion: str, shares: dict[str, float], wish: Wish) -> Plan:
    newest = store.interactions.last(task, SLICE_ROWS)
    center, took_ms, tokens = usual(store, champion, wish.by, newest)
    return Plan(
        trial=trial,
        champion=champion,
        weights={champion: 1.0 - sum(shares.values()), **shares},
        adaptive=wish.adaptive,
        promotes=wish.promotes or wish.adaptive,
        by=wish.by,
        center=center,
        slow_ms=max(TIMES * took_ms, took_ms + LEAST_MS) if took_ms else 0.0,
        long_tokens=max(TIMES * tokens, tokens + LEAST_TOKENS) if tokens else 0.0,
        slices=tuple(slices_of(newest)),
        since=newest[-1].time if newest else 0.0,
    )


def advance_split(
    store: Store, task: str, settings: Settings, *, now: float, frozen: float = 0.0, base: str = ""
) -> Release:
    """Take the running split a step on or back, if its rows say so; the row in force then. `base` is the project's,
    where it is known.

    - The base has other bytes than those that a version was proven over: it leaves.
    - Harm shown: that version leaves, at any hour; with the last one the split ends.
    - Its end has come: the champion answers everything.
    - Where it may promote, and is not held back until `frozen`: in an adaptive split those leave that are shown to be
      worse than another; the one that alone is left unbeaten answers everything, if it is fit to.

    Raises:
        NothingReleased: no version answers the task.
    """
    release = store.releases.current(task)
    if release is None:
        raise NothingReleased(f"no version answers task '{task}' yet", fix="promote a first version")
    settle(store, release)
    plan = plan_of(store, release.trial) if release.stage is Stage.SPLIT else None
    if plan is None:
        return release
    if release.until and now >= release.until:
        return stop(store, release, _over(store, release, settings), now=now)
    seen = standing(store, release, settings)
    if seen is None:
        return release
    remember(store, seen)
    moved = {arm.version: swapped(store, store.versions.get(arm.version), base) for arm in seen.arms if arm.share}
    if others := {version: told for version, told in moved.items() if told and version != release.champion}:
        gone = [arm for arm in seen.arms if arm.version in others]
        return _without(store, release, gone, "; ".join(told.what for told in others.values()), now)
    harmful = [arm for arm in seen.arms if arm.share and arm.harm >= -math.log(settings.harm_alpha)]
    if harmful:
        return _without(store, release, harmful, _harm(harmful, settings), now)
    further = _further(store, release, seen, settings, now) if plan.promotes else None
    if further is None:
        return release
    return hold(store, release, frozen) if frozen else _enacted(store, release, further, now)


def remember(store: Store, seen: Standing) -> None:
    """Keep how a split stands where pages can show it, if it is new."""
    key, value = f"guard:{seen.release.id}", plain(seen)
    if store.state.get(key) != value:
        store.state.put(key, value)


def fit(store: Store, seen: Standing, arm: Arm, settings: Settings) -> bool:
    """Whether a version may answer everything: enough is known of it, it does not fail more, and the gate let it pass
    or it is shown not to be worse than the champion by `harm_margin`, overall and in every slice.
    """
    safe = passed(store, seen.release.task, arm.version) or arm.safe >= -math.log(settings.alpha)
    return arm.quality.n >= settings.canary_feedback and not arm.failing and safe


def _further(store: Store, release: Release, seen: Standing, settings: Settings, now: float) -> Release | None:
    """The row that the evidence asks for beside harm; None while it asks for none."""
    left = seen.unbeaten(settings.alpha)
    if len(left) == 1:
        return _decided(store, release, seen, left[0], settings, now)
    beaten = [arm for arm in seen.arms if arm.share and arm not in left]
    if not seen.plan.adaptive or not beaten or not left:
        return None
    if seen.plan.champion in [arm.version for arm in beaten] and not any(fit(store, seen, a, settings) for a in left):
        beaten = [arm for arm in beaten if arm.version != seen.plan.champion]  # it stays: nobody could take its place
    if not beaten:
        return None
    because = f"{_names([arm.version for arm in beaten])} left the split: shown to be worse, {_score(beaten[0])}"
    return _fewer(release, beaten, because, now)


def _decided(
    store: Store, release: Release, seen: Standing, best: Arm, settings: Settings, now: float
) -> Release | None:
    """The row that gives everything to the one that is best; None where it is not known to be fit."""
    shown = f"shown to be best at the {100 * settings.alpha:g} % level"
    if best.version == seen.plan.champion:
        return replace(
            release, stage=Stage.ROLLBACK, because=f"{best.version} answers everything: {shown}, {_score(best)}"
        )
    if not fit(store, seen, best, settings):
        return None
    because = f"{best.version} answers everything: {shown}, {_score(best)}"
    row = replace(release, time=now, stage=Stage.FULL, champion=best.version, because=because)
    return replace(row, shares={}, until=0.0)


def _enacted(store: Store, release: Release, row: Release, now: float) -> Release:
    return stop(store, release, row.because, now=now) if row.stage is Stage.ROLLBACK else enact(store, release, row)


def _without(store: Store, release: Release, gone: Sequence[Arm], because: str, now: float) -> Release:
    """The split without some of its versions; where none is left beside the champion, its end."""
    row = _fewer(release, gone, because, now)
    if not row.shares:
        return stop(store, release, because, now=now)
    return enact(store, release, row)


def _fewer(release: Release, gone: Sequence[Arm], because: str, now: float) -> Release:
    """The row without these: the others' shares grow in proportion."""
    names = {arm.version for arm in gone}
    kept = {version: part for version, part in release.shares.items() if version not in names}
    rest = 0.0 if release.champion in names else 1.0 - sum(release.shares.values())
    whole = rest + sum(kept.values())
    return replace(release, time=now, shares={v: part / whole for v, part in kept.items()}, because=because)


def _harm(harmful: Sequence[Arm], settings: Settings) -> str:
    said = [f"{arm.version} ({_score(arm)}, {arm.failures} failures)" for arm in harmful]
    return f"{_names(said)} left the split: harm shown at the {100 * settings.harm_alpha:g} % level"


def _over(store: Store, release: Release, settings: Settings) -> str:
    begins = f"the split of {_names(release.tried)} is over"
    seen = standing(store, release, settings)
    if seen is None:
        return f"{begins}: {release.champion} answers everything"
    remember(store, seen)
    left = seen.unbeaten(settings.alpha)
    told = "; ".join(f"{arm.version} {_score(arm)}" for arm in seen.arms)
    shown = f"{left[0].version} was shown to be best" if len(left) == 1 else "none was shown to be best"
    return f"{begins}: {shown} ({told}); {release.champion} answers everything"


def _score(arm: Arm) -> str:
    """`91.2 points of 1,204 episodes`."""
    return f"{100 * arm.quality.mean:.1f} points of {arm.quality.n:,} episodes"


def _names(versions: Sequence[str]) -> str:
    return " and ".join(versions)
