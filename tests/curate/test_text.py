"""One text at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.curate.text import key, repaired, tidy

ANY = st.text(alphabet=st.characters(codec=None), max_size=40)


@pytest.mark.parametrize(
    "meant", ["don’t", "café", "“quoted”", "Łódź Dvořák", "5 €", "привет", "olá", "😀 ok", "½ off™"]
)
def test_mojibake(meant: str) -> None:
    """UTF-8 that was read as Windows-1252 is read as UTF-8 again."""
    assert tidy(misread(meant)) == meant


@pytest.mark.parametrize("meant", ["don’t", "café", "olá", "½ off™"])
def test_mojibake_twice(meant: str) -> None:
    """Western text may have been misread twice."""
    assert tidy(misread(misread(meant))) == meant


def misread(text: str) -> str:
    return "".join(_shown(byte) for byte in text.encode())


def _shown(byte: int) -> str:
    """How Windows-1252 shows a byte, with the five that it leaves undefined as themselves."""
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


@pytest.mark.parametrize(
    "text", ["São Paulo", "naïve", "„MENÜ“", "«LIBERTÉ»", "„UNIVERSITÄ“", "Ñandú, ¿qué?", "à…", "ÐЖ"]
)
def test_meant_as_it_stands(text: str) -> None:
    """Accented letters and quotation marks that were meant are left alone."""
    assert repaired(text) == text


def test_tidy() -> None:
    """Control and invisible characters go, spaces become one, line breaks stay up to two."""
    assert tidy("\ufeff a\t b\x00\u200b\u00a0c \r\n\n\n\n d\x0ce\x07 ") == "a b c\n\nd e"
    assert tidy("e\u0301") == "é"
    assert tidy("x\ud800y") == "xy"
    assert tidy(" \n\u200b ") == ""


@given(ANY)
def test_tidy_stays(text: str) -> None:
    """What is tidy stays as it is, and any UTF-8 file can hold it."""
    once = tidy(text)
    assert tidy(once) == once
    once.encode()


@given(ANY)
def test_key_of_tidy(text: str) -> None:
    """A text and its tidy form are the same text; only blank texts have no key."""
    assert key(tidy(text)) == key(text)
    assert bool(key(text)) == bool(tidy(text))


def test_key() -> None:
    """Case, spaces, width and sentence punctuation do not count; operators and digits do."""
    assert key("  Where's my  ORDER?! ") == key("where s my order") == key("Ｗhere's my order…")
    assert key("???") == "???"
    assert key("a == b") != key("a != b")
    assert key("order 1") != key("order 2")
