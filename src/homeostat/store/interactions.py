"""The log: every request and its reply, written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import NamedTuple, TypeAlias, TypedDict, Unpack

from sqlalchemy import ColumnElement, Subquery, and_, func, literal, select, tuple_

from homeostat.store import rows
from homeostat.store.columns import Words
from homeostat.store.database import Database
from homeostat.store.missing import not_found
from homeostat.store.seals import sealed
from homeostat.store.tables import feedback as said
from homeostat.store.tables import interactions as log
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction, Role


class Figures(NamedTuple):
    """What an interaction took, without its words."""

    id: str
    time: float
    confidence: float
    latency_ms: float
    prompt_tokens: int
    reply_tokens: int
    version: str
    tags: Mapping[str, str]


Rows: TypeAlias = list[Interaction]
Some: TypeAlias = list[Figures]
Pairs: TypeAlias = list[tuple[Interaction, Feedback]]
Triples: TypeAlias = list[tuple[Interaction, Interaction, Feedback | None]]

_WIDTH = len(rows.selected(Interaction, log))


class Which(TypedDict, total=False):
    """Which interactions of a task are meant."""

    since: float
    """First moment, in seconds since 1970; from the beginning if left out."""
    until: float
    """First moment that is too late: windows are half-open, so that neighboring ones share no row."""
    role: Role | None
    """`Role.PRIMARY` if left out; None for all."""
    version: str
    """Id of the version that answered; any if empty or left out."""


class Interactions:
    """The part of the store that holds interactions. Lists are ordered by (time, id)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, interactions: Iterable[Interaction]) -> int:
        """Store all of them in one transaction and say how many were new; an id that is there already stays as it is.

        Raises:
            StoreFull: the disk is full; none of them is stored.
        """
        values = [rows.columns(one) for one in interactions]
        if not values:
            return 0
        with self._database.write() as connection:
            statement = self._database.insert(log).on_conflict_do_nothing(index_elements=["id"])
            new = [sealed(log, value, connection.dialect) for value in values]
            return len(connection.execute(statement.returning(log.c.id), new).all())

    def get(self, id: str) -> Interaction:
        """The interaction of this id.

        Raises:
            NotFound: there is none.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*rows.selected(Interaction, log)).where(log.c.id == id)).one_or_none()
            if row is None:
                raise not_found(connection, log, "int", id)
        return rows.noun(Interaction, row)

    def about(self, statements: Sequence[Feedback]) -> Pairs:
        """Statements in their order, each with the interaction that it is about; none whose interaction is gone.

        Between reading what was said and reading what it was said about, a user may have been erased.
        """
        there = dict[str, Interaction]()
        with self._database.read() as connection:
            for chunk in rows.chunks({one.interaction for one in statements}):
                found = connection.execute(select(*rows.selected(Interaction, log)).where(log.c.id.in_(chunk)))
                there |= {row.id: rows.noun(Interaction, row) for row in found}
        return [(there[one.interaction], one) for one in statements if one.interaction in there]

    def copies(self, id: str) -> tuple[str, ...]:
        """Ids of the shadow interactions of this one."""
        with self._database.read() as connection:
            return tuple(connection.execute(select(log.c.id).where(log.c.of == id).order_by(log.c.id)).scalars())

    def list(
        self, task: str, *, after: tuple[float, str] | None = None, limit: int | None = None, **which: Unpack[Which]
    ) -> Rows:
        """The interactions of a task past the (time, id) of `after`, at most `limit`."""
        query = select(*rows.selected(Interaction, log)).where(*_conditions(task, which)).limit(limit)
        if after is not None:
            query = query.where(tuple_(log.c.time, log.c.id) > tuple_(literal(after[0]), literal(after[1], Words)))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(log.c.time, log.c.id))
            return [rows.noun(Interaction, row) for row in found]

    def last(self, task: str, n: int, **which: Unpack[Which]) -> Rows:
        """The newest `n` of them, oldest first."""
        query = select(*rows.selected(Interaction, log)).where(*_conditions(task, which))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(log.c.time.desc(), log.c.id.desc()).limit(n)).all()
        return [rows.noun(Interaction, row) for row in reversed(found)]

    def figures(self, task: str, n: int, **which: Unpack[Which]) -> Some:
        """What the newest `n` of them took, without their words, oldest first: many times as fast to read."""
        query = (
            select(*(log.c[name] for name in Figures._fields))
            .where(*_conditions(task, which))
            .order_by(log.c.time.desc(), log.c.id.desc())
            .limit(n)
        )
        with self._database.read() as connection:
            return [Figures(*row) for row in reversed(connection.execute(query).all())]

    def count(self, task: str, **which: Unpack[Which]) -> int:
        """How many interactions of a task there are."""
        query = select(func.count()).select_from(log).where(*_conditions(task, which))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def newest(self, task: str) -> float:
        """Time of the newest interaction of a task, in seconds since 1970; 0 where there is none."""
        with self._database.read() as connection:
            return float(connection.execute(select(func.max(log.c.time)).where(log.c.task == task)).scalar() or 0.0)

    def labeled(
        self, task: str, *, feedback_until: float = inf, measuring: bool = False, **which: Unpack[Which]
    ) -> Pairs:
        """Interactions whose right reply is known, each with the newest feedback that says it.

        Only feedback with a time of at most `feedback_until` is known. With `measuring` those are left out whose label
        was asked for because the model was unsure: of all requests they say nothing.
        """
        truth = _newest_truth(feedback_until)
        query = (
            select(*rows.selected(Interaction, log), *_fields_of(truth))
            .join(truth, and_(truth.c.interaction == log.c.id, truth.c.place == 1))
            .where(*_conditions(task, which))
            .order_by(log.c.time, log.c.id)
        )
        with self._database.read() as connection:
            found = [
                (rows.noun(Interaction, row[:_WIDTH]), rows.noun(Feedback, row[_WIDTH:]))
                for row in connection.execute(query)
            ]
        return [pair for pair in found if not (measuring and pair[1].picked)]

    def shadows(
        self, task: str, candidate: str, *, feedback_until: float = inf, since: float = 0.0, until: float = inf
    ) -> Triples:
        """What users got, what the candidate would have replied, and what the reply should have been where known."""
        shadow, truth = log.alias("shadow"), _newest_truth(feedback_until)
        query = (
            select(*rows.selected(Interaction, log), *rows.selected(Interaction, shadow), *_fields_of(truth))
            .join(shadow, and_(shadow.c.of == log.c.id, shadow.c.role == Role.SHADOW, shadow.c.version == candidate))
            .outerjoin(truth, and_(truth.c.interaction == log.c.id, truth.c.place == 1))
            .where(*_conditions(task, {"since": since, "until": until}))
            .order_by(log.c.time, log.c.id)
        )
        with self._database.read() as connection:
            return [
                (
                    rows.noun(Interaction, row[:_WIDTH]),
                    rows.noun(Interaction, row[_WIDTH : 2 * _WIDTH]),
                    None if row[2 * _WIDTH] is None else rows.noun(Feedback, row[2 * _WIDTH :]),
                )
                for row in connection.execute(query)
            ]


def _conditions(task: str, which: Which) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [log.c.task == task]
    if (since := which.get("since", 0.0)) != 0.0:
        found.append(log.c.time >= since)
    if (until := which.get("until", inf)) != inf:
        found.append(log.c.time < until)
    if (role := which.get("role", Role.PRIMARY)) is not None:
        found.append(log.c.role == role)
    if version := which.get("version", ""):
        found.append(log.c.version == version)
    return found


def _newest_truth(until: float) -> Subquery:
    """Feedback that says the right reply, ranked per interaction: `place` 1 is the newest and corrects the others."""
    order = func.row_number().over(partition_by=said.c.interaction, order_by=(said.c.time.desc(), said.c.seq.desc()))
    query = select(*rows.selected(Feedback, said), order.label("place")).where(said.c.kind.in_(TRUTHS))
    return (query if until == inf else query.where(said.c.time <= until)).subquery("truth")


def _fields_of(truth: Subquery) -> list[ColumnElement[object]]:
    return [truth.c[column.name] for column in rows.selected(Feedback, said)]
