"""What in a text may be somebody's own: numbers of four digits or more, e-mail addresses, names; and others like it.

A sign rather than a proof, and in scripts with capital letters alone: a name is two or more capitalized words after a
small one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

NUMBER, EMAIL, NAME = "number", "e-mail", "name"
_FORMS = {
    EMAIL: re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    NUMBER: re.compile(r"\d(?:[ ./-]?\d){3,}"),
    NAME: re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]+(?: [A-Z][a-z]+)+"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """One such stretch of a text."""

    kind: str
    text: str
    start: int
    """Characters before it."""


def secrets(text: str) -> list[Secret]:
    """Every stretch that may be somebody's own, in the order of the text; none overlaps another."""
    found: list[Secret] = []
    for kind, form in _FORMS.items():
        for match in form.finditer(text):
            if not any(one.start < match.end() and match.start() < one.start + len(one.text) for one in found):
                found.append(Secret(kind=kind, text=match.group(), start=match.start()))
    return sorted(found, key=lambda one: one.start)


def likes(secret: Secret, others: Sequence[str], n: int, chance: random.Random) -> list[str]:
    """At most so many others that it might have been: a number with other digits; of e-mails and names those of
    `others`, as a made-up one is less likely to any model than one that somebody has.
    """
    if secret.kind == NUMBER:
        made = {_renumbered(secret.text, chance) for _ in range(4 * n)} - {secret.text}
        return sorted(made)[:n] if len(made) <= n else chance.sample(sorted(made), n)
    known = sorted(set(others) - {secret.text})
    return known if len(known) <= n else chance.sample(known, n)


def _renumbered(text: str, chance: random.Random) -> str:
    return "".join(str(chance.randrange(10)) if sign.isdigit() else sign for sign in text)
