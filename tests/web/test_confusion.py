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
