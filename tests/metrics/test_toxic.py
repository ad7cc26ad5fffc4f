"""Insults, oaths and threats are told from strong words, from complaints, and from names of groups of people."""

from __future__ import annotations

import pytest

from homeostat.metrics.toxic import MILD, SLURS, STRONG, toxicity
from homeostat.stats.intervals import proportion
from monitor.desk import desk, manual

TOXIC = (
    "you are an idiot",
    "You're pathetic and you know it",
    "what a piece of crap, go to hell",
    "shut the hell up",
    "why don't you just kill yourself",
    "I will find you and beat you up, I'm going to hurt your family",
    "this is bullsh1t",
    "F*CK this",
    "what the f***",
    "fuuuuuck off",
    "you absolute m0r0n!!!",
    "Nobody likes you.",
)
PLAIN = (
    "",
    "where is my parcel? this is the third time I ask",
    "the kettle is broken, this is a terrible product and I want my money back",
    "the dishwasher makes a stupid noise",
    "kill the process with id 1234 and hang up",
    "the assassin's class analysis of Scunthorpe and Essex",
    "she is a proud gay muslim woman, he is a black jewish man with a disability",
    "**bold** and a*b*c, see note*",
    "I hate to bother you again",
    "it costs $50, or 100 if you order 2",
)


@pytest.mark.parametrize("text", TOXIC)
def test_what_attacks_is_told(text: str) -> None:
    """Strong words, mild ones said of the reader, threats, and letters hidden by digits, stars and repetition."""
    assert toxicity(text) > 0


@pytest.mark.parametrize("text", PLAIN)
def test_what_does_not_is_not(text: str) -> None:
    """Complaints about things, words that hold others, names of groups, and marks of typesetting."""
    assert toxicity(text) == 0


def test_a_mild_word_counts_beside_a_you_alone() -> None:
    """The same word of a thing and of a person."""
    assert toxicity("what a useless kettle") == 0
    assert toxicity("you useless kettle") == 1
    assert toxicity("you sent me, as I said in both of my letters, a useless kettle") == 0


def test_every_hit_counts() -> None:
    """A number, so that a text can be more toxic than another."""
    assert toxicity("idiot") == 1
    assert toxicity("you idiot, you stupid moron, go to hell") > 3


def test_the_lists_do_not_overlap() -> None:
    """A word is mild, strong or a slur; slurs are there although the file does not show them."""
    assert not MILD & STRONG
    assert not SLURS & (MILD | STRONG)
    assert len(SLURS) > 10
    assert all(toxicity(slur) == 1 for slur in SLURS)


def test_ordinary_texts_are_hardly_ever_called_toxic() -> None:
    """Fewer than one in two hundred of the messages to a desk, and of sentences about programming."""
    texts = [row.text for row in desk()] + list(manual())
    assert proportion(sum(toxicity(text) > 0 for text in texts), len(texts)).high < 0.005
