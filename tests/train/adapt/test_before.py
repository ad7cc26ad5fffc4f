"""Prompt and prefix tuning: a lead alone is trained, begins at the task's words, learns, and is served as trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import tiny
from homeostat.builtin.resources import model_path
from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.adapters import ADAPTER, LEAD
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.lead import embed, lead_of, use_lead
from homeostat.llm.load import Opened, open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered, Renderer
from homeostat.stats.intervals import paired
from homeostat.train.adapt.before import Before, words
from homeostat.train.adapt.prefix import Prefix
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train
from homeostat.types.version import Version
from shown import Shown
from train.adapt.conftest import Learn, samples

WAYS = [pytest.param(Prompt(count=6), id="prompt"), pytest.param(Prefix(count=6), id="prefix")]
ALL = tuple(tiny.WORDS)


def own(model: Any) -> Mapping[str, Tensor]:
    """Copies of the base's own tensors, by the names that it has without anything on it."""
    named = {n.replace(".token_adapter.base_layer", ""): t for n, t in model.state_dict().items()}
    return {n: t.clone() for n, t in named.items() if "leads." not in n and "token_adapter" not in n}


def asked(opened: Opened, texts: list[str]) -> list[Rendered]:
    lead = lead_of(opened.model)
    renderer = Renderer(opened.tokenizer, lead=lead.places if lead else 0)
    return [Rendered(renderer.prompt(tiny.ROUTING, text), (0,)) for text in texts]


def version(name: str, trained: Trained) -> Version:
    return Version(id=name, task="t", time=0.0, base="", kind=trained.kind, labels=trained.labels, prior=trained.prior)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_else_is_trained(base: str, learn: Learn, way: Before) -> None:
    """After twelve steps the base's tensors are the same bit by bit, and so is all that it says with the lead switched
    off; the rows of the labels are where they began.
    """
    opened, untouched = open_model(base), open_model(base)
    before = own(opened.model)
    learn(opened, way)
    trained = {n for n, t in opened.model.named_parameters() if t.requires_grad}
    assert {n.rpartition(".")[0] for n in trained} == {"leads.tuned"}
    after = own(opened.model)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[n], after[n]) for n in before)
    labels = torch.tensor([s[0] for s in encode_labels(opened.tokenizer, tiny.LABELS).sequences])
    begun = open_model(base)
    way.attach(begun.model, rows={int(t): torch.full((48,), 0.1) for t in labels})
    rows = way.label_rows(begun.model, labels)
    assert rows is not None
    assert torch.equal(rows.read(), torch.full((3, 48), 0.1))
    use_lead(opened.model, "")
    opened.model.disable_adapters()
    texts = asked(untouched, ["where is my parcel", "hello"])
    assert torch.equal(predict(opened, texts).logits, predict(untouched, texts).logits)


@pytest.mark.parametrize("way", WAYS)
def test_a_small_model_learns(base: str, learn: Learn, way: Before) -> None:
    """Forty steps on a model that knows nothing lower the loss by more than a fifth, and not by the labels' rows."""
    losses = learn(open_model(base), way, 40, 1e-1)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("way", WAYS)
def test_it_begins_at_the_words_of_the_task(base: str, way: Before) -> None:
    """Before the first step the model says what it says when the words of the task stand before the prompt."""
    opened, rows = open_model(base), [s.rendered for s in samples(open_model(base))]
    way.attach(opened.model, rows={row.completion[0]: torch.randn(48) for row in rows})
    way.look(opened, rows)
    found = words(opened, rows, way.count)
    lead = lead_of(opened.model)
    with torch.no_grad():
        said = predict(opened, rows).logits
        use_lead(opened.model, "")
        wanted = predict(opened, [Rendered((*found, *r.prompt), r.completion) for r in rows]).logits
    torch.testing.assert_close(said, wanted, rtol=0, atol=1e-4)
    assert lead is not None
    assert len({row.completion[0] for row in rows} & set(found[:3])) == 3


