from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from homeostat.monitor.naming.name import Naming, Topic, state_key
from homeostat.store import Store
from homeostat.store.vectors import InForce
from homeostat.types.signal import Moved
from homeostat.web.around import mapped
from web import factory

ROUTING = "routing"


def test_a_change_parts_the_requests_of_its_version(store: Store) -> None:
    """Those before and those since, of the version that was answering and of no other."""
    found = mapped(store, ROUTING, factory.FIRST, store.signals.list(ROUTING))
    change = store.signals.get(factory.SIGNAL).since
    assert (found["signal"], found["because"]) == (factory.SIGNAL, "")
    assert (found["before"]["requests"], found["since"]["requests"]) == (200, 150)
    assert found["before"]["to"] < change <= found["since"]["from"]
    late = {point["id"] for point in found["points"] if point["current"]}
    assert late == {row.id for row in store.interactions.list(ROUTING, since=change, version=factory.FIRST)}


def test_without_a_signal_the_first_stand_beside_the_newest(store: Store) -> None:
    """Of a version that gave none, and of one whose signals are about a judge: that says nothing of requests."""
    of_judge = replace(store.signals.get(factory.SIGNAL), moved=Moved.JUDGE)
    for signals in ([], [of_judge]):
        found = mapped(store, ROUTING, factory.FIRST, signals)
        assert (found["signal"], found["before"]["requests"], found["since"]["requests"]) == ("", 175, 175)
    few = mapped(store, ROUTING, factory.SECOND, store.signals.list(ROUTING))
    assert few["signal"] == ""
    assert few["because"].startswith("Too few requests")
    assert mapped(store, ROUTING, "", [])["because"] == "The log holds no embeddings of these requests."


def test_the_change_is_where_it_was_named_and_topics_stand_on_the_map(store: Store) -> None:
    """What was named of the signal goes before its first guess; a topic whose requests are gone is left out."""
    examples = store.signals.get(factory.SIGNAL).examples
    topics = tuple(
        Topic(name=n, before=0.0, after=0.2, examples=e) for n, e in (("pump", examples), ("x", ("int_no",)))
    )
    kept = Naming(n=300, looked=1, since=factory.START + 600_000, topics=topics)
    store.state.put(state_key(factory.SIGNAL), asdict(kept))
    found = mapped(store, ROUTING, factory.FIRST, store.signals.list(ROUTING))
    assert (found["before"]["requests"], found["since"]["requests"]) == (100, 250)
    (topic,) = found["topics"]
    near = [p for p in found["points"] if p["id"] in examples]
    assert topic["name"] == "pump"
    assert topic["example"] == store.interactions.get(examples[0]).text
    assert abs(topic["x"] - sum(p["x"] for p in near) / len(near)) < 1e-9


def test_the_map_is_laid_by_the_backend_in_force_alone(store: Store) -> None:
    """None of the states in the log is on it: before rows are embedded there is no map, then one of that width, which
    says by what it is laid and what was before.
    """
    signals = store.signals.list(ROUTING)
    assert mapped(store, ROUTING, factory.FIRST, signals)["embedded"] is None
    store.vectors.enforce(InForce(backend="aa", name="./small", width=12, since=50.0, before="served"))
    bare = mapped(store, ROUTING, factory.FIRST, signals)
    assert (bare["because"], bare["hidden"]) == ("The log holds no embeddings of these requests.", 0)
    rng, rows = np.random.default_rng(0), store.interactions.list(ROUTING, version=factory.FIRST)
    made = {row.id: rng.standard_normal(12).astype(np.float16).tobytes() for row in rows[:300]}
    store.vectors.put("aa", made)
    found = mapped(store, ROUTING, factory.FIRST, signals)
    assert found["hidden"] == 12
    assert {point["id"] for point in found["points"]} == set(made)
    assert found["embedded"] == {"name": "./small", "since": 50.0, "before": "served"}
