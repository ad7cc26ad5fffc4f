"""Elastic weight consolidation."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from homeostat.llm.render import Rendered
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.importance import Importance, after
from homeostat.train.penalties.l2_pull import Pull
from homeostat.train.run import Start
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Term
from shown import Shown
from train.penalties import forgetting


def strengths(ground: Ground, term: Ewc | None = None) -> list[Tensor]:
    """How firmly each element is held."""
    held = (term or Ewc()).begin(ground)
    assert isinstance(held, Pull)
    return list(held.strengths)


def test_it_is_measured_on_replayed_rows(champion: Start) -> None:
    """New rows are not asked where old ones are, and at most so many old ones as are wanted; it has mean 1, and leaves
    neither gradients nor a trace in what is drawn next.
    """
    work, state = forgetting.job(champion), torch.get_rng_state()
    found = strengths(work.ground)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in work.parameters)
    old = replace(work.ground, train=[s for s in work.ground.train if s.replay])
    assert forgetting.equal(strengths(old), found)
    assert not forgetting.equal(strengths(replace(work.ground, train=work.ground.train[:36])), found)
    assert not forgetting.equal(strengths(work.ground, Ewc(rows=8)), found)
    flat = torch.cat([each.flatten() for each in found])
    assert float(flat.mean()) == pytest.approx(1.0, rel=1e-4)
    assert float(flat.min()) >= 0.0


def test_it_is_measured_without_dropout(champion: Start) -> None:
    """A fresh adapter with dropout, ready to be trained, gives the same twice."""
    work = forgetting.job(replace(champion, folder=None), replace(forgetting.RECIPE, adapt=Lora(dropout=0.5)))
    work.ground.opened.model.train()
    assert forgetting.equal(strengths(work.ground), strengths(work.ground))


def test_replies_in_words_have_it_too(champion: Start) -> None:
    """Where no labels compete, each token of a reply is drawn from the whole vocabulary."""
    rows = [Sample(Rendered((7, 8, 9 + k), (20, 21, 22))) for k in range(4)]
    ground = replace(forgetting.job(champion).ground, train=rows, allowed=None, known=0)
    flat = torch.cat([each.flatten() for each in strengths(ground)])
    assert float(flat.mean()) == pytest.approx(1.0, rel=1e-4)


def test_without_weight_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0 leaves the tensors of the plain run, bit by bit; any other weight does not."""
    plain, none, some = (
        forgetting.left(champion, forgetting.SHORT, *terms) for terms in ((), (Ewc(weight=0.0),), (Ewc(),))
    )
    assert forgetting.equal(plain, none)
    assert not forgetting.equal(plain, some)


def test_it_holds_the_same_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off goes on bit by bit as if it had not been: what matters is measured where it began."""
    assert forgetting.goes_on(champion, tmp_path, forgetting.SHORT, Ewc())


@pytest.mark.slow
def test_the_stronger_the_more_is_retained(champion: Start, forgotten: float) -> None:
    """The larger the weight, the less the model forgets of what it knew."""
    losses = [forgetting.retained(champion, Ewc(weight=weight)) for weight in (0.1, 10.0, 1000.0)]
    assert forgotten > 1.2 * losses[0] > 1.2 * losses[1] > 1.2 * losses[2]


@pytest.mark.slow
def test_less_is_forgotten(champion: Start, shown: Shown) -> None:
    """At weight 1, less is lost of what was known than without it, and the new is learned."""
    spared = forgetting.spared(champion, shown.draws(2), Ewc(weight=1.0))
    shown.over("nats of loss on rows of what was known, less than without it", spared, least=0.2)


def keeping(champion: Start, folder: Path) -> Start:
    """The champion with what mattered to it on rows of the old domain, which are gone afterwards."""
    shutil.copytree(champion.folder or Path(), folder)
    ground = forgetting.job(champion).ground
    after(replace(ground, train=forgetting.rows(forgetting.OLD, 60, 0)), Importance({})).save(folder)
    return replace(champion, folder=folder)


def lost_without_rows(champion: Start, draw: int, *penalties: Term) -> tuple[float, float]:
    """Loss in nats on the old domain, and share right of the new one, after a run on rows of the new one."""
    recipe = replace(forgetting.RECIPE, penalties=penalties, seed=draw)
    work = forgetting.job(champion, recipe, draw)
    alone = [s for s in work.ground.train if not s.replay]
    work = replace(work, ground=replace(work.ground, train=alone, begun=champion.folder))
    fit(work)
    return forgetting.told_apart(work, forgetting.OLD, draw)[0], forgetting.told_apart(work, forgetting.NEW, draw)[1]


def test_what_was_kept_is_what_holds(champion: Start, tmp_path: Path) -> None:
    """The strengths are then those that lie with the version, bit by bit, whatever the rows are."""
    kept = keeping(champion, tmp_path / "kept")
    ground = forgetting.job(kept).ground
    found = Importance.read(kept.folder).on(ground.opened.model)
    assert found is not None
    assert forgetting.equal(strengths(replace(ground, begun=kept.folder)), found)
    assert not forgetting.equal(strengths(ground), found)


def shuffled(kept: Start, folder: Path) -> Start:
    """The same champion, whose strengths are the same numbers, dealt out among all elements anew."""
    shutil.copytree(kept.folder or Path(), folder)
    parts = Importance.read(folder).parts
    flat = torch.cat([part.matters.flatten() for part in parts.values()])
    dealt = flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))]
    pieces = zip(parts.items(), dealt.split([part.matters.numel() for part in parts.values()]), strict=True)
    Importance({k: replace(part, matters=some.view_as(part.matters)) for (k, part), some in pieces}).save(folder)
    return replace(kept, folder=folder)


@pytest.mark.slow
def test_nothing_old_is_needed(champion: Start, tmp_path: Path, shown: Shown) -> None:
    """Where no old row is at hand, what the version has kept spares some of what was known, and the new is learned; the
    same strengths dealt out among the elements at random spare less.
    """
    kept, without, dealt = keeping(champion, tmp_path / "kept"), [], []
    arms = (kept, Ewc()), (kept, Ewc(weight=0.0)), (shuffled(kept, tmp_path / "dealt"), Ewc())
    for draw in shown.draws(3):
        (held, learned), (plain, _), (other, _) = (lost_without_rows(one, draw, term) for one, term in arms)
        assert learned > 0.6
        without.append(plain - held)
        dealt.append(other - held)
    shown.over("nats of loss on what was known, of which no row is at hand, less than without it", without, least=0.05)
    shown.over("nats of loss on what was known, of which no row is at hand, less than with shuffled strengths", dealt)
