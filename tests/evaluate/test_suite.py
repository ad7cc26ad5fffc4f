"""Test rows whose time has come, and the fence around all of them."""

from homeostat.evaluate.suite import fence_texts, seen_so_far
from homeostat.types.dataset import Example

ROWS = [Example(text=text, target="x", time=time) for text, time in (("b", 3.0), ("a", 1.0), ("b", 2.0), ("c", 9.0))]


def test_seen_so_far_ends_now() -> None:
    """A row counts from its own moment on, that moment included, and the order is kept."""
    assert [row.time for row in seen_so_far(ROWS, 2.0)] == [1.0, 2.0]
    assert seen_so_far(ROWS, 0.5) == ()
    assert seen_so_far(ROWS, 9.0) == tuple(ROWS)


def test_the_fence_holds_the_future_too() -> None:
    """Texts of rows whose time has not come are fenced as well, each text once."""
    assert fence_texts(ROWS) == ("b", "a", "c")
