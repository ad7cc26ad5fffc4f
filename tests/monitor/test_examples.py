"""Examples are the ones that stood out since the change, in constant memory."""

import json

import numpy as np

from homeostat.monitor.examples import KEPT, SHOWN, Examples


def filled(values, first=0):
    """Examples that have seen these rows."""
    examples = Examples()
    x = np.asarray(values, dtype=float)
    examples.extend(first, [f"int_{first + i}" for i in range(len(x))], x)
    return examples


def test_the_strangest_come_first_and_the_ordinary_not_at_all():
    """Low is strange; what lies in the middle was not kept."""
    examples = filled([[0.04], [0.5], [0.01], [0.99], [0.03]])

    assert examples.pick(0, 0, stranger=True)[:3] == ("int_2", "int_4", "int_0")
    assert "int_1" not in examples.pick(0, 0, stranger=True)


def test_the_most_familiar_come_first_where_traffic_became_familiar():
    """The other end, on request."""
    assert filled([[0.01], [0.97], [0.99]]).pick(0, 0, stranger=False)[:2] == ("int_2", "int_1")


def test_only_rows_since_the_change_are_shown():
    """What stood out before it has nothing to do with it."""
    assert filled([[0.001], [0.02], [0.04]]).pick(1, 0, stranger=True) == ("int_1", "int_2")


def test_each_channel_has_its_own_order_and_its_own_gaps():
    """A row without an embedding is not an example of the neighbor channel."""
    examples = filled([[0.01, np.nan], [0.04, 0.02], [0.5, 0.01]])

    assert examples.pick(0, 0, stranger=True)[:2] == ("int_0", "int_1")
    assert examples.pick(0, 1, stranger=True) == ("int_2", "int_1")


def test_memory_is_constant_and_the_newest_stay():
    """After many strange rows only the newest few hundred are kept, and ten are shown."""
    examples = filled(np.full((5000, 1), 0.01))

    assert len(examples.state()) == KEPT
    assert examples.state()[0][0] == 5000 - KEPT
    assert len(examples.pick(0, 0, stranger=True)) == SHOWN


def test_state_goes_through_json():
    """Unknown values too."""
    examples, copy = filled([[0.01, np.nan], [0.3, 0.99]]), Examples()
    copy.load(json.loads(json.dumps(examples.state(), allow_nan=False)))

    assert copy.state() == examples.state()
    assert copy.pick(0, 0, stranger=True) == examples.pick(0, 0, stranger=True)


def test_a_row_may_be_in_several_slices_and_is_shown_once():
    """By each of them, and once among all; a state from before has one name a row."""
    examples, old = Examples(), Examples()
    for row, slices in enumerate((["reply=a", "segment=1"], ["segment=2"], [])):
        examples.extend(row, [f"int_{row}"], np.array([[0.01]]), slices)

    assert examples.pick(0, 0, stranger=True) == ("int_0", "int_1", "int_2")
    assert examples.pick(0, 0, stranger=True, slice="segment=1") == ("int_0",)
    assert examples.pick(0, 0, stranger=True, slice="segment=2") == ("int_1",)
    old.load([[0, "int_0", "reply=a", 0.01], [1, "int_1", "", 0.02]])
    assert old.pick(0, 0, stranger=True, slice="reply=a") == ("int_0",)
    assert old.pick(0, 0, stranger=True) == ("int_0", "int_1")
