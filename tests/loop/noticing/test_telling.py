"""Telling: what the loop has written down becomes alerts, each row once, and alerts end when their cause is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from mortal import Worker
from small_project import TASK

from homeostat.alert import causes
from homeostat.config.schema import Alerts, Channel, Config, Decide, Gateway, Model, Tasks
from homeostat.decide.record import record
from homeostat.decide.value import Bounds, Evidence
from homeostat.errors import MissingVariable, NotFound
from homeostat.llm.content import bytes_of
from homeostat.loop.noticing.embedding import AWAY
from homeostat.loop.noticing.telling import AWAY_S, LOOK_S, MEASURED_S, NEWEST, Telling
from homeostat.loop.worker import work
from homeostat.loop.workshop import Workshop
from homeostat.monitor.naming.shares import shares_key
from homeostat.release.drills import order
from homeostat.release.proven import vouch
from homeostat.store import Store
from homeostat.store.notes import SEEN, STANDINGS
from homeostat.types.alert import DRILL, Alert, Remedy, Severity
from homeostat.types.delivery import Post
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.report import Score
from homeostat.types.signal import Moved, Signal
from homeostat.types.silence import Silence
from homeostat.types.turn import Turn
from homeostat.types.version import Version
from receiver import receiving
from waiting import eventually

NOW = 1_760_000_000.0


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = NOW

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Workshop]:
    """A workshop without a model, of which nobody asks anything; two channels, of which one wants everything."""
    config = Config(
        folder=str(tmp_path / "desk"),
        model=Model(base="nowhere"),
        tasks={"routing": Tasks(objective_at_least=0.9), "other": Tasks()},
        alerts=Alerts(
            channels={
                "all": Channel(url="http://127.0.0.1:1", least="info"),
                "pager": Channel(url="http://127.0.0.1:1", least="critical"),
            }
        ),
    )
    with closing(Workshop.open(config)) as opened:
        yield opened


@pytest.fixture
def telling(desk: Workshop, clock: Clock) -> Telling:
    return Telling(desk, clock)


def signal(store: Store, k: int = 0, moved: Moved = Moved.NOVELTY, task: str = "routing") -> Signal:
    """A signal in the store."""
    made = Signal(
        id=f"sig_{task}{k}", task=task, time=float(k), moved=moved, detector="sr", statistic=9e5, threshold=5e5, n=500
    )
    store.signals.put(made)
    return made


def release(store: Store, k: int, stage: Stage, champion: str, candidate: str = "", at: float = NOW) -> None:
    """A release row; nothing follows from it here."""
    store.releases.put(
        Release(id=f"rel_{k}", task="routing", time=at, stage=stage, champion=champion, candidate=candidate)
    )


def turn(store: Store, k: int, state: str) -> None:
    store.turns.put(Turn(id=f"trn_{k}", task="routing", time=float(k), state=state, because="for a test"))


def champion(store: Store, parent: str = "") -> Version:
    """A version that answers."""
    made = Version(id="ver_1", task="routing", time=1.0, base="builtin", labels=("a", "b"), parent=parent)
    store.versions.put(made)
    store.aliases.set("routing", "champion", made.id)
    return made


def labeled(store: Store, right: int, wrong: int, begin: int = 0, **more: Any) -> None:
    """Replies of the champion of which people have said what was right."""
    given = {"task": "routing", "text": "x", "reply": "a", "version": "ver_1", **more}
    rows = [Interaction(id=f"int_{begin + k:05}", time=float(begin + k), **given) for k in range(right + wrong)]
    store.interactions.add(rows)
    store.feedback.add(
        Feedback(id=f"fbk_{r.id}", interaction=r.id, kind=FeedbackKind.LABEL, value="ab"[k >= right], time=r.time)
        for k, r in enumerate(rows)
    )


def alerts(shop: Workshop) -> list[Alert]:
    return shop.store.alerts.list()


def told(shop: Workshop) -> list[tuple[str, str]]:
    """(channel, event) of all that was handed over."""
    return [(d.channel, d.body["event"]) for d in shop.store.deliveries.list()]


def test_a_signal_is_told_once(desk: Workshop, telling: Telling) -> None:
    """Looking again tells nothing twice, and neither does another worker after this one was killed."""
    made = signal(desk.store)
    for one in (telling, telling, Telling(desk), Telling(desk)):
        one.tick()
    (alert,) = alerts(desk)
    assert (alert.kind, alert.about, alert.count, alert.task) == ("novelty", made.id, 1, "routing")
    assert told(desk) == [("all", "fired")]


@pytest.mark.slow
def test_a_flood_of_equal_signals_is_one_alert_with_a_count(desk: Workshop, telling: Telling) -> None:
    """A thousand of them, told once through one channel; another kind and another task are alerts of their own."""
    for k in range(1000):
        signal(desk.store, k)
    signal(desk.store, 1000, Moved.MIX)
    signal(desk.store, 0, task="other")
    telling.tick()
    telling.tick()
    found = {(a.task, a.kind): a.count for a in alerts(desk)}
    assert found == {("routing", "novelty"): 1000, ("routing", "mix"): 1, ("other", "novelty"): 1}
    assert told(desk) == [("all", "fired")] * 3


def test_what_was_there_before_anybody_was_to_be_told_is_not_told(desk: Workshop, clock: Clock) -> None:
    """The first worker of a project that has a history tells what comes from then on; so does the second."""
    signal(desk.store, 0)
    turn(desk.store, 0, "failed")
    Telling(desk, clock).tick()
    assert alerts(desk) == []
    signal(desk.store, 1)
    Telling(desk, clock).tick()
    assert [a.about for a in alerts(desk)] == ["sig_routing1"]


def test_versions_taken_back_are_told_by_how_many_had_them(desk: Workshop, telling: Telling) -> None:
    """A champion is critical and reaches the pager, a candidate on trial is a warning and does not."""
    release(desk.store, 1, Stage.FULL, "ver_1")
    release(desk.store, 2, Stage.CANARY, "ver_1", "ver_2")
    release(desk.store, 3, Stage.ROLLBACK, "ver_1", "ver_2")
    telling.tick()
    assert [(a.severity, a.about) for a in alerts(desk)] == [(Severity.WARNING, "rel_3")]
    release(desk.store, 4, Stage.ROLLBACK, "ver_0", "ver_1")
    telling.tick()
    assert [(a.severity, a.about, a.count) for a in alerts(desk)] == [(Severity.CRITICAL, "rel_4", 2)]
    assert told(desk) == [("all", "fired"), ("all", "again"), ("pager", "again")]


def test_who_leaves_a_split_is_told(desk: Workshop, telling: Telling) -> None:
    """Not that it was opened, and not its end by promotion."""
    shares = {"ver_2": 0.3, "ver_3": 0.3}
    for number, named in enumerate((shares, {"ver_3": 0.4})):
        release(desk.store, number, Stage.SPLIT, "ver_1")
        row = desk.store.releases.current("routing")
        assert row is not None
        desk.store.releases.put(replace(row, shares=named, trial="spl_1"))
    release(desk.store, 3, Stage.FULL, "ver_3")
    telling.tick()
    assert [alert.says.split(" (")[0] for alert in alerts(desk)] == ["routing: ver_2 left the split"]


@pytest.mark.parametrize(("state", "kind"), [("failed", "failed"), ("gate", "refused")])
def test_turns_that_come_to_nothing_are_told_and_a_good_one_ends_it(
    desk: Workshop, telling: Telling, state: str, kind: str
) -> None:
    """A turn is told when it has ended, not while it is open; the next that ends as turns should makes it over."""
    turn(desk.store, 1, "open")
    telling.tick()
    assert alerts(desk) == []
    turn(desk.store, 1, state)
    telling.tick()
    assert [(a.kind, a.about, a.resolved) for a in alerts(desk)] == [(kind, "trn_1", 0.0)]
    turn(desk.store, 2, "open")
    telling.tick()
    assert not alerts(desk)[0].resolved
    turn(desk.store, 2, "release")
    telling.tick()
    assert alerts(desk)[0].because == "turn trn_2 ended at release"
    assert told(desk) == [("all", "fired"), ("all", "resolved")]


def drilled(store: Store, k: int, kind: str, harm: float) -> None:
    """A drill that has ended, at so much evidence that its version does harm."""
    order(store, "routing", f"trn_{k}", kind, policy="tuesdays")
    for at, stage in enumerate((Stage.CANARY, Stage.ROLLBACK)):
        release(store, 10 * k + at, stage, "ver_1", f"ver_drill{k}", at=NOW + at)
    store.state.put(f"guard:rel_{10 * k}", {"harm": harm, "errors": 0})
    diary = {"push": f"rel_{10 * k}"}
    store.turns.put(Turn(id=f"trn_{k}", task="routing", time=float(k), state="release", because="x", diary=diary))


def test_a_drill_that_was_not_seen_is_told_until_one_is(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """Each kind by itself, with where to look; one that was seen, or is under way, is none. A later drill of the same
    kind that is seen makes it over, one of another kind does not.
    """
    order(desk.store, "routing", "trn_0", "slow")
    desk.store.turns.put(Turn(id="trn_0", task="routing", time=0.0, diary={"push": ""}))
    drilled(desk.store, 1, "erroring", harm=50.0)
    drilled(desk.store, 2, "slow", harm=0.5)
    telling.tick()
    found = {alert.kind: alert for alert in alerts(desk) if alert.about == "trn_2"}
    assert list(found) == [DRILL]
    assert (found[DRILL].slice, found[DRILL].severity) == ("slow", Severity.WARNING)
    assert "homeostat drill routing --past" in found[DRILL].says
    assert [alert.about for alert in alerts(desk) if alert.kind == DRILL] == ["trn_2"]
    for k, kind in ((3, "erroring"), (4, "slow")):
        drilled(desk.store, k, kind, harm=50.0)
        clock.now += LOOK_S
        telling.tick()
        over = {alert.because for alert in alerts(desk) if alert.kind == DRILL}
        assert over == {"drill trn_4 was seen" if k == 4 else ""}


def test_a_drill_that_breaks_off_is_told_as_one(desk: Workshop) -> None:
    """And drills of before anybody was to be told are not told at all."""
    broke = Turn(id="trn_1", task="routing", time=1.0, state="failed", because="x", diary={"push": ""})
    desk.store.turns.put(broke)
    telling = Telling(desk)
    telling.tick()
    assert alerts(desk) == []
    order(desk.store, "routing", "trn_2", "sabotaged")
    desk.store.turns.put(replace(broke, id="trn_2"))
    telling.tick()
    assert [(a.kind, a.about, a.slice) for a in alerts(desk)] == [(DRILL, "trn_2", "sabotaged")]
    assert "broke off" in alerts(desk)[0].says


def test_a_turn_that_waits_for_approval_is_told_until_somebody_answers(desk: Workshop, telling: Telling) -> None:
    """Once, with the command that answers; the answer ends it, and the turn is told of anew if it then fails."""
    waits = Turn(id="trn_1", task="routing", time=1.0, state="awaiting approval", diary={"decide": "dec_1"})
    desk.store.turns.put(waits)
    telling.tick()
    telling.tick()
    (alert,) = alerts(desk)
    assert (alert.kind, alert.about, alert.count, alert.resolved) == ("approval", "dec_1", 1, 0.0)
    assert "`homeostat approve trn_1`" in alert.says
    diary = {**waits.diary, "approval": "approved by ana"}
    desk.store.turns.put(replace(waits, state="open", diary=diary))
    telling.tick()
    assert alerts(desk)[0].because == "approved by ana"
    desk.store.turns.put(replace(waits, state="failed", diary=diary, because="no room"))
    telling.tick()
    assert [(a.kind, a.about) for a in alerts(desk)] == [("approval", "dec_1"), ("failed", "trn_1")]


def decided(store: Store, k: int, n_labels: int, bounds: Bounds | None = None) -> str:
    """A turn that ended at its decision, on so many labels of the 60 that it wants; id of the decision."""
    gain = Score(mean=0.1, low=0.05, high=0.15, n=200)
    known = Evidence(task="routing", gain=gain, n_labels=n_labels, requests=5000, train_cpu_s=360.0)
    made = record(store, known, Decide(min_labels=60), now=50.0 + k, turn=f"trn_{k}", bounds=bounds)
    diary = {"watch": "", "decide": made.id}
    store.turns.put(Turn(id=f"trn_{k}", task="routing", time=50.0 + k, state="decide", diary=diary))
    return made.id


def test_labels_that_are_asked_for_are_told_until_they_are_given(
    desk: Workshop, telling: Telling, clock: Clock
) -> None:
    """Once for each decision, with the number and what to type; over with the last of them, counted from then on."""
    champion(desk.store)
    labeled(desk.store, 40, 0)
    asked = decided(desk.store, 1, 40)
    for one in (telling, telling, Telling(desk, clock)):
        one.tick()
    (alert,) = alerts(desk)
    assert (alert.kind, alert.about, alert.count, alert.remedy) == ("labels", asked, 1, Remedy.LABEL)
    assert "20 labels are asked for; `homeostat label routing --n 20`" in alert.says
    assert told(desk) == [("all", "fired")]
    labeled(desk.store, 19, 0, begin=100)
    clock.now += LOOK_S
    telling.tick()
    assert not alerts(desk)[0].resolved
    labeled(desk.store, 1, 0, begin=200)
    clock.now += LOOK_S
    telling.tick()
    assert alerts(desk)[0].because == "20 labels were given since"


def test_a_later_decision_takes_the_place_of_an_errand(desk: Workshop, telling: Telling) -> None:
    """One that asks again is the same alert; one that leaves nothing to people ends it, and is not told."""
    decided(desk.store, 1, 40)
    telling.tick()
    again = decided(desk.store, 2, 45)
    telling.tick()
    (alert,) = alerts(desk)
    assert (alert.about, alert.count, alert.resolved) == (again, 2, 0.0)
    decided(desk.store, 3, 100, Bounds(time=1.0, quiet_until=2.0))
    telling.tick()
    assert alerts(desk)[0].because == "turn trn_3 has decided anew"
    assert told(desk) == [("all", "fired"), ("all", "resolved")]


def test_what_is_advised_is_told(desk: Workshop, telling: Telling) -> None:
    """A policy that only advises has somebody to advise."""
    made = decided(desk.store, 1, 100, Bounds(policy="p", strategy="always", action="advise"))
    telling.tick()
    assert [(a.kind, a.about, a.remedy) for a in alerts(desk)] == [("advice", made, Remedy.RETRAIN)]
    assert "retraining is advised, and its policy leaves that to you" in alerts(desk)[0].says


def test_decisions_of_before_are_not_told(desk: Workshop, clock: Clock) -> None:
    """Neither those of a project that nobody told anything, nor those of one that an earlier release told of others."""
    decided(desk.store, 1, 40)
    Telling(desk, clock).tick()
    assert alerts(desk) == []
    desk.store.state.put("alerts:old:decided", None)
    Telling(desk, clock).tick()
    assert alerts(desk) == []


def test_a_base_that_was_exchanged_is_told(desk: Workshop, telling: Telling, clock: Clock, tmp_path: Path) -> None:
    """Under who answers, until the old bytes are back; what nothing was proven over is not compared."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    desk.config = replace(desk.config, model=Model(base=str(base)))
    made = champion(desk.store)
    telling.tick()
    vouch(desk.store, made, bytes_of(desk.store, str(base)))
    clock.now += LOOK_S
    telling.tick()
    assert desk.store.alerts.open() == []
    (base / "config.json").write_text("{ }")
    clock.now += LOOK_S
    telling.tick()
    (alert,) = desk.store.alerts.open()
    assert (alert.kind, alert.severity, alert.task, alert.about) == ("base", Severity.CRITICAL, "routing", made.id)
    assert alert.says.startswith(f"routing: {made.id} was proven over {base} as it was then (sha256 ")
    (base / "config.json").write_text("{}")
    clock.now += LOOK_S
    telling.tick()
    assert desk.store.alerts.get(alert.id).because == "the version that answers stands on what it was proven over"


