"""A fresh adapter on the champion's: begins as the champion, leaves it as it is, and is served as one adapter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import tiny
from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.adapters import add_adapter
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened, open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.fit import fit
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.stay import Stay
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, prepare
from homeostat.train.transfer.product import Adapter
from homeostat.types.dataset import Origin
from shown import Shown
from train.penalties import forgetting


@torch.no_grad()
def told(opened: Opened) -> Tensor:
    """Logits of a few rows of both domains."""
    rows = [s.rendered for s in (*forgetting.rows(forgetting.OLD, 3, 1), *forgetting.rows(forgetting.NEW, 3, 1))]
    return predict(opened, rows).logits


def served(base: str, folder: Path) -> Tensor:
    """The same from the bare base with the adapter in a folder."""
    opened = open_model(base)
    add_adapter(opened.model, folder, "ver_1")
    return told(opened)


def test_it_begins_as_the_champion(champion: Start, tmp_path: Path) -> None:
    """Before the first step it says what the champion says, under and over it, and so it is saved."""
    opened = open_model(champion.base)
    Stacked(rank=2).attach(opened.model, champion.folder)
    assert champion.folder is not None
    wanted = served(champion.base, champion.folder)
    assert torch.allclose(told(opened), wanted, atol=1e-5)
    Stacked(rank=2).save(opened.model, tmp_path)
    assert torch.allclose(served(champion.base, tmp_path), wanted, atol=1e-5)


@pytest.mark.slow
def test_new_rows_are_told_right(champion: Start, shown: Shown) -> None:
    """With rank 2 beside the champion's adapter, which stays as it is, far more rows of a new domain are told right."""
    gained = []
    for draw in shown.draws(2):
        work = forgetting.job(champion, replace(forgetting.RECIPE, adapt=Stacked(rank=2), seed=draw), draw)
        before = forgetting.told_apart(work, forgetting.NEW, draw)[1]
        fit(work)
        gained.append(forgetting.told_apart(work, forgetting.NEW, draw)[1] - before)
    shown.over("share of unseen rows of a new domain told right, more than before training", gained, least=0.3)


def test_what_it_learned_is_served_from_the_bare_base(champion: Start, tmp_path: Path) -> None:
    """After a run the saved adapter says what the trained model says; its rank is the sum, and cut to `most_rank` it is
    the nearest of that rank.
    """
    way = Stacked(rank=2)
    work = forgetting.job(champion, replace(forgetting.RECIPE, adapt=way))
    before = forgetting.told_apart(work, forgetting.NEW)[1]
    fit(work)
    assert forgetting.told_apart(work, forgetting.NEW)[1] > before + 0.3
    way.save(work.ground.opened.model, tmp_path / "whole")
    assert torch.allclose(served(champion.base, tmp_path / "whole"), told(work.ground.opened), atol=1e-4)
    assert champion.folder is not None
    below, whole = Adapter.read(champion.folder), Adapter.read(tmp_path / "whole")
    assert whole.rank == below.rank + 2
    replace(way, most_rank=below.rank).save(work.ground.opened.model, tmp_path / "cut")
    cut = Adapter.read(tmp_path / "cut")
    assert cut.rank == below.rank
    for name, product in cut.layers.items():
        lengths = torch.linalg.svdvals(whole.layers[name].dense())
        missed = torch.linalg.matrix_norm(product.dense() - whole.layers[name].dense())
        assert float(missed) == pytest.approx(float(lengths[below.rank :].norm()), abs=1e-4)


def test_only_the_fresh_adapter_is_trained(champion: Start) -> None:
    """Its tensors have its own rank, and rows of labels go on from the champion's."""
    opened = open_model(champion.base)
    extra = {99: torch.ones(48)}
    parameters = Stacked(rank=3).attach(opened.model, champion.folder, extra)
    assert champion.folder is not None
    below = Adapter.read(champion.folder)
    assert {p.shape[0] for p in parameters if p.ndim == 2} & {3}
    rows = {**below.rows, **extra}
    (table,) = [p for p in parameters if p.shape == (len(rows), 48)]
    assert torch.equal(table, torch.stack([rows[token] for token in sorted(rows)]))


def test_how_far_back_it_begins(champion: Start) -> None:
    """All the way back it is the bare base but for the rows of the labels; half of the way, half of each change."""
    assert champion.folder is not None
    below = Adapter.read(champion.folder)
    bare, name = open_model(champion.base), next(iter(below.layers))
    first = bare.model.get_submodule(name).weight.clone()
    moved = {}
    for back in (0.0, 0.5, 1.0):
        opened = open_model(champion.base)
        Stacked(rank=2, back=back).attach(opened.model, champion.folder)
        moved[back] = opened.model.get_submodule(name).base_layer.weight - first
    assert torch.equal(moved[1.0], torch.zeros_like(first))
    assert torch.allclose(moved[0.0], below.layers[name].dense(), atol=1e-6)
    assert torch.allclose(moved[0.5], 0.5 * moved[0.0], atol=1e-6)


def test_it_is_held_to_the_champion_however_far_back(champion: Start, tmp_path: Path) -> None:
    """Old rows are held to what the champion says, new ones too, and how far the model has moved is told from there,
    whatever was taken back of it before the first step.
    """
    rows = [*tiny.examples(each=6, origin=Origin.REPLAY), *tiny.examples(each=6, seed=3)]
    recipe, said, moved = Recipe(held_out=0.1), {}, {}
    for back in (0.0, 1.0):
        way = replace(recipe, adapt=Stacked(rank=2, back=back))
        order = Order(
            task=tiny.ROUTING, start=champion, examples=rows, labels=tiny.LABELS, recipe=way, folder=tmp_path / "run"
        )
        made = prepare(order)
        ground = made.job.ground
        ground.compute_in("float32")
        held = [penalty.begin(ground).said for penalty in (Divergence(), Stay())]  # type: ignore[attr-defined]
        said[back] = torch.cat([made.champion.said, *(torch.stack(list(each.values())) for each in held)])
        moved[back] = made.champion.distance(ground.opened)
    torch.testing.assert_close(said[1.0], said[0.0], atol=1e-3, rtol=1e-3)
    assert moved[0.0] < 1e-3
    assert moved[1.0] > 0.1


def test_lengths_and_directions_cannot_be_summed(champion: Start) -> None:
    """DoRA on a champion is refused before anything is trained; without one it is plain DoRA."""
    opened = open_model(champion.base)
    before = [p.detach().clone() for p in opened.model.parameters()]
    with pytest.raises(UnsuitedModel, match="cannot be added"):
        Stacked(dora=True).attach(opened.model, champion.folder)
    assert all(torch.equal(one, other) for one, other in zip(opened.model.parameters(), before, strict=True))
    assert Stacked(rank=2, dora=True).attach(opened.model)


def test_without_a_champion_it_is_plain(llama: Path) -> None:
    """The same tensors as plain LoRA of the same seed."""
    made = [way.attach(open_model(str(llama)).model, None, {60: torch.ones(48)}, 7) for way in (Lora(), Stacked())]
    assert all(torch.equal(one, other) for one, other in zip(*made, strict=True))


def test_an_adapter_of_another_base_is_refused(champion: Start, tmp_path: Path) -> None:
    """With the layer that does not fit."""
    other = open_model(str(tiny.llama(tmp_path, hidden=96)))
    with pytest.raises(CorruptWeights, match="does not fit the model"):
        Stacked().attach(other.model, champion.folder)
