"""Words swapped: both ways at once, as they were written, and told apart where English is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.curate.swap import counterfactuals, swap_of
from homeostat.errors import BadStream, NotText
from homeostat.types.dataset import SWAPPED, Example, Origin


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("He lost his card.", "She lost her card."),
        ("she gave her the key, and her sister too", "he gave him the key, and his brother too"),
        ("This is his. Ask him!", "This is hers. Ask her!"),
        ("I saw her yesterday", "I saw him yesterday"),
        ("EMILY IS A WAITRESS", "EDWARD IS A WAITER"),
        ("Emily's mother-in-law", "Edward's mother-in-law"),
        ("he's late, so's Emily", "she's late, so's Edward"),
        ("the theme of the sheet", "the theme of the sheet"),
        ("Mr. Brown and his wife Laura", "Ms. Brown and her husband Lewis"),
    ],
)
def test_english(text: str, other: str) -> None:
    """Pronouns by what follows them, names, titles and kin; what only contains such a word stays as it is."""
    assert swap_of("english")(text) == other


@pytest.mark.parametrize(
    "text",
    ["Aaron and Alice met his aunt", "he told her that she was his", "The ACTRESS thanked him for her prize"],
)
def test_swapping_twice_gives_the_text_back(text: str) -> None:
    """Each word stands in one pair, and pronouns are told apart both ways."""
    swap = swap_of("english")
    assert swap(text) != text
    assert swap(swap(text)) == text


def test_every_english_word_has_one_partner() -> None:
    """The pairs are an involution: no word is in two of them."""
    pairs = swap_of("english").pairs
    assert all(pairs[pairs[word]] == word != pairs[word] for word in pairs)
    assert len(pairs) > 200


def test_pairs_of_a_file(tmp_path: Path) -> None:
    """A pair a line, apart by a comma or a tab; pronouns are left alone."""
    file = tmp_path / "pairs.txt"
    file.write_text("# faiths\nchurch, mosque\nPastor\tImam\n\n")
    assert swap_of(str(file))("The Pastor of his CHURCH") == "The Imam of his MOSQUE"


def test_files_that_hold_no_pairs(tmp_path: Path) -> None:
    """A file that is not there, a line that is no pair, and one that is no text are told with their place."""
    file = tmp_path / "pairs.txt"
    with pytest.raises(BadStream, match="No such file"):
        swap_of(str(file))
    file.write_text("church, mosque\nchurch\n")
    with pytest.raises(BadStream) as caught:
        swap_of(str(file))
    assert caught.value.where.endswith("line 2")
    file.write_bytes(b"caf\xe9, bar")
    with pytest.raises(NotText):
        swap_of(str(file))


def test_copies_of_rows() -> None:
    """A row with such words gives a copy with the same target and origin, without tags; others give none, nor does one
    whose copy is there already, or is a text of the suite. It keeps the interaction, by which it is erased too.
    """
    rows = [
        Example(text="he cannot log in", target="login", interaction="int_1", origin=Origin.REPLAY, tags={"g": "m"}),
        Example(text="the lamp is dark", target="lamp"),
        Example(text="my aunt waits", target="delivery"),
        Example(text="my uncle waits", target="delivery"),
        Example(text="her parcel is lost", target="delivery"),
    ]
    made = counterfactuals(rows, swap_of("english"), evaluation=["His parcel is lost!"])
    copy = Example(text="she cannot log in", target="login", interaction="int_1", origin=Origin.REPLAY)
    assert made == [replace(copy, disturbed=SWAPPED)]
