"""Trying again what was given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery, Post


def put(store: Store, state: Post) -> None:
    """A delivery in this state."""
    alert = Alert(id="alr_a", task="routing", time=1.0, kind="mix", severity=Severity.INFO, says="x", key="k")
    sent = Delivery(id="dlv_a", alert="alr_a", channel="ops", edition="1", time=1.0, state=state, tries=12)
    store.alerts.tell([alert], lambda before, cause: (cause, [sent]))


@pytest.mark.parametrize(
    ("state", "after", "tries", "said"),
    [
        (Post.DEAD, Post.WAITING, 0, "will be tried by the worker"),
        (Post.WAITING, Post.WAITING, 12, "will be tried by the worker"),
        (Post.SENT, Post.SENT, 12, "was sent already"),
    ],
)
def test_only_what_was_given_up_begins_anew(
    homeostat: Run, shop: Path, store: Store, state: Post, after: Post, tries: int, said: str
) -> None:
    """What was sent is not sent again, what waits goes on waiting; each is said."""
    put(store, state)
    ran = homeostat("alerts", "retry", "dlv_a", "--config", shop)
    assert ran.code == 0
    assert ran.out.startswith(f"dlv_a through ops: {said}")
    found = store.deliveries.get("dlv_a")
    assert (found.state, found.tries) == (after, tries)


def test_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """The row as it is then."""
    put(store, Post.DEAD)
    found = homeostat("alerts", "retry", "dlv_a", "--config", shop, "--json").json
    assert (found["id"], found["state"], found["tries"]) == ("dlv_a", "waiting", 0)


@pytest.mark.parametrize(("id", "said"), [("dlv_b", "no delivery 'dlv_b'"), ("alr_a", "is an alert's")])
def test_one_that_there_is_not(homeostat: Run, shop: Path, store: Store, id: str, said: str) -> None:
    """An error that says what was given instead."""
    put(store, Post.DEAD)
    ran = homeostat("alerts", "retry", id, "--config", shop)
    assert ran.code == NotFound.exit
    assert said in ran.err
