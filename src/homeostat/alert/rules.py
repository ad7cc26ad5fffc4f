"""When an alert is told, told again, kept quiet, and over. Pure functions of alerts, silences and the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from homeostat.config.schema import Alerts as Settings
from homeostat.types.alert import Alert, Severity
from homeostat.types.silence import Silence


def joined(before: Alert | None, cause: Alert, settings: Settings, silences: Iterable[Silence]) -> Alert:
    """The alert that a new cause is part of, told once more where that is due.

    The newest alert of the group takes the cause in if it is open and came last within `window_s`; else the cause is an
    alert of its own. Either is told if the group was never told, not within `cool_down_s`, or only less severely than
    it is now, and no silence matches. `told` counts that, so it is told exactly when `told` is higher than before.
    """
    alert = cause
    if before is not None:
        goes_on = not before.resolved and cause.time - before.last <= settings.window_s
        alert = _taken_in(before, cause) if goes_on else _after(before, cause)
    silence = next((one for one in silences if matches(one, alert, cause.time)), None)
    alert = replace(alert, silence=silence.id if silence else "")
    return _told(alert, cause.time) if not silence and _is_due(alert, cause.time, settings) else alert


def matches(silence: Silence, alert: Alert, now: float) -> bool:
    """Whether a silence keeps an alert quiet at this moment."""
    pairs = ((silence.task, alert.task), (silence.kind, alert.kind), (silence.slice, alert.slice))
    return silence.holds(now) and all(wanted in ("", given) for wanted, given in pairs)


def over(alert: Alert, because: str, now: float) -> Alert:
    """The alert when what it tells of has ended; one that is over already stays as it is."""
    return alert if alert.resolved else replace(alert, resolved=now, because=because)


def reaches(alert: Alert, least: str) -> bool:
    """Whether an alert is severe enough for a channel that wants this severity at least."""
    return alert.severity.rank >= Severity(least).rank


def _taken_in(before: Alert, cause: Alert) -> Alert:
    """The same alert with one more cause; it is never less severe than it was."""
    return replace(
        before,
        severity=max(before.severity, cause.severity, key=lambda one: one.rank),
        says=cause.says,
        about=cause.about or before.about,
        remedy=cause.remedy,
        count=before.count + 1,
        last=cause.time,
    )


def _after(before: Alert, cause: Alert) -> Alert:
    """A new alert of a group that was told before: the cool-down goes on; one that is over has none."""
    return cause if before.resolved else replace(cause, told_at=before.told_at, told_as=before.told_as)


def _is_due(alert: Alert, now: float, settings: Settings) -> bool:
    if not alert.told_at or alert.severity.rank > alert.told_as.rank:
        return True
    return now - alert.told_at >= settings.cool_down_s


def _told(alert: Alert, now: float) -> Alert:
    return replace(alert, told=alert.told + 1, told_at=now, told_as=alert.severity)
