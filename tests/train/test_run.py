"""From examples to a folder of weights: every family learns, old knowledge is protected, mistakes are named."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import tiny
from homeostat.errors import NothingToTrainOn, UnknownLabel
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.way import Way
from homeostat.train.objectives.distill.sdft import Sdft
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.importance import FADES, FILE, Importance
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, carry_out, prepare, render, train
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version
from shown import Shown

WAYS: dict[str, Way] = {"lora": Lora(), "full": Full()}
QUICK = Recipe(lr=1e-2, epochs=6, batch_rows=12, looks=6, patience=6, warm_up=0.1)
ALL = (*tiny.LABELS, "wrong_bill", "light_out")
NEW = ("wrong_bill", "light_out")
Watched = Callable[..., tuple[Trained, list[dict[str, float]]]]


def served(base: Path | str, trained: Trained | Start) -> LocalBackend:
    """A backend with what was trained, as version `ver_1`."""
    backend = LocalBackend(str(base))
    folder = trained.weights if isinstance(trained, Trained) else trained.folder
    version = Version(id="ver_1", task="t", time=0.0, base="", kind=trained.kind, labels=trained.labels)
    backend.load(version, folder)
    return backend


def asked(rows: Sequence[Example], task: Task = tiny.ROUTING) -> list[Request]:
    return [Request(task=task, text=row.text, version="ver_1", max_tokens=12) for row in rows]


def right(backend: LocalBackend, rows: Sequence[Example], task: Task = tiny.ROUTING) -> list[float]:
    replies = backend.reply(asked(rows, task))
    return [float(reply.text == row.target) for reply, row in zip(replies, rows, strict=True)]


def accuracy(backend: LocalBackend, rows: Sequence[Example], task: Task = tiny.ROUTING) -> float:
    return float(np.mean(right(backend, rows, task)))


SLOW = pytest.mark.slow
FAMILIES = [
    *(("llama", "lora"), ("bert", "full")),
    *(pytest.param(family, "lora", marks=SLOW) for family in ("bert", "roberta", "t5")),
    *(pytest.param(family, "full", marks=SLOW) for family in ("llama", "roberta", "t5")),
]


@pytest.mark.parametrize(("family", "adapt"), FAMILIES)
def test_every_family_learns_labels_and_answers_with_them(family: str, adapt: str, tmp_path: Path) -> None:
    """A decoder, two encoders and a sequence-to-sequence model learn 60 rows of 3 labels to more than 0.9."""
    base = getattr(tiny, family)(tmp_path / "base")
    recipe = replace(QUICK, adapt=WAYS[adapt], lr=5e-3 if adapt == "lora" else 3e-3, epochs=24, looks=8, patience=8)
    rows = tiny.examples()
    order = Order(
        task=tiny.ROUTING,
        start=Start(base=str(base)),
        examples=rows,
        labels=tiny.LABELS,
        recipe=recipe,
        folder=tmp_path / "run",
    )
    trained = train(order)
    assert trained.kind == adapt
    backend = served(base, trained)
    assert accuracy(backend, rows) > 0.9
    assert backend.reply(asked(rows))[0].confidence > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "t5"])
def test_replies_in_words_are_learned(family: str, tmp_path: Path) -> None:
    """A decoder and a sequence-to-sequence model learn to write a reply per request, token by token."""
    base = getattr(tiny, family)(tmp_path / "base")
    words = {"refund_request": "money back today", "late_delivery": "parcel is late", "broken_pump": "pump leaks"}
    rows = [replace(row, target=words[row.target]) for row in tiny.examples()]
    recipe = replace(QUICK, adapt=Full(), lr=3e-3, epochs=24, looks=8, patience=8)
    order = Order(
        task=tiny.REPLIES,
        start=Start(base=str(base)),
        examples=rows,
        labels=(),
        recipe=recipe,
        folder=tmp_path / "run",
    )
    trained = train(order)
    backend = served(base, trained)
    assert accuracy(backend, rows, tiny.REPLIES) > 0.9
    requests = asked(rows, tiny.REPLIES)
    assert backend.surprise(requests, [row.target for row in rows]) < 0.3
    assert trained.cost["kl_new"] == 0.0


def test_what_a_run_costs(watched: Watched) -> None:
    """The cost of a run counts operations, time, steps, padding and how far the model moved, in plain numbers."""
    trained, seen = watched()
    names = {"flops", "cpu_seconds", "wall_seconds", "steps", "best_step", "held_out", "padding", "kl_new", "refit"}
    assert set(trained.cost) == names | {"lr", "cut", "back_offs", "part_rows", "carried", "skipped"}
    assert json.loads(json.dumps(trained.cost)) == trained.cost
    assert trained.cost["steps"] == seen[-1]["steps"] == 30
    assert trained.cost["held_out"] == min(values["held_out"] for values in seen)
    assert [trained.cost[name] for name in ("kl_new", "cut", "back_offs", "part_rows")] == [0.0] * 4
    assert trained.labels == tiny.LABELS
    assert sorted(path.name for path in trained.weights.glob("*.safetensors")) == ["adapter_model.safetensors"]


def test_the_same_order_leaves_the_same_files(watched: Watched, tmp_path: Path) -> None:
    """Two runs of one order in two folders write the same weights, byte by byte, and name no path in them."""
    folders = [watched(folder=tmp_path / name)[0].weights for name in ("a", "b")]
    for file in sorted(folders[0].iterdir()):
        assert file.read_bytes() == (folders[1] / file.name).read_bytes()
        assert str(tmp_path).encode() not in file.read_bytes()


def test_how_far_the_candidate_moved(watched: Watched, champion: Start) -> None:
    """`kl_new` is the mean KL(champion || candidate) over the champion's labels on the new rows, as they answer."""
    rows = [*tiny.examples(NEW, each=12, seed=4), *tiny.examples(each=8, seed=5, origin=Origin.REPLAY)]
    trained, _ = watched(start=champion, examples=rows, labels=ALL)
    new = [row for row in rows if row.origin is Origin.NEW]
    old = np.stack(served(champion.base, champion).score(asked(new)))
    now = np.stack(served(champion.base, trained).score(asked(new)))[:, : len(champion.labels)]
    now -= np.log(np.exp(now).sum(1, keepdims=True))
    assert trained.cost["kl_new"] == pytest.approx(float((np.exp(old) * (old - now)).sum(1).mean()), rel=1e-3)
    assert trained.cost["kl_new"] > 0.05


