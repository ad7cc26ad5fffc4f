"""The worker sees that known requests come in other shares, says which, and retrains nothing for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_project import KNOWN, ONSET, TASK, interaction, rows

from homeostat.config.schema import Policy
from homeostat.decide.rule import read
from homeostat.loop.deciding.seeing import see
from homeostat.loop.durable import TurnQueue
from homeostat.loop.noticing.shares import KIND, placed
from homeostat.loop.noticing.telling import Telling
from homeostat.loop.noticing.watching import Watch
from homeostat.loop.workshop import Workshop
from homeostat.monitor.catalogue import DETECTORS
from homeostat.monitor.naming.shares import shares_key
from homeostat.types.alert import FAILED, Severity
from homeostat.types.signal import PROPORTIONS, Moved, Signal

CHANGE = ONSET + 2_000.0


def mixed(shop: Workshop, before: int, after: int) -> None:
    """Real replies to known requests: four labels in equal shares, and from `CHANGE` on mostly about logins."""
    champion, rng = shop.champion(TASK), np.random.default_rng(0)
    pool = rows(list(KNOWN), 400, 9)
    replies = shop.answers(shop.config.task(TASK), champion, [text for text, _ in pool])
    labels = np.array([label for _, label in pool])
    often = np.where(labels == "login", 9.0, 1.0)
    chosen = np.append(rng.choice(400, before), rng.choice(400, after, p=often / often.sum()))
    shop.store.interactions.add(
        [
            interaction(f"int_mixed{k:05}", CHANGE - before + k, pool[one][0], replies[one], champion.id)
            for k, one in enumerate(chosen.tolist())
        ]
    )


def told(shop: Workshop) -> list[Signal]:
    return [signal for signal in shop.store.signals.list(TASK) if signal.detector == PROPORTIONS]


def test_shares_that_moved_are_told_by_name_and_open_no_turn(shop: Workshop, queue: TurnQueue) -> None:
    """Dated at the change, the kind that grew named by its words, an alert that is good to know and no warning; and no
    policy sees a signal in it.
    """
    telling, watch = Telling(shop), Watch(shop, queue)
    mixed(shop, 700, 300)
    watch.tick()

    signal = told(shop)[-1]
    known = shop.store.state.get(shares_key(signal.id))
    grew = known["shares"][0]
    assert abs(signal.since - CHANGE) < 100.0
    assert signal.moved is Moved.MIX
    assert signal.slice == f"{KIND}{grew['name']}"
    assert set(grew["name"].replace(",", "").split()) & set(KNOWN["login"].split())
    assert grew["low"] > 0.0
    assert grew["since"] > 1.5 * grew["before"]
    assert all(shop.store.interactions.get(id).time <= signal.time for id in signal.examples)

    telling.tick()
    alert = next(one for one in shop.store.alerts.open() if one.about == signal.id)
    assert alert.severity is Severity.INFO
    assert known["says"] in alert.says
    assert grew["name"] in alert.says
    rule = read("p", Policy(any={"drift": "any"}))
    sight = see(shop.config, shop.store, TASK, rule, shop.champion(TASK), at=CHANGE + 999.0).sight
    assert PROPORTIONS not in {one.detector for one in sight.signals}
    assert PROPORTIONS in {one.detector for one in shop.store.signals.list(TASK)}


def test_shares_are_told_by_the_vectors_of_the_backend_in_force(shop: Workshop, queue: TurnQueue) -> None:
    """Requests laid out by n-grams: groups are cut from these, and the shares told are those of such groups."""
    shop = Workshop(replace(shop.config, monitor=replace(shop.config.monitor, embedding="ngrams")), shop.store)
    mixed(shop, 700, 300)
    Watch(shop, queue).tick()

    known = [shop.store.state.get(shares_key(signal.id)) for signal in told(shop)]
    assert shop.store.vectors.in_force is not None
    assert known
    assert all(len(one["shares"]) > 1 for one in known)
    assert all(sum(share["since"] for share in one["shares"]) == pytest.approx(1.0) for one in known)


def test_other_signals_stay_as_they_are(shop: Workshop, queue: TurnQueue) -> None:
    """Nothing is read for them, and nothing kept."""
    Watch(shop, queue).tick()
    watch = Watch(shop, queue)
    watcher = watch._watcher(TASK, shop.champion(TASK), "")
    signals = shop.store.signals.list(TASK)

    assert placed(shop, shop.champion(TASK), signals, watcher.shares.groups, 24) == signals
    assert [shop.store.state.get(shares_key(signal.id)) for signal in signals] == [None] * len(signals)


def test_a_plugin_that_breaks_is_told_of_once(
    shop: Workshop, queue: TurnQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed detector that raises is switched off, an alert says so, and a worker that begins anew says nothing
    more; the others have told what they tell.
    """
    (tmp_path / "decayed_module.py").write_text(
        "class Rotten:\n    standard, watches = False, 'confidence'\n"
        "    def update(self, value):\n        return 1 / 0 > 0\n"
    )
    info = tmp_path / "decayed_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: decayed_package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[homeostat.detectors]\ndecayed = decayed_module:Rotten\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(DETECTORS, "_offers", dict(DETECTORS._offers))
    monkeypatch.setattr(DETECTORS, "_loaded", dict(DETECTORS._loaded))
    monkeypatch.setattr(DETECTORS, "_loaded", dict(DETECTORS._loaded))
    monkeypatch.setattr(DETECTORS, "_discovered", False)

    Watch(shop, queue).tick()
    alerts = [alert for alert in shop.store.alerts.open() if alert.kind == FAILED]
    assert [(one.slice, one.severity, one.count) for one in alerts] == [("decayed", Severity.WARNING, 1)]
    assert "ZeroDivisionError" in alerts[0].says
    assert shop.store.signals.list(TASK)

    Watch(shop, queue).tick()
    assert [one.count for one in shop.store.alerts.open() if one.kind == FAILED] == [1]
