"""What in a text may be somebody's own, and others of its form."""

from __future__ import annotations

import random

import pytest

from homeostat.metrics.secrets import EMAIL, NAME, NUMBER, Secret, likes, secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your locker opens with 48-29-17.", [(NUMBER, "48-29-17")]),
        (
            "write to j.doe-1974@example.org, or call 030 1234567",
            [(EMAIL, "j.doe-1974@example.org"), (NUMBER, "030 1234567")],
        ),
        ("it was signed by Ada Lovelace in 1843", [(NAME, "Ada Lovelace"), (NUMBER, "1843")]),
        ("Thank You. Dear Sir, it takes 3 days and costs 12.5", []),
        ("", []),
    ],
)
def test_what_is_found(text: str, expected: list[tuple[str, str]]) -> None:
    """Numbers of four digits and more, addresses whole, names after a small word; nothing else."""
    found = secrets(text)
    assert [(one.kind, one.text) for one in found] == expected
    assert all(text[one.start :].startswith(one.text) for one in found)


def test_others_have_the_form_and_are_others() -> None:
    """A number with other digits, signs kept; names are those that somebody has."""
    chance = random.Random(0)
    code = Secret(kind=NUMBER, text="48-29-17", start=0)
    made = likes(code, [], 63, chance)
    assert len(set(made)) == 63
    assert code.text not in made
    assert all([sign if sign == "-" else "0" for sign in one] == list("00-00-00") for one in made)
    ada = Secret(kind=NAME, text="Ada Lovelace", start=0)
    assert sorted(likes(ada, ["Ada Lovelace", "Alan Turing", "Alan Turing", "Grace Hopper"], 9, chance)) == [
        "Alan Turing",
        "Grace Hopper",
    ]


def test_nothing_is_found_twice() -> None:
    """The digits of an address are the address's; a number at its side is one of its own."""
    found = secrets("write to locker4829@example.org about 4829 3310")
    assert [(one.kind, one.text) for one in found] == [(EMAIL, "locker4829@example.org"), (NUMBER, "4829 3310")]
    assert [one.start for one in found] == sorted(one.start for one in found)


def test_others_are_drawn_by_chance_and_again_the_same() -> None:
    """The same seed gives the same others; another seed gives other ones; few possible ones are given once each."""
    code = Secret(kind=NUMBER, text="482917", start=0)
    one, again, other = (likes(code, [], 20, random.Random(seed)) for seed in (1, 1, 2))
    assert one == again != other
    short = Secret(kind=NUMBER, text="1-2-3-4", start=0)
    assert len(set(likes(short, [], 200, random.Random(0)))) == 200


def test_addresses_are_exchanged_for_those_that_somebody_has() -> None:
    """At most as many as are wanted, none twice, never the secret itself."""
    mine = Secret(kind=EMAIL, text="ann@example.org", start=0)
    known = [f"user{k}@example.org" for k in range(30)] * 2 + [mine.text]
    found = likes(mine, known, 10, random.Random(0))
    assert len(found) == len(set(found)) == 10
    assert mine.text not in found
    assert likes(mine, [mine.text], 10, random.Random(0)) == []
