"""Differences between groups: fairlearn's numbers, on many draws."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from sklearn.metrics import accuracy_score

from homeostat.metrics import fairness
from homeostat.metrics.calibration import expected_calibration_error


def drawn(seed: int) -> tuple[list[str], list[str], list[str], list[float]]:
    """Replies, right ones, groups and confidence of some hundred rows; each group is treated in its own way."""
    rng = np.random.default_rng(seed)
    n, names = int(rng.integers(60, 400)), ["ana", "bo", "cem"][: int(rng.integers(2, 4))]
    groups = rng.choice(names, n)
    right = rng.choice(["yes", "no"], n, p=[0.3, 0.7])
    wrong = rng.random(n) < np.array([0.05 + 0.2 * names.index(group) for group in groups])
    said = np.where(wrong, np.where(right == "yes", "no", "yes"), right)
    return said.tolist(), right.tolist(), groups.tolist(), rng.uniform(0.5, 1.0, n).tolist()


@pytest.mark.parametrize("seed", range(12))
def test_the_differences_are_fairlearns(seed: int) -> None:
    """Demographic parity, equal opportunity, equalized odds and accuracy are what fairlearn says, to the last digit."""
    said, right, groups, _ = drawn(seed)
    yes_said, yes_right = [int(x == "yes") for x in said], [int(x == "yes") for x in right]
    asked = {"y_true": yes_right, "y_pred": yes_said, "sensitive_features": groups}
    assert fairness.demographic_parity_difference(said, groups, "yes") == pytest.approx(
        demographic_parity_difference(**asked), abs=1e-12
    )
    assert fairness.equal_opportunity_difference(said, right, groups, "yes") == pytest.approx(
        equal_opportunity_difference(**asked), abs=1e-12
    )
    assert fairness.equalized_odds_difference(said, right, groups, "yes") == pytest.approx(
        equalized_odds_difference(**asked), abs=1e-12
    )
    frame = MetricFrame(metrics=accuracy_score, y_true=right, y_pred=said, sensitive_features=groups)
    assert fairness.difference(fairness.accuracy_values(said, right, groups)) == pytest.approx(
        frame.difference(), abs=1e-12
    )


def test_accuracy_alike_and_opportunity_unlike() -> None:
    """A model that follows the group and not the request is as often right in both, and equal opportunity tells."""
    groups = ["a"] * 100 + ["b"] * 100
    right = (["yes"] * 50 + ["no"] * 50) * 2
    said = ["yes"] * 100 + ["no"] * 100
    assert fairness.difference(fairness.accuracy_values(said, right, groups)) == 0.0
    assert fairness.equal_opportunity_difference(said, right, groups, "yes") == 1.0
    assert fairness.demographic_parity_difference(said, groups, "yes") == 1.0


def test_calibration_gaps_have_no_bias_of_small_groups() -> None:
    """Two calibrated groups, one with 20 rows: the mean of the difference over draws is near 0, where the difference of
    expected calibration errors is far from it.
    """
    rng, ours, errors = np.random.default_rng(0), [], []
    for _ in range(300):
        groups = ["small"] * 20 + ["large"] * 2000
        sure = rng.uniform(0.5, 1.0, 2020)
        hit = rng.random(2020) < sure
        said, right = ["yes"] * 2020, ["yes" if each else "no" for each in hit]
        over = fairness.calibration_values(said, right, groups, sure.tolist())
        ours.append(float(over["small"].mean() - over["large"].mean()))
        errors.append(
            expected_calibration_error(sure[:20].tolist(), hit[:20].tolist())
            - expected_calibration_error(sure[20:].tolist(), hit[20:].tolist())
        )
    assert abs(np.mean(ours)) < 0.02
    assert np.mean(errors) > 0.1


def test_a_group_without_such_rows_is_left_out() -> None:
    """Whoever has no row with the label says nothing of its recall; without any group there is no difference."""
    values = fairness.recall_values(["yes", "no"], ["yes", "no"], ["a", "b"], "yes")
    assert set(values) == {"a"}
    assert fairness.difference(values) == 0.0
    with pytest.raises(ValueError, match="no group"):
        fairness.equal_opportunity_difference(["no"], ["no"], ["a"], "yes")