def test_how_far_a_cold_start_moved(watched: Watched, champion: Start) -> None:
    """A candidate from the bare base is compared with the champion too; one that stays put has not moved."""
    rows = tiny.examples(NEW, each=12, seed=4)
    cold, _ = watched(start=champion, examples=rows, labels=ALL, recipe=replace(QUICK, warm_start=False))
    still, _ = watched(
        start=champion, examples=rows, labels=ALL, recipe=replace(QUICK, lr=1e-12, refit=False), folder=champion.folder
    )
    assert cold.cost["kl_new"] > 0.05
    assert abs(still.cost["kl_new"]) < 1e-5


def test_how_far_a_candidate_of_another_kind_moved(watched: Watched, tmp_path: Path) -> None:
    """A champion with a learned prompt is asked behind that, and a candidate with an adapter begins at the base; a text
    that with the prompt does not fit the context is not asked about.
    """
    base = str(tiny.bert(tmp_path / "bert"))
    rows = [*tiny.examples(each=12), replace(tiny.examples()[0], text="pump noise " * 100)]
    recipe = replace(QUICK, adapt=Prompt(count=30), lr=5e-2)
    first, _ = watched(start=Start(base=base), examples=rows, recipe=recipe, folder=tmp_path / "prompt")
    champion = Start(base=base, folder=first.weights, kind=first.kind, labels=first.labels)
    moved, _ = watched(start=champion, examples=rows, folder=tmp_path / "lora")
    assert (first.kind, moved.kind) == ("prompt", "lora")
    assert moved.cost["kl_new"] > 0.01


