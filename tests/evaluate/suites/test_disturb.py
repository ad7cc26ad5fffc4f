"""Disturbances change how a request is written and leave what it asks."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import pytest

from homeostat.errors import UnknownPlugin
from homeostat.evaluate.suites.disturb import CUT, NAMES, disturbed

TEXT = "Please tell me, where is my parcel from Monday? I do not see it on the card page."


@pytest.mark.parametrize("name", NAMES)
def test_every_version_is_asked_the_same(name: str) -> None:
    """What comes out is another text, and the same one each time."""
    assert disturbed(TEXT, name) != TEXT
    assert disturbed(TEXT, name) == disturbed(TEXT, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "?", "ok", "帮我取消订单", "\ud800 lone"])
def test_nothing_is_too_odd_to_disturb(name: str, text: str) -> None:
    """Whatever was asked can be asked in another way, or stays."""
    assert isinstance(disturbed(text, name), str)


def test_typos_leave_most_letters() -> None:
    """One in six of the longer words is misspelled: first letters stay, and the rest is as before."""
    wrong = disturbed(TEXT, "typos").split()
    assert [word[0] for word in wrong] == [word[0] for word in TEXT.split()]
    assert sum(a != b for a, b in zip(wrong, TEXT.split(), strict=True)) == 1
    assert SequenceMatcher(None, " ".join(wrong), TEXT).ratio() > 0.95
    long = " ".join([TEXT] * 5)
    assert sum(a != b for a, b in zip(disturbed(long, "typos").split(), long.split(), strict=True)) == 6


def test_only_what_is_said_changes() -> None:
    """Each of the others does what its name says."""
    words = re.findall(r"\w+", TEXT)
    assert disturbed(TEXT, "shouted") == TEXT.upper()
    assert disturbed(TEXT, "small") == TEXT.lower()
    assert disturbed(TEXT, "spaced").split() == TEXT.split()
    assert disturbed(TEXT, "unpunctuated").split() == words
    assert disturbed("It costs 3.50, Anna's says", "unpunctuated") == "It costs 3.50 Anna's says"
    assert disturbed(TEXT, "contracted") == (
        "pls tell me, where's my parcel from Monday? I don't see it on the card page."
    )
    assert TEXT in disturbed(TEXT, "polite")
    assert disturbed(TEXT, "chatter").endswith(TEXT)
    assert disturbed(TEXT, "injected").startswith(TEXT)
    kept = disturbed(TEXT, "cut").split(" ")
    assert kept == TEXT.split(" ")[: len(kept)]
    assert len(kept) == round((1 - CUT) * len(TEXT.split(" ")))


def test_look_alikes_look_alike() -> None:
    """As many letters, some of another script."""
    found = disturbed(TEXT, "look_alikes")
    changed = [(a, b) for a, b in zip(found, TEXT, strict=True) if a != b]
    assert 0 < len(changed) < len(TEXT) / 4
    assert all("\u0400" <= a <= "\u04ff" and b.isascii() for a, b in changed)


def test_an_unknown_one_is_told() -> None:
    """With the nearest that there is."""
    with pytest.raises(UnknownPlugin, match="typos"):
        disturbed(TEXT, "typo")
