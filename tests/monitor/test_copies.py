"""Copies of a request that come within a short while are counted once."""

from dataclasses import replace

from homeostat.monitor.copies import WITHIN, Copies
from homeostat.types.interaction import Interaction

ROW = Interaction(id="int_0", task="t", time=0.0, text="ping", reply="", version="ver_1", embedding=b"\x01\x02")


def requests(*keys):
    """Interactions with these embeddings."""
    return [replace(ROW, id=f"int_{k}", embedding=f"{key:04d}".encode()) for k, key in enumerate(keys)]


def test_a_burst_counts_once():
    """Of ten copies among two others, the first is left."""
    assert Copies().fresh(requests(1, 2, 2, 2, 2, 2, 3, 2, 2, 2, 2, 2)) == [0, 1, 6]


def test_without_embeddings_the_text_says_what_is_a_copy():
    """Two texts, each sent twice."""
    rows = [replace(ROW, embedding=b"", text=text) for text in ("a", "b", "a", "b")]

    assert Copies().fresh(rows) == [0, 1]


def test_a_copy_counts_again_after_a_hundred_others():
    """A request that is half of the traffic for ever is one in a hundred and one of what is counted."""
    keys = [0 if k % 2 else k + 1 for k in range(4000)]
    kept = Copies().fresh(requests(*keys))

    share = sum(keys[k] == 0 for k in kept) / len(kept)

    assert abs(share - 1 / (WITHIN + 1)) < 0.002


def test_cuts_and_restarts_do_not_matter():
    """In one call, or one by one through the state: the same are left."""
    rows = requests(*(k * k % 37 for k in range(300)))
    expected, held, found = Copies().fresh(rows), [], []
    for k, row in enumerate(rows):
        one = Copies()
        one.load(held)
        found += [k for _ in one.fresh([row])]
        held = one.state()

    assert found == expected
    assert len(held) <= WITHIN