def test_an_embedding_backend_that_stays_away_is_told(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """After five minutes and not before; over when requests are read again."""
    desk.store.state.put(AWAY, {"since": NOW - 1.0, "what": "nobody answers at http://e/v1"})
    telling.tick()
    assert alerts(desk) == []
    clock.now += AWAY_S
    telling.tick()
    (alert,) = alerts(desk)
    assert (alert.kind, alert.severity, alert.task) == ("embedding", Severity.WARNING, "")
    assert "nobody answers at http://e/v1" in alert.says
    desk.store.state.put(AWAY, None)
    clock.now += LOOK_S
    telling.tick()
    assert alerts(desk)[0].because == "requests are read again"


def test_another_version_for_everybody_ends_a_signal(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """A release before the signal ends nothing, nor does one on trial; those who were told are told once that it is
    over.
    """
    release(desk.store, 1, Stage.FULL, "ver_1", at=NOW - 5.0)
    signal(desk.store)
    telling.tick()
    release(desk.store, 2, Stage.CANARY, "ver_1", "ver_2", at=NOW + 5.0)
    clock.now = NOW + 6.0
    telling.tick()
    assert desk.store.alerts.open()
    release(desk.store, 3, Stage.FULL, "ver_2", at=NOW + 7.0)
    for _ in range(3):
        clock.now += 2.0
        telling.tick()
    (alert,) = alerts(desk)
    assert (alert.resolved, alert.because) == (NOW + 8.0, "ver_2 answers everybody since")
    assert told(desk) == [("all", "fired"), ("all", "resolved")]


def test_another_version_for_everybody_ends_a_plugin_that_broke(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """The detector gets another chance with another version; no turn has to do with it."""
    release(desk.store, 1, Stage.FULL, "ver_1", at=NOW - 5.0)
    telling.tell([causes.of_plugin("routing", "streak", "OSError: no", NOW)], NOW)
    telling.tick()
    assert [alert.slice for alert in desk.store.alerts.open()] == ["streak"]
    release(desk.store, 2, Stage.FULL, "ver_2", at=NOW + 7.0)
    clock.now = NOW + 8.0
    telling.tick()
    assert [alert.because for alert in alerts(desk)] == ["ver_2 answers everybody since"]


def test_shares_that_moved_are_told_with_the_alert(desk: Workshop, telling: Telling) -> None:
    """What is kept of a signal of proportions stands in the sentence that people are sent."""
    desk.store.state.put(shares_key("sig_routing0"), {"shares": [], "says": "shares of the requests: parcel"})
    signal(desk.store)
    telling.tick()
    (alert,) = alerts(desk)
    assert alert.says.endswith("; shares of the requests: parcel")


def test_a_silence_keeps_it_from_everybody(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """What matches is written down and handed to nobody; when the silence has ended, the next is told."""
    desk.store.silences.put(
        Silence(id="sil_1", time=NOW - 1.0, until=NOW + 100.0, why="known", task="routing", kind="mix")
    )
    signal(desk.store, 0, Moved.MIX)
    signal(desk.store, 1, Moved.NOVELTY)
    telling.tick()
    assert {a.kind: a.silence for a in alerts(desk)} == {"mix": "sil_1", "novelty": ""}
    assert told(desk) == [("all", "fired")]
    clock.now = NOW + 101.0
    signal(desk.store, 2, Moved.MIX)
    telling.tick()
    assert {a.kind: (a.count, a.silence) for a in alerts(desk)}["mix"] == (2, "")
    assert told(desk) == [("all", "fired")] * 2


# ── what is no row ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_objective_that_is_missed_is_told_and_ends(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """Missed where the whole interval lies below it; looked at once a minute; over when the newest replies reach it."""
    champion(desk.store)
    labeled(desk.store, 140, 60)
    telling.tick()
    (alert,) = alerts(desk)
    assert (alert.kind, alert.severity, alert.remedy) == ("objective", Severity.CRITICAL, Remedy.RETRAIN)
    assert "0.700" in alert.says
    assert "at least 0.9" in alert.says
    assert told(desk) == [("all", "fired"), ("pager", "fired")]
    clock.now += LOOK_S / 2
    telling.tick()
    assert alerts(desk)[0].count == 1
    clock.now += LOOK_S / 2
    telling.tick()
    assert alerts(desk)[0].count == 2
    labeled(desk.store, NEWEST, 0, begin=1000)
    clock.now += LOOK_S
    telling.tick()
    assert alerts(desk)[0].because == "1.000 of 200 replies, and 0.9 is wanted"
    assert told(desk)[2:] == [("all", "resolved"), ("pager", "resolved")]


@pytest.mark.parametrize(("right", "wrong"), [(170, 30), (15, 10)])
def test_an_objective_is_not_missed_by_chance(desk: Workshop, telling: Telling, right: int, wrong: int) -> None:
    """85 % of 200 may be 90 %, and few replies say nothing."""
    champion(desk.store)
    labeled(desk.store, right, wrong)
    telling.tick()
    assert alerts(desk) == []


def test_a_new_version_that_misses_from_the_beginning_is_better_taken_back(desk: Workshop, telling: Telling) -> None:
    """One that was trained here, and has not answered long, has a version before it."""
    champion(desk.store, parent="ver_0")
    labeled(desk.store, 20, 40)
    telling.tick()
    assert [a.remedy for a in alerts(desk)] == [Remedy.ROLLBACK]


def test_named_objectives_are_alerts_of_their_own(desk: Workshop, clock: Clock) -> None:
    """Each by its name, critical where it is missed; looked at every quarter of an hour; over when it is met, or is no
    objective any more.
    """
    objectives = {"wrong": 0.1, "slow": {"metric": "latency_ms", "at_most": 1.0}}
    tasks = {"routing": Tasks(objectives=objectives)}
    shop = Workshop(replace(desk.config, tasks=tasks, gateway=Gateway(trust_client_time=True)), desk.store)
    telling = Telling(shop, clock)
    champion(desk.store)
    labeled(desk.store, 60, 40, latency_ms=5.0)
    telling.tick()
    found = {one.slice: one for one in alerts(desk)}
    assert set(found) == {"wrong", "slow"}
    assert (found["wrong"].severity, found["wrong"].kind) == (Severity.CRITICAL, "objective")
    assert "at most 0.100 is wanted: missed" in found["wrong"].says
    clock.now += MEASURED_S / 2
    labeled(desk.store, NEWEST, 0, begin=1000, latency_ms=5.0)
    telling.tick()
    assert not any(one.resolved for one in alerts(desk))
    clock.now += MEASURED_S
    telling.tick()
    assert {one.slice: bool(one.resolved) for one in alerts(desk)} == {"wrong": True, "slow": False}
    fewer = Workshop(replace(shop.config, tasks={"routing": Tasks()}), desk.store)
    Telling(fewer, clock).tick()
    assert [one.because for one in alerts(desk) if one.slice == "slow"] == ["it is no objective of the task any more"]


def test_an_alert_level_is_where_people_are_told(desk: Workshop, clock: Clock) -> None:
    """Surely short of the target is shown and nobody is told; surely beyond the level they are, as badly as it says,
    until the mean is back within it. What no training changes is no reason to train.
    """
    objectives = {
        "wrong": {"at_most": 0.1, "alert": 0.3, "severity": "warning"},
        "slow": {"metric": "latency_ms", "at_most": 1.0, "alert": 100.0},
    }
    tasks = {"routing": Tasks(objectives=objectives)}
    shop = Workshop(replace(desk.config, tasks=tasks, gateway=Gateway(trust_client_time=True)), desk.store)
    telling = Telling(shop, clock)
    champion(desk.store)

    def later(right: int, wrong: int, begin: int, ms: float) -> dict[str, tuple[Severity, Remedy, bool]]:
        labeled(desk.store, right, wrong, begin=begin, latency_ms=ms)
        clock.now += MEASURED_S
        telling.tick()
        return {one.slice: (one.severity, one.remedy, bool(one.resolved)) for one in alerts(desk)}

    assert later(160, 40, 0, 50.0) == {}
    assert {one["objective"]: one["standing"] for one in desk.store.state.get(STANDINGS)["objectives"]} == {
        "wrong": "behind",
        "slow": "behind",
    }
    beyond = {"wrong": (Severity.WARNING, Remedy.RETRAIN, False), "slow": (Severity.CRITICAL, Remedy.LOOK, False)}
    assert later(100, 100, 1000, 500.0) == beyond
    assert "0.300 in any case: alarming" in next(one.says for one in alerts(desk) if one.slice == "wrong")
    assert later(130, 70, 2000, 500.0) == beyond  # 35 % may be 30 %, and it is not yet over
    assert later(150, 50, 3000, 500.0)["wrong"][2]


def test_an_objective_with_a_deadline_warns_before_it(desk: Workshop, clock: Clock) -> None:
    """Half of the way to the deadline is over and nothing was gained: a warning."""
    begin, step = "1970-01-02", 86_400.0
    objectives = {"wrong": {"change": "-90%", "since": begin, "by": "1970-01-10"}}
    tasks = {"routing": Tasks(objectives=objectives)}
    shop = Workshop(replace(desk.config, tasks=tasks, gateway=Gateway(trust_client_time=True)), desk.store)
    champion(desk.store)
    labeled(desk.store, 100, 100)
    labeled(desk.store, 100, 100, begin=round(5 * step))
    Telling(shop, clock).tick()
    assert [(one.slice, one.severity) for one in alerts(desk)] == [("wrong", Severity.WARNING)]
    assert alerts(desk)[0].says.endswith("today: behind")


def test_a_disk_with_room_ends_what_was_told_of_it(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """An alert about a disk that has filled up is over when there is room again."""
    low = causes.of_disk(1_000.0, NOW)
    assert low is not None
    telling.tell([low], NOW)
    telling.tick()
    free = telling._free_mb()
    assert bool(alerts(desk)[0].resolved) is (free >= 2_500.0)


def test_the_gateway_can_read_when_the_worker_watched_last(desk: Workshop, telling: Telling, clock: Clock) -> None:
    """Once a minute, for whoever watches the worker."""
    telling.tick()
    assert desk.store.state.get(SEEN) == NOW
    clock.now += LOOK_S
    telling.tick()
    assert desk.store.state.get(SEEN) == NOW + LOOK_S


# ── with the worker ─────────────────────────────────────────────────────────────────────────────────────────────────


def channel(config: Config, url: str) -> Config:
    """The project with somebody to tell."""
    return replace(config, alerts=Alerts(channels={"ops": Channel(url=url, least="info")}))


def test_the_worker_tells_what_it_notices(project: Config, workers: Callable[..., Worker]) -> None:
    """From traffic that has moved to a message at a receiver that fails first, with the signal's id in it."""
    with receiving(500) as receiver:
        workers(channel(replace(project, decide=replace(project.decide, min_labels=100_000)), receiver.address))
        assert eventually(lambda: len(receiver.taken) > 0, within_s=90)
        with Store.open(project.database, project.blobs) as store:
            signals = {one.id for one in store.signals.list(TASK)}
            assert eventually(lambda: Post.SENT in {d.state for d in store.deliveries.list()})
    message = receiver.taken[0].json
    assert message["event"] == "fired"
    assert message["alert"]["about"] in signals
    assert message["next"][-1] == f"homeostat why {message['alert']['about']}"


@pytest.mark.slow
def test_a_worker_that_ends_with_an_error_says_so(
    shop: Workshop, project: Config, workers: Callable[..., Worker]
) -> None:
    """Its last words reach whoever should know; when another one watches, they are told that it is over."""
    first = shop.champion(TASK).id
    shop.store.aliases.set(TASK, "champion", "ver_gone")
    with receiving() as receiver:
        broken = workers(channel(project, receiver.address))
        broken.process.join(60)
        assert broken.process.exitcode == NotFound.exit
        (last,) = receiver.taken
        assert last.json["alert"]["kind"] == "worker"
        assert "E401" in last.json["alert"]["says"]
        shop.store.aliases.set(TASK, "champion", first)
        workers(channel(replace(project, decide=replace(project.decide, min_labels=100_000)), receiver.address))
        assert eventually(lambda: "resolved" in [met.json["event"] for met in receiver.taken], within_s=90)


def test_a_secret_that_is_missing_keeps_the_worker_from_starting(desk: Workshop) -> None:
    """Told at the start, before anything is done, and not in the night."""
    wanting = replace(desk.config, alerts=Alerts(channels={"ops": Channel(url_from="NOT_SET_ANYWHERE")}))
    with pytest.raises(MissingVariable, match="NOT_SET_ANYWHERE"):
        work(wanting, stopped=lambda: True, announce=print)
