from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.config.schema import Alerts, Channel
from homeostat.monitor.behavior.changes import changes
from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.monitor.behavior.forecast import forecasts
from homeostat.monitor.behavior.forecast import state_key as rehearsal_key
from homeostat.monitor.naming.candidates import Kind
from homeostat.monitor.naming.name import Naming, Slice, Topic, early, state_key
from homeostat.release.states import hold
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.silence import Silence
from homeostat.types.task import Kind as Of
from homeostat.types.turn import Turn
from homeostat.web.pages import alerts, drift, overview, quality, traffic, turn, turns, versions, why
from web import factory

CONFIG = factory.config()


def routing(store: Store) -> Any:
    return overview.data(store, CONFIG, {})["tasks"][0]


def test_the_overview_says_who_answers_and_how_well(store: Store) -> None:
    """Quality counts the champion's own labeled replies only."""
    task = routing(store)
    labeled = store.interactions.labeled("routing", version=factory.SECOND)
    assert task["champion"]["id"] == factory.SECOND
    assert task["quality"]["n"] == len(labeled)
    assert task["quality"]["mean"] == pytest.approx(sum(i.reply == f.value for i, f in labeled) / len(labeled))
    assert task["objective"] == 0.9
    assert (task["traffic"]["total"], len(task["traffic"]["newest"])) == (400, overview.SHOWN)
    assert (task["signal"]["id"], task["decision"]["id"]) == (factory.SIGNAL, factory.DECISION)


def test_one_labeled_reply_is_told_as_one(empty: Store, client_of_nothing: TestClient) -> None:
    """The overview says `1 labeled reply`, and `2 labeled replies`."""
    factory.add_versions(empty)
    for k, told in enumerate(("1 labeled reply of", "2 labeled replies of")):
        empty.interactions.add([factory.interaction(k, "my box is late", "delivery_delay")])
        empty.feedback.add([factory.feedback(k, "delivery_delay")])
        assert told in client_of_nothing.get("/ui").text


def test_the_overview_shows_a_release_while_it_is_open(store: Store, client: TestClient) -> None:
    """A canary is named with its share; a finished release is only the last one."""
    assert routing(store)["release"] is None
    canary = Release(
        id="rel_canary",
        task="routing",
        time=factory.START,
        stage=Stage.CANARY,
        champion=factory.SECOND,
        candidate=factory.REFUSED,
        share=0.2,
    )
    store.releases.put(canary)
    assert routing(store)["release"]["share"] == 0.2
    assert "canary" in client.get("/ui").text
    hold(store, canary, 4e9)
    assert routing(store)["held_until"] == 4e9
    assert "Held back by quiet hours</b> until 2 Oct 2096, 07:06 UTC" in client.get("/ui").text
    store.releases.put(replace(canary, id="rel_s", stage=Stage.SPLIT, candidate="", share=0.0, shares={"ver_x": 0.3}))
    assert "ver_x" in client.get("/ui").text


def test_a_turn_says_that_its_release_is_held_back(store: Store, client: TestClient) -> None:
    """While it is under way, with the moment."""
    canary = Release(
        id="rel_c", task="routing", time=factory.START, stage=Stage.CANARY, champion=factory.SECOND, candidate="ver_x"
    )
    store.releases.put(canary)
    store.turns.put(Turn(id="trn_held", task="routing", time=factory.START, diary={"release": canary.id}))
    assert "held back" not in client.get("/ui/turns/trn_held").text
    hold(store, canary, 4e9)
    assert "held back by quiet hours until 2 Oct 2096, 07:06 UTC" in client.get("/ui/turns/trn_held").text


def test_nobody_answered_what_was_imported(store: Store) -> None:
    """Rows without a version are neither right nor wrong, sure of nothing, and no part of anybody's quality."""
    before = routing(store)
    rows = [
        Interaction(id=f"int_imported{k}", task="routing", time=2e9 + k, text="?", reply="", version="")
        for k in range(60)
    ]
    store.interactions.add(rows)
    said = [
        Feedback(id=f"fbk_imported{k}", interaction=row.id, kind=FeedbackKind.LABEL, value="refund", time=row.time)
        for k, row in enumerate(rows)
    ]
    store.feedback.add(said)
    after = routing(store)
    for key in ("quality", "course"):
        assert after[key] == before[key]
    assert after["traffic"]["confidence"] == before["traffic"]["confidence"]
    shown = traffic.data(store, CONFIG, {})["interactions"][0]
    assert (shown["id"], shown["truth"], shown["right"]) == ("int_imported59", "refund", None)
    assert (shown["confidence"], shown["latency_ms"]) == (None, None)


