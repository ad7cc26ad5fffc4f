"""Whatever is trained, a run learns by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.train.adapt.freeze import Freeze
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.ia3 import Ia3
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.way import Way
from homeostat.train.fit import fit
from shown import Shown
from train.test_fit import RECIPE, ground, job, right, samples

WAYS: dict[str, tuple[Way, float]] = {
    "full": (Full(), 3e-3),
    "freeze": (Freeze(bottom=0.5), 3e-3),
    "ia3": (Ia3(), 3e-2),
    "lora": (Lora(), 1e-2),
}
"""Each with a rate that suits it."""


@pytest.mark.slow
@pytest.mark.parametrize("name", WAYS)
def test_unseen_rows_are_told_right(llama: Path, name: str, shown: Shown) -> None:
    """After a run on 120 rows a model that knew nothing tells far more unseen rows right than before."""
    (way, lr), gained = WAYS[name], []
    for draw in shown.draws(2):
        unseen, on = samples(60, 200 + draw), ground(llama, train=samples(40, 100 + draw))
        work = job(llama, replace(RECIPE, adapt=way, lr=lr, seed=draw), on=on)
        before = right(work, unseen)
        fit(work)
        gained.append(right(work, unseen) - before)
    shown.over("share of unseen rows told right, more than before training", gained, least=0.2)
