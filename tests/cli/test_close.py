"""Saying that an alert is over."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.test_alerts import TOLD
from homeostat.alert.record import tell
from homeostat.config.load import load
from homeostat.errors import NotFound
from homeostat.store import Store


def test_an_alert_is_closed_and_who_was_told_is_told(homeostat: Run, shop: Path, store: Store) -> None:
    """With the reason; a second time changes nothing."""
    shop.write_text(shop.read_text() + "alerts: {channels: {ops: {url: 'https://x.example.com'}}}\n")
    tell(store, load(shop), [TOLD], TOLD.time)
    ran = homeostat("alerts", "close", "alr_a", "--because", "as wanted", "--config", shop)
    assert (ran.code, ran.out.strip()) == (0, "alr_a is over: as wanted")
    again = homeostat("alerts", "close", "alr_a", "--because", "other", "--config", shop, "--json").json
    assert again["because"] == "as wanted"
    assert store.alerts.open() == []
    assert [(one.edition, one.body["event"]) for one in store.deliveries.list()] == [
        ("1", "fired"),
        ("resolved", "resolved"),
    ]


def test_one_that_there_is_not(homeostat: Run, shop: Path) -> None:
    """An error that says where they are listed."""
    ran = homeostat("alerts", "close", "alr_z", "--config", shop)
    assert ran.code == NotFound.exit
    assert "`homeostat alerts` lists them" in ran.err
