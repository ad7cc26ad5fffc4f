"""Curricula: easy rows first in the warm-up and no longer, and the other way round for the control."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

import seen
from homeostat.errors import UnknownPlugin
from homeostat.llm.render import Rendered
from homeostat.train.fit import fit
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Given, Length, Loss
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from shown import Shown
from train.test_fit import RECIPE, equal, job, tensors

ROWS = 1500


def lettered(count: int = ROWS, seed: int = 0) -> Ground:
    """Rows of 5 to 44 tokens."""
    lengths = np.random.default_rng(seed).integers(3, 43, count)
    return seen.ground([Sample(Rendered(tuple(range(size)), (1, 2))) for size in lengths])


def course(order: Curriculum, passes: int = 4) -> tuple[list[np.ndarray], int]:
    """The batches of a whole run, and how many of them are the warm-up."""
    on = lettered()
    steps = passes * ROWS // 30
    plan = Plan([s.length for s in on.train], 30, 0, steps, 0.0, order.begin(on))
    return list(plan.rest(0)), int(order.warm_up * steps)


def rho(batches: list[np.ndarray], difficulty: np.ndarray) -> float:
    """Spearman's correlation of when a row is drawn with how difficult it is."""
    when = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
    return float(spearmanr(when, difficulty[np.concatenate(batches)])[0])


@pytest.mark.parametrize(("pacing", "least"), [("linear", 0.5), ("root", 0.45), ("competence", 0.5)])
def test_easy_rows_come_first_in_the_warm_up_alone(pacing: str, least: float) -> None:
    """When and how hard are correlated by half or more in the warm-up (by the root a little less), and by less than a
    tenth after it; of four passes, no row misses more than two.
    """
    batches, warm = course(Curriculum(pacing=pacing))
    hard = Length().of(lettered())
    assert rho(batches[:warm], hard) >= least
    assert abs(rho(batches[warm:], hard)) < 0.1
    assert np.bincount(np.concatenate(batches), minlength=ROWS).min() >= 2


def test_what_is_drawn_late_is_hard(shown: Shown) -> None:
    """When and how hard are correlated in the warm-up, and not in a run without an order."""
    more = []
    for draw in shown.draws(3):
        on, steps = lettered(seed=draw), 4 * ROWS // 30
        lengths, hard = [s.length for s in on.train], Length().of(on)
        plans = [Plan(lengths, 30, draw, steps, 0.0, offer) for offer in (Curriculum().begin(on), None)]
        ordered, plain = (rho(list(plan.rest(0))[: steps // 4], hard) for plan in plans)
        more.append(ordered - plain)
    shown.over(
        "correlation of when a row is drawn with how hard it is, in the warm-up, more than without", more, least=0.4
    )


def test_the_control_is_the_other_way_round() -> None:
    """Hardest first: the same correlation with its sign turned."""
    batches, warm = course(Curriculum(hardest_first=True))
    hard = Length().of(lettered())
    assert rho(batches[:warm], hard) <= -0.5
    assert abs(rho(batches[warm:], hard)) < 0.1


@pytest.mark.parametrize(
    ("pacing", "shares"),
    [("linear", [0.1, 0.325, 0.55, 1.0]), ("root", [0.1, 0.55, 0.736, 1.0]), ("competence", [0.1, 0.507, 0.711, 1.0])],
)
def test_pacing(pacing: str, shares: list[float]) -> None:
    """The eligible share at the beginning, a quarter, a half and the end of the warm-up; the easiest rows."""
    values = tuple(np.random.default_rng(0).permutation(1000).astype(float).tolist())
    offer = Curriculum(difficulty=Given(values=values), pacing=pacing).begin(lettered(1000))
    for share, wanted in zip((0.0, 0.0625, 0.125, 0.25), shares, strict=True):
        weights = offer(share)
        assert weights.mean() == pytest.approx(wanted, abs=2e-3)
        assert np.array(values)[weights > 0].max() < 1000 * wanted + 2
    assert offer(0.9).all()


def test_one_row_is_eligible_at_least() -> None:
    """Of two rows the easier one, however small a share is to begin with; a pacing that is not there is refused."""
    on = seen.ground([Sample(Rendered((1, 2, 3), (1,))), Sample(Rendered((1,), (1,)))])
    assert Curriculum(least=0.0).begin(on)(0.0).tolist() == [0.0, 1.0]
    assert Curriculum(warm_up=0.0).begin(on)(0.0).tolist() == [1.0, 1.0]
    with pytest.raises(UnknownPlugin, match="did you mean"):
        Curriculum(pacing="liner").begin(on)


def test_a_run_with_a_curriculum_is_the_same_again(llama: Path, tmp_path: Path) -> None:
    """Ordered by the model's own loss, a run that ended early and goes on from its checkpoint leaves the tensors of
    one that did not, bit by bit; they are not those of a run without an order.
    """
    recipe = replace(RECIPE, order=Curriculum(difficulty=Loss()), epochs=2)
    whole, plain = job(llama, recipe), job(llama, replace(recipe, order=None))
    halted = job(llama, recipe, workspace=tmp_path, report=_stop_at(6))
    with pytest.raises(KeyboardInterrupt):
        fit(halted)
    resumed = job(llama, recipe, workspace=tmp_path)
    for one in (whole, plain, resumed):
        fit(one)
    assert equal(tensors(resumed), tensors(whole))
    assert not equal(tensors(plain), tensors(whole))


def _stop_at(step: int):  # type: ignore[no-untyped-def]
    def report(values: dict[str, float]) -> None:
        if values["step"] == step:
            raise KeyboardInterrupt

    return report
