from __future__ import annotations

import html
import json
import math
import shlex
import time
from dataclasses import asdict, replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from homeostat.collect.unanswered import KEY
from homeostat.config.schema import Alerts, Channel
from homeostat.decide.objective import progress
from homeostat.decide.stated import read
from homeostat.loop.deciding.objectives import publish
from homeostat.loop.noticing.upstream import look
from homeostat.loop.proving.later import key as later_key
from homeostat.monitor.behavior.changes import changes
from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.monitor.behavior.forecast import forecasts
from homeostat.monitor.behavior.forecast import state_key as rehearsal_key
from homeostat.monitor.naming.candidates import Kind
from homeostat.monitor.naming.name import Naming, Slice, Topic, early, state_key
from homeostat.monitor.naming.shares import shares_key
from homeostat.release.states import hold
from homeostat.store import Store
from homeostat.store.notes import SEEN
from homeostat.store.vectors import InForce
from homeostat.types.alert import Severity
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.report import Score
from homeostat.types.signal import Moved
from homeostat.types.silence import Silence
from homeostat.types.task import Kind as Of
from homeostat.types.turn import Turn
from homeostat.web.pages import alerts, drift, overview, quality, traffic, turn, turns, versions, why
from homeostat.web.pages import changes as log
from web import factory

CONFIG = factory.config()
LOW = Score(mean=0.8, low=0.75, high=0.85, n=400)


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


def test_traffic_over_time_goes_by_the_same_filters(store: Store, client: TestClient) -> None:
    """Its stretches hold as many requests as the log; of a tag and a version only theirs."""
    whole = traffic.data(store, CONFIG, {})["usage"]
    assert sum(one["requests"] for one in whole["stretches"]) == whole["whole"]["requests"] == 400
    assert [tag["name"] for tag in whole["tags"]] == ["channel", "segment"]
    asked = {"version": factory.SECOND, "tag": "segment=school"}
    some = traffic.data(store, CONFIG, asked)["usage"]["whole"]
    rows = store.interactions.list("routing", version=factory.SECOND)
    assert some["requests"] == sum(row.tags["segment"] == "school" for row in rows)
    page = client.get("/ui/traffic").text
    for heading in ("<b>Requests</b>", "<b>Latency</b>", "<b>segment</b>"):
        assert heading in page
    assert "<b>Tokens</b>" not in page  # none were counted


def test_what_got_no_reply_stands_beside_the_traffic(store: Store, client: TestClient) -> None:
    """Failed and refused apart; of this task or of none; what came at other times is said."""
    inside = factory.START + 600_000
    rows = [[inside, "routing", 500, 7], [inside, "", 400, 2], [inside, "replies", 500, 9], [5e9, "routing", 503, 4]]
    store.state.put(KEY, rows)
    told = traffic.data(store, CONFIG, {})["unanswered"]
    assert (told["failed"], told["refused"], told["elsewhen"]) == (7, 2, 4)
    page = client.get("/ui/traffic").text
    assert "7 failed, 2 refused; 4 at other times" in page
    assert "<b>Failed</b>" in page


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


def test_drift_shows_shares_that_moved(store: Store, client: TestClient) -> None:
    """Each kind with its share before and since; no table where none are kept. A plugin has no figure to show."""
    assert drift.data(store, CONFIG, {})["signals"][0]["shares"] == []
    assert "kind of request" not in client.get("/ui/drift").text
    kept = [{"name": "pump, <grinding>", "before": 0.052, "since": 0.161, "low": 0.05, "high": 0.2}]
    store.state.put(shares_key(factory.SIGNAL), {"shares": kept, "says": "…"})
    store.signals.put(replace(store.signals.get(factory.SIGNAL), id="sig_plugin", detector="streak", threshold=0.0))
    text = client.get("/ui/drift").text
    for shown in ("kind of request", "pump, &lt;grinding&gt;", "5.2\u202f%", "16.1\u202f%", "streak, a plugin, after"):
        assert shown in text


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


