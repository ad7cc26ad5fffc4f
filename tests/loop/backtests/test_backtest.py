"""A recorded log as a history: what was known, when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.config.schema import Config, Monitor, Policy, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.decide.replay.policies import Prices
from homeostat.decide.replay.replay import replay
from homeostat.errors import EmptyStream
from homeostat.loop.backtests.backtest import (
    Labeled,
    Record,
    alarmed,
    answered,
    history,
    known_before,
    of_file,
    recorded,
)
from homeostat.store import Store
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

NEW = tuple(tiny.WORDS)[3:]
"""Labels that come half way."""


def same(reply: str, target: str) -> float:
    return float(reply == target)


def record(n: int = 600, *, late: float = 0.0, seed: int = 0) -> Record:
    """A request a second; in the second half every other one has a label that the first champion does not know."""
    rng = np.random.default_rng(seed)
    pool = {label: tiny.texts(label, n, seed + 1) for label in tiny.WORDS}
    names = [str(rng.choice(NEW if k >= n // 2 and k % 2 else tiny.LABELS)) for k in range(n)]
    rows = [Labeled(time=float(k), known=k + late, text=pool[name][k], target=name) for k, name in enumerate(names)]
    return Record(memory=tiny.examples(each=30), labeled=rows, asked=np.arange(0, n, 0.25))


def test_models_know_what_was_known_before_their_step() -> None:
    """The first champion has no new label right; models from after the change have most, and old ones still."""
    made = history(record(), same, Monitor(), steps=12)
    assert made.quality[0, :6].mean() > 0.9
    assert made.quality[0, 7:].mean() < 0.6
    assert made.quality[8, 8:].mean() > 0.85
    assert made.requests.sum() == 2400


def test_labels_that_come_late_are_learned_late() -> None:
    """What is said of a request after a model was trained is not known to that model."""
    prompt, late = (history(record(late=by), same, Monitor(), steps=12) for by in (0.0, 150.0))
    assert late.quality[8, 8] < prompt.quality[8, 8] - 0.2
    assert late.quality[11, 11] > 0.8


def test_labels_that_are_not_shown_are_not_learned() -> None:
    """With a tenth of the labels models are worse; without any they stay what they were."""
    n = len(record().labeled)
    few = history(record(), same, Monitor(), steps=12, told=np.random.default_rng(0).random(n) < 0.1)
    none = history(record(), same, Monitor(), steps=12, told=np.zeros(n, dtype=bool))
    assert none.quality[11, 11] == none.quality[0, 11]
    every = history(record(), same, Monitor(), steps=12)
    assert none.quality[11, 11] < few.quality[7, 7:].mean() < every.quality[7, 7:].mean()


def test_nobody_learns_from_what_is_to_come() -> None:
    """Other labels after a step leave every model up to that step as it is."""
    plain = record()
    other = replace(plain, labeled=[*plain.labeled[:350], *(replace(r, target="x") for r in plain.labeled[350:])])
    first, second = (history(each, same, Monitor(), steps=12) for each in (plain, other))
    until = first.step < 7
    assert np.array_equal(first.right[:8, until], second.right[:8, until])


def test_retraining_pays_where_the_world_moved() -> None:
    """The product's rule retrains soon after the change and comes near the oracle; never and always cost more."""
    made = history(record(1200), same, Monitor(), steps=24)
    never, always, value, _ = replay(made, Prices(retraining=60.0), ["never", "always", "value"])
    assert 1 <= len(value.retrained) <= 4
    assert min(value.retrained) > 600.0
    assert value.ratio < 2.0
    assert value.cost < 0.5 * min(never.cost, always.cost)


def test_a_fall_of_confidence_alarms_and_nothing_else_does() -> None:
    """In the step in which it falls, or soon after; an even course in none, over fifty of them."""
    rng, step = np.random.default_rng(0), np.repeat(np.arange(20), 100)
    settings = Monitor(false_alarm_every=50_000)
    even = [alarmed(rng.beta(8, 2, 2000), step, 20, settings).sum() for _ in range(50)]
    assert sum(even) <= 6
    fallen = np.where(step < 12, rng.beta(8, 2, 2000), rng.beta(3, 3, 2000))
    found = np.flatnonzero(alarmed(fallen, step, 20, settings))
    assert len(found)
    assert 12 <= found[0] <= 13


def test_too_few_labels_are_refused() -> None:
    """Ten a step, with how many steps there could be."""
    with pytest.raises(EmptyStream) as caught:
        history(record(90), same, Monitor(), steps=12)
    assert "90 labeled requests" in caught.value.what