def test_the_words_of_a_task(base: str) -> None:
    """Labels come first, for half of the places at most, then what most prompts share, and no mark of the template;
    too few words come again, and no rows give none.
    """
    opened = open_model(base)
    rows = [Rendered((50, 60 + k, 0), (70 + min(k, 3),)) for k in range(8)]
    assert words(opened, rows, 6)[:4] == [73, 70, 71, 50]
    assert 0 in opened.tokenizer.all_special_ids
    assert 0 not in words(opened, rows, 40)
    assert words(opened, [Rendered((50, 51), (60, 61))], 5) == [50, 51, 50, 51, 50]
    assert words(opened, [], 5) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_run_is_served_as_it_was_trained(base: str, tmp_path: Path, way: Before) -> None:
    """What is saved scores labels as the model that was trained, to 1e-6; the labels' fitted rows lie beside it."""
    order = Order(
        task=tiny.ROUTING,
        start=Start(base=base),
        examples=tiny.examples(each=16),
        labels=tiny.LABELS,
        recipe=Recipe(adapt=way, lr=5e-2, epochs=4, batch_rows=16),
        folder=tmp_path,
    )
    trained = train(order)
    assert (trained.kind, sorted(p.name for p in trained.weights.glob("*.safetensors"))) == (
        way.kind,
        [ADAPTER, LEAD],
    )
    opened = open_model(base)
    way.attach(opened.model, trained.weights)
    way.look(opened, asked(opened, ["something else"]))  # it goes on and does not begin again
    codes = torch.tensor([s[0] for s in encode_labels(opened.tokenizer, tiny.LABELS).sequences])
    texts = [*tiny.texts("broken_pump", 5, 9), "x"]
    with torch.no_grad():
        logs = predict(opened, asked(opened, texts)).logits[:, codes].log_softmax(-1)
    if trained.prior:
        logs = (logs - torch.tensor(trained.prior)).log_softmax(-1)
    backend = LocalBackend(base)
    backend.load(version("ver_1", trained), trained.weights)
    said = np.stack(backend.score([Request(task=tiny.ROUTING, text=t, version="ver_1") for t in texts]))
    np.testing.assert_allclose(said, logs.numpy(), atol=1e-6)
    champion = Start(base=base, folder=trained.weights, kind=trained.kind, labels=trained.labels)
    after = train(replace(order, start=champion, recipe=replace(order.recipe, max_steps=1, lr=1e-9, refit=False)))
    assert after.cost["kl_new"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_equal_runs_are_equal_files(base: str, tmp_path: Path, way: Before) -> None:
    """The same run twice leaves the same bytes; another seed begins elsewhere where no rows are shown."""
    files = []
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        model = open_model(base).model
        way.attach(model, rows={60: torch.ones(48)}, seed=seed)
        way.save(model, tmp_path / name)
        files.append([(tmp_path / name / file).read_bytes() for file in (LEAD, ADAPTER, "adapter_config.json")])
    assert files[0] == files[1]
    assert files[0][0] != files[2][0]


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_families_without_rows_of_labels(family: str, tmp_path: Path) -> None:
    """An encoder and a sequence-to-sequence model learn by a prompt, and are served as trained, from one file."""
    base = str(getattr(tiny, family)(tmp_path / "base"))
    way = Prompt(count=4)
    trained = train(
        Order(
            task=replace(tiny.ROUTING, instruction=""),
            start=Start(base=base),
            examples=tiny.examples(each=8),
            labels=tiny.LABELS,
            recipe=Recipe(adapt=way, lr=1e-1, epochs=6, batch_rows=8),
            folder=tmp_path / "run",
        )
    )
    told = [] if family == "t5" else [ADAPTER]
    assert sorted(p.name for p in trained.weights.glob("*.safetensors")) == [*told, LEAD]
    backend = LocalBackend(base)
    backend.load(version("ver_1", trained), trained.weights)
    task = replace(tiny.ROUTING, instruction="")
    requests = [Request(task=task, text="my pump leaks", version=v) for v in ("ver_1", "")]
    requests[1] = replace(requests[1], task=replace(task, labels=tiny.LABELS))
    lead, bare = backend.score(requests)
    assert abs(lead - bare).max() > 1e-3


def test_what_cannot_be_gone_on_from(base: str, tmp_path: Path) -> None:
    """Another number of places than the champion's, a lead of the other kind or of another base, and no places at all
    are told apart and refused; so are keys and values where a model cannot have them.
    """
    Prompt(count=6).attach(model := open_model(base).model)
    Prompt(count=6).save(model, tmp_path / "kept")
    with pytest.raises(UnsuitedModel, match="6 places before a prompt, not 8"):
        Prompt(count=8).attach(open_model(base).model, tmp_path / "kept")
    with pytest.raises(CorruptWeights, match="does not fit its base"):
        Prompt(count=6).attach(open_model(str(tiny.llama(tmp_path / "wide", hidden=64))).model, tmp_path / "kept")
    with pytest.raises(UnsuitedModel, match="no places"):
        Prompt(count=0).attach(open_model(base).model)
    with pytest.raises(UnsuitedModel, match="only a decoder"):
        Prefix().attach(open_model(str(tiny.bert(tmp_path / "bert"))).model)
    save_file({"noise": torch.ones(2)}, tmp_path / "kept" / LEAD)
    with pytest.raises(CorruptWeights, match="does not fit its base"):
        Prompt(count=6).attach(open_model(base).model, tmp_path / "kept")


@pytest.mark.parametrize("way", WAYS)
def test_it_does_not_decay(base: str, way: Before) -> None:
    """What stands before a prompt is not pulled toward zero."""
    model = open_model(base).model
    parameters = way.attach(model)
    tempi = way.tempi(model)
    assert len(tempi) == len(parameters)
    assert not any(tempo.decays for tempo in tempi)


@pytest.mark.slow
@pytest.mark.parametrize("way", [pytest.param(Prompt(), id="prompt"), pytest.param(Prefix(), id="prefix")])
def test_a_real_model_learns_a_task(tmp_path: Path, way: Before, draw: int, shown: Shown) -> None:
    """On the built-in model, with the labels' rows left where they begin, many more unseen requests are told right than
    with the same lead before training, by a paired interval that leaves out ten points.
    """
    if not (model_path() / "model.safetensors").exists():
        pytest.skip("the built-in model is not there")
    order = Order(
        task=tiny.ROUTING,
        start=Start(base="builtin"),
        examples=tiny.examples(ALL, each=24, seed=10 * draw),
        labels=ALL,
        recipe=Recipe(adapt=way, lr=3e-2, epochs=6, batch_rows=16, looks=6, patience=6, refit=False, seed=draw),
        folder=tmp_path / "trained",
    )
    runs = {"ver_trained": train(order)}
    still = replace(order.recipe, lr=1e-12, max_steps=1)
    runs["ver_begun"] = train(replace(order, recipe=still, folder=tmp_path / "begun"))
    begun, trained = (load_file(runs[name].weights / LEAD) for name in ("ver_begun", "ver_trained"))
    assert sum(t.numel() for t in trained.values()) == way.count * (
        open_model("builtin").model.config.hidden_size if way.kind == "prompt" else per_place()
    )
    assert max(float((begun[n] - trained[n]).abs().max()) for n in begun) > 0.01
    backend = LocalBackend("builtin")
    rows, right = tiny.examples(ALL, each=30, seed=10 * draw + 5), {}
    for name, run in runs.items():
        backend.load(version(name, run), run.weights)
        said = backend.reply([Request(task=tiny.ROUTING, text=row.text, version=name) for row in rows])
        right[name] = np.array([r.text == row.target for r, row in zip(said, rows, strict=True)], float)
    gained = paired(right["ver_trained"], right["ver_begun"])
    shown.within("share of unseen rows told right, more than by the same lead before training", gained, least=0.1)


def per_place() -> int:
    """Numbers of the built-in model's keys and values at one place."""
    config = open_model("builtin").model.config
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return int(2 * config.num_hidden_layers * config.num_key_value_heads * size)


def test_the_numbers_of_a_lead(base: str) -> None:
    """Rows are places × width; keys and values 2 × layers × places × the width of the keys."""
    count = {way.kind: sum(t.numel() for t in way.attach(open_model(base).model)) for way in (Prompt(), Prefix())}
    assert count == {"prompt": 16 * 48, "prefix": 2 * 2 * 16 * 24}


def test_rows_are_read_by_what_reads_tokens(base: str) -> None:
    """What a lead begins at are rows as the model reads them, those of labels included."""
    opened = open_model(base)
    Prompt(count=2).attach(opened.model, rows={60: torch.full((48,), 0.5)})
    assert torch.equal(embed(opened.model, torch.tensor([60])), torch.full((1, 48), 0.5))
