from __future__ import annotations

from xml.etree import ElementTree

import pytest

from homeostat.web.environment import address, drawn
from homeostat.web.svg import Caption, clean, figure, hidden, short, tag, title, word

CAPTION = Caption(title="Volume", description="so many")


@pytest.mark.parametrize(
    ("number", "said"), [(1.0, "1"), (0.5, "0.5"), (12.345, "12.35"), (100.0, "100"), (-0.25, "-0.25"), (0.0, "0")]
)
def test_numbers_are_no_longer_than_they_need_be(number: float, said: str) -> None:
    """Two decimals, without zeros at their end; whole tens keep theirs."""
    assert short(number) == said


def test_words_are_never_markup() -> None:
    """Tags, quotes, what XML cannot hold, and half characters, in elements, attributes and titles alike."""
    hostile = "</text><script>\"'&\x00\ud800"
    for made in (word(hostile, x="0"), tag("a", title(hostile), href=hostile), tag("g", clean(hostile))):
        root = ElementTree.fromstring(made)
        assert [one.tag for one in root.iter() if "script" in one.tag] == []
        assert "</text><script>\"'&\ufffd\ufffd" in ["".join(root.itertext()), root.get("href")]


def test_names_of_attributes_are_those_of_svg() -> None:
    """Hyphens for underscores, and none at the end, where Python has a word of that name."""
    assert tag("g", class_="x", stroke_width=2.0) == '<g class="x" stroke-width="2"/>'


def test_a_figure_is_named_for_whoever_does_not_see_it() -> None:
    """Its title and description are its label; another drawing has other ids, a hidden one has neither."""
    one, other = (ElementTree.fromstring(figure(CAPTION, 10, "bars", tag("rect", width=n))) for n in (1.0, 2.0))
    assert (one.get("role"), one[0].text, one[1].text) == ("img", "Volume", "so many")
    assert (one.get("aria-labelledby"), one.get("aria-describedby")) == (one[0].get("id"), one[1].get("id"))
    assert one[0].get("id") != other[0].get("id")
    quiet = ElementTree.fromstring(hidden("strip", 8))
    assert (quiet.get("aria-hidden"), quiet.get("role")) == ("true", None)


def test_only_drawings_pass_unescaped() -> None:
    """What does not begin as one of ours does is text."""
    assert drawn(hidden("strip", 8)).startswith("<svg ")
    assert drawn("<b>bold</b>") == "&lt;b&gt;bold&lt;/b&gt;"


def test_what_stands_in_an_address_cannot_leave_it() -> None:
    """Slashes, quotes and half characters are spelled out."""
    assert address('../a b"?\ud800') == "..%2Fa%20b%22%3F%3F"