def test_traffic_is_newest_first_with_what_was_said(store: Store) -> None:
    """A labeled reply is right or wrong; one without feedback is neither."""
    found = traffic.data(store, CONFIG, {})["interactions"]
    times = [row["time"] for row in found]
    assert times == sorted(times, reverse=True)
    assert len(found) == traffic.SHOWN
    for row in found:
        labels = [said["value"] for said in row["feedback"]]
        assert row["right"] is (row["reply"] == labels[-1] if labels else None)


def test_a_later_label_corrects_an_earlier_one(store: Store) -> None:
    """The newest truth counts; a comment does not."""
    newest = traffic.data(store, CONFIG, {})["interactions"][0]
    for k, (kind, value) in enumerate(((FeedbackKind.LABEL, newest["reply"]), (FeedbackKind.COMMENT, "thanks"))):
        about = newest["id"]
        store.feedback.add([Feedback(id=f"fbk_new{k}", interaction=about, kind=kind, value=value, time=2e9 + k)])
    again = traffic.data(store, CONFIG, {})["interactions"][0]
    assert (again["id"], again["right"], again["truth"]) == (newest["id"], True, newest["reply"])


def test_traffic_is_narrowed_by_version_and_tag(store: Store) -> None:
    """Filters hold for every row, and a tag that nobody has leaves none."""
    found = traffic.data(store, CONFIG, {"version": factory.SECOND, "tag": "segment=school"})["interactions"]
    assert found
    assert {(row["version"], row["tags"]["segment"]) for row in found} == {(factory.SECOND, "school")}
    assert traffic.data(store, CONFIG, {"tag": "segment=nowhere"})["interactions"] == []
    assert traffic.data(store, CONFIG, {"task": "replies"})["interactions"] == []


def test_older_pages_lose_no_row(store: Store) -> None:
    """Following `older` to the end meets every interaction, also where many share a moment."""
    same = [factory.interaction(k, "x", "y", time=factory.START + 100.5) for k in range(1_000, 1_050)]
    store.interactions.add(same)
    met: set[str] = set()
    asked: dict[str, str] = {}
    for _ in range(20):
        page = traffic.data(store, CONFIG, asked)
        met |= {row["id"] for row in page["interactions"]}
        if page["older"] is None:
            break
        asked = {"until": str(page["older"])}
    assert len(met) == 450


def test_drift_shows_the_course_and_what_moved_beside_what_came_before(store: Store) -> None:
    """Examples of the signal on one side, the last requests before the change on the other."""
    found = drift.data(store, CONFIG, {})
    assert found["asked"]["version"] == factory.SECOND
    assert len(found["trace"]) == 280
    assert found["threshold_log10"] == pytest.approx(math.log10(500_000))
    (signal,) = found["signals"]
    assert [row["id"] for row in signal["moved_rows"]] == list(store.signals.get(factory.SIGNAL).examples)
    assert len(signal["rows_before"]) == 3
    assert all(row["time"] < signal["since"] for row in signal["rows_before"])
    assert drift.draw(found)["chart"].startswith("<svg")


def test_drift_names_what_moved(store: Store, client: TestClient) -> None:
    """Slices with their shares, the kind of drift, and new topics with their requests; nothing where none is kept."""
    assert drift.data(store, CONFIG, {})["signals"][0]["naming"] is None
    ids = store.signals.get(factory.SIGNAL).examples
    slices = (
        Slice(name="about <pump>", kind=Kind.TOPIC, before=0.01, after=0.2, carries=0.87, log10_e=9.0, sure=True),
        Slice(name="segment=home", kind=Kind.TAG, before=0.2, after=0.3, carries=0.3, log10_e=0.1, sure=False),
    )
    topic = Topic(name="pump, grinding", before=0.01, after=0.2, examples=(ids[0], "int_gone"))
    kept = Naming(n=300, looked=1, since=factory.START, slices=slices, topics=(topic,), says="It moved.", kind="So.")
    store.state.put(state_key(factory.SIGNAL), asdict(kept))
    (signal,) = drift.data(store, CONFIG, {})["signals"]
    assert [row["id"] for row in signal["naming"]["topics"][0]["rows"]] == [ids[0]]
    text = client.get("/ui/drift").text
    for shown in (
        "It moved.",
        "as far as the rows tell:</span> So.",
        "about &lt;pump&gt;",
        "87\u202f%",
        "segment=home",
        "not yet",
        "pump, grinding",
    ):
        assert shown in text


