"""A confusion matrix as a file of its own."""

from __future__ import annotations

from xml.etree import ElementTree

from homeostat.web.confusion import MOST, confusion

SVG = "{http://www.w3.org/2000/svg}"


def test_every_count_is_drawn_and_named() -> None:
    """One cell for each count that is not zero, and what it says when it is pointed at; odd labels are escaped."""
    drawn = ElementTree.fromstring(confusion(["<a>", "b & c"], [[8, 2], [0, 5]]))
    said = [title.text for title in drawn.iter(f"{SVG}title")]
    assert said[1:] == [
        "<a> → <a>: 8 of 10 (80.0\u202f%)",
        "<a> → b & c: 2 of 10 (20.0\u202f%)",
        "b & c → b & c: 5 of 5 (100.0\u202f%)",
    ]
    assert [text.text for text in drawn.iter(f"{SVG}text")].count("<a>") == 2


def test_of_many_labels_those_with_mistakes_are_drawn() -> None:
    """A hundred labels, two of them confused: both are there, and no more than there is room for."""
    n = 100
    counts = [[5 * (t == s) for s in range(n)] for t in range(n)]
    counts[97][98] = 3
    text = confusion([f"label{k}" for k in range(n)], counts)
    assert "label97 → label98: 3 of 8" in text
    assert text.count('text-anchor="end"') == MOST
    assert f"{MOST} of {n} labels" in text


def boxes(text: str) -> list[ElementTree.Element]:
    """The cells that are drawn: those that say something when they are pointed at."""
    return [rect for rect in ElementTree.fromstring(text).iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]


def test_what_is_right_lies_on_the_diagonal() -> None:
    """Targets go down and replies across: a cell on the diagonal has one color, all others another; a label that is
    nobody's target has an empty row.
    """
    drawn = boxes(confusion(["a", "b", "c"], [[4, 1, 0], [0, 3, 2], [0, 0, 0]]))
    places = {(float(box.attrib["x"]), float(box.attrib["y"])): box.attrib["fill"] for box in drawn}
    columns, rows = sorted({x for x, _ in places}), sorted({y for _, y in places})
    assert (len(columns), len(rows)) == (3, 2)
    right = {places[columns[k], rows[k]] for k in range(2)}
    wrong = {places[columns[k + 1], rows[k]] for k in range(2)}
    assert len(right) == len(wrong) == 1
    assert right != wrong


def test_a_larger_share_is_darker() -> None:
    """By the share of the target's rows, and not by their number."""
    drawn = boxes(confusion(["a", "b"], [[90, 10], [1, 1]]))
    depth = [float(box.attrib["fill-opacity"]) for box in drawn]
    assert depth[0] > depth[2] == depth[3] > depth[1] > 0.1


def test_labels_have_room() -> None:
    """The longest label decides how far the matrix stands from the edge; without labels there is nothing to draw."""
    short, long = (boxes(confusion([name], [[1]]))[0] for name in ("a", "a" * 40))
    assert float(long.attrib["x"]) > float(short.attrib["x"]) + 200
    assert boxes(confusion([], [])) == []
