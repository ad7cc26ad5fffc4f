"""A contradiction waits while nobody else says so of such requests, and no longer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from homeostat.curate.alone import NEWEST, alone
from homeostat.curate.suspect import Statement

TOPICS = {
    "refund": "money back for the broken lamp",
    "login": "cannot sign in with my password",
    "invoice": "need the bill of last month as a file",
    "delivery": "where is the parcel that was sent",
}
WORDS = ("please", "today", "again", "quickly", "thanks", "hello", "now", "really", "kindly", "soon")


def said(id: str, source: str, topic: str, label: str, *, words: str = "") -> Statement:
    """What somebody called a request about a topic."""
    text = f"{TOPICS[topic]} {words}"
    against = label != topic
    return Statement(
        id=id, source=source, time=0.0, text=text, known=topic, said=label, contradicts=against, plain=False
    )


def honest(n: int = 120, seed: int = 1, users: int = 40) -> list[Statement]:
    """Many users, each right."""
    rng, topics = np.random.default_rng(seed), list(TOPICS)
    found = []
    for k in range(n):
        topic, words = topics[k % len(topics)], " ".join(rng.choice(WORDS, 3))
        found.append(said(f"h{k}", f"user{k % users}", topic, topic, words=words))
    return found


def random_lies(n: int, seed: int = 2) -> list[Statement]:
    """Each of another account, any label but the right one."""
    rng, topics, found = np.random.default_rng(seed), list(TOPICS), []
    for k in range(n):
        topic = topics[k % len(topics)]
        wrong = str(rng.choice([label for label in topics if label != topic]))
        found.append(said(f"a{k}", f"odd{k}", topic, wrong, words=" ".join(rng.choice(WORDS, 3))))
    return found


def test_nobody_waits_who_says_what_is_known() -> None:
    """No contradiction, nothing to wait for; nothing was said, neither."""
    assert alone(honest()) == frozenset()
    assert alone([]) == frozenset()


def test_a_lone_lie_waits_however_hard_the_request() -> None:
    """It is not plain either, so no group of `suspect` would count it."""
    assert alone([*honest(), said("a", "odd", "refund", "login", words="hello again")]) == {"a"}


def test_lies_here_and_there_wait_nearly_all() -> None:
    """A twentieth of what is said, by as many accounts: nobody else says so of such requests."""
    lies = random_lies(8)
    waiting = alone([*honest(160), *lies])
    assert waiting <= {one.id for one in lies}
    assert len(waiting) >= 6


def test_a_second_voice_ends_the_waiting() -> None:
    """Of somebody else: who says the same again and again stays alone."""
    first = said("n0", "ann", "refund", "invoice", words="for the blue one from spain")
    again = said("n1", "ann", "refund", "invoice", words="for the blue one from spain please")
    other = said("n2", "ben", "refund", "invoice", words="for the blue one from spain today")
    assert alone([*honest(), first, again]) == {"n0", "n1"}
    assert alone([*honest(), first, again, other]) == frozenset()


def test_a_change_of_policy_is_learned() -> None:
    """Everybody calls one thing another from a moment on: all but the first few have company."""
    changed = [
        said(f"c{k}", f"user{k % 40}", "delivery", "login", words=f"{WORDS[k % 10]} {WORDS[(k * 3) % 10]}")
        for k in range(40)
    ]
    assert len(alone([*honest(40), *changed])) <= 4


@pytest.mark.parametrize("named", [True, False])
def test_a_small_desk_means_what_it_says(*, named: bool) -> None:
    """Where fewer than 20 sources are named, or none is, nobody waits."""
    few = [*honest(users=5), said("a", "ann", "refund", "login")]
    if not named:
        few = [_unnamed(one) for one in few]
    assert alone(few) == frozenset()


def _unnamed(one: Statement) -> Statement:
    return Statement(
        id=one.id, source="", time=one.time, text=one.text, known=one.known, said=one.said, contradicts=one.contradicts
    )


def test_among_the_unnamed_each_statement_is_a_voice() -> None:
    """Two that name nobody may be two people."""
    pair: Sequence[Statement] = [
        _unnamed(said(f"n{k}", "", "refund", "invoice", words=f"for the blue one {k}")) for k in range(2)
    ]
    assert alone([*honest(), *pair]) == frozenset()
    assert alone([*honest(), pair[0]]) == {"n0"}


def test_old_statements_are_let_be() -> None:
    """The newest alone are looked at, so that a look costs the same however long people have talked."""
    lie = said("a", "odd", "refund", "login")
    many = honest(NEWEST)
    assert alone([lie, *many[: NEWEST - 1]]) == {"a"}
    assert alone([lie, *many]) == frozenset()
