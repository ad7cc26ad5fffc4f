"""What a turn would do, beside what its steps then do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import ONSET, TASK

from homeostat.config.schema import Decide
from homeostat.errors import NothingReleased
from homeostat.loop import steps
from homeostat.loop.deciding.foresight import Foresight, foresee
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.types.decision import Action
from homeostat.types.signal import Moved, Signal

NOW = Now("trn_1", TASK, ONSET + 1000.0)
SIGNAL = Signal(id="sig_1", task=TASK, time=ONSET, moved=Moved.NOVELTY, detector="d", statistic=2.0, threshold=1.0, n=5)


@pytest.fixture
def seen(shop: Workshop) -> Foresight:
    """What a turn would do, of a project in which something has moved."""
    shop.store.signals.put(SIGNAL)
    return foresee(shop, TASK, NOW.until)


def test_what_is_foreseen_is_what_is_done(shop: Workshop, seen: Foresight) -> None:
    """The same sentence, the same recipes in their order, the same rows; training takes at most what was said."""
    made = shop.store.decisions.get(steps.decide(shop, NOW, steps.watch(shop, NOW)))
    assert (seen.decision.action, seen.decision.because) == (Action.RETRAIN, made.because)
    assert seen.decision.signals == made.signals == ("sig_1",)
    assert [attempt.recipe for attempt in seen.attempts] == steps.attempts(shop, NOW).split()
    for attempt in seen.attempts:
        dataset = shop.store.datasets.get(steps.curate(shop, NOW, attempt.recipe))
        assert (attempt.counts, attempt.labels) == (dataset.counts, len(dataset.labels))
    trained = shop.store.versions.get(steps.train(shop, NOW, attempt.recipe, dataset.id))
    assert 0 < trained.cost["steps"] <= attempt.training.steps
    assert 0 < trained.cost["flops"] <= 1.01 * attempt.training.flops  # foretold by how the first pass pads its batches


def test_nothing_is_written(shop: Workshop, seen: Foresight) -> None:
    """No decision, no ledger, no dataset, no run, no turn."""
    store = shop.store
    assert (store.decisions.list(), store.turns.list(), store.state.get(f"decide.ledger.{TASK}")) == ([], [], None)
    assert [dataset.id for dataset in store.datasets.list()] == [shop.champion(TASK).dataset]
    assert [version.id for version in store.versions.list()] == [shop.champion(TASK).id]
    assert foresee(shop, TASK, NOW.until) == seen


def test_who_waits_builds_nothing(shop: Workshop) -> None:
    """Where the decision is another one than to retrain, there is nothing more to tell."""
    patient = Workshop(replace(shop.config, decide=Decide(min_labels=100_000)), shop.store)
    seen = foresee(patient, TASK, NOW.until)
    assert (seen.decision.action, seen.attempts) == (Action.LABEL, ())


def test_nobody_to_go_on_from(shop: Workshop) -> None:
    """Without a champion there is no turn to foresee."""
    with pytest.raises(NothingReleased):
        foresee(shop, "nothing", NOW.until)
