"""A probe on a quarter, a half and all of its rows: what it trains, and what comes of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.decide.option import Option
from homeostat.errors import NothingToTrainOn
from homeostat.loop.deciding.curving import LEAST, SHARES, STEPS, Tried, told, trained, trials
from homeostat.loop.deciding.ground import Ground, Measured
from homeostat.loop.deciding.probing import halved
from homeostat.stats.intervals import paired
from homeostat.train.named import named
from homeostat.types.version import Version
from loop.worded import TASK, lay

CHAMPION = Version(id="ver_1", task="routing", time=0.0, base="nowhere", labels=tiny.LABELS)
BEFORE = np.repeat([1.0, 0.0], [50, 50]).tolist()


def ground(rows: int, known: int) -> Ground:
    made = halved(tiny.ROUTING, CHAMPION, [], tiny.examples(each=rows // 3 + 1)[:rows])
    return replace(made, known=known)


def tried(*shares: float, sizes: tuple[int, ...] = (25, 50, 100)) -> Tried:
    """Trainings of which so many of a hundred replies are right."""
    found = [np.repeat([1.0, 0.0], [round(100 * share), round(100 - 100 * share)]).tolist() for share in shares]
    cost = {"steps": 64.0}
    return Tried(sizes=sizes, found=tuple(Measured(values=one, each_cpu_s=0.1, cost=cost) for one in found))


def test_a_curve_that_rises_says_more_than_its_last_point() -> None:
    """The gain is the curve's, at all the rows that are known, and what was tried stands beside it, in words too."""
    found = told("careful", ground(200, 300), tried(0.6, 0.66, 0.75), BEFORE)
    assert found.short == paired(np.repeat([1.0, 0.0], [75, 25]), BEFORE)
    assert found.gain.mean > found.short.mean == pytest.approx(0.25)
    assert found.gain.high - found.gain.low > found.short.high - found.short.low
    assert [(one.rows, round(one.gain.mean, 2)) for one in found.points] == [(25, 0.1), (50, 0.16), (100, 0.25)]
    assert found.way == "careful by its curve"
    assert found.says.startswith("training by `careful`, of which 64 steps were tried on 100 verified rows; its curve")
    assert f"(0.100 on 25 and 0.160 on 50 and 0.250 on 100) comes to {found.gain.mean:.3f} on the 300" in found.says


@pytest.mark.parametrize(
    ("shares", "known", "why"),
    [
        ((0.6, 0.66, 0.75), 401, "401 rows are more than 4 times the 100 that were tried"),
        ((0.95, 0.66, 0.75), 300, "50 rows gained less than 25, beyond chance"),
        ((0.5, 0.5, 0.5), 300, "it gained nothing"),
    ],
)
def test_where_there_is_no_curve_the_probe_speaks_for_itself(shares: tuple[float, ...], known: int, why: str) -> None:
    """Too far, a fall beyond chance, and no gain at all: the last point as it was measured, and why no more is said."""
    found = told("careful", ground(200, known), tried(*shares), BEFORE)
    assert found.gain == paired(np.repeat([1.0, 0.0], [round(100 * shares[-1]), round(100 - 100 * shares[-1])]), BEFORE)
    assert found.short is None
    assert found.way == "careful"
    assert why in found.says
    assert len(found.points) == 3


def test_few_rows_are_not_divided() -> None:
    """One point is no curve, and it is said."""
    found = told("careful", ground(60, 60), tried(0.7, sizes=(30,)), BEFORE)
    assert "no curve: 1 points are no curve" in found.says
    assert found.gain.mean == pytest.approx(0.2)


@pytest.mark.slow
def test_every_share_is_a_training_of_its_own(obedient_base: Path, tmp_path: Path) -> None:
    """Each of the recipe's own steps, on more rows than the one before, and measured on the same later rows; a second
    time the same. A probe that breaks says so; too few rows are tried at once.
    """
    with closing(lay(tmp_path, obedient_base)) as shop:
        champion, task = shop.champion(TASK), shop.config.task(TASK)
        labeled = tiny.examples(each=40)
        rows = [replace(row, target=champion.labels[k % len(champion.labels)]) for k, row in enumerate(labeled)]
        probed, recipe = halved(task, champion, [], rows), named("careful", shop.config.train)
        found = trials(shop, probed, "careful", recipe)
        assert found.sizes == tuple(round(share * len(probed.earlier)) for share in SHARES)
        assert all(len(one.values) == len(probed.later) and one.steps <= STEPS for one in found.found)
        assert trials(shop, probed, "careful", recipe).found[0].values == found.found[0].values
        few = replace(probed, earlier=probed.earlier[: LEAST - 1])
        assert trials(shop, few, "careful", recipe).sizes == (LEAST - 1,)
        broken = trained(shop, replace(probed, earlier=[], later=probed.later), "careful", recipe, [0.0])
        assert isinstance(broken, Option)
        assert broken.gain.n == 0
        assert NothingToTrainOn.__name__ not in broken.says
        assert "whose probe broke off" in broken.says
