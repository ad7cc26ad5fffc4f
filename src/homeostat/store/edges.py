"""Lineage: which noun was made from which. Edges point from what was made (child) to what it was made from (parent)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from sqlalchemy import ColumnElement, Connection, select

from homeostat.store.database import Database
from homeostat.store.missing import NOUNS
from homeostat.store.seals import sealed
from homeostat.store.tables import lineage
from homeostat.types.alert import Alert
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Decision
from homeostat.types.release import Release
from homeostat.types.report import Report, Verdict
from homeostat.types.signal import Signal
from homeostat.types.silence import Silence
from homeostat.types.turn import Turn
from homeostat.types.version import Version

Edge: TypeAlias = tuple[str, str, str]
"""(child, parent, relation)."""

TELLS = "tells of"
"""How an alert is tied to every row it has ever been about."""
_TEACHERS = "teachers"
"""The one field that may name something else than a noun: a model elsewhere."""
ORIGINS: dict[type, tuple[tuple[str, str], ...]] = {
    Signal: (("examples", "moved by"),),
    Decision: (("signals", "rests on"),),
    Dataset: (("parents", "replays"),),
    Version: (("dataset", "learned from"), ("parent", "continues"), (_TEACHERS, "was taught by")),
    Report: (("candidate", "measures"), ("champion", "compares with")),
    Verdict: (("report", "judges"),),
    Release: (("candidate", "tries"), ("shares", "tries"), ("champion", "keeps")),
    Alert: (("about", TELLS), ("silence", "was kept quiet by")),
    Silence: (),
}
"""Noun -> its fields that name what it was made from, each with the name of the relation."""
_BEFORE_A_TURN = ("sig_", "dec_")


def edges_of(noun: object) -> list[Edge]:
    """The edges that a noun's own fields spell out."""
    if isinstance(noun, Turn):
        left = [(step, id) for step, ids in noun.diary.items() for id in ids.split() if _is_id(id)]
        return [_edge_of_a_turn(noun.id, step, id) for step, id in left]
    found: list[Edge] = []
    for name, relation in ORIGINS[type(noun)]:
        value = getattr(noun, name)
        parents = (value,) if isinstance(value, str) else value
        found += [(getattr(noun, "id"), parent, relation) for parent in parents if _is_tied(name, parent)]  # noqa: B009
    return found


def _is_tied(name: str, parent: str) -> bool:
    return _is_id(parent) if name == _TEACHERS else bool(parent)


def _is_id(text: str) -> bool:
    begins, underscore, _ = text.partition("_")
    return bool(underscore) and begins in NOUNS


def _edge_of_a_turn(turn: str, step: str, left: str) -> Edge:
    """A turn comes of its signals and decision; everything after that comes of the turn."""
    if left.startswith(_BEFORE_A_TURN):
        return turn, left, "follows"
    return left, turn, f"left by {step} of"


class Lineage:
    """The part of the store that holds edges. Storing a noun links it to what its fields name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def link(self, child: str, parent: str, relation: str) -> None:
        """Say that `child` was made from `parent`; saying it twice is saying it once."""
        self.link_all([(child, parent, relation)])

    def link_all(self, edges: Iterable[Edge]) -> None:
        """Link many (child, parent, relation) in one transaction."""
        with self._database.write() as connection:
            write_edges(self._database, connection, edges)

    def parents(self, id: str) -> list[tuple[str, str]]:
        """(relation, id) of everything this was made from."""
        return self._near(lineage.c.child == id, "parent")

    def children(self, id: str) -> list[tuple[str, str]]:
        """(relation, id) of everything that was made from this."""
        return self._near(lineage.c.parent == id, "child")

    def _near(self, condition: ColumnElement[bool], end: str) -> list[tuple[str, str]]:
        query = select(lineage.c.relation, lineage.c[end]).where(condition).order_by(lineage.c.relation, lineage.c[end])
        with self._database.read() as connection:
            return [(relation, id) for relation, id in connection.execute(query)]


def write_edges(database: Database, connection: Connection, edges: Iterable[Edge]) -> None:
    """Store edges in a transaction that is open already."""
    values = [{"child": child, "parent": parent, "relation": relation} for child, parent, relation in edges]
    if values:
        values = [sealed(lineage, value, connection.dialect) for value in values]
        connection.execute(database.insert(lineage).on_conflict_do_nothing(), values)
