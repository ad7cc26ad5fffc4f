"""A candidate's way to the users: shadow, canary, full, or back. Reads rows, writes one row per step.

Nothing here waits or remembers: `advance` may be called at any time, by anybody, as often as they like, and goes by
what the store holds at that moment. Whoever answers users learns of a step by reading the row.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from homeostat.config.schema import Release as Settings
from homeostat.errors import NothingReleased
from homeostat.release.evidence import Evidence
from homeostat.release.guard import gather
from homeostat.release.promoted import passed
from homeostat.release.proven import swapped
from homeostat.release.ramp import next_share
from homeostat.release.registry import withdraw
from homeostat.release.states import enact, hold, is_open, may_become, settle, taken
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.turn import REBUILT
from homeostat.types.version import State

_CANDIDATE = frozenset({State.CANDIDATE})
_DAY_S = 86_400.0
LONGEST_S = 30 * _DAY_S
"""Seconds that a stage may last: while a candidate is being tried, nothing newer can be."""


def open_shadow(store: Store, task: str, candidate: str, *, now: float) -> Release:
    """Have a candidate answer copies of the traffic, unseen by users. Opening it again changes nothing.

    Raises:
        NotFound: no such version.
        NothingReleased: no champion answers the task, so there is nothing to compare it with.
        NotReleasable: it belongs to another task, its state forbids it, or another candidate is being tried.
    """
    because = f"{candidate} answers copies of the traffic, unseen by users"
    row = Release(id="", task=task, time=now, stage=Stage.SHADOW, champion="", candidate=candidate, because=because)
    return _open(store, row)


def open_canary(
    store: Store, task: str, candidate: str, settings: Settings, because: str, *, now: float, until: float = 0.0
) -> Release:
    """Have a candidate answer its share of the users at once, without shadow: for drills. Raises as `open_shadow`.

    From `until` on, if it is given, the candidate answers nobody, whether or not somebody takes it back.
    """
    row = Release(id="", task=task, time=now, stage=Stage.CANARY, champion="", candidate=candidate, because=because)
    return _open(store, replace(row, share=settings.ramp[0], until=until))


def _open(store: Store, trial: Release) -> Release:
    """Put a trial in force; its champion is who is it now."""
    before, task, candidate = store.releases.current(trial.task), trial.task, trial.candidate
    if before is None:
        raise NothingReleased(f"no version answers task '{task}' yet", fix=f"`homeostat promote {candidate}`")
    if candidate == before.champion or (is_open(before) and before.tried == (candidate,)):
        settle(store, before)
        return before
    if is_open(before):
        raise taken(before)
    may_become(store, task, candidate, State(trial.stage.value), coming_from=_CANDIDATE)
    return enact(store, before, replace(trial, champion=before.champion, shares=before.shares))


def advance(store: Store, task: str, settings: Settings, *, now: float, frozen: float = 0.0, base: str = "") -> Release:
    """Take the running release a step further or back, if its rows say so; the row in force then.

    `base` is the project's, where it is known. `frozen` is the moment, in seconds since 1970, up to which nothing goes
    forward; 0 where nobody holds it. A release that would have gone forward stays as it is, and says until when; what
    goes back goes back at any time.

    - The base has other bytes than those that the gate proved the candidate over, in any stage: back.
    - Harm shown, in any stage: back. The champion answers everything; the candidate is refused if only copies were
      answered by it, withdrawn if users were.
    - Shadow to canary: both versions answered `shadow_pairs` requests.
    - To the next of the canary's shares: as much of `canary_feedback` is judged as this share is of all of them, and
      the candidate does not fail more often than is borne.
    - Canary to full, from the last share: `canary_feedback` pairs are judged, the candidate is not worse on them by the
      mean, and the gate let it pass. If no gate did, the pairs themselves have to show, at `alpha`, that it is not
      worse by `harm_margin`. Replies that are hardly ever others than the champion's show that without a judged pair.
    - A canary that has not shown that after `most_feedback` judged pairs, or as many in the rarest slice that is bet on
      where no gate let it pass: back, so that no release stays open forever. One that takes the place of a champion
      which learned from erased rows goes on instead: that one has to go, so harm alone holds this one back.
    - A stage that has lasted LONGEST_S and whose rows still do not decide, as where nobody says what is right: back.
    - A release whose `until` has come, and a version that was broken on purpose, however well it does: back.

    Raises:
        NothingReleased: no version answers the task.
    """
    release = store.releases.current(task)
    if release is None:
        raise NothingReleased(f"no version answers task '{task}' yet", fix="promote a first version")
    settle(store, release)
    if release.stage not in (Stage.SHADOW, Stage.CANARY):  # a split is looked after by `release.split`
        return release
    other = swapped(store, store.versions.get(release.candidate), base)
    if other is not None:
        return _back(store, release, f"{release.candidate} taken back: {other.what}", now)
    seen = gather(store, release, settings)
    _remember(store, release, seen)
    if seen.harm_shown(settings):
        return _back(store, release, _harm(store, release, seen, settings, now), now)
    if release.until and now >= release.until:
        because = f"{release.candidate} taken back: its time was up, and no harm was shown in {_scores(seen)}"
        return _back(store, release, because, now)
    if release.stage is Stage.SHADOW:
        further = _to_canary(release, seen, settings, now)
    else:
        further = _from_canary(store, release, seen, settings, now)
    if further is None:
        return _overdue(store, release, seen, now)
    if further.stage is Stage.ROLLBACK:
        return _back(store, release, further.because, now)
    return hold(store, release, frozen) if frozen else enact(store, release, further)


def _overdue(store: Store, release: Release, seen: Evidence, now: float) -> Release:
    """The release as it is, or taken back where its stage has waited too long for anybody to say anything."""
    if now - _since(store, release) < LONGEST_S:
        return release
    days = LONGEST_S / _DAY_S
    because = f"{release.candidate} taken back: after {days:g} days in {release.stage.value} nothing is decided, "
    return _back(store, release, f"{because}in {_scores(seen)}", now)


def _to_canary(release: Release, seen: Evidence, settings: Settings, now: float) -> Release | None:
    if seen.pairs < settings.shadow_pairs:
        return None
    return _to_share(replace(release, stage=Stage.CANARY), settings.ramp[0], seen, now)


def _to_share(release: Release, share: float, seen: Evidence, now: float) -> Release:
    because = f"{release.candidate} answers {100 * share:g} % of the episodes: no harm shown in {_scores(seen)}"
    return replace(release, time=now, share=share, because=because)


def _from_canary(store: Store, release: Release, seen: Evidence, settings: Settings, now: float) -> Release | None:
    """The row that gives the candidate everything, or takes it back; None while that is open."""
    fit, due = seen.fit(settings, passed=_passed(store, release)), _rebuilt(store, release)
    higher = next_share(settings, release.share, seen)
    if fit is not False and higher is not None:
        return replace(_to_share(release, higher, seen, now), trial=release.opened)
    if fit is None:
        return None
    broken = store.versions.get(release.candidate).broken
    if broken or not (fit or due):  # harm alone holds back what is due, and that was looked at before
        why = "broken on purpose, it would have answered everything" if fit else "undecided: not shown to be fit"
        because = f"{release.candidate} taken back {why} in {_scores(seen)}"
        return replace(release, stage=Stage.ROLLBACK, because=because)
    because = f"{release.candidate} answers everything: {_why(release, seen, settings, fit=fit)} in {_scores(seen)}"
    return replace(
        release,
        time=now,
        stage=Stage.FULL,
        champion=release.candidate,
        candidate="",
        share=0.0,
        because=because,
        until=0.0,
        trial="",
    )


def _why(release: Release, seen: Evidence, settings: Settings, *, fit: bool) -> str:
    """Why a candidate may answer everything."""
    if not fit:
        return f"{release.champion} learned from what was erased and has to go, and no harm is shown"
    if not seen.alike_shown(settings):
        return "not worse"
    other = f"{100 * seen.differing:.1f} % of {seen.pairs:,} pairs"
    return f"as it replies otherwise than {release.champion} in only {other}, not worse"


def _back(store: Store, release: Release, because: str, now: float) -> Release:
    """Take the candidate back; whoever is told of it is told as well if that was a drill."""
    said = "drill: " if store.versions.get(release.candidate).broken else ""
    return withdraw(store, release.task, release.candidate, said + because, now=now)


def _passed(store: Store, release: Release) -> bool:
    """Whether the gate let the candidate pass, or needs not be asked."""
    return _rebuilt(store, release) or passed(store, release.task, release.candidate)


def _rebuilt(store: Store, release: Release) -> bool:
    """Whether the candidate takes the place of a champion which learned from erased rows, and which has to go."""
    return any(turn.diary.get(REBUILT) == release.candidate for turn in store.turns.list(release.task))


def _harm(store: Store, release: Release, seen: Evidence, settings: Settings, now: float) -> str:
    """Why a candidate was taken back, how many users it had answered, and for how long."""
    shown = f"harm shown at the {100 * settings.harm_alpha:g} % level in {_scores(seen)}, most in {seen.blamed()}"
    rest = f"; {release.champion} answers everything"
    if release.stage is Stage.SHADOW:
        return f"{release.candidate} refused in shadow, no user had a reply of it: {shown}{rest}"
    exposed = store.interactions.count(release.task, version=release.candidate)
    lasted = now - _since(store, release)
    took = f"{exposed:,} exposed {'request' if exposed == 1 else 'requests'} and {lasted:,.1f} s"
    return f"{release.candidate} withdrawn from the canary after {took}: {shown}{rest}"


def _since(store: Store, release: Release) -> float:
    """When the stage was opened, whatever share it has reached since."""
    return release.time if release.opened == release.id else store.releases.get(release.opened).time


def _scores(seen: Evidence) -> str:
    """`60 pairs (41 judged: 92.7 points beside 85.4)`."""
    judged = f"{seen.judged} judged: {100 * seen.candidate:.1f} points beside {100 * seen.champion:.1f}"
    errors = f", {seen.errors} errors" if seen.errors else ""
    rated = f", {seen.rated} rated" if seen.rated else ""
    deaf = f", without {seen.unheard}, which overrates the candidate" if seen.unheard else ""
    return f"{seen.pairs} pairs ({judged if seen.judged else 'none judged'}{rated}{errors}{deaf})"


def _remember(store: Store, release: Release, seen: Evidence) -> None:
    """Keep the evidence where pages can show it, if it is new."""
    key, value = f"guard:{release.id}", asdict(seen)
    if store.state.get(key) != value:
        store.state.put(key, value)