def test_drift_has_a_map_beside_words(store: Store, client: TestClient) -> None:
    """Of the version asked for: a dot per request, its groups in a table, and how much of the variance it shows."""
    asked = {"version": factory.FIRST}
    told = drift.data(store, CONFIG, asked)["map"]
    assert (told["signal"], len(told["points"]), told["hidden"]) == (factory.SIGNAL, 350, 8)
    page = client.get("/ui/drift", params=asked).text
    assert page.count('class="since"') == 150 + 1  # the key has one too
    for group in told["groups"]:
        assert f'scope="row" class="place">{1 + told["groups"].index(group)} {group["name"]}' in page
    assert f"{100 * told['axes'][0]:.0f}\u202f% of their variance" in page
    assert "No map yet. Too few requests" in client.get("/ui/drift").text


def test_drift_says_why_there_is_no_map_behind_a_server(empty: Store, client_of_nothing: TestClient) -> None:
    """Its rows carry no embeddings, and the page says that and what goes on all the same."""
    factory.add_versions(empty)
    rows = [factory.interaction(k, "my box is late", "delivery_delay", embedding=b"") for k in range(400)]
    empty.interactions.add(rows)
    page = client_of_nothing.get(f"/ui/drift?version={factory.FIRST}").text
    assert "No map. The log holds no embeddings of these requests." in page
    assert "such as vLLM" in page
    assert "svg.plane" not in page
    assert 'class="chart plane"' not in page


def test_drift_says_by_what_the_map_is_laid(store: Store, client: TestClient) -> None:
    """By another backend, since when, and what it waits for where it has not come to these rows."""
    store.vectors.enforce(InForce(backend="aa", name="./small", width=4, since=factory.START, before="served"))
    page = client.get(f"/ui/drift?version={factory.FIRST}").text
    assert "is alike to ./small." in page
    assert "before, by served, and what was normal is learned anew" in page
    assert "it has not come to these" in page
    assert "such as vLLM" not in page


def test_drift_says_what_each_kind_of_signal_means(store: Store, client: TestClient) -> None:
    """Novelty, mix, performance, and those that are no drift of one's own; how near each statistic is to its alarm."""
    assert set(drift.MEANS) == set(Moved)
    for k, moved in enumerate((Moved.MIX, Moved.PERFORMANCE, Moved.UPSTREAM)):
        store.signals.put(replace(store.signals.get(factory.SIGNAL), id=f"sig_{k}", moved=moved))
    page = client.get("/ui/drift").text
    for moved in (Moved.NOVELTY, Moved.MIX, Moved.PERFORMANCE, Moved.UPSTREAM):
        assert f"{moved.value}</b>: {drift.MEANS[moved]}." in page
    levels = {one["name"]: one for one in drift.data(store, CONFIG, {})["levels"]}
    assert set(levels) == {"confidence", "neighbors", "together"}
    assert levels["together"]["highest_log10"] <= max(one["highest_log10"] for one in levels.values())


def test_models_elsewhere_and_judges_stand_on_the_drift_page(store: Store, client: TestClient) -> None:
    """Where there are any: what a look found against its threshold, and how often a judge stood beside people."""
    assert "<h2>Elsewhere</h2>" not in client.get("/ui/drift").text
    for k in range(3):
        look(store, "routing", "https://models.example/v1#large", {"hello": ["good day"] * 8}, 1e9 + k)
    said = {"kind": FeedbackKind.RATING, "value": "0.5", "source": "judge"}
    store.feedback.add([Feedback(id="fbk_j", interaction="int_00000000000000000003", time=factory.START, **said)])
    page = client.get("/ui/drift").text
    assert "https://models.example/v1#large</b>: as it was, as far as 3 looks tell" in page
    assert "an alarm at 365" in page
    assert '<tr><th scope="row">judge</th>' in page


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


