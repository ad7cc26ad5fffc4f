"""What a champion says of rows whose last states it has kept: a product with the labels' rows instead of a pass.

A careful run is held to what its champion says of replayed rows. The champion read these when its labels' rows were
fitted, and with `carry` the states lie beside its weights (`train.carried`). What stands between a state and the labels
is linear, so what it says follows from them; a few rows are read all the same, to see what the model adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from homeostat.llm.render import Rendered
from homeostat.train.ask import ask
from homeostat.train.carried import States, row_name
from homeostat.train.refit import added
from homeostat.train.samples import Sample
from homeostat.train.step import Ground

TRIED = 8
"""Rows that are read to see what the model adds to the products, and whether it does nothing else."""


def recollected(ground: Ground, samples: Sequence[Sample]) -> dict[Rendered, Tensor]:
    """float[labels it knew] by row: log-probabilities in nats, of those rows whose states the champion has kept.

    None at all where it kept none, where the model has no rows of the labels, or where it does more than multiply.

    Raises:
        CorruptWeights, UnsafeWeights: the file of the states is damaged, or none at all.
    """
    if ground.label_rows is None or ground.allowed is None:
        return {}
    states, kept = ground.kept.by_row, kept_of(samples, ground.kept)
    if not kept:
        return {}
    known = ground.allowed[: ground.known]
    asked, rows = ask(ground.opened, [s.rendered for s in kept[:TRIED]], known), ground.label_rows.read()[: len(known)]
    ground.meter.flops += asked.flops + 2.0 * len(kept) * rows.numel()
    offset = added(asked, rows)
    if offset is None:
        return {}
    said = (torch.stack([states[row_name(s)] for s in kept]).to(rows) @ rows.T + offset).log_softmax(-1)
    return {sample.rendered: each for sample, each in zip(kept, said, strict=True)}


def kept_of(samples: Sequence[Sample], before: States) -> list[Sample]:
    """The rows of which it follows what the champion says, by the states that it has kept: the first `TRIED` of them
    are read, no other is. None where there are no more than these.
    """
    kept = [s for s in samples if row_name(s) in before.by_row]
    return kept if len(kept) > TRIED else []
