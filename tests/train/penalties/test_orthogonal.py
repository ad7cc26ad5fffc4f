"""An adapter that is kept off earlier ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm.load import open_model
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.penalties.orthogonal import Orthogonal, Overlap, overlap
from homeostat.train.run import Start
from shown import Shown
from train.penalties import forgetting

FRESH = replace(forgetting.RECIPE, adapt=Lora(rank=4), lr=1e-2, epochs=6)


def earlier(champion: Start, weight: float = 0.5) -> Orthogonal:
    """Keeps off the champion's adapter."""
    return Orthogonal(adapters=(str(champion.folder),), weight=weight)


def fresh(champion: Start) -> Start:
    """The champion's base without its adapter."""
    return replace(champion, folder=None)


def begun(work: Job, term: Orthogonal) -> Overlap:
    """What the term makes of a job."""
    made = term.begin(work.ground)
    assert isinstance(made, Overlap)
    return made


def test_it_is_the_sum_of_all_products() -> None:
    """Each row of one matrix meets each row of the other; it is 0 where all are orthogonal, however long they are."""
    new, old = torch.tensor([[1.0, 2.0, 0.0], [0.0, -1.0, 0.0]]), torch.tensor([[0.0, 1.0, 5.0], [3.0, 0.0, 0.0]])
    assert float(overlap(new, old)) == 2.0 + 3.0 + 1.0 + 0.0
    assert float(overlap(100 * torch.eye(4)[:2], torch.eye(4)[2:])) == 0.0


def test_every_layer_meets_its_own(champion: Start) -> None:
    """The matrices of a layer are paired by its name, in each earlier adapter: one that goes on from an earlier adapter
    meets itself in every layer.
    """
    work = forgetting.job(champion)
    pairs = begun(work, earlier(champion)).pairs
    assert len(pairs) == 14  # 7 linear layers in each of 2 blocks
    assert all(torch.equal(new, old) for new, old in pairs)
    folder = str(champion.folder)
    assert len(begun(work, Orthogonal(adapters=(folder, folder))).pairs) == 28


def test_without_weight_or_adapters_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0, or nothing to keep off, leaves the tensors of the plain run, bit by bit."""
    recipe = replace(FRESH, max_steps=4, looks=2)
    terms = ((), (earlier(champion, 0.0),), (Orthogonal(),), (earlier(champion),))
    plain, none, nobody, some = (forgetting.left(fresh(champion), recipe, *each) for each in terms)
    assert forgetting.equal(plain, none)
    assert forgetting.equal(plain, nobody)
    assert not forgetting.equal(plain, some)


def test_it_is_kept_off_the_same_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off goes on bit by bit as if it had not been."""
    recipe = replace(FRESH, max_steps=6, looks=3)
    assert forgetting.goes_on(fresh(champion), tmp_path, recipe, earlier(champion))


def test_it_learns_in_other_directions(champion: Start, shown: Shown) -> None:
    """After a run with it, the overlap is less than a quarter of what it is after one without, and the new domain is
    told apart far above chance.
    """
    parted = []
    for draw in shown.draws(1):
        found = []
        for weight in (0.0, 0.5):
            recipe = replace(FRESH, penalties=(earlier(champion, weight),), seed=draw)
            work = forgetting.job(fresh(champion), recipe, draw)
            overlapping = begun(work, earlier(champion))
            fit(work)
            assert forgetting.told_apart(work, forgetting.NEW, draw)[1] > 0.6
            found.append(sum(float(overlap(new.detach(), old)) for new, old in overlapping.pairs))
        parted.append(1.0 - found[1] / found[0])
    shown.over("share of the overlap with an earlier adapter that is avoided", parted, least=0.75)


def test_what_it_cannot_keep_off(champion: Start, tmp_path: Path) -> None:
    """A missing folder, one without safetensors, and an adapter of another base have their errors; and a model that is
    trained whole has no adapter to keep off anything.
    """
    work = forgetting.job(champion)
    with pytest.raises(ModelNotFound):
        Orthogonal(adapters=(str(tmp_path / "gone"),)).begin(work.ground)
    with pytest.raises(UnsafeWeights):
        Orthogonal(adapters=(str(tmp_path),)).begin(work.ground)
    other = open_model(champion.base)
    other.model.config.tie_word_embeddings = False
    Lora(rank=2).attach(other.model)
    for name, tensor in other.model.named_parameters():
        if "lora_A" in name:
            tensor.data = tensor.data[:, 1:].contiguous()
    Lora(rank=2).save(other.model, tmp_path)
    with pytest.raises(CorruptWeights, match="does not fit"):
        Orthogonal(adapters=(str(tmp_path),)).begin(work.ground)
    whole = forgetting.job(fresh(champion), replace(forgetting.RECIPE, adapt=Full()))
    with pytest.raises(UnsuitedModel):
        earlier(champion).begin(whole.ground)
