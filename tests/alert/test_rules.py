"""When an alert is told, told again, kept quiet, and over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert.told import NOW, alert
from homeostat.alert.rules import joined, matches, over, reaches
from homeostat.config.schema import Alerts
from homeostat.types.alert import Alert, Severity
from homeostat.types.silence import Silence

SETTINGS = Alerts(window_s=600.0, cool_down_s=3600.0)
QUIET = Silence(id="sil_1", time=NOW - 10.0, until=NOW + 1000.0, why="known")


def again(later_s: float, **more: object) -> Alert:
    """The same thing, so many seconds later."""
    return alert(id=f"alr_{later_s:g}", time=NOW + later_s, last=NOW + later_s, about=f"sig_{later_s:g}", **more)


def after(*causes: Alert, silences: tuple[Silence, ...] = ()) -> Alert:
    """What has become of a group after these causes."""
    known: Alert | None = None
    for cause in causes:
        known = joined(known, cause, SETTINGS, silences)
    assert known is not None
    return known


def test_the_first_of_a_group_is_told() -> None:
    """It is handed over once, with the severity that it has."""
    told = after(alert())
    assert (told.told, told.told_at, told.told_as, told.count) == (1, NOW, Severity.WARNING, 1)


def test_the_same_within_the_window_is_the_same_alert() -> None:
    """It is counted, says the newest, names the newest row, and is not told again."""
    told = after(alert(), again(100.0, says="newer"))
    assert (told.id, told.count, told.told, told.time, told.last) == ("alr_1", 2, 1, NOW, NOW + 100.0)
    assert (told.says, told.about) == ("newer", "sig_100")


def test_the_window_is_counted_from_the_last_time() -> None:
    """A thing that goes on stays one alert, however long; after a pause it is another."""
    drip = [again(500.0 * k) for k in range(6)]
    assert (after(*drip).id, after(*drip).count) == ("alr_0", 6)
    assert after(*drip, again(2500.0 + 601.0)).id == "alr_3101"


def test_a_new_alert_of_a_group_keeps_the_cool_down() -> None:
    """After the window it is an alert of its own, and still not told before the cool-down has ended."""
    quiet = after(alert(), again(700.0))
    assert (quiet.id, quiet.count, quiet.told) == ("alr_700", 1, 0)
    assert after(alert(), again(700.0), again(3599.0)).told == 0
    assert after(alert(), again(700.0), again(3600.0)).told == 1


def test_what_goes_on_is_told_again_after_the_cool_down() -> None:
    """Once per cool-down, counted from when it was told last."""
    drip = [again(600.0 * k) for k in range(13)]
    assert [after(*drip[: k + 1]).told for k in range(13)] == [1] * 6 + [2] * 6 + [3]


def test_what_has_become_worse_is_told_at_once() -> None:
    """A higher severity breaks the cool-down, once; the alert keeps the highest it has had."""
    worse = after(alert(), again(10.0, severity=Severity.CRITICAL))
    assert (worse.told, worse.severity) == (2, Severity.CRITICAL)
    assert after(alert(), again(10.0, severity=Severity.CRITICAL), again(20.0, severity=Severity.CRITICAL)).told == 2
    better = after(alert(severity=Severity.CRITICAL), again(10.0, severity=Severity.INFO))
    assert (better.told, better.severity) == (1, Severity.CRITICAL)


def test_a_silence_keeps_quiet_and_writes_down() -> None:
    """The alert is there, counts, and names the silence; it is told when it comes again after the silence."""
    quiet = after(alert(), again(100.0), silences=(QUIET,))
    assert (quiet.told, quiet.count, quiet.silence) == (0, 2, "sil_1")
    heard = joined(quiet, again(500.0), SETTINGS, ())
    assert (heard.id, heard.told, heard.silence) == ("alr_1", 1, "")


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ({}, True),
        ({"task": "routing"}, True),
        ({"task": "replies"}, False),
        ({"kind": "novelty"}, True),
        ({"kind": "mix"}, False),
        ({"task": "routing", "kind": "mix"}, False),
        ({"slice": "segment=business"}, False),
        ({"until": NOW}, False),
        ({"time": NOW + 1.0}, False),
        ({"time": NOW}, True),
    ],
)
def test_a_silence_matches_what_it_names_while_it_holds(which: dict[str, object], expected: bool) -> None:
    """What it leaves empty matches everything; it begins with its time and ends before its end."""
    assert matches(replace(QUIET, **which), alert(), NOW) is expected  # type: ignore[arg-type]


def test_what_is_over_begins_anew() -> None:
    """An alert is over once; the next of its group is another, and is told at once, for the last word was "over"."""
    ended = over(after(alert()), "it held", NOW + 50.0)
    assert (ended.resolved, ended.because) == (NOW + 50.0, "it held")
    assert over(ended, "again", NOW + 60.0) == ended
    fresh = joined(ended, again(100.0), SETTINGS, ())
    assert (fresh.id, fresh.count, fresh.told) == ("alr_100", 1, 1)


def test_channels_get_what_is_severe_enough() -> None:
    """Severities have an order."""
    found = [[reaches(alert(severity=one), least) for least in Severity] for one in Severity]
    assert found == [[True, False, False], [True, True, False], [True, True, True]]


def test_a_flood_is_one_alert() -> None:
    """A thousand in ten seconds: one alert, told once, counted to a thousand."""
    flood = after(*(again(k / 100) for k in range(1000)))
    assert (flood.count, flood.told) == (1000, 1)
