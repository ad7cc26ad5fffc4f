"""A candidate of other words: chosen by measurement, made of the champion's weights, proved by the gate, served."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Decide, Model, Tasks
from homeostat.decide.option import RETRIEVE, Option
from homeostat.decide.record import book, record, replayed
from homeostat.decide.value import Bounds, Evidence
from homeostat.llm.preface import FILE
from homeostat.loop import steps
from homeostat.loop.deciding.probing import preface_of
from homeostat.loop.deciding.weighing import plans
from homeostat.loop.making.prefacing import prefaced
from homeostat.loop.proving import judging
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.types.dataset import Example
from homeostat.types.decision import Action
from homeostat.types.report import Score
from homeostat.types.version import Version
from loop.worded import NOW, TASK, lay


def turned(shop: Workshop) -> tuple[Action, str, Version]:
    """What a turn decides, tries, and makes."""
    decision = shop.store.decisions.get(steps.once(NOW, "decide", steps.decide, ""))
    (name,) = steps.once(NOW, "attempts", steps.attempts).split()
    dataset = steps.once(NOW, f"curate.{name}", steps.curate, name)
    made = steps.once(NOW, f"train.{name}", steps.train, name, dataset)
    assert replayed(shop.store, decision.id) == decision
    assert steps.train(shop, NOW, name, dataset) == made
    assert ("was worded with", dataset) in shop.store.lineage.parents(made)
    return decision.action, name, shop.store.versions.get(made)


def proved(shop: Workshop, made: Version) -> str:
    report = judging.evaluate(shop, NOW, made.id)
    verdict = judging.gate(shop, NOW, report, made.id)
    assert shop.store.reports.get(report).difference.low > 0.3
    return judging.passes(shop, NOW, verdict)


@pytest.mark.slow
def test_an_instruction_becomes_a_version(obedient_base: Path, tmp_path: Path) -> None:
    """The plan names every way with gain and cost; the turn takes the best, the gate passes it on rows that nobody has
    seen, and what was verified counts as new to a later training.
    """
    with closing(lay(tmp_path, obedient_base, instructions=("sort by product",))) as shop:
        (plan,) = plans(shop, [TASK])
        assert plan.decision is not None
        assert {"prompt", "retrieve", "careful"} <= {one.action for one in plan.decision.alternatives}
        action, name, made = turned(shop)
        assert (action, name) == (Action.PROMPT, "prompt")
        assert (made.kind, made.parent, made.dataset) == ("base", "ver_first", "")
        assert "product" in str(made.recipe["instruction"])
        assert proved(shop, made) == "yes"
        assert tried(shop, NOW) == []
        (booking,) = book(shop.store, "p")
        assert booking.retrainings == 0.0


@pytest.mark.slow
def test_verified_answers_become_a_version(obedient_base: Path, tmp_path: Path) -> None:
    """Where no instruction helps: with the rows in its folder, none of them like a row of the test suite; taken back by
    loading the champion, who reads none of it.
    """
    with closing(lay(tmp_path, obedient_base)) as shop:
        action, name, made = turned(shop)
        assert (action, name) == (Action.RETRIEVE, "retrieve")
        preface = preface_of(shop, made)
        assert preface is not None
        assert preface.shown == made.recipe["shown"] > 0
        assert not {text for text, _ in preface.examples} & {row.text for row in shop.suite(TASK)}
        assert (shop.store.blobs.folder(made.blob) / FILE).exists()
        assert proved(shop, made) == "yes"
        assert preface_of(shop, shop.champion(TASK)) is None


def test_a_label_that_only_examples_tell_of(tmp_path: Path) -> None:
    """It is among the version's labels, and what is subtracted from it is the mean of what the others have."""
    config = Config(folder=str(tmp_path), model=Model(base="builtin"), tasks={TASK: Tasks(instruction="route")})
    with closing(Workshop.open(config)) as shop:
        known = {"labels": ("a", "b"), "prior": (-1.0, -2.0)}
        champion = Version(id="ver_first", task=TASK, time=0.0, base="builtin", kind="base", **known)  # type: ignore[arg-type]
        register(shop.store, champion, None)
        gain = Score(mean=0.5, low=0.4, high=0.6, n=200)
        told = Option(name=RETRIEVE, gain=gain, cpu_s=1.0, shown=2)
        found = {"n_labels": 200, "requests": 9000, "train_cpu_s": 1.0, "gap": 0.1}
        evidence = Evidence(task=TASK, gain=gain, options=(told,), **found)  # type: ignore[arg-type]
        record(shop.store, evidence, Decide(), now=9.0, turn="trn_1", bounds=Bounds(strategy="cheapest"))
        rows = [Example(text=f"text {label}", target=label, task=TASK, time=1.0) for label in "abc"]
        made = prefaced(shop, "trn_1", RETRIEVE, champion, rows, at=9.0)
        assert shop.store.versions.get(made.id).prior == (-1.0, -2.0, -1.5)
        assert made.labels == ("a", "b", "c")