def test_drift_says_that_it_is_too_early(store: Store, client: TestClient) -> None:
    """Before enough requests have followed the change there is a sentence and no table."""
    store.state.put(state_key(factory.SIGNAL), asdict(early(120)))
    text = client.get("/ui/drift").text
    assert "Too early to say what moved: 120 of the 300 requests" in text
    assert "of the move" not in text


def test_drift_of_a_version_that_was_not_watched_is_said(store: Store, client: TestClient) -> None:
    """No trace, no chart."""
    assert drift.draw(drift.data(store, CONFIG, {"version": factory.REFUSED}))["chart"] == ""
    assert "Nothing has been watched yet" in client.get(f"/ui/drift?version={factory.REFUSED}").text


def test_a_trace_with_more_channels_than_are_known_is_drawn(store: Store) -> None:
    """A channel without a name is numbered."""
    store.state.put(f"trace:{factory.SECOND}", [[0.0, 1.0, 2.0, 3.0], [60.0, 1.0, 2.0, 3.0]])
    key = drift.draw(drift.data(store, CONFIG, {}))["key_of_lines"]
    assert [entry["name"] for entry in key] == ["confidence", "neighbors", "channel 3"]


def test_versions_carry_state_alias_cost_and_verdict(store: Store) -> None:
    """Newest first."""
    found = versions.data(store, CONFIG, {})["versions"]
    assert [row["id"] for row in found] == [factory.SECOND, factory.REFUSED, factory.FIRST]
    assert (found[0]["aliases"], found[0]["state"], found[0]["parent"]) == (["champion"], "live", factory.FIRST)
    assert [row["verdict"] and row["verdict"]["outcome"] for row in found] == ["pass", "fail", None]
    assert found[0]["cost"]["flops"] == 1.24e12


def test_how_far_a_version_has_moved_is_shown(client: TestClient) -> None:
    """In nats, among the versions and with the attempts of a turn; nothing where there was no champion."""
    assert client.get("/ui/versions?task=routing").text.count("0.312") == 2
    assert client.get(f"/ui/turns/{factory.TURN}").text.count("moved 0.312 nats") == 2


def test_turns_are_listed_by_task(store: Store) -> None:
    """Without a task all are listed."""
    assert [row["id"] for row in turns.data(store, CONFIG, {})["turns"]] == [factory.TURN]
    assert turns.data(store, CONFIG, {"task": "replies"})["turns"] == []


def test_a_turn_tells_its_attempts_in_order(store: Store) -> None:
    """Each attempt has its dataset, verdict and losses; the releases come once each."""
    found = turn.data(store, CONFIG, {"id": factory.TURN})
    assert [attempt["recipe"] for attempt in found["attempts"]] == ["naive", "careful"]
    assert [attempt["verdict"]["outcome"] for attempt in found["attempts"]] == ["fail", "pass"]
    assert all(len(attempt["losses"]) == 12 for attempt in found["attempts"])
    assert [release["id"] for release in found["releases"]] == ["rel_shadow", "rel_full"]
    assert found["signals"][0]["texts"]
    drawn = turn.draw(found)
    assert len(drawn["losses"]) == 2
    assert drawn["drawn"][0]["funnel"]


def test_a_turn_shows_what_was_rehearsed(store: Store, client: TestClient) -> None:
    """What the released candidate is expected to do live, and what changes, at its attempt and at no other."""
    done = [
        Rehearsed(row=store.interactions.get(f"int_{k:020d}"), reply="pump_noise", confidence=0.8) for k in range(1, 60)
    ]
    told = {"requests": 59, "live": 1000, "same": 0.25, "behaviors": forecasts(done, Of.LABEL, 1000)}
    store.state.put(rehearsal_key(factory.SECOND), told | {"changes": changes(done, Of.LABEL)})
    attempts = turn.data(store, CONFIG, {"id": factory.TURN})["attempts"]
    assert attempts[0]["rehearsal"] is None
    assert attempts[1]["rehearsal"]["live"] == 1000
    page = client.get(f"/ui/turns/{factory.TURN}").text
    assert page.count("recorded requests answered again") == 1
    assert "→ pump_noise: " in page


