"""Foretelling what a run takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Train
from homeostat.errors import NothingToTrainOn
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.way import Way
from homeostat.train.forecast import forecast
from homeostat.train.head.solve import solve
from homeostat.train.headed import train_version
from homeostat.train.named import named
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from tiny import REPLIES

LABELS = ("refund", "delivery")
EXAMPLES = [Example(text=f"where is my parcel {'please ' * (k % 7)}{k}", target=LABELS[k % 2]) for k in range(40)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of one layer with the built-in model's tokenizer."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model's tokenizer is not there")
    folder = tmp_path_factory.mktemp("base")
    tokenizer = AutoTokenizer.from_pretrained(model_path())
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)  # or what is learned would depend on the tests before
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def order(base: Path, tmp_path: Path) -> Order:
    """Forty rows, five passes, never stopped early."""
    return Order(
        task=Task(name="routing", instruction="route"),
        start=Start(base=str(base)),
        examples=EXAMPLES,
        labels=LABELS,
        recipe=Recipe(epochs=5, batch_rows=8, adapt=Lora(rank=2), patience=1000, held_out=0.2),
        folder=tmp_path / "run",
    )


@pytest.mark.parametrize("adapt", ["lora", "full", "prompt"])
def test_the_forecast_is_what_the_run_then_takes(order: Order, adapt: str) -> None:
    """The steps are the run's exactly, its operations within a few in a hundred: batches differ from pass to pass."""
    ways: dict[str, Way] = {"lora": Lora(rank=2), "full": Full(), "prompt": Prompt(count=8)}
    order = replace(order, recipe=replace(order.recipe, adapt=ways[adapt]))
    told = forecast(order)
    cost = train(order).cost
    assert told.rows + told.held_out == 40
    assert told.held_out > 0
    assert told.steps == cost["steps"]
    assert told.flops == pytest.approx(cost["flops"], rel=0.08)


def test_replies_are_counted_too(order: Order) -> None:
    """A text task predicts every token of the reply, and so costs more than one label code a row."""
    text = replace(
        order,
        task=Task(name="replies", kind=Kind.TEXT),
        examples=[replace(example, target="We are sorry to hear that and will send another.") for example in EXAMPLES],
    )
    assert forecast(text).flops > forecast(order).flops


def test_a_cap_on_the_steps_caps_the_operations(order: Order) -> None:
    """Two fifths of the steps and of the looks are two fifths of the operations."""
    capped = forecast(replace(order, recipe=replace(order.recipe, max_steps=10, looks=4, held_out=0.0, refit=False)))
    whole = forecast(replace(order, recipe=replace(order.recipe, max_steps=0, looks=10, held_out=0.0, refit=False)))
    assert (capped.steps, whole.steps) == (10, 25)
    assert capped.flops == pytest.approx(whole.flops * 10 / whole.steps)


def test_nothing_is_nothing(order: Order) -> None:
    """No rows, no run to foretell."""
    with pytest.raises(NothingToTrainOn):
        forecast(replace(order, examples=[]))


def test_asking_the_champion_is_counted(order: Order, tmp_path: Path) -> None:
    """A run that goes on from a champion asks it about new and replayed rows; the forecast counts that too."""
    first = train(order)
    start = Start(base=order.start.base, folder=first.weights, kind="lora", labels=LABELS)
    half = [replace(row, origin=Origin.REPLAY) if k % 2 else row for k, row in enumerate(EXAMPLES)]
    recipe = replace(order.recipe, penalties=(Divergence(weight=1.0),), max_steps=4)
    warm = replace(order, start=start, examples=half, recipe=recipe, folder=tmp_path / "warm")
    told = forecast(warm)
    assert told.flops > 1.1 * forecast(replace(warm, start=order.start)).flops
    assert told.flops == pytest.approx(train(warm).cost["flops"], rel=0.08)


