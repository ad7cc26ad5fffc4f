"""Disturbed copies of rows: the same requests as others would have typed them, with the same targets.

A model that has seen requests only as they should be written learns what goes with that, too: capitals, spaces, a
spelling. Copies under disturbances take that away (data augmentation; Simard et al. 2003, for texts Wei & Zou 2019,
1901.11196). Knows no disturbance itself; who calls brings the function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from homeostat.curate.fence import Fence
from homeostat.types.dataset import Example


def disturbed_copies(
    rows: Sequence[Example],
    disturb: Callable[[str, str], str],
    names: Sequence[str],
    share: float,
    *,
    evaluation: Iterable[str] = (),
    seed: int = 0,
) -> list[Example]:
    """Copies of a share of the rows, drawn evenly from each target, under each of the disturbances in turn.

    All else of a copy is its row's, the interaction too, so that whoever takes the row out takes the copy along.
    Where a disturbance leaves a text as it is the next one comes. Copies that are as good as a text that models are
    examined on are left out.

    Args:
        rows: of a dataset.
        disturb: `(text, name)` to the text under the disturbance of that name.
        names: of disturbances.
        share: copies for each row; above 1 some rows come under several disturbances.
        evaluation: texts of the evaluation sets.
        seed: of the draw.
    """
    order = np.random.default_rng([seed, 29]).permutation(len(rows)).tolist() if names else []
    made, turns, taken = list[Example](), Counter[str](), Counter[str]()
    for k in order:
        row = rows[k]
        taken[row.target] += 1
        due = round(share * taken[row.target]) - turns[row.target]
        for _ in range(due):
            turn = turns[row.target] % len(names)
            turns[row.target] += 1
            for name in (*names[turn:], *names[:turn]):
                if (text := disturb(row.text, name)) != row.text:
                    made.append(replace(row, text=text, disturbed=name))
                    break
    return Fence(evaluation).outside(made)
