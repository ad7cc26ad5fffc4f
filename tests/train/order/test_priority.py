"""Kinds of rows: some before others, or much of one at first."""

from __future__ import annotations

import numpy as np
import pytest

import seen
from homeostat.llm.render import Rendered
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.priority import Fading, Priority
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from shown import Shown

OLD, NEW = 200, 400


def ground(old: int = OLD, new: int = NEW) -> Ground:
    """Replayed rows, then new ones."""
    return seen.ground([Sample(Rendered((1, 2), (3,)), replay=k < old) for k in range(old + new)])


def old_share(order: RowOrder, on: Ground, steps: int = 160, seed: int = 0) -> list[float]:
    """The share of replayed rows in every batch of a run."""
    plan = Plan([3] * len(on.train), 20, seed, steps, 0.0, order.begin(on))
    return [float(np.mean([on.train[k].replay for k in batch])) for batch in plan.rest(0)]


def test_old_rows_come_first(shown: Shown) -> None:
    """In the first half of the warm-up old rows alone, then all rows alike."""
    runs = [old_share(Priority(), ground(), seed=draw) for draw in shown.draws(3)]
    more = [float(np.mean(run[:20]) - np.mean(run[20:])) for run in runs]
    shown.over("share of old rows among those drawn first, more than later", more, least=0.6)
    shares = old_share(Priority(), ground())
    assert shares[:20] == [1.0] * 20
    assert np.mean(shares[20:]) == pytest.approx(1 / 3, abs=0.03)


def test_tasks_in_their_order() -> None:
    """Kinds that are named come one after the other, others last; a kind without rows takes no time."""
    on = seen.ground([Sample(Rendered((1, 2), (3,)))] * 90)
    given = ("billing",) * 30 + ("greeting",) * 30 + ("other",) * 30
    offer = Priority(first=("greeting", "nobody", "billing"), given=given, warm_up=0.3).begin(on)
    stages = [offer(share).reshape(3, 30).mean(1).tolist() for share in (0.0, 0.09, 0.11, 0.19, 0.21, 0.9)]
    assert stages == [[0, 1, 0]] * 2 + [[1, 1, 0]] * 2 + [[1, 1, 1]] * 2
    assert Priority(warm_up=0.0).begin(ground())(0.0).all()
    with pytest.raises(ValueError, match="90 kinds for 600 rows"):
        Priority(given=given).begin(ground())


def test_replay_fades(shown: Shown) -> None:
    """Half of what is drawn at first is replayed, then less and less, and a twentieth from the warm-up's end on."""
    runs = [old_share(Fading(), ground(), seed=draw) for draw in shown.draws(3)]
    more = [float(np.mean(run[:10]) - np.mean(run[40:])) for run in runs]
    shown.over("share of old rows among those drawn first, more than later", more, least=0.3)
    shares = old_share(Fading(warm_up=0.5), ground())
    assert np.mean(shares[:20]) == pytest.approx(0.5, abs=0.06)
    assert np.mean(shares[30:50]) == pytest.approx(0.28, abs=0.06)
    assert np.mean(shares[80:]) == pytest.approx(0.05, abs=0.01)


def test_nothing_to_fade() -> None:
    """Where all rows are new, or all are old, they are alike."""
    assert Fading().begin(ground(0, 5))(0.0).tolist() == Fading().begin(ground(5, 0))(0.5).tolist() == [1.0] * 5
