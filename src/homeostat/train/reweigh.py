"""Rows weighed so that groups and labels are independent (reweighing, Kamiran & Calders 2012, KAIS 33:1).

A row of group g with label y weighs P(g)P(y)/P(g,y): where a label came with one group more often than chance would
have it, these rows count less, and the others more. What a group is then tells nothing about the label, so that a model
which does not fit every row exactly has nothing to gain from reading it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from homeostat.errors import WrongType
from homeostat.types.dataset import Example

FAIR = "fair"
"""In the place of tags: those that the task is held to treat alike."""


def weighed(rows: Sequence[Example], tags: Sequence[str]) -> list[Example]:
    """The rows, their weights multiplied so that the values of these tags and the targets are independent.

    Several tags make one group of all their values. A row that lacks one of them keeps its weight. The weights of the
    others add up to what they did.

    Raises:
        WrongType: `fair` stands for tags, and nobody has said which.
    """
    if FAIR in tags:
        raise WrongType(f"`{FAIR}` stands for no tag here", where="recipe.reweigh", fix="name the tags themselves")
    at = [k for k, row in enumerate(rows) if tags and all(tag in row.tags for tag in tags)]
    groups = {k: tuple(rows[k].tags[tag] for tag in tags) for k in at}
    of_group, of_label, of_both = (defaultdict[object, float](float) for _ in range(3))
    for k in at:
        of_group[groups[k]] += rows[k].weight
        of_label[rows[k].target] += rows[k].weight
        of_both[groups[k], rows[k].target] += rows[k].weight
    total, out = sum(of_group.values()), list(rows)
    for k in at:
        expected = of_group[groups[k]] * of_label[rows[k].target] / total
        out[k] = replace(rows[k], weight=rows[k].weight * expected / of_both[groups[k], rows[k].target])
    return out
