"""What is worth an alert: from what the loop has written down to a sentence, a severity, and what may be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homeostat.types import ids
from homeostat.types.alert import (
    ADVICE,
    APPROVAL,
    BASE,
    DISK,
    DRILL,
    EMBEDDING,
    FAILED,
    LABELS,
    OBJECTIVE,
    REFUSED,
    ROLLBACK,
    WORKER,
    Alert,
    Remedy,
    Severity,
)
from homeostat.types.decision import Action, Decision
from homeostat.types.release import Release
from homeostat.types.report import Score
from homeostat.types.signal import PROPORTIONS, Moved, Signal
from homeostat.types.turn import AWAITING, SIGN, Turn

LOW_MB, FULL_MB = 2_000.0, 200.0
"""Free space below which a disk is told of, and below which nothing can be trained any more."""
_MOVED = {
    Moved.NOVELTY: ("requests are unlike those that the version in force was calibrated on", Remedy.LABEL),
    Moved.MIX: ("the same requests come in other proportions", Remedy.LOOK),
    Moved.PERFORMANCE: ("more replies are wrong, or surer ones", Remedy.RETRAIN),
    Moved.UPSTREAM: ("a model elsewhere replies otherwise than it did", Remedy.LOOK),
    Moved.JUDGE: ("the judge rates otherwise than it did, which says nothing of the model", Remedy.LOOK),
    Moved.FEEDBACK: ("feedback contradicts what is known and is held back from training", Remedy.REVIEW),
}


def of_signal(signal: Signal, now: float, more: str = "") -> Alert:
    """Something moved; `more` is what else is known of it. Shares of known kinds are good to know, and no more."""
    what, remedy = _MOVED.get(signal.moved, (f"{signal.moved.value} moved", Remedy.LOOK))
    place = f" in {signal.slice}" if signal.slice else ""
    counted = {Moved.FEEDBACK: "statements", Moved.UPSTREAM: "looks", Moved.JUDGE: "ratings"}.get(
        signal.moved, "requests"
    )
    since = f"; the change is put at {_when(signal.since)}" if signal.since else ""
    level = f" at {signal.statistic:,.4g}, over {signal.threshold:,.4g}," if signal.threshold else ", a plugin,"
    beside = f"; {more}" if more else ""
    says = f"{signal.task}{place}: {what} ({signal.detector}{level} after {signal.n:,} {counted}{since}){beside}"
    return _cause(
        signal.moved.value,
        Severity.INFO if signal.detector == PROPORTIONS else Severity.WARNING,
        says,
        now,
        task=signal.task,
        slice=signal.slice,
        about=signal.id,
        remedy=remedy,
    )


def of_release(release: Release, before: Release | None, now: float) -> Alert:
    """A version was taken back: one that everybody had, a candidate that some had, or one that has left a split."""
    answered = before is not None and before.champion != release.champion
    who = "the version that answered everybody" if answered else "the candidate on trial"
    gone = [one for one in before.shares if one not in release.shares] if before is not None and before.trial else []
    left = release.candidate or " and ".join(gone) or "it"
    says = f"{release.task}: {who}, {left}, was taken back and {release.champion} answers ({release.because})"
    if gone and not answered:
        says = f"{release.task}: {left} left the split ({release.because})"
    severity = Severity.CRITICAL if answered else Severity.WARNING
    return _cause(ROLLBACK, severity, says, now, task=release.task, about=release.id)


def of_turn(turn: Turn, now: float) -> Alert | None:
    """A turn broke off, brought no candidate, or waits for a person; None for one that ended as turns should."""
    if turn.state == AWAITING:
        candidate = turn.diary.get(SIGN, "")
        wants = "release a candidate" if candidate else "retrain"
        says = f"{turn.task}: a turn wants to {wants} and waits; `homeostat approve {turn.id}` ({turn.because})"
        # About what is to be said yes to, for the turn itself may be told of later, when it breaks off.
        about = candidate or turn.diary.get("decide", turn.id)
        return _cause(APPROVAL, Severity.WARNING, says, now, task=turn.task, about=about, remedy=Remedy.RETRAIN)
    if turn.state == "failed":
        says = f"{turn.task}: a turn broke off ({turn.because})"
        return _cause(FAILED, Severity.WARNING, says, now, task=turn.task, about=turn.id)
    if turn.state == "train":
        says = f"{turn.task}: every training of a turn ran away ({turn.because})"
        return _cause(FAILED, Severity.WARNING, says, now, task=turn.task, about=turn.id)
    if turn.state == "gate":
        says = f"{turn.task}: every candidate of a turn was refused ({turn.because})"
        return _cause(REFUSED, Severity.INFO, says, now, task=turn.task, about=turn.id, remedy=Remedy.LABEL)
    return None


def of_drill(turn: Turn, kind: str, now: float, because: str) -> Alert:
    """A drill has ended, and nobody has seen that its version was broken, or it broke off: so may the way back, when
    it is needed.
    """
    ended = "broke off" if turn.state == "failed" else "was not seen to be broken"
    says = f"{turn.task}: the {kind} version of a drill {ended}; `homeostat drill {turn.task} --past` ({because})"
    return _cause(DRILL, Severity.WARNING, says, now, task=turn.task, about=turn.id, slice=kind)


def of_decision(decision: Decision, now: float, *, labels: int = 0, way: str = "", base: str = "") -> Alert | None:
    """A decision leaves something to people: labels to give, a way that is advised, another base; None where it leaves
    nothing. What a base is worth is good to know, and no more: nothing is worse for its being left.
    """
    task, about = decision.task, decision.id
    if labels:
        says = f"{task}: {labels:,} labels are asked for; `homeostat label {task} --n {labels}` ({decision.because})"
        return _cause(LABELS, Severity.WARNING, says, now, task=task, about=about, remedy=Remedy.LABEL)
    if way:
        what = "retraining" if way == Action.RETRAIN else f"`{way}`"
        says = f"{task}: {what} is advised, and its policy leaves that to you ({decision.because})"
        return _cause(ADVICE, Severity.WARNING, says, now, task=task, about=about, remedy=Remedy.RETRAIN)
    if base:
        says = f"{task}: another base is proposed, `model.base: {base}` ({decision.because})"
        return _cause(ADVICE, Severity.INFO, says, now, task=task, about=about)
    return None


def of_score(task: str, score: Score, objective: float, version: str, *, remedy: Remedy, now: float) -> Alert:
    """The objective of a task is missed."""
    says = (
        f"{task}: {score.mean:.3f} ({score.low:.3f} to {score.high:.3f}) of the newest {score.n} labeled replies of "
        f"{version}, where at least {objective:g} is wanted"
    )
    return _cause(OBJECTIVE, Severity.CRITICAL, says, now, task=task, remedy=remedy)


def of_progress(task: str, name: str, says: str, *, severity: Severity, taught: bool, now: float) -> Alert:
    """A named objective of a task is missed, behind its course while there is time yet, or beyond its alert level;
    `name` stands as slice, so that each objective is an alert of its own. `taught`: whether retraining may help.
    """
    remedy = Remedy.RETRAIN if taught else Remedy.LOOK
    return _cause(OBJECTIVE, severity, f"{task}, {name}: {says}", now, task=task, slice=name, remedy=remedy)


def of_disk(free_mb: float, now: float) -> Alert | None:
    """The disk fills up; None while there is room."""
    if free_mb >= LOW_MB:
        return None
    severity = Severity.CRITICAL if free_mb < FULL_MB else Severity.WARNING
    says = f"{free_mb:,.0f} MB are free where the project keeps its rows; below {FULL_MB:,.0f} nothing can be trained"
    return _cause(DISK, severity, says, now)


def of_embedding(what: str, since: float, now: float) -> Alert:
    """The embedding backend has given no vectors for a while: requests wait unread, and nothing of them is noticed."""
    says = (
        f"requests are not watched since {_when(since)}, for the embedding backend gives no vectors; labels are heard, "
        f"and the rows wait: {what} (`homeostat doctor` asks it)"
    )
    return _cause(EMBEDDING, Severity.WARNING, says, now)


def of_base(task: str, what: str, about: str, now: float) -> Alert:
    """The base was exchanged under the version that answers a task."""
    says = f"{task}: {what}; a gateway that is started now does not answer with it (E407)"
    return _cause(BASE, Severity.CRITICAL, says, now, task=task, about=about)


def of_worker(problem: str, now: float) -> Alert:
    """The worker ended with an error: nobody watches until it runs again."""
    says = f"the worker ended and nobody watches until it runs again: {problem}"
    return _cause(WORKER, Severity.CRITICAL, says, now)


def of_plugin(task: str, name: str, problem: str, now: float) -> Alert:
    """A plugged-in detector raised an error and was switched off; the others watch on."""
    says = f"{task}: the detector {name}, a plugin, was switched off; the others watch on ({problem})"
    return _cause(FAILED, Severity.WARNING, says, now, task=task, slice=name)


def group(task: str, kind: str, slice: str) -> str:
    """The key of all alerts that are the same thing."""
    return f"{task}|{kind}|{slice}"


def _cause(kind: str, severity: Severity, says: str, now: float, **more: Any) -> Alert:
    task, slice = more.get("task", ""), more.get("slice", "")
    return Alert(
        id=ids.new("alr"),
        time=now,
        last=now,
        kind=kind,
        severity=severity,
        says=" ".join(says.split()),
        key=group(task, kind, slice),
        **({"task": ""} | more),
    )


def _when(time: float) -> str:
    """A moment in UTC; the number where the calendar has no such day."""
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return f"{time:g}"
