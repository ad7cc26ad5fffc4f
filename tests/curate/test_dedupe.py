"""One of many rows that say the same."""

from __future__ import annotations

import random

from homeostat.curate.dedupe import dedupe
from homeostat.curate.near import shingles, similarity
from homeostat.types.dataset import Example

LONG = "please tell me where my parcel is because it should have been here on monday and it is not"


def row(text: str, target: str = "a", time: float = 0.0) -> Example:
    return Example(text=text, target=target, time=time)


def test_exact() -> None:
    """Of rows with the same text and target the newest stays."""
    assert dedupe([row("Hi there", time=1), row("hi there!", time=2), row("HI THERE", time=0)], 0.9) == [
        row("hi there!", time=2)
    ]


def test_near() -> None:
    """A long text with one letter changed repeats the newer one; a changed sentence does not."""
    rows = [row(LONG, time=1), row(LONG + "s", time=2), row(LONG.replace("monday", "the first of may"), time=3)]
    assert dedupe(rows, 0.9) == rows[1:]
    assert dedupe(rows, 1.0) == rows


def test_other_target() -> None:
    """Similar texts with different targets all stay."""
    rows = [row(LONG, "a"), row(LONG + "s", "b")]
    assert dedupe(rows, 0.9) == rows


def test_no_two_alike() -> None:
    """Nothing that is kept is near anything else that is kept, and everything dropped is near something kept."""
    rng = random.Random(5)
    words = LONG.split()
    rows = [row(" ".join(w for w in words if rng.random() > 0.03), time=float(n)) for n in range(200)]
    kept = dedupe(rows, 0.9)
    pieces = [shingles(one.text) for one in kept]
    assert not any(similarity(a, b) >= 0.9 for n, a in enumerate(pieces) for b in pieces[:n])
    assert all(any(similarity(shingles(one.text), piece) >= 0.9 for piece in pieces) for one in rows)
    assert 10 < len(kept) < 150


def test_order_does_not_matter() -> None:
    """The same rows in another order leave the same rows."""
    rng = random.Random(6)
    rows = [row(" ".join(rng.sample(LONG.split(), 4)), rng.choice("ab"), float(n % 7)) for n in range(100)]
    shuffled = rng.sample(rows, len(rows))
    assert sorted(map(repr, dedupe(rows, 0.6))) == sorted(map(repr, dedupe(shuffled, 0.6)))