def test_changes_are_told_newest_first_with_their_evidence(store: Store, client: TestClient) -> None:
    """Every release row, what it says and who wrote it; the gate's sentence stands under the row that a version comes
    in with.
    """
    found = log.data(store, CONFIG, {})["changes"]
    rows = store.releases.list("routing")
    assert [one["release"] for one in found] == [row.id for row in reversed(rows)]
    page = client.get("/ui/changes").text
    assert all(html.escape(one["says"]) in page and html.escape(one["because"]) in page for one in found)
    told = [one["measured"]["because"] for one in found if one["measured"]]
    assert told
    assert all(html.escape(because) in page for because in told)
    assert log.data(store, CONFIG, {"task": "replies"})["changes"] == []


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


def test_a_turn_shows_how_its_runs_went(store: Store, client: TestClient) -> None:
    """Each attempt has rate, gradient, speed, share of the peak and memory at every look, in the document and as
    charts; one that reported none of them has neither.
    """
    told = client.get(f"/ui/turns/{factory.TURN}.json").json()["attempts"]
    assert [len(attempt["course"]) for attempt in told] == [12, 12]
    assert set(told[0]["course"][0]) == {"step", "lr", "gradient_norm", "tokens_per_s", "mfu", "memory_bytes"}
    assert told[1]["course"][-1]["memory_bytes"] == 1.31e9 + 120
    assert set(told[0]["losses"][0]) == {"step", "loss", "held_out"}
    page = client.get(f"/ui/turns/{factory.TURN}").text
    for name in ("Learning rate", "Gradient norm", "Tokens a second", "Share of the machine&#39;s peak", "Memory"):
        assert page.count(f"<figcaption><span>{name}") == 2
    assert "last 18,520, highest 18,520" in page
    assert "last 1.31\u202fGB" in page


def test_a_version_shows_how_its_run_went(store: Store, client: TestClient) -> None:
    """Where it came from, whichever way it was trained; a request has no run."""
    told = client.get(f"/ui/why/{factory.FIRST}.json").json()
    assert (len(told["losses"]), len(told["course"])) == (12, 12)
    page = client.get(f"/ui/why/{factory.FIRST}").text
    assert page.count("<figcaption><span>Gradient norm") == 1
    assert "best held out loss" in page
    request = f"int_{3:020d}"
    assert client.get(f"/ui/why/{request}.json").json()["course"] == []
    assert "Gradient norm" not in client.get(f"/ui/why/{request}").text


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


def test_a_turn_says_how_a_second_look_stands(store: Store, client: TestClient) -> None:
    """In the words of the gate, beside the attempt that it is about; nothing where it has not looked again."""
    assert "looked again" not in client.get(f"/ui/turns/{factory.TURN}").text
    said = "undecided on looking again, after 12 more labels: overall (better): 3 won and 1 lost"
    store.state.put(later_key(factory.REFUSED), {"because": said, "labels": 12, "wanted": 60, "asked": [], "pairs": []})
    assert said in client.get(f"/ui/turns/{factory.TURN}").text
    attempts = turn.data(store, CONFIG, {"id": factory.TURN})["attempts"]
    assert [one["again"]["wanted"] for one in attempts if one["again"]] == [60]


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
    assert "Measured and estimated" in page
    assert "by labels" in page
    assert client.get("/ui/quality.json").json()["windows"] == found["windows"]
    assert "No requests yet" in client.get(f"/ui/quality?version={factory.REFUSED}").text


def test_the_overview_says_where_objectives_stood(store: Store, client: TestClient) -> None:
    """As the worker wrote it down, each under its task; nothing is measured for it."""
    assert routing(store)["objectives"] == []
    far = progress(read("right", {"metric": "accuracy", "at_least": 0.95, "alert": 0.9}, Of.LABEL), LOW, None, 1.0)
    publish(store, [("routing", far), ("elsewhere", far)], 1.0)
    (one,) = routing(store)["objectives"]
    assert (one["objective"], one["standing"], one["values"]["alert"]) == ("right", "alarming", 0.9)
    assert "<b>alarming</b> right. " in client.get("/ui").text


