"""Whose rows are whose: everything of a user, found by the name under which requests and statements came.

A user's requests are those whose episode is the user (where `user` of the API goes), or that carry the user as the tag
`user`; copies of them, and what anybody said of them, go along. Statements whose source is the user go, about whomever.
Names are compared as they are: `ann` is neither `Ann` nor `anna`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, func, or_, select

from homeostat.store import tables
from homeostat.store.needles import Needles
from homeostat.store.rows import CHUNK, chunks
from homeostat.store.tables import feedback, interactions
from homeostat.types.feedback import FeedbackKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What is a user's own."""

    user: str
    matched: Mapping[str, int] = field(default_factory=dict)
    """How -> rows that are theirs for it: `episode`, `tag user`, `source`, and `copies` of these requests."""
    interactions: frozenset[str] = frozenset()
    feedback: frozenset[str] = frozenset()
    """Statements about their requests, whoever made them, and theirs about those of others."""
    taught: frozenset[str] = frozenset()
    """Requests of others of which they said what the reply should have been."""
    texts: frozenset[str] = frozenset()
    """What they asked, said and were replied, word by word, as far as nobody else's row says the same."""
    elsewhere: frozenset[str] = frozenset()
    """Those of them that stand in rows which stay, such as imported ones: rows that say just this go all the same, but
    it is not looked for in the middle of others."""
    shared: int = 0
    """Texts of theirs that others have said too, or that have fewer than 8 letters: nobody can tell whose one is."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing."""
        return not (self.interactions or self.feedback or self.texts)

    @property
    def sought(self) -> frozenset[str]:
        """What is looked for wherever it may stand."""
        return self.texts - self.elsewhere

    @property
    def name(self) -> str:
        """What stands for them where something is kept: a hash."""
        return "usr_" + hashlib.sha256(self.user.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def of_user(connection: Connection, user: str, also: Collection[str] = ()) -> Traces:
    """What is this user's, and `also` the rows of these ids and what else has these texts."""
    mine = dict(_requests(connection, user, also))
    mine |= {id: "copies" for id in _copies(connection, mine) if id not in mine}
    said = dict(_statements(connection, user, mine, also))
    texts = _texts(connection, mine, said) | {text for text in also if not text.startswith(("int_", "fbk_"))}
    theirs = texts & _elsewhere(connection, texts, mine, said) - set(also)
    matched = Counter(mine.values()) + Counter("source" for _, about, own, _ in said.values() if own)
    truths = {about for _, about, own, truth in said.values() if own and truth and about not in mine}
    return Traces(
        user=user,
        matched=dict(matched),
        interactions=frozenset(mine),
        feedback=frozenset(said),
        taught=frozenset(truths),
        texts=frozenset(texts - theirs),
        shared=len(theirs),
    )


def _requests(connection: Connection, user: str, also: Collection[str]) -> Iterator[tuple[str, str]]:
    """(id, how it is theirs)."""
    if user:
        # The tag is looked for among rows that have its letters anywhere: no database is asked to read JSON.
        within = func.instr if connection.dialect.name == "sqlite" else func.strpos
        near = within(interactions.c.tags, json.dumps(user)) > 0
        query = select(interactions.c.id, interactions.c.episode, interactions.c.tags)
        for id, episode, tags in connection.execute(query.where(or_(interactions.c.episode == user, near))):
            if episode == user or tags.get("user") == user:
                yield id, "episode" if episode == user else "tag user"
    for chunk in chunks(also):
        named = or_(interactions.c.id.in_(chunk), interactions.c.text.in_(chunk))
        for id in connection.execute(select(interactions.c.id).where(named)).scalars():
            yield id, "named"


def _copies(connection: Connection, ids: Collection[str]) -> Iterator[str]:
    for chunk in chunks(ids):
        yield from connection.execute(select(interactions.c.id).where(interactions.c.of.in_(chunk))).scalars()


def _statements(
    connection: Connection, user: str, mine: Collection[str], also: Collection[str]
) -> Iterator[tuple[str, tuple[str, str, bool, bool]]]:
    """Id -> (value, the request, whether the user said it, whether it says the right reply)."""
    said = feedback.c
    conditions: list[ColumnElement[bool]] = [said.interaction.in_(chunk) for chunk in chunks(mine)]
    conditions += [said.id.in_(chunk) for chunk in chunks(also)]
    conditions += [said.source == user] if user else []
    for condition in conditions:
        query = select(said.id, said.value, said.interaction, said.source, said.kind).where(condition)
        for id, value, about, source, kind in connection.execute(query):
            truth = kind in (FeedbackKind.LABEL, FeedbackKind.CORRECTION, FeedbackKind.RATING)
            own = (source == user and bool(user)) or id in also
            yield id, (value if kind is not FeedbackKind.RATING else "", about, own, truth)


def _texts(connection: Connection, mine: Collection[str], said: Mapping[str, tuple[str, str, bool, bool]]) -> set[str]:
    found = {value.strip() for value, _, _, _ in said.values()}
    for chunk in chunks(mine):
        query = select(interactions.c.text, interactions.c.reply).where(interactions.c.id.in_(chunk))
        found |= {text.strip() for row in connection.execute(query) for text in row}
    return found - {""}


def _elsewhere(connection: Connection, texts: set[str], mine: Collection[str], said: Collection[str]) -> set[str]:
    """Those of the texts that stand in what somebody else has said or was replied, or in a version's labels."""
    needles = Needles.of(texts)

    def others() -> Iterator[bytes]:
        asked = select(interactions.c.id, interactions.c.text, interactions.c.reply)
        for id, *words in connection.execution_options(yield_per=CHUNK).execute(asked):
            yield _line(words) if id not in mine else b""
        for id, value in connection.execute(select(feedback.c.id, feedback.c.value)):
            yield _line([value]) if id not in said else b""
        for body in connection.execute(select(tables.versions.c.body)).scalars():
            yield _line(body["labels"])

    short = texts - set(needles.texts)
    return needles.found(others()) | short


def _line(words: Collection[str]) -> bytes:
    return "\x00".join([*words, ""]).encode("utf-8", "surrogatepass")
