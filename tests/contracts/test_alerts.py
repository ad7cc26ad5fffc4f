"""What every store does with alerts, silences, and the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.store.lineage import lines, why
from homeostat.types.alert import Alert, Remedy, Severity
from homeostat.types.delivery import Delivery, Post
from homeostat.types.signal import Moved, Signal
from homeostat.types.silence import Silence

CAUSE = Alert(
    id="alr_1",
    task="t",
    time=10.0,
    last=10.0,
    kind="mix",
    severity=Severity.WARNING,
    says="it moved",
    about="sig_1",
    remedy=Remedy.LABEL,
    key="t|mix|",
    told_as=Severity.WARNING,
)
SENT = Delivery(id="dlv_1", alert="alr_1", channel="ops", edition="1", time=10.0, body={"a": [1, "ü"]}, due=10.0)


def first(before: Alert | None, cause: Alert) -> tuple[Alert, Sequence[Delivery]]:
    """A rule: one alert a group, counted, and one delivery when it is new."""
    if before is None:
        return cause, [replace(SENT, id=f"dlv_{cause.id}", alert=cause.id)]
    return replace(before, count=before.count + 1, about=cause.about), []


def causes(n: int) -> list[Alert]:
    """So many causes of one group, each about a row of its own."""
    return [replace(CAUSE, id=f"alr_{k}", about=f"sig_{k}") for k in range(n)]


def test_a_group_is_one_alert_with_what_is_to_be_sent(store: Store) -> None:
    """The rule is given the newest of the group; what it makes is kept, with the deliveries."""
    made = store.alerts.tell(causes(3), first)
    assert [alert.count for alert in made] == [1, 2, 3]
    assert store.alerts.list() == [made[-1]]
    assert [d.id for d in store.deliveries.list(alert="alr_0")] == ["dlv_alr_0"]
    other = replace(CAUSE, id="alr_9", about="sig_9", key="other")
    assert store.alerts.tell([other], first) == [other]


def test_a_row_is_told_of_once(store: Store) -> None:
    """Telling again, as after a crash, tells nothing twice; what is about no row is told each time."""
    store.alerts.tell(causes(3), first)
    assert store.alerts.tell(causes(4), first)[0].count == 4
    assert store.alerts.tell(causes(4), first) == []
    alike = replace(CAUSE, id="alr_s", about="", key="state")
    assert [store.alerts.tell([alike], first)[0].count for _ in range(3)] == [1, 2, 3]


def test_a_rule_that_fails_leaves_nothing(store: Store) -> None:
    """Neither the alerts before it in the same telling nor anything to be sent."""

    def failing(before: Alert | None, cause: Alert) -> tuple[Alert, Sequence[Delivery]]:
        if cause.id == "alr_2":
            raise ZeroDivisionError
        return first(before, cause)

    with pytest.raises(ZeroDivisionError):
        store.alerts.tell(causes(3), failing)
    assert (store.alerts.list(), store.deliveries.list()) == ([], [])
    assert len(store.alerts.tell(causes(3), first)) == 3


def test_what_is_open(store: Store) -> None:
    """By task, oldest first; one that is over is not, and may be found by its id all the same."""
    store.alerts.tell([CAUSE, replace(CAUSE, id="alr_2", about="sig_2", task="u", key="u|mix|")], first)
    assert [alert.id for alert in store.alerts.open()] == ["alr_1", "alr_2"]
    ended = store.alerts.change("alr_1", lambda one: (replace(one, resolved=20.0), [replace(SENT, edition="resolved")]))
    assert [alert.id for alert in store.alerts.open()] == ["alr_2"]
    assert [alert.id for alert in store.alerts.open("u")] == ["alr_2"]
    assert store.alerts.get("alr_1") == ended
    assert [d.edition for d in store.deliveries.list(alert="alr_1")] == ["1", "resolved"]
    with pytest.raises(NotFound, match="`homeostat alerts` lists them"):
        store.alerts.change("alr_7", lambda one: (one, []))


def test_counts_never_fall(store: Store) -> None:
    """An alert that has become more severe counts where it first did; the alert itself says what it is now."""
    store.alerts.tell([CAUSE, replace(CAUSE, id="alr_2", about="sig_2", key="k")], first)
    store.alerts.change("alr_1", lambda one: (replace(one, severity=Severity.CRITICAL, resolved=1.0), ()))
    assert store.alerts.counts() == [("t", "mix", Severity.WARNING, 2)]
    assert store.alerts.get("alr_1").severity is Severity.CRITICAL


def test_silences_in_force(store: Store) -> None:
    """From their beginning until their end, which may be moved."""
    quiet = Silence(id="sil_1", time=10.0, until=20.0, why="known", task="t")
    store.silences.put(quiet)
    found = [[one.id for one in store.silences.in_force(now)] for now in (9.9, 10.0, 19.9, 20.0)]
    assert found == [[], ["sil_1"], ["sil_1"], []]
    store.silences.put(replace(quiet, until=15.0))
    assert store.silences.in_force(16.0) == []
    assert store.silences.list() == [replace(quiet, until=15.0)]


# ── the outbox ──────────────────────────────────────────────────────────────────────────────────────────────────────


def hand_over(store: Store, *deliveries: Delivery) -> None:
    """Put deliveries into the outbox with an alert."""
    store.alerts.tell([replace(CAUSE, about="")], lambda before, cause: (cause, deliveries))


def test_what_is_handed_over_comes_back_as_it_was(store: Store) -> None:
    """Every field; handing the same over again changes nothing, nor does another key for the same alert and channel."""
    hand_over(store, SENT)
    store.deliveries.end("dlv_1", state=Post.SENT, sent=11.0)
    hand_over(store, SENT, replace(SENT, id="dlv_other"))
    assert store.deliveries.list() == [replace(SENT, state=Post.SENT, sent=11.0)]
    assert store.deliveries.get("dlv_1").body == SENT.body
    with pytest.raises(NotFound, match="no delivery 'dlv_9'"):
        store.deliveries.get("dlv_9")


def test_what_is_due(store: Store) -> None:
    """Of one channel, what waits and whose time has come, the longest due first."""
    rows = [replace(SENT, id=f"dlv_{k}", edition=str(k), due=float(100 - k)) for k in range(4)]
    hand_over(store, *rows, replace(SENT, id="dlv_x", channel="mail"))
    store.deliveries.end("dlv_3", state=Post.DEAD)
    assert [d.id for d in store.deliveries.due("ops", 99.0)] == ["dlv_2", "dlv_1"]
    assert [d.id for d in store.deliveries.due("ops", 1e9, limit=1)] == ["dlv_2"]
    assert store.deliveries.due("nobody", 1e9) == []


def test_a_try_is_begun_by_one_alone(store: Store) -> None:
    """Of eight that read the same row one begins; the try is counted before it is made."""
    hand_over(store, SENT)
    with ThreadPoolExecutor(8) as pool:
        begun = list(pool.map(lambda _: store.deliveries.begin(SENT, again=50.0), range(8)))
    assert sum(begun) == 1
    now = store.deliveries.get("dlv_1")
    assert (now.tries, now.due, now.state) == (1, 50.0, Post.WAITING)
    assert not store.deliveries.begin(SENT, again=60.0)
    store.deliveries.end("dlv_1", state=Post.SENT)
    assert not store.deliveries.begin(now, again=60.0)


def test_only_what_was_given_up_is_tried_again(store: Store) -> None:
    """With all its tries anew; what waits or was sent stays as it is."""
    hand_over(store, SENT)
    store.deliveries.begin(SENT, again=50.0)
    assert store.deliveries.retry("dlv_1").tries == 1
    store.deliveries.end("dlv_1", state=Post.DEAD, problem="HTTP 500")
    again = store.deliveries.retry("dlv_1")
    assert (again.state, again.tries, again.due, again.problem) == (Post.WAITING, 0, 0.0, "HTTP 500")
    store.deliveries.end("dlv_1", state=Post.SENT)
    assert store.deliveries.retry("dlv_1").state is Post.SENT
    with pytest.raises(NotFound):
        store.deliveries.retry("dlv_9")


def test_what_waits_for_a_channel_that_is_gone(store: Store) -> None:
    """It is given up, with the reason; what was sent there stays sent."""
    hand_over(store, SENT, replace(SENT, id="dlv_2", channel="old"), replace(SENT, id="dlv_3", channel="older"))
    store.deliveries.end("dlv_3", state=Post.SENT)
    assert store.deliveries.strand(("ops",), "gone") == 1
    assert store.deliveries.counts() == {
        ("old", Post.DEAD): 1,
        ("older", Post.SENT): 1,
        ("ops", Post.WAITING): 1,
    }
    assert [d.problem for d in store.deliveries.list(state=Post.DEAD)] == ["gone"]


# ── lineage ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_why_goes_on_from_an_alert(store: Store) -> None:
    """To every row that it has told of, and back from one to the alert; a delivery and a silence say what they are."""
    for k in range(2):
        store.signals.put(
            Signal(id=f"sig_{k}", task="t", time=1.0, moved=Moved.MIX, detector="ks", statistic=9.0, threshold=4.0, n=9)
        )
    store.silences.put(Silence(id="sil_1", time=0.0, until=9.0, why="known", task="t", kind="mix"))
    store.alerts.tell([replace(one, silence="sil_1") for one in causes(2)], first)
    shown = lines(why(store, "alr_0"))
    assert shown[0] == "alr_0  warning, 2 times: it moved"
    assert sum("← tells of sig_" in line for line in shown) == 2
    assert any("← was kept quiet by sil_1  t mix: known" in line for line in shown)
    assert any("→ alr_0" in line for line in lines(why(store, "sig_1")))
    assert lines(why(store, "dlv_alr_0")) == ["dlv_alr_0  alr_0 through ops: waiting"]
    assert store.verify() == []


def test_a_delivery_of_nothing_is_found(store: Store) -> None:
    """Verification names the alert that is not there."""
    store.alerts.tell([replace(CAUSE, about="")], lambda before, cause: (cause, [replace(SENT, alert="alr_9")]))
    assert store.verify() == ["a delivery of 'alr_9', which is not there (1 row)"]
