"""Whose rows are whose: exactly, whatever a name looks like and however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.store import Store
from homeostat.store.rows import CHUNK
from homeostat.store.traces import Traces
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.version import Version

NAMES = (
    "ann",
    "Ann",
    "anna",
    "a%n",
    "a_n",
    'o"neil',
    "müller",
    "back\\slash",
    "两个字",
    "with space",
    "50%",
    "'; --",
    "true",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as opened:
        yield opened


def asked(id: str, text: str, **more: object) -> Interaction:
    fields = {"task": "t", "time": 1.0, "reply": "", "version": "", **more}
    return Interaction(id=f"int_{id}", text=text, **fields)  # type: ignore[arg-type]


def said(id: str, about: str, value: str, kind: FeedbackKind = FeedbackKind.LABEL, source: str = "") -> Feedback:
    return Feedback(id=f"fbk_{id}", interaction=f"int_{about}", kind=kind, value=value, time=2.0, source=source)


@pytest.mark.parametrize("name", NAMES)
def test_names_are_compared_letter_by_letter(name: str, store: Store) -> None:
    """Each of many users with names alike, with quotes, wild cards and other scripts, has two rows and no more; neither
    a tag that is called so nor another tag with this value makes one theirs.
    """
    for k, one in enumerate(NAMES):
        store.interactions.add(
            [
                asked(f"{k}e", f"episode number {k} of somebody", episode=one),
                asked(f"{k}t", f"tagged number {k} of somebody", tags={"user": one, "wing": "north"}),
                asked(f"{k}x", f"another tag number {k}", tags={one: "user", "team": one, "userx": one}),
            ]
        )
    place = NAMES.index(name)
    assert store.erasure.traces(name).interactions == {f"int_{place}e", f"int_{place}t"}
    assert store.erasure.traces(f"{name}x").empty
    assert store.erasure.traces(name).matched == {"episode": 1, "tag user": 1}


def test_what_hangs_on_a_request_goes_with_it(store: Store) -> None:
    """Copies of it, and everything that anybody said of it; of others' requests what the user said, and of these alone
    those are named whose reply the user told.
    """
    mine = asked("mine", "the user asks about a pump", episode="u")
    store.interactions.add([mine, asked("copy", mine.text, role=Role.SHADOW, of=mine.id)])
    store.interactions.add(
        [asked(name, f"somebody asks about {name}") for name in ("label", "fix", "rating", "comment")]
    )
    store.feedback.add([said("a", "mine", "leak", source="desk")])
    others = ("label", "fix", "rating", "comment")
    kinds = (FeedbackKind.LABEL, FeedbackKind.CORRECTION, FeedbackKind.RATING, FeedbackKind.COMMENT)
    values = ("wet floor", "we send a plumber", "0.25", "that was rude of you")
    for kind, about, value in zip(kinds, others, values, strict=True):
        store.feedback.add([said(about, about, value, kind, source="u"), said(f"{about}2", about, "0.5", kind, "desk")])
    found = store.erasure.traces("u")
    assert found.interactions == {"int_mine", "int_copy"}
    assert found.feedback == {"fbk_a", "fbk_label", "fbk_fix", "fbk_rating", "fbk_comment"}
    assert found.taught == {"int_label", "int_fix", "int_rating"}
    assert found.texts == {mine.text, "wet floor", "we send a plumber", "that was rude of you"}
    assert found.matched == {"episode": 1, "copies": 1, "source": 4}


def test_whose_a_text_is(store: Store) -> None:
    """Not the user's alone is what stands in a row of somebody else, in the middle too, what is a label of a version,
    and what is too short to tell; their number is told.
    """
    words = ("only the user says this", "everybody says this", "part of it", "known label", "short")
    store.interactions.add([asked(f"u{k}", text, episode="u") for k, text in enumerate(words)])
    store.interactions.add([asked("o1", "everybody says this"), asked("o2", "x", reply="this is a part of it all")])
    store.versions.put(Version(id="ver_1", task="t", time=1.0, base="b", labels=("known label",)))
    found = store.erasure.traces("u")
    assert (found.texts, found.shared) == ({"only the user says this"}, 4)


def test_more_rows_than_a_statement_carries(store: Store) -> None:
    """A user with more requests than a query may name has all of them found and erased."""
    n = CHUNK + 7
    store.interactions.add([asked(f"{k:06}", f"request number {k:06} of the user", episode="u") for k in range(n)])
    found = store.erasure.traces("u")
    assert len(found.interactions) == len(found.texts) == n
    assert store.erasure.forget(found) == n
    assert store.interactions.count("t") == 0


def test_what_is_looked_for() -> None:
    """Texts less those that stand within what stays; a name is kept as a hash, the same for the same name."""
    traces = Traces(user="u", texts=frozenset({"a text", "another"}), elsewhere=frozenset({"another"}))
    assert traces.sought == {"a text"}
    assert traces.name == Traces(user="u").name != Traces(user="v").name
    assert traces.name.startswith("usr_")
    assert not traces.empty
    assert Traces(user="u").empty