def test_what_new_labels_are_fitted_to_is_counted(order: Order, tmp_path: Path) -> None:
    """A run that fits the rows of a new label first reads what it trains on; where nothing is new it reads nothing."""
    first = train(order)
    start = Start(base=order.start.base, folder=first.weights, kind="lora", labels=LABELS)
    fresh = [Example(text=f"there is smoke {'in here ' * (k % 7)}{k}", target="fire") for k in range(40)]
    wider = replace(order, start=start, examples=[*EXAMPLES, *fresh], labels=(*LABELS, "fire"))
    same = replace(order, start=start)

    def more(asked: Order) -> tuple[float, float]:
        """What the fit adds: as foretold, and as taken."""
        runs = [
            replace(asked, folder=tmp_path / str(says), recipe=replace(asked.recipe, newcomers=says))
            for says in (False, True)
        ]
        told, took = [forecast(run).flops for run in runs], [train(run).cost["flops"] for run in runs]
        return told[1] - told[0], took[1] - took[0]

    told, took = more(wider)
    assert took > 0
    assert told == pytest.approx(took, rel=0.15)
    assert forecast(replace(same, recipe=replace(same.recipe, newcomers=True))) == forecast(same)


def carrying(order: Order, folder: Path, recipe: Recipe) -> Order:
    """A run that goes on from a champion which has kept the states of 400 rows: 80 of them come again, the others are
    recalled, and 40 rows are of a label that it does not know.
    """
    old = [Example(text=f"where is parcel {'please ' * (k % 7)}{k}", target=LABELS[k % 2]) for k in range(400)]
    first = train(replace(order, examples=old, recipe=replace(recipe, carry=True), folder=folder / "first"))
    start = Start(base=order.start.base, folder=first.weights, kind="lora", labels=LABELS)
    again = [replace(row, origin=Origin.REPLAY if k < 80 else Origin.RECALL) for k, row in enumerate(old)]
    fresh = [Example(text=f"there is smoke {'in here ' * (k % 7)}{k}", target="fire") for k in range(40)]
    return replace(order, start=start, examples=[*fresh, *again], labels=(*LABELS, "fire"), folder=folder / "on")


def test_rows_whose_states_were_kept_are_not_read(order: Order, tmp_path: Path) -> None:
    """Neither to ask the champion about them, nor to fit rows of labels before and after: foretold as it is taken. Who
    carries nothing over reads them, and that is foretold too.
    """
    gentle = {"penalties": (Divergence(),), "newcomers": True, "epochs": 1.0}
    recipe = replace(order.recipe, batch_rows=32, looks=2, held_out=0.1)
    wide = carrying(order, tmp_path, recipe)
    told, took = [], []
    for carry in (True, False):
        run = replace(wide, recipe=replace(recipe, carry=carry, **gentle), folder=tmp_path / str(carry))
        told.append(forecast(run).flops)
        made = train(run).cost
        took.append(made["flops"])
        assert (made["carried"] > 200) == carry
    assert told == pytest.approx(took, rel=0.08)
    assert took[0] < 0.8 * took[1]


def test_heads_are_foretold_too(order: Order, tmp_path: Path) -> None:
    """What an exact head reads, and the steps of one that is trained; both take no more than was said."""
    for name in ("head", "classifier"):
        recipe = replace(named(name, Train()), epochs=2.0, batch_rows=8, adapt=Lora(rank=2))
        made = replace(order, recipe=recipe, folder=tmp_path / name)
        told, trained = forecast(made), (solve if name == "head" else train_version)(made)
        assert told.flops / 1.3 <= trained.cost["flops"] <= 1.01 * told.flops
        assert told.steps == trained.cost["steps"]
    numbers = [replace(row, target=str(len(row.text))) for row in order.examples]
    recipe = replace(named("estimator", Train()), epochs=2.0, batch_rows=8, adapt=Lora(rank=2))
    texts = replace(order, task=REPLIES, labels=(), recipe=recipe, examples=numbers, folder=tmp_path / "estimator")
    told, trained = forecast(texts), train_version(texts)
    assert told.flops / 1.3 <= trained.cost["flops"] <= 1.01 * told.flops
    start = Start(base=order.start.base, folder=tmp_path / "head" / "weights", kind="head", labels=LABELS)
    going = replace(order, recipe=named("head", Train()), start=start, held=order.examples)
    assert forecast(replace(going, examples=order.examples[:-3])).rows == 3