def test_going_on_from_full_weights(watched: Watched, champion: Start, tmp_path: Path) -> None:
    """A champion with weights of its own is gone on from, and one of another kind is not."""
    recipe = replace(QUICK, adapt=Full(), lr=3e-3, epochs=12)
    first, _ = watched(recipe=recipe, folder=tmp_path / "first")
    start = Start(base=champion.base, folder=first.weights, kind="full", labels=tiny.LABELS)
    still = replace(recipe, lr=1e-12, max_steps=1, refit=False)
    warm, _ = watched(start=start, recipe=still, folder=tmp_path / "warm")
    cold, _ = watched(start=champion, recipe=still, folder=tmp_path / "cold")
    rows = tiny.examples(seed=3)
    assert accuracy(served(champion.base, first), rows) == accuracy(served(champion.base, warm), rows) > 0.7
    assert accuracy(served(champion.base, cold), rows) < 0.6


@pytest.mark.slow
def test_replay_and_divergence_protect_what_was_known(
    watched: Watched, champion: Start, tmp_path: Path, shown: Shown
) -> None:
    """Trained on two new labels alone, a model forgets the old three; with replay and divergence from the champion it
    keeps them, moves less on old rows, and has learned the new ones too. Means over draws.
    """
    arms = {"naive": QUICK, "careful": replace(QUICK, penalties=(Divergence(weight=1.0),))}
    kept, fresh, moved = ({name: list[float]() for name in arms} for _ in range(3))
    for draw in shown.draws(1):
        known = tiny.examples(each=40, seed=10 * draw + 8)
        before = np.stack(served(champion.base, champion).score(asked(known)))
        assert accuracy(served(champion.base, champion), known) > 0.85
        for name, recipe in arms.items():
            new = tiny.examples(NEW, each=30, seed=10 * draw + 4)
            old = tiny.examples(each=20, seed=10 * draw + 5, origin=Origin.REPLAY) if name == "careful" else []
            folder, gentle = tmp_path / f"{name}{draw}", replace(recipe, lr=3e-3, epochs=8, seed=draw)
            trained, _ = watched(start=champion, examples=[*new, *old], labels=ALL, recipe=gentle, folder=folder)
            backend = served(champion.base, trained)
            fresh[name].append(accuracy(backend, tiny.examples(NEW, each=40, seed=10 * draw + 8)))
            kept[name].append(accuracy(backend, known))
            after = np.stack(backend.score(asked(known)))[:, :3]
            after -= np.log(np.exp(after).sum(1, keepdims=True))
            moved[name].append(float((np.exp(before) * (before - after)).sum(1).mean()))
    assert min(np.mean(fresh["naive"]), np.mean(fresh["careful"])) > 0.8
    assert np.mean(kept["naive"]) < 0.4
    assert np.mean(kept["careful"]) > 0.75
    assert np.mean(moved["careful"]) < np.mean(moved["naive"])
    of = "share of unseen rows of what was known told right, more than after new rows alone"
    shown.over(of, [a - b for a, b in zip(kept["careful"], kept["naive"], strict=True)], least=0.2)


def test_what_mattered_goes_along(watched: Watched, llama: Path, tmp_path: Path) -> None:
    """A version keeps what mattered in it, as a part of what it costs; its successor, which has new labels alone, is
    held by it, and keeps what mattered to both.
    """
    short = replace(QUICK, max_steps=3, looks=1, refit=False)
    first, _ = watched(recipe=replace(short, importance=True), folder=tmp_path / "first")
    plain, _ = watched(recipe=short, folder=tmp_path / "plain")
    assert not (plain.weights / FILE).exists()
    assert first.cost["flops"] > 1.1 * plain.cost["flops"]
    recipe = replace(short, penalties=(Ewc(weight=100.0),), importance=True)
    new = {"recipe": recipe, "examples": tiny.examples(NEW, each=8), "labels": ALL}
    held, _ = watched(**new, start=started(first, llama), folder=tmp_path / "held")
    free, _ = watched(**new, start=started(plain, llama), folder=tmp_path / "free")
    before, both = (Importance.read(one.weights).parts for one in (first, held))
    assert set(before) == set(both)
    layers = [name for name, part in before.items() if not part.tokens]
    assert all((both[name].matters >= FADES * before[name].matters - 1e-6).all() for name in layers)
    (table,) = set(before) - set(layers)
    assert len(both[table].tokens) == len(before[table].tokens) + len(NEW)
    one, other = (load_file(each.weights / "adapter_model.safetensors") for each in (held, free))
    assert any(not one[name].equal(other[name]) for name in one)