def test_quality_is_told_by_slice(store: Store, client: TestClient) -> None:
    """Of a feature's values each is a row, with a link for every tag; one slice alone; an error for what is none."""
    found = quality.data(store, CONFIG, {"by": "reply"})
    assert sum(part["window"]["requests"] for part in found["parts"]) == sum(w["requests"] for w in found["windows"])
    page = client.get("/ui/quality?by=reply").text
    assert "By reply" in page
    assert all(part["value"] in page for part in found["parts"])
    value = found["parts"][0]["value"]
    alone = client.get(f"/ui/quality.json?by=reply={value}").json()
    assert sum(w["requests"] for w in alone["windows"]) == found["parts"][0]["window"]["requests"]
    assert client.get("/ui/quality?by=reply=").status_code == 400
    assert client.get("/ui/quality?by=nothing").status_code >= 400
    assert quality.data(store, CONFIG, {})["parts"] == []


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
    for part in ("told to nobody", "SMTP 451", "homeostat alerts retry ID", ": 9,000 MB are free", "label"):
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
    assert (data["alerts"][0]["silenced"]["why"], data["counts"]["silenced"]) == ("spring catalog", 1)
    page = client.get("/ui/alerts").text
    assert "spring catalog" in page
    assert "sil_past" not in page
    assert "<h2>Silenced</h2>" in page


def test_an_alert_says_what_to_type(store: Store, client: TestClient) -> None:
    """How it is closed and how its like is silenced, quoted for a shell; nothing of one that is over."""
    odd = "source=o'brien; rm -rf /"
    store.alerts.change(factory.ALERT, lambda one: (replace(one, slice=odd), ()))
    newest, older = alerts.data(store, CONFIG, {})["alerts"]
    close, silence = newest["do"]
    assert close.startswith(f"homeostat alerts close {factory.ALERT} --because")
    words = shlex.split(silence)
    assert words[:9] == ["homeostat", "alerts", "silence", "--task", "routing", "--kind", "novelty", "--slice", odd]
    assert older["do"] == []
    assert "Close or silence" in client.get("/ui/alerts").text


def test_open_alerts_and_the_worker_stand_on_the_overview(store: Store, client: TestClient) -> None:
    """The most severe first, none that is over or silenced; and whether anybody watches."""
    found = overview.data(store, CONFIG, {})
    assert [one["id"] for one in found["alerts"]] == [factory.ALERT]
    page = client.get("/ui").text
    assert "One alert open" in page
    assert "No worker has watched yet." in page
    store.state.put(SEEN, time.time() - 4_000.0)
    worse = replace(store.alerts.get(factory.ALERT), id="alr_worse", about="", key="w", severity=Severity.CRITICAL)
    store.alerts.tell([worse], lambda before, cause: (cause, ()))
    page = client.get("/ui").text
    assert "2 alerts open" in page
    assert 'class="state critical"' in page
    assert "<b>Nobody watches:</b>" in page
    for id in (factory.ALERT, "alr_worse"):
        store.alerts.change(id, lambda one: (replace(one, silence="sil_x"), ()))
    assert "no alert is open" in client.get("/ui").text


def test_alerts_name_channels_without_their_addresses(store: Store) -> None:
    """Who is told is on the page; an address, which may be a secret, and what was sent are not."""
    channels = {"ops": Channel(kind="slack", url="https://hooks.example.com/T0FFEE", least="info")}
    data = alerts.data(store, replace(CONFIG, alerts=Alerts(channels=channels)), {})
    assert data["channels"] == {"ops": {"kind": "slack", "least": "info"}}
    assert "T0FFEE" not in json.dumps(data)
    assert "of the message" not in json.dumps(data["alerts"])