def test_a_turn_under_way_shows_what_there_is(store: Store, client: TestClient) -> None:
    """Steps that have not come, nouns that are gone and a drill's steps are no error."""
    diary = {"watch": "sig_gone", "curate.careful": factory.DATASET, "push": "rel_gone", "stage.0": "canary"}
    store.turns.put(Turn(id="trn_open", task="routing", time=factory.START, diary=diary))
    page = client.get("/ui/turns/trn_open").text
    assert "Under way" in page
    assert "none yet" in page
    assert "sig_gone" in page


def test_why_walks_both_ways(store: Store) -> None:
    """A version comes from its dataset, and its requests come of it."""
    tree = why.data(store, CONFIG, {"id": factory.SECOND})["tree"]
    assert factory.DATASET in {branch["id"] for branch in tree["came_from"]}
    assert {"measures", "answered by"} <= {branch["relation"] for branch in tree["led_to"]}


def test_quality_is_told_by_window(store: Store, client: TestClient) -> None:
    """The champion's windows, drawn and as rows; another version's by its id; and no requests as such."""
    found = quality.data(store, CONFIG, {})
    assert found["asked"] == {"task": "routing", "version": factory.SECOND}
    assert sum(w["requests"] for w in found["windows"]) == store.interactions.count("routing", version=factory.SECOND)
    assert sum(w["labels"] for w in found["windows"]) == len(
        store.interactions.labeled("routing", version=factory.SECOND)
    )
    page = client.get("/ui/quality").text
    assert "Labels and confidence" in page
    assert "by labels" in page
    assert client.get("/ui/quality.json").json()["windows"] == found["windows"]
    assert "No requests yet" in client.get(f"/ui/quality?version={factory.REFUSED}").text


def test_objectives_stand_on_the_page(store: Store, client: TestClient) -> None:
    """That of the task, with its interval and where it stands; none where there is no version to ask."""
    (one,) = quality.data(store, CONFIG, {})["objectives"]
    assert (one["name"], one["target"]) == ("objective_at_least", 0.9)
    assert one["course"] in ("missed", "open", "met", "unknown")
    assert one["says"].removesuffix("open") in client.get("/ui/quality").text
    assert quality.data(store, CONFIG, {"task": "replies"})["objectives"] == []


def test_alerts_stand_with_what_became_of_them(store: Store, client: TestClient) -> None:
    """Newest first: how bad, how often, where it stands, who was reached and who was not."""
    newest, older = alerts.data(store, CONFIG, {})["alerts"]
    assert (newest["id"], newest["severity"], newest["count"], newest["state"]) == (factory.ALERT, "warning", 3, "open")
    sent = {one["channel"]: (one["state"], one["tries"], one["problem"]) for one in newest["deliveries"]}
    assert sent == {"ops": ("sent", 1, ""), "mail": ("dead", 12, "SMTP 451")}
    assert (older["state"], older["because"]) == ("over", "9,000 MB are free")
    page = client.get("/ui/alerts").text
    for part in ("told to nobody", "SMTP 451", "homeostat alerts retry ID", "Over: 9,000 MB are free", "label"):
        assert part in page
    assert alerts.data(store, CONFIG, {"task": "replies"})["alerts"] == []


def test_silences_in_force_stand_under_the_alerts(store: Store, client: TestClient) -> None:
    """With their reason; one that has ended does not. An alert that one kept quiet says so."""
    now = time.time()
    quiet = Silence(id="sil_now", time=now - 10.0, until=now + 1000.0, why="spring catalog", kind="novelty")
    store.silences.put(quiet)
    store.silences.put(replace(quiet, id="sil_past", until=now - 1.0))
    store.alerts.change(factory.ALERT, lambda one: (replace(one, silence="sil_now"), ()))
    data = alerts.data(store, CONFIG, {})
    assert [one["id"] for one in data["silences"]] == ["sil_now"]
    assert data["alerts"][0]["state"] == "silenced"
    page = client.get("/ui/alerts").text
    assert "spring catalog" in page
    assert "sil_past" not in page


def test_alerts_name_channels_without_their_addresses(store: Store) -> None:
    """Who is told is on the page; an address, which may be a secret, and what was sent are not."""
    channels = {"ops": Channel(kind="slack", url="https://hooks.example.com/T0FFEE", least="info")}
    data = alerts.data(store, replace(CONFIG, alerts=Alerts(channels=channels)), {})
    assert data["channels"] == {"ops": {"kind": "slack", "least": "info"}}
    assert "T0FFEE" not in json.dumps(data)
    assert "of the message" not in json.dumps(data["alerts"])
