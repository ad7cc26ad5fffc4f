"""Texts are found in bytes however they are written, and nothing else is."""

from __future__ import annotations

import html
import json
import random
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.store.needles import AT_ONCE, LEAST, PIECE, Needles

SAID = 'My "pump" leaks — since Tuesday\n& it is <wet> äöü 円'


@pytest.mark.parametrize(
    "written",
    [
        SAID.encode(),
        SAID.encode("utf-16-le"),
        SAID.encode("utf-16-be"),
        json.dumps({"text": SAID}).encode(),
        json.dumps({"text": SAID}, ensure_ascii=False).encode(),
        json.dumps({"body": json.dumps({"text": SAID})}).encode(),
        html.escape(SAID).encode(),
        quote(SAID).encode(),
        b"\x00\xff" * 7 + SAID.encode() + b"\x00",
    ],
)
def test_a_text_is_found_however_it_is_written(written: bytes) -> None:
    """As it is, in UTF-16, as JSON, as JSON in JSON, as HTML, in an address, and between bytes that mean nothing."""
    needles = Needles.of([SAID, "something that nobody wrote"])
    assert needles.found([b"before ", written, b" after"]) == {SAID}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_as_the_slow_way_finds_them(data: st.DataObject) -> None:
    """Whatever the texts and the bytes, and wherever the chunks end: what `in` finds is found, and no more."""
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    letters = "ab "
    texts = {"".join(chance.choices(letters, k=chance.randrange(LEAST, 14))).strip() for _ in range(20)}
    texts = {text for text in texts if len(text) >= LEAST}
    content = "".join(chance.choices(letters, k=3000)).encode()
    ends = sorted(chance.sample(range(3000), 7))
    chunks = [content[a:b] for a, b in zip([0, *ends], [*ends, 3000], strict=True)]
    assert Needles.of(texts).found(chunks) == {text for text in texts if text.encode() in content}


def test_where_chunks_end_is_no_place_to_hide() -> None:
    """A text that begins in one chunk and ends in the next is found, in bytes of more than are read at once too."""
    needles = Needles.of([SAID])
    padding = b"x" * (AT_ONCE - 5)
    assert needles.found([padding + SAID.encode()]) == {SAID}
    assert needles.found([padding, SAID.encode()[:9], SAID.encode()[9:]]) == {SAID}


def test_a_long_text_is_found_by_its_pieces() -> None:
    """Where it lies in two places, as on two pages of a database; only if pieces are asked for."""
    long = " ".join(f"word{k}" for k in range(60))
    torn = long[:PIECE].encode() + b"\x00" * 100 + b"something else"
    assert Needles.of([long], pieces=True).found([torn]) == {long}
    assert Needles.of([long]).found([torn]) == set()
    assert Needles.of([long], pieces=True).found([long[-PIECE:].encode()]) == {long}


def test_pieces_that_others_say_too_are_nobodys() -> None:
    """A long text is no longer found by a piece that stands in what stays, however that is written; by its other pieces
    and as a whole it is.
    """
    shared = "please unplug the lamp for one minute, “reseat” its cable, then set the light schedule again in the app; "
    mine, theirs = shared + "and call Dora of flat seven under her private number", shared + "and be well"
    needles = Needles.of([mine], pieces=True)
    for written in (theirs, json.dumps(theirs), json.dumps(theirs, ensure_ascii=False)):
        assert needles.found([written.encode()]) == {mine}
        assert needles.but_for([theirs]).found([written.encode()]) == set()
    assert needles.but_for([theirs]).found([mine.encode()[-PIECE:]]) == {mine}
    assert needles.but_for([theirs, mine]).found([json.dumps(mine).encode()]) == {mine}


def test_short_texts_are_not_looked_for() -> None:
    """What has fewer than eight bytes would be found everywhere; white space around a text does not count."""
    needles = Needles.of(["ok", "seven77", "  eight888 "])
    assert needles.texts == ("eight888",)
    assert needles.in_text("ok seven77 eight888")
    assert not needles.in_text("ok seven77")
    assert not Needles.of([])
    assert Needles.of([]).found([b"anything at all"]) == set()
