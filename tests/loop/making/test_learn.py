"""Learning: trained once, registered once, and the same whatever process did it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_project import NEW, ONSET, TASK

from homeostat.config.schema import Train
from homeostat.curate.build import Curated, Inputs
from homeostat.curate.snapshot import examples
from homeostat.errors import WrongType
from homeostat.loop import steps
from homeostat.loop.making.learn import (
    Lesson,
    curating,
    learn,
    learnable,
    priced,
    start_of,
    version_id,
    wished,
    with_copies,
)
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.release.publish import publish
from homeostat.train.budget import Budget
from homeostat.train.head.solve import SUMS
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe, plain
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task

SCRIPT = """
import json, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from small_project import TASK, configuration
from homeostat.curate.snapshot import examples
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
shop = Workshop.open(configuration(Path(sys.argv[2]), Path(sys.argv[3])))
champion = shop.champion(TASK)
recipe = named("careful", shop.config.train)
version = learn(shop, Lesson(task=TASK, dataset=champion.dataset, recipe=recipe, version="ver_x", parent=champion))
print(json.dumps(version.blob))
"""


def lesson(shop: Workshop, **more: Any) -> Lesson:
    """To learn the champion's own rows again, from the champion."""
    champion = shop.champion(TASK)
    recipe = named("careful", shop.config.train)
    return Lesson(task=TASK, dataset=champion.dataset, recipe=recipe, version="ver_x", parent=champion, **more)


def test_what_is_learned_is_registered_with_where_it_came_from(shop: Workshop) -> None:
    """The version names its parent, dataset, recipe and cost, its weights are a blob, and its run leaves nothing."""
    told: list[dict[str, float]] = []
    version = learn(shop, lesson(shop, time=5.0), told.append)

    champion = shop.champion(TASK)
    assert shop.store.versions.get("ver_x") == version
    assert (version.parent, version.dataset, version.time) == (champion.id, champion.dataset, 5.0)
    assert (version.labels, version.base, version.kind) == (champion.labels, champion.base, "lora")
    rows = Rows.of(examples(shop.store, champion.dataset))
    assert version.recipe == plain(paced(lesson(shop).recipe, shop.config.train, rows, champion.labels))
    assert version.cost["steps"] == told[-1]["step"]
    assert shop.store.blobs.folder(version.blob).is_dir()
    assert list((Path(shop.config.folder) / "runs").iterdir()) == []
    assert [event.values for event in shop.store.events.list("ver_x")] == told


def test_bad_replies_are_for_who_learns_from_ratings() -> None:
    """Such a recipe wants them, and learns all rows of a dataset; others neither want nor learn them."""
    settings = Train(recipes={"thumbs": {"objective": "kto"}, "both": {"objective": {"mixed": {"alone": "rated"}}}})
    rows = [Example(text="where is it", target="Soon.", value=value) for value in (None, 0.0, 1.0)]
    task = Task(name="replies", kind=Kind.TEXT)
    for name, rates in (("thumbs", True), ("both", True), ("careful", False)):
        recipe = named(name, settings)
        assert wished(Inputs(task=task), recipe).rated is rates
        assert len(learnable(rows, recipe)) == 2 + rates


def test_a_lesson_is_learned_once(shop: Workshop) -> None:
    """Learning it again gives the version that is there, without another step."""
    first = learn(shop, lesson(shop))
    told: list[dict[str, float]] = []
    assert learn(shop, lesson(shop), told.append) == first
    assert told == []


def test_a_lesson_is_learned_once_by_two_at_the_same_time(shop: Workshop) -> None:
    """The same training asked for twice at once: one trains, the other waits and has the version; nothing is left."""
    told: list[list[dict[str, float]]] = [[], []]
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda one: learn(shop, lesson(shop), one.append), told)
    assert first == second == shop.store.versions.get("ver_x")
    assert sorted(map(bool, told)) == [False, True]
    assert list((Path(shop.config.folder) / "runs").iterdir()) == []


def test_a_run_left_behind_by_a_crash_is_cleared_away(shop: Workshop) -> None:
    """A crash between the registration and the clearing leaves a folder, which the next one removes."""
    learn(shop, lesson(shop))
    (shop.run_folder("ver_x") / "weights").mkdir()
    learn(shop, lesson(shop))
    assert list((Path(shop.config.folder) / "runs").iterdir()) == []


def test_the_parents_base_is_gone_on_with(shop: Workshop) -> None:
    """A champion's adapter fits its own base alone, whatever base the configuration names for new tasks."""
    champion = shop.champion(TASK)
    elsewhere = Workshop(replace(shop.config, model=replace(shop.config.model, base="builtin")), shop.store)
    assert start_of(elsewhere, champion).base == champion.base
    assert start_of(elsewhere, None).base == "builtin"
    assert learn(elsewhere, lesson(elsewhere)).base == champion.base


def test_ids_follow_from_what_they_are_made_of() -> None:
    """The same turn and recipe make the same id; anything else another."""
    assert version_id("trn_1", "careful") == version_id("trn_1", "careful")
    assert version_id("trn_1", "careful") != version_id("trn_1", "naive")
    assert version_id("trn_1", "careful").startswith("ver_")


