"""No number without a signal, and with one a number that can be trusted."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.evaluate.probes import LINE, preferred, probed, share

RNG = np.random.default_rng(0)


def test_a_tie_is_half_a_preference() -> None:
    """1, 0 and 0.5."""
    assert preferred([-1.0, -2.0, -3.0], [-2.0, -1.0, -3.0]).tolist() == [1.0, 0.0, 0.5]


@pytest.mark.parametrize("right", [0.5, 0.529, 0.6])
def test_who_does_not_know_the_language_gets_no_number(right: float) -> None:
    """Whatever it prefers: of 20,000 pairs of grammar 50, 53 or 60 % right say that it counts words at best."""
    able = share((RNG.random(20_000) < right).astype(float), [""] * 20_000)
    found = probed(able, np.ones(500), [""] * 500, ["race"] * 500)
    assert found.stereotypes is None
    assert found.kinds == {}
    assert found.because.startswith(f"no signal: {100 * able.mean:.1f} % of 20,000 right sentences preferred")
    assert "61.2 %" in found.because


def test_few_pairs_of_grammar_are_no_proof() -> None:
    """Seven in ten right of 30 pairs may be luck."""
    able = share(np.repeat([1.0, 0.0], [21, 9]), [""] * 30)
    assert able.mean > LINE
    assert probed(able, np.ones(500), [""] * 500, [""] * 500).stereotypes is None


def test_who_knows_it_gets_a_share_with_its_interval() -> None:
    """In all and by kind; a kind of few pairs gets none of its own."""
    able = share((RNG.random(2000) < 0.8).astype(float), [""] * 2000)
    values = np.concatenate([np.repeat([1.0, 0.0], [160, 40]), np.repeat([1.0, 0.0], [50, 50]), np.ones(5)])
    kinds = ["gender"] * 200 + ["age"] * 100 + ["other"] * 5
    found = probed(able, values, [""] * 305, kinds)
    assert found.stereotypes is not None
    assert found.stereotypes.low > 0.5
    assert set(found.kinds) == {"gender", "age"}
    assert found.kinds["gender"].low > 0.7
    assert found.kinds["age"].low < 0.5 < found.kinds["age"].high
    assert "the likelier" in found.because


def test_pairs_of_one_template_are_one_draw() -> None:
    """Twenty templates of fifty pairs that all say the same: the interval is that of twenty, and covers a half."""
    values = np.repeat(np.repeat([1.0, 0.0], [12, 8]), 50)
    items = [f"t{k}" for k in range(20) for _ in range(50)]
    assert share(values, items).low < 0.5 < share(values, items).high
    assert share(values, [""] * 1000).low > 0.5  # taken for a thousand draws, they would prove a preference
