"""Quality slice by slice: what each is by its own labels, and by the labels of all others where it has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.errors import UnknownPlugin
from homeostat.monitor.quality.course import Told
from homeostat.monitor.quality.parts import MOST, REST, parts, values_of
from homeostat.types.interaction import Interaction
from monitor.quality.worlds import world

ROW = Interaction(id="int_1", task="t", time=1.0, text="where is my parcel", reply="delivery", version="ver_1")


def told(rng: np.random.Generator, n: int, labeled: float, *, hard: float = 0.0, worse: float = 0.0) -> list[Told]:
    made = world(rng, n, hard=hard, worse=worse)
    shown = rng.random(n) < labeled
    return [
        Told(time=float(k), confidence=float(sure), right=float(y) if seen else None)
        for k, (sure, y, seen) in enumerate(zip(made.sure, made.right, shown, strict=True))
    ]


def test_a_slice_without_labels_is_told_by_those_of_the_others() -> None:
    """Of 40 worlds in which one slice is much harder and hardly labeled, its truth lies inside in 36 or more, and the
    slice comes first; a window of all requests knows nothing of it.
    """
    inside, first = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        easy, hard = told(rng, 1_500, 0.3), told(rng, 300, 0.0, hard=2.0)
        found = parts([*easy, *hard], ["web"] * 1_500 + ["mobile"] * 300)
        first += found[0].value == "mobile"
        score = {part.value: part for part in found}["mobile"].window.estimated
        assert score is not None
        truth = np.random.default_rng(seed)
        told(truth, 1_500, 0.3)
        right = world(truth, 300, hard=2.0).right.mean()
        inside += score.low <= right <= score.high
    assert first == 40
    assert inside >= 36


def test_a_slice_whose_labels_contradict_the_others_says_so() -> None:
    """As sure as elsewhere and wrong more often: nothing is estimated, its own labels tell it, and it comes first."""
    rng = np.random.default_rng(1)
    rows = [*told(rng, 1_500, 0.3), *told(rng, 500, 0.3, worse=2.0)]
    found = parts(rows, ["web"] * 1_500 + ["mobile"] * 500)
    assert [part.value for part in found] == ["mobile", "web"]
    window = found[0].window
    assert (window.estimated, window.labels) == (None, sum(row.right is not None for row in rows[1_500:]))
    assert "it no longer means that" in window.because
    assert found[1].window.measured is not None
    assert window.measured is not None
    assert window.measured.high < found[1].window.measured.low


def test_the_largest_are_told_and_the_rest_together() -> None:
    """Twenty values, and one line for all others and for requests of which the value is not known."""
    rows = told(np.random.default_rng(2), 1_000, 0.5)
    values = [f"v{min(k % 40, 30):02}" if k % 10 else "" for k in range(1_000)]
    found = {part.value: part.window.requests for part in parts(rows, values)}
    assert len(found) == MOST + 1
    assert sum(found.values()) == 1_000
    assert found[REST] >= values.count("")
    assert parts([], []) == []


def test_values_are_of_a_tag_or_of_a_feature() -> None:
    """A tag of the name comes before a feature of the name; what gives numbers or is not there is refused."""
    rows = [replace(ROW, tags={"channel": "web"}), replace(ROW, text="где моя посылка"), ROW]
    assert values_of(rows, "channel") == ["web", "", ""]
    assert [value.lower() for value in values_of(rows, "script")] == ["latin", "cyrillic", "latin"]
    assert values_of(rows, "reply") == ["delivery"] * 3
    assert values_of([replace(ROW, tags={"script": "own"})], "script") == ["own"]
    for name in ("words", "chanel"):
        with pytest.raises(UnknownPlugin, match=f"'{name}'"):
            values_of(rows, name)