@pytest.mark.slow
def test_two_processes_learn_the_same_bytes(laid: Any, tmp_path: Path) -> None:
    """Python hashes texts differently in each process; the files of a version are the same all the same."""
    blobs = set()
    for seed in ("1", "2"):
        project = Path(laid.folder)
        copied = tmp_path / seed
        subprocess.run(["cp", "-r", project, copied], check=True)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[3] / "bench"), str(copied), laid.model.base],
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        blobs.add(json.loads(done.stdout.splitlines()[-1]))
    assert len(blobs) == 1


def test_trackers_are_told_of_every_look(shop: Workshop) -> None:
    """What `train.track` names has the looks that the store has, and what the run cost."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracked = replace(shop.config, train=replace(shop.config.train, track=("tensorboard",)))
    version = learn(Workshop(tracked, shop.store), lesson(shop))
    read = EventAccumulator(str(Path(tracked.folder) / "tracking" / "tensorboard" / TASK / "ver_x")).Reload()
    kept = [event.values for event in shop.store.events.list("ver_x") if event.name == "training"]
    assert [(e.step, pytest.approx(e.value)) for e in read.Scalars("train/loss")] == [
        (values["step"], values["loss"]) for values in kept
    ]
    assert read.Scalars("cost/flops")[0].value == pytest.approx(version.cost["flops"])


def test_a_head_is_made_of_every_row_and_gone_on_from(shop: Workshop) -> None:
    """What the champion learned and what users said since are one head, which knows the new labels; learned again from
    itself it reads nothing anew and is the same, byte for byte.
    """
    champion, recipe = shop.champion(TASK), named("head", shop.config.train)
    dataset = steps.curate(shop, Now("trn_h", TASK, ONSET + 1000.0), "head")
    first = learn(shop, Lesson(task=TASK, dataset=dataset, recipe=recipe, version="ver_h", parent=champion))
    rows = examples(shop.store, dataset)
    assert (first.kind, set(first.labels), first.cost["rows"]) == ("head", {*champion.labels, *NEW}, len(rows))
    assert {e.text for e in examples(shop.store, champion.dataset)} <= {e.text for e in rows}
    again = learn(shop, Lesson(task=TASK, dataset=dataset, recipe=recipe, version="ver_i", parent=first))
    assert (again.blob, again.parent, again.cost["added"]) == (first.blob, "ver_h", 0.0)
    assert (shop.store.blobs.folder(first.blob) / SUMS).exists()


def test_an_exact_head_takes_every_row(shop: Workshop) -> None:
    """`curate.max_rows` is for what is paid by the row."""
    tight = Workshop(replace(shop.config, curate=replace(shop.config.curate, max_rows=5)), shop.store)
    assert curating(tight, named("classifier", shop.config.train)).max_rows == 5
    assert curating(tight, named("head", shop.config.train)).max_rows > 10**6


def test_a_classifier_is_trained_by_steps_and_answers(shop: Workshop) -> None:
    """A head with an adapter beneath it is a version too, and is right about the rows that it has learned."""
    recipe = replace(named("classifier", shop.config.train), epochs=20.0)
    version = learn(shop, replace(lesson(shop), recipe=recipe))
    rows = examples(shop.store, version.dataset)
    replies = shop.answers(shop.config.task(TASK), version, [row.text for row in rows])
    assert (version.kind, version.labels) == ("head", shop.champion(TASK).labels)
    assert sum(r.text == row.target for r, row in zip(replies, rows, strict=True)) > 0.8 * len(rows)
    assert version.cost["steps"] > 0
    beside = replace(lesson(shop), parent=version, version="ver_beside", recipe=named("first", shop.config.train))
    assert learn(shop, beside).cost["kl_new"] > 0  # from a champion that is a head, and so was not asked in passing


@pytest.mark.slow
def test_what_is_published_others_can_load(shop: Workshop, tmp_path: Path) -> None:
    """PEFT puts a published adapter on its base, with weights that are not those of a fresh one."""
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    champion = shop.champion(TASK)
    assert "adapter_config.json" in publish(shop.store, champion, tmp_path / "out")
    base = transformers.AutoModelForCausalLM.from_pretrained(champion.base)
    model = peft.PeftModel.from_pretrained(base, tmp_path / "out")
    assert any("lora_B" in name and bool(weight.abs().sum() > 0) for name, weight in model.named_parameters())


def test_money_is_reckoned_at_the_projects_prices(shop: Workshop) -> None:
    """Where a recipe limits what a run may cost and names no price; a recipe without such a limit stays as it is."""
    config = replace(shop.config, decide=replace(shop.config.decide, price_per_gpu_hour=7.0))
    plain = named("careful", config.train)
    limited = priced(config, TASK, replace(plain, budget=Budget(money=5.0, price_per_cpu_hour=0.5)))
    assert (limited.budget.price_per_cpu_hour, limited.budget.price_per_gpu_hour) == (0.5, 7.0)
    assert priced(config, TASK, plain) == plain


def test_nobody_is_trained_on_copies_that_turn_what_is_right() -> None:
    """A copy keeps its row's label, which would be wrong of the opposite."""
    row = Example(text="Cancel my order", target="cancel", task="routing")
    with pytest.raises(WrongType, match="labeled wrongly"):
        with_copies(Curated(examples=(row,), counts={}, labels=()), Recipe(disturb=("typos", "negated")), [])
