"""Rows weighed so that groups and labels are independent."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.config.schema import Train
from homeostat.errors import UnsuitedModel, WrongType
from homeostat.train.head.solve import solve
from homeostat.train.named import named
from homeostat.train.reweigh import FAIR, weighed
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.task import Task


def planted(n: int = 400, share: float = 0.9, seed: int = 0) -> list[Example]:
    """Rows of two labels, which go with a tag's value in a share of them."""
    rng, rows = np.random.default_rng(seed), []
    for k in range(n):
        label = int(rng.random() < 0.4)
        group = label if rng.random() < share else 1 - label
        rows.append(Example(text=f"row {k}", target=("no", "yes")[label], tags={"who": "ab"[group]}))
    return rows


def joint(rows: list[Example]) -> dict[tuple[str, str], float]:
    found: defaultdict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        found[row.tags["who"], row.target] += row.weight
    return found


def test_groups_and_labels_become_independent() -> None:
    """The weighted share of every pair is the product of its parts' shares, which stay as they were."""
    rows = planted()
    before, after = joint(rows), joint(weighed(rows, ["who"]))
    total = float(len(rows))
    for group in "ab":
        for label in ("no", "yes"):
            of_group = sum(before[group, each] for each in ("no", "yes"))
            of_label = sum(before[each, label] for each in "ab")
            assert after[group, label] == pytest.approx(of_group * of_label / total)
    assert sum(after.values()) == pytest.approx(total)
    assert before["a", "yes"] < 0.5 * after["a", "yes"]  # the rare pair counts more than twice as much


def test_rows_without_the_tag_stay_as_they_are() -> None:
    """So do all rows where no tag is named, and rows that were independent to begin with."""
    rows = [*planted(), Example(text="untold", target="yes", weight=0.5)]
    assert weighed(rows, ["who"])[-1] == rows[-1]
    assert weighed(rows, []) == rows
    even = [
        Example(text=f"{g}{y}{k}", target=y, tags={"who": g}) for g in "ab" for y in ("no", "yes") for k in range(5)
    ]
    assert weighed(even, ["who"]) == even


def test_two_tags_make_one_group() -> None:
    """With two tags the values of both together become independent of the label."""
    rng = np.random.default_rng(1)
    rows = [
        Example(text=str(k), target=str(a ^ b if rng.random() < 0.9 else 1 - (a ^ b)), tags={"a": str(a), "b": str(b)})
        for k, (a, b) in enumerate(rng.integers(0, 2, (400, 2)).tolist())
    ]
    made = weighed(rows, ["a", "b"])
    share = [sum(r.weight for r in made if (r.tags["a"], r.tags["b"], r.target) == ("0", "0", t)) for t in ("0", "1")]
    whole = [sum(r.weight for r in made if r.target == t) for t in ("0", "1")]
    assert share[0] / whole[0] == pytest.approx(share[1] / whole[1])
    alone = weighed(rows, ["a"])  # each tag alone says nothing of the label, and so changes little
    assert max(abs(row.weight - 1.0) for row in alone) < 0.2


def test_a_stand_in_for_tags_is_no_tag() -> None:
    """`fair` has to be made tags of a task before anything is weighed."""
    with pytest.raises(WrongType, match="stands for no tag"):
        weighed(planted(4), [FAIR])


def test_an_exact_head_does_not_weigh() -> None:
    """It says so, and does not go on as if it had."""
    order = Order(
        task=Task(name="routing"),
        start=Start(base="builtin"),
        examples=planted(8),
        labels=("no", "yes"),
        recipe=replace(named("head", Train()), reweigh=("who",)),
        folder=Path(),
    )
    with pytest.raises(UnsuitedModel, match="alike"):
        solve(order)
