"""Asking the champion: how far a candidate has moved on new rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.champion import GAUGED, HEARD, WORDS, Champion, gauged
from homeostat.train.run import Order, Start, train
from homeostat.train.samples import Sample
from train.objectives.distill.past import OLD, after, beginning, right, started, update

LABELS = torch.tensor([60, 61, 62])


def rows(count: int, *, replay: bool = False, first: int = 100) -> list[Sample]:
    return [Sample(Rendered(tuple(range(first, first + 2 + k % 9)), (60,)), replay=replay) for k in range(count)]


def test_new_rows_are_drawn() -> None:
    """All new rows where they are few, a draw of the seed where they are many, and never a replayed one."""
    few = [*rows(5), *rows(9, replay=True, first=200)]
    assert gauged(few, 0) == [s.rendered for s in few[:5]]
    many = [Sample(Rendered((k,), (60,))) for k in range(400)]
    assert len(gauged(many, 0)) == GAUGED
    assert gauged(many, 0) == gauged(many, 0) != gauged(many, 1)


def test_how_far_a_model_has_moved(llama: Path) -> None:
    """Nowhere, where nothing was trained; the divergence over its labels, where something was."""
    opened, samples = open_model(str(llama)), rows(20)
    champion = Champion.ask(opened, LABELS, gauged(samples, 0))
    assert champion.distance(opened) == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        opened.model.base_model.norm.weight.mul_(3.0)
        now = torch.stack([predict(opened, [s.rendered]).logits[0, LABELS].log_softmax(-1) for s in samples])
    wanted = (champion.said.exp() * (champion.said - now)).sum(-1).mean()
    assert champion.distance(opened) == pytest.approx(float(wanted), rel=1e-3)
    assert float(wanted) > 0.01


def test_how_far_a_model_writes_otherwise(llama: Path) -> None:
    """On a task of text it is compared on replies that it writes itself, at no place of which all tokens are looked at
    one by one; what is seen is a part of the whole divergence, and most of it.
    """
    opened = open_model(str(llama))
    torch.manual_seed(0)
    champion = Champion.hear(opened, gauged(rows(2 * HEARD), 0))
    assert len(champion.prompts) == HEARD
    assert all(1 <= len(row.completion) <= WORDS for row in champion.prompts)
    assert champion.distance(opened) == pytest.approx(0.0, abs=1e-5)
    with torch.no_grad():
        then = predict(opened, champion.prompts).logits.log_softmax(-1)
        opened.model.base_model.norm.weight.mul_(1.5)
        now = predict(opened, champion.prompts).logits.log_softmax(-1)
    whole = float((then.exp() * (then - now)).sum(-1).mean())
    assert 0.8 * whole < champion.distance(opened) < 1.0001 * whole
    assert champion.flops > 0


def forgetting(first: Order, champion: Start, paces: Sequence[float], seed: int) -> tuple[list[float], list[float]]:
    """`kl_new` of candidates of rising rate, and how much each has forgotten."""
    kind = "labels" if first.labels else "replies"
    before, moved, lost = np.mean(right(kind, champion, OLD, seed)), [], []
    for pace in paces:
        order = update(first, champion, seed, pace)
        trained = train(order)
        moved.append(trained.cost["kl_new"])
        lost.append(float(before - np.mean(right(kind, after(order, trained), OLD, seed))))
    return moved, lost


def test_it_tells_without_labels_who_has_forgotten(champion: Start, tmp_path: Path) -> None:
    """Of two candidates that learned the same rows, the one that has moved farther has forgotten more."""
    moved, lost = forgetting(beginning("labels", 0, tmp_path), champion, (0.01, 1.0), 0)
    assert moved[1] > moved[0] + 0.3 > 0.3
    assert lost[1] > lost[0] + 0.3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["labels", "replies"])
def test_it_ranks_candidates_by_what_they_have_forgotten(kind: str, tmp_path: Path) -> None:
    """Over six rates, of labels and of replies, it has a rank correlation of at least 0.8 with what was forgotten."""
    first = beginning(kind, 2, tmp_path)
    moved, lost = forgetting(first, started(first), (0.03, 0.06, 0.12, 0.25, 0.5, 1.0), 2)
    print(kind, [round(m, 3) for m in moved], [round(x, 3) for x in lost])
    assert spearmanr(moved, lost)[0] >= 0.8


def test_nobody(llama: Path) -> None:
    """Without a champion nothing has moved, and nothing was spent."""
    opened, nobody = open_model(str(llama)), Champion.nobody()
    assert (nobody.distance(opened), nobody.flops) == (0.0, 0.0)