def logged(store: Store, n: int) -> None:
    """Requests a minute apart, every other one labeled a minute later."""
    rows = [
        Interaction(id=f"int_{k:04}", task="routing", time=60.0 * k, text=f"text {k}", reply="a", version="ver_a")
        for k in range(n)
    ]
    store.interactions.add(rows)
    store.feedback.add(
        [
            Feedback(id=f"fbk_{k:04}", interaction=row.id, kind=FeedbackKind.LABEL, value=" b ", time=row.time + 60)
            for k, row in enumerate(rows)
            if k % 2 == 0
        ]
    )


def test_what_was_logged_is_read(tmp_path: Path) -> None:
    """Labels with the moment they became known, all requests beside them, in the stretch that is asked for."""
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", str(tmp_path / "blobs")) as store:
        logged(store, 100)
        whole = recorded(store, "routing")
        assert (len(whole.memory), len(whole.labeled)) == (10, 40)
        assert whole.labeled[0] == Labeled(time=1200.0, known=1260.0, text="text 20", target="b")
        assert whole.memory[-1].time < whole.labeled[0].time
        assert len(whole.asked) == 80
        part = recorded(store, "routing", 3000.0, 4200.0)
        assert {row.time for row in part.labeled} <= set(np.arange(3000.0, 4200.0, 120.0))
        with pytest.raises(EmptyStream, match="no request to 'other' was labeled"):
            recorded(store, "other")


def test_the_first_champion_knows_what_its_version_was_trained_on(tmp_path: Path) -> None:
    """The newest version that was there before, with its dataset's rows; later ones do not count."""
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", str(tmp_path / "blobs")) as store:
        logged(store, 60)
        for name, time in (("old", -10.0), ("late", 500.0)):
            rows = tuple(Example(text=f"{name} {k}", target="b") for k in range(3))
            dataset = store_dataset(store, Curated(examples=rows), task="routing", turn=name, now=time)
            store.versions.put(
                Version(id=f"ver_{name}", task="routing", time=time, base="builtin", kind="base", dataset=dataset.id)
            )
        found = recorded(store, "routing")
        assert {row.text for row in found.memory} == {"old 0", "old 1", "old 2"}
        assert len(found.labeled) == 30
        assert found.champion == "", "it has no weights to answer with"
        older = store_dataset(
            store, Curated(examples=(Example(text="answered", target="b"),)), task="routing", turn="a", now=-20.0
        )
        store.versions.put(Version(id="ver_a", task="routing", time=-20.0, base="builtin", blob="b", dataset=older.id))
        found = recorded(store, "routing")
        assert ([row.text for row in found.memory], found.champion) == (["answered"], "ver_a")


def test_one_pass_of_heads_serves_every_setting_of_the_detector() -> None:
    """What heads reply is the same; the rarer a false alarm may be, the fewer and the higher alarms there are, and each
    stands at its threshold or above.
    """
    found = answered(record(600), same, steps=12)
    quick, slow = (found.history(Monitor(min_reference=50, false_alarm_every=n)) for n in (200, 20_000))
    assert quick.right is slow.right is found.right
    assert (quick.alarms > 0).sum() > (slow.alarms > 0).sum() > 0
    for one in (quick, slow):
        assert one.alarms[one.alarms > 0].min() >= 1.0
    assert (found.history(Monitor()).quality == history(record(600), same, Monitor(), steps=12).quality).all()


def test_what_was_known_before_a_step() -> None:
    """Of earlier steps, shown, and said by then."""
    log = record(120)
    found = answered(log, same, steps=12)
    shown = np.arange(120) % 2 == 0
    known = known_before(log, shown, found.step, found.times, 6)
    assert known.sum() == 30
    assert known_before(log, found.told, found.step, found.times, 0).sum() == 0
    late = replace(log, labeled=[replace(row, known=row.time + 20) for row in log.labeled])
    assert known_before(late, found.told, found.step, found.times, 6).sum() == 41


def test_policies_that_drill_are_left_out() -> None:
    """They decide nothing about retraining, so there is nothing to replay."""
    tuesdays = Policy(any={"schedule": "0 10 * * 2"}, action="drill")
    config = Config(tasks={"routing": Tasks()}, policies={"tuesdays": tuesdays, "steady": Policy(any={"labels": 5})})
    assert set(of_file(config, "routing")) == {"steady", "yaml"}
