"""How right every model would have been."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decide.replay.pasts import aging, past


def test_quality_is_the_mean_over_the_rows_of_a_step() -> None:
    """Of shown and unshown rows alike; a step without rows is as the one before."""
    found = past(aging(5, 0.1), rows=4000, told=0.2)
    assert found.quality[0] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5], abs=0.03)
    assert np.diagonal(found.quality) == pytest.approx(0.9, abs=0.03)
    gap = replace(found, step=np.where(found.step == 2, 3, found.step))
    assert gap.quality[0, 2] == gap.quality[0, 1]


def test_policies_are_shown_what_is_told() -> None:
    """The labels of one step that are told, under the model that is asked for."""
    found = past(aging(4, 0.2), rows=1000, told=0.3)
    assert len(found.shown(0, 2)) == pytest.approx(300, abs=60)
    assert found.shown(0, 2).mean() == pytest.approx(0.5, abs=0.1)
    assert found.shown(2, 2).mean() == pytest.approx(0.9, abs=0.1)


def test_the_shapes_have_to_fit() -> None:
    """As many models as steps, as many columns as rows."""
    found = past(aging(4, 0.2))
    with pytest.raises(ValueError, match="4 models and 200 rows beside 3 steps"):
        replace(found, requests=np.ones(3))
    with pytest.raises(ValueError, match="beside 4 steps"):
        replace(found, step=found.step[1:])
    with pytest.raises(ValueError, match="beside models"):
        replace(found, heads=found.right[:, 1:])


def test_heads_of_dear_models_are_apart_from_them() -> None:
    """What a gain is measured by are the heads where there are some, on the rows that are told; where there are none
    the models are heads themselves.
    """
    plain = past(aging(4, 0.2), rows=1000, told=0.3)
    assert (plain.headed(1, 3) == plain.shown(1, 3)).all()
    apart = replace(plain, heads=1.0 - plain.right)
    assert (apart.headed(1, 3) == 1.0 - apart.shown(1, 3)).all()
    assert (apart.quality == plain.quality).all()
