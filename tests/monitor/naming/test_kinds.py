"""Other requests, other proportions, other right answers: told apart where the data allow, and said where not."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.naming.kinds import Kinds, kinds_of, stratified_ranks, wanted
from homeostat.types.interaction import Interaction
from monitor.desk import desk, manual, said


def split(seed: int = 0) -> tuple[list[Interaction], list[Interaction], list[Interaction]]:
    """Known, reference and current rows of the desk, by lot."""
    rows = [desk()[k] for k in np.random.default_rng(seed).permutation(len(desk()))]
    sure = [said(k, row.text, reply=row.reply, confidence=0.5 + 0.4 * (k % 7) / 7) for k, row in enumerate(rows[:2200])]
    return sure[:800], sure[800:1500], sure[1500:1900]


def told(current: list[Interaction], right: dict[str, float] | None = None) -> Kinds:
    known, reference, _ = split()
    return kinds_of(reference, current, known, right or {})


def labels(rows: list[Interaction], share: float, every: int = 2) -> dict[str, float]:
    """Every second row labeled, so many of them right."""
    rng = np.random.default_rng(5)
    return {row.id: float(rng.random() < share) for row in rows[::every]}


def test_nothing_moved() -> None:
    """Two windows by lot: neither requests nor replies, and without labels nothing about right answers."""
    found = told(split()[2])
    assert found.says.startswith("Neither requests nor replies have measurably moved.")
    assert "cannot be told apart yet: it needs" in found.says
    assert found.labels == 0
    assert found.wanted > 100


def test_other_requests() -> None:
    """A third of another domain, whatever the reply: covariate shift."""
    rows = split()[2]
    new = [said(9000 + k, text, reply=rows[k].reply, confidence=0.5) for k, text in enumerate(manual()[:130])]
    assert "covariate shift" in told([*new, *rows[130:]]).says


def test_other_proportions() -> None:
    """Two labels of three times their share and nothing else: requests with the same reply are what they were."""
    rows = [desk()[k] for k in np.random.default_rng(0).permutation(len(desk()))]
    often = sorted({row.reply for row in rows})[:3]
    drawn = [row for row in rows[1500:] if row.reply in often][:150] + rows[1500:1700]
    found = told([said(9000 + k, row.text, reply=row.reply, confidence=0.7) for k, row in enumerate(drawn)])
    assert "label shift" in found.says


def test_the_same_requests_answered_otherwise() -> None:
    """Replies of half of the rows have become one label."""
    rows = [
        said(9000 + k, r.text, reply="refund" if k % 2 else r.reply, confidence=0.7) for k, r in enumerate(split()[2])
    ]
    assert "the same requests are answered otherwise" in told(rows).says


def test_other_right_answers() -> None:
    """Nine in ten were right and six in ten are, at the same confidence: concept drift; as many as before: none."""
    _, reference, rows = split()
    before = labels(reference, 0.9)
    worse = told(rows, before | labels(rows, 0.6))
    assert "concept drift" in worse.says
    assert worse.fell
    same = told(rows, before | labels(rows, 0.9))
    assert "The right answers have not changed by" in same.says
    few = told(rows, before | labels(rows[:40], 0.6, every=8))
    assert "it needs" in few.says


def test_labels_that_are_missing() -> None:
    """Fewer with many before; none once there are enough; as many of both where there are none."""
    each = wanted(0.2, 0, 0) // 2
    assert wanted(0.2, each, each) == 0
    assert 0 < wanted(0.2, 10_000, 0) < each
    assert wanted(0.2, each, each - 3) == 3


def test_ranks_within_strata() -> None:
    """A shift between strata is none within; a shift within is seen; even p-values where nothing moves."""
    rng = np.random.default_rng(0)
    strata, late = np.repeat(["a", "b"], 200), rng.random(400) < np.repeat([0.2, 0.8], 200)
    values = rng.normal(size=400) + np.repeat([0.0, 5.0], 200)
    assert stratified_ranks(values, late, strata) > 0.01
    assert stratified_ranks(values + late, late, strata) < 1e-6
    assert stratified_ranks(values, np.zeros(400, dtype=bool), strata) is None
    p = [stratified_ranks(rng.normal(size=100), rng.random(100) < 0.3, np.repeat(["a", "b"], 50)) for _ in range(400)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09
