"""What is examined is not learned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from homeostat.curate.fence import Fence
from homeostat.curate.near import shingles, similarity
from homeostat.types.dataset import Example

TEXTS = ["where is my order", "please tell me how I can pair the lamp with the app on my new phone", "OK"]


def test_stops_evaluation_texts() -> None:
    """An evaluation text is stopped however it is spelled, and so is one with a letter changed."""
    fence = Fence(TEXTS)
    assert fence.stops("  WHERE is my order?!")
    assert fence.stops("ok.")
    assert fence.stops(TEXTS[1] + "s")
    assert not fence.stops("where is my parcel")
    assert not Fence([]).stops("anything")


def test_outside() -> None:
    """Examples on the right side of the fence pass as they are."""
    rows = [Example(text=text, target="a") for text in ("Where is my order", "cancel my order")]
    assert Fence(TEXTS).outside(rows) == rows[1:]


@given(
    st.lists(st.text(alphabet="ab c.ÃÂ€©", min_size=1, max_size=30), min_size=1, max_size=8),
    st.lists(st.text(alphabet="ab c.ÃÂ€©", min_size=1, max_size=30), max_size=8),
)
def test_nothing_passes(evaluation: list[str], texts: list[str]) -> None:
    """Whatever the texts, exactly those that equal no evaluation text and are near none pass."""
    passed = Fence(evaluation).outside([Example(text=text, target="a") for text in texts])
    far = [t for t in texts if not any(similarity(shingles(t), shingles(e)) >= 0.9 for e in evaluation)]
    assert [row.text for row in passed] == far
