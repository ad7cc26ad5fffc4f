"""Listing alerts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cli.conftest import Run
from cli.scenes import START
from homeostat.errors import UnknownKey
from homeostat.store import Store
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery, Post

TOLD = Alert(
    id="alr_a",
    task="routing",
    time=START,
    last=START + 60.0,
    kind="mix",
    severity=Severity.WARNING,
    says="routing: the same requests come in other proportions",
    about="sig_a",
    key="a",
    count=41,
    slice="segment=business",
)


def put(store: Store, alert: Alert, *states: Post) -> None:
    """An alert with deliveries in these states, each through a channel of its own."""
    sent = [
        Delivery(
            id=f"dlv_{alert.id}_{state}",
            alert=alert.id,
            channel=f"to_{state}",
            edition="1",
            time=START,
            state=state,
            problem="" if state is Post.SENT else "HTTP 503",
            tries=3,
        )
        for state in states
    ]
    store.alerts.tell([alert], lambda before, cause: (cause, sent))


def test_alerts_with_what_became_of_them(homeostat: Run, shop: Path, store: Store) -> None:
    """How bad, how often, where it stands, how many were reached; what was not sent stands below with its id."""
    put(store, TOLD, Post.SENT, Post.DEAD)
    put(store, replace(TOLD, id="alr_b", about="", key="b", resolved=START), Post.WAITING)
    put(store, replace(TOLD, id="alr_c", about="", key="c", silence="sil_1"))
    ran = homeostat("alerts", "--config", shop)
    assert ran.code == 0
    rows = {line.split()[0]: line for line in ran.out.splitlines() if line.strip()}
    for part in ("warning", "mix", "routing segment=business", "41", "open", "1 dead, 1 sent"):
        assert part in rows["alr_a"]
    assert "over" in rows["alr_b"]
    assert "silenced" in rows["alr_c"]
    assert "HTTP 503" in rows["dlv_alr_a_dead"]
    assert "waiting" in rows["dlv_alr_b_waiting"]
    assert "dlv_alr_a_sent" not in rows


def test_the_same_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """Alerts whole, with their deliveries whole, and all that was not sent."""
    put(store, TOLD, Post.SENT, Post.DEAD)
    found = homeostat("alerts", "--config", shop, "--json").json
    (alert,) = found["alerts"]
    assert (alert["id"], alert["count"], alert["about"]) == ("alr_a", 41, "sig_a")
    assert [one["state"] for one in alert["deliveries"]] == ["sent", "dead"]
    assert [one["id"] for one in found["unsent"]] == ["dlv_alr_a_dead"]


def test_some_of_them(homeostat: Run, shop: Path, store: Store) -> None:
    """`--open` leaves out what is over, a task the others, `--limit` the oldest."""
    for k, name in enumerate("abcd"):
        put(store, replace(TOLD, id=f"alr_{name}", about="", key=name, resolved=START if k % 2 else 0.0))
    put(store, replace(TOLD, id="alr_e", about="", key="e", task="elsewhere"))

    def ids(*more: object) -> list[str]:
        return [one["id"] for one in homeostat("alerts", *more, "--config", shop, "--json").json["alerts"]]

    assert ids() == ["alr_a", "alr_b", "alr_c", "alr_d", "alr_e"]
    assert ids("--open") == ["alr_a", "alr_c", "alr_e"]
    assert ids("routing", "--open") == ["alr_a", "alr_c"]
    assert ids("--limit", 2) == ["alr_d", "alr_e"]
    assert ids("--open", "--limit", 1) == ["alr_e"]


def test_nothing_yet(homeostat: Run, shop: Path) -> None:
    """An empty table; a task that there is not is an error with the nearest."""
    assert homeostat("alerts", "--config", shop).code == 0
    assert homeostat("alerts", "--config", shop, "--json").json == {"alerts": [], "unsent": []}
    ran = homeostat("alerts", "routin", "--config", shop)
    assert ran.code == UnknownKey.exit
    assert "did you mean 'routing'" in ran.err
