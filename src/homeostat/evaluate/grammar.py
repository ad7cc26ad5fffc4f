"""Pairs of sentences of which one is right: a small probe of whether a model knows English, beside larger ones.

In the manner of BLiMP (Warstadt et al. 2019, 1912.00582) and written for this: both sentences of a pair have as many
words, nearly the same, so that neither length nor the frequency of words tells. In most, what decides stands some words
before, so that runs of two or three words do not tell either. BLiMP itself says more; use it where you have it.
"""

from __future__ import annotations

from itertools import product

_NOUNS = (("key", "cabinets"), ("letter", "lawyers"), ("report", "meetings"), ("door", "offices"), ("name", "streets"))
_MANY = (("keys", "cabinet"), ("letters", "lawyer"), ("reports", "meeting"), ("doors", "office"), ("names", "street"))
_STATES = ("old", "lost", "new", "here")
_PEOPLE = (
    ("man", "himself", "themselves"),
    ("woman", "herself", "themselves"),
    ("men", "themselves", "himself"),
    ("women", "themselves", "herself"),
    ("king", "himself", "herself"),
    ("queen", "herself", "himself"),
)
_DID = ("saw", "helped", "hurt", "asked", "blamed")
_SEEN = ("house", "river", "child", "letter", "garden")
_WHERE = ("near the church", "after the storm", "in the morning")


def pairs() -> list[tuple[str, str, str]]:
    """The right sentence, the wrong one, and what they differ in."""
    return [*_agreement(), *_reflexives(), *_number(), *_polarity(), *_order(), *_participles()]


def _agreement() -> list[tuple[str, str, str]]:
    """A verb agrees with its subject, and not with the noun beside it."""
    made = []
    for (one, others), state in product(_NOUNS, _STATES):
        made.append((f"The {one} of the {others} is {state}.", f"The {one} of the {others} are {state}."))
    for (many, other), state in product(_MANY, _STATES):
        made.append((f"The {many} of the {other} are {state}.", f"The {many} of the {other} is {state}."))
    return [(good, bad, "agreement") for good, bad in made]


def _reflexives() -> list[tuple[str, str, str]]:
    return [
        (f"The {who} often {did} {right}.", f"The {who} often {did} {wrong}.", "reflexives")
        for (who, right, wrong), did in product(_PEOPLE, _DID)
    ]


def _number() -> list[tuple[str, str, str]]:
    """A word between keeps the determiner and its noun apart."""
    made = []
    for seen, how in product(_SEEN[:1] + _SEEN[3:], ("small", "very old", "beautiful")):
        made.append((f"She liked this {how} {seen}.", f"She liked these {how} {seen}."))
        made.append((f"They bought two {how} {seen}s.", f"They bought one {how} {seen}s."))
    return [(good, bad, "number") for good, bad in made]


def _polarity() -> list[tuple[str, str, str]]:
    """Where nothing is denied there is no `ever`."""
    return [
        (f"No {who} has ever seen the {seen}.", f"The {who} has ever seen the {seen}.", "polarity")
        for who, seen in product(("man", "woman", "king", "queen"), _SEEN)
    ]


def _order() -> list[tuple[str, str, str]]:
    """The same words, two of them exchanged."""
    return [
        (f"The {who} saw the {seen} {where}.", f"The {who} the saw {seen} {where}.", "order")
        for who, seen, where in product(("man", "woman"), _SEEN, _WHERE)
    ]


def _participles() -> list[tuple[str, str, str]]:
    forms = (("seen", "saw"), ("taken", "took"), ("broken", "broke"), ("given", "gave"), ("written", "wrote"))
    return [
        (f"The {seen} had soon been {right}.", f"The {seen} had soon been {wrong}.", "participles")
        for (right, wrong), seen in product(forms, _SEEN)
    ]
