"""Writing alerts down with what is to be sent of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alert.told import NOW, alert
from homeostat.alert.record import resolve, tell
from homeostat.config.schema import Alerts, Channel, Config
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.alert import Severity
from homeostat.types.silence import Silence

CONFIG = Config(
    project="shop",
    alerts=Alerts(channels={"ops": Channel(url="https://x"), "pager": Channel(url="https://x", least="critical")}),
)
QUIET = Silence(id="sil_1", time=NOW - 10.0, until=NOW + 10.0, why="known", kind="novelty")


def told(store: Store) -> list[tuple[str, str]]:
    """(channel, edition) of what was handed over."""
    return [(one.channel, one.edition) for one in store.deliveries.list()]


def test_a_cause_is_written_with_what_is_to_be_sent(store: Store) -> None:
    """To the channels that want it; the second of the group adds nothing, a more severe one a second edition."""
    tell(store, CONFIG, [alert(), alert(id="alr_2", about="sig_2")], NOW)
    assert told(store) == [("ops", "1")]
    tell(store, CONFIG, [alert(id="alr_3", about="sig_3", severity=Severity.CRITICAL)], NOW)
    assert told(store) == [("ops", "1"), ("ops", "2"), ("pager", "2")]
    (one,) = store.alerts.list()
    assert (one.id, one.count, one.told) == ("alr_1", 3, 2)
    assert tell(store, CONFIG, [], NOW) == []


def test_who_was_told_is_told_that_it_is_over(store: Store) -> None:
    """Once; closing what is closed changes nothing."""
    tell(store, CONFIG, [alert()], NOW)
    ended = resolve(store, CONFIG, "alr_1", "it held", NOW + 5.0)
    assert (ended.resolved, ended.because) == (NOW + 5.0, "it held")
    assert resolve(store, CONFIG, "alr_1", "again", NOW + 6.0) == ended
    assert told(store) == [("ops", "1"), ("ops", "resolved")]
    with pytest.raises(NotFound):
        resolve(store, CONFIG, "alr_9", "x", NOW)


def test_who_was_not_told_is_not_told_that_it_is_over(store: Store) -> None:
    """An alert that a silence kept quiet ends quietly, also after it; one that was told ends quietly in one."""
    store.silences.put(QUIET)
    tell(store, CONFIG, [alert()], NOW)
    resolve(store, CONFIG, "alr_1", "it held", NOW + 50.0)
    store.silences.put(replace(QUIET, until=NOW))
    tell(store, CONFIG, [alert(id="alr_2", about="sig_2")], NOW)
    store.silences.put(QUIET)
    resolve(store, CONFIG, "alr_2", "it held", NOW + 1.0)
    assert told(store) == [("ops", "1")]