def started(trained: Trained, base: Path) -> Start:
    """Where a successor begins."""
    return Start(base=str(base), folder=trained.weights, kind=trained.kind, labels=trained.labels)


def test_mistakes_are_named(watched: Watched) -> None:
    """A label outside the set, and no rows at all each raise their error."""
    with pytest.raises(UnknownLabel, match="late_delivry"):
        watched(examples=[Example(text="hi", target="late_delivry")])
    with pytest.raises(NothingToTrainOn):
        watched(examples=[])


def test_one_row_is_enough(watched: Watched) -> None:
    """A single example is trained on, with nothing held out."""
    trained, seen = watched(examples=tiny.examples(each=1)[:1])
    assert trained.cost["steps"] == len(seen) == 6


def test_the_caller_is_told_of_every_look(watched: Watched, tmp_path: Path) -> None:
    """A run that was broken off by its caller goes on from the look before, and reports the rest."""
    steps: list[float] = []

    def stop(values: dict[str, float]) -> None:
        steps.append(values["step"])
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watched_order(watched, stop, tmp_path)
    _, seen = watched(folder=tmp_path / "broken")
    assert steps == [5, 10, 15]
    assert [values["step"] for values in seen] == [15, 20, 25, 30]


def watched_order(watched: Any, report: Callable[[dict[str, float]], None], folder: Path) -> None:
    """Run the order with another listener."""
    order: Order = watched.__closure__[0].cell_contents
    train(replace(order, report=report, folder=folder / "broken"))


def test_a_text_task_takes_no_labels(watched: Watched) -> None:
    """A task of text trains on replies in words and leaves a version without labels."""
    task = Task(name="replies", kind=Kind.TEXT)
    rows = [Example(text=f"question {k}", target=f"answer {k}") for k in range(12)]
    trained, _ = watched(task=task, examples=rows, labels=())
    assert trained.labels == ()
    assert trained.cost["kl_new"] == 0.0


def test_an_order_can_be_handed_to_another_process(order: Order) -> None:
    """It is plain values with a listener that has a name."""
    assert pickle.loads(pickle.dumps(order)) == order


def test_made_ready_and_carried_out_is_trained(order: Order, tmp_path: Path) -> None:
    """In two parts it is the same training; what asking the champion took is known before the first step."""
    parts = replace(order, folder=tmp_path / "parts")
    prepared = prepare(parts)
    assert prepared.flops == prepared.champion.flops == 0.0  # there is no champion to ask
    made, whole = carry_out(parts, prepared), train(order)
    assert made.cost["held_out"] == whole.cost["held_out"]
    assert made.cost["flops"] == whole.cost["flops"]
    assert prepared.flops > 0


def test_rows_are_shown_with_their_answers_where_that_is_asked_for(llama: Path, order: Order) -> None:
    """The answer stands in the prompt as the template says, whatever marks the words of either spell; without such an
    objective, and where both do not fit, nothing is shown.
    """
    renderer = Renderer(open_model(str(llama)).tokenizer)
    row = Example(text="a {reply} <|end|>", target="money {request}")
    task = Task(name="replies", kind=Kind.TEXT)
    asked = replace(order, task=task, examples=[row], recipe=replace(order.recipe, objective=Sdft(template=TEMPLATE)))
    (sample,) = render(asked, renderer, None)
    wanted = "<|user|>a {reply} <|end|> = money {request}<|end|><|assistant|>"
    assert renderer.tokenizer.decode(sample.shown) == wanted
    assert sample.shown.count(renderer.tokenizer.eos_token_id) == 1
    (plain,) = render(replace(asked, recipe=order.recipe), renderer, None)
    assert plain.shown == ()
    assert plain.rendered == sample.rendered
    (long,) = render(replace(asked, examples=[replace(row, text="parcel " * 200)]), renderer, None)
    assert long.shown == ()


TEMPLATE = "{request} = {reply}"
