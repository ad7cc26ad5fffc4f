"""Vectors of requests by an embedding backend other than the model that answered, each once, under what gave it.

Not the row itself, which is written once, when its reply was sent, and never changed. At any time one backend is in
force; vectors of another are never given beside its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import func, select

from homeostat.store.database import Database
from homeostat.store.notes import States
from homeostat.store.rows import chunks
from homeostat.store.tables import interactions, vectors
from homeostat.types.interaction import Interaction

STATE = "embedding"
"""Key of the state that says which backend is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The backend whose vectors rows are read with."""

    backend: str
    """SHA-256 of what it makes of a few sentences; also the blob that holds that."""
    name: str
    """As it is called in the configuration."""
    width: int
    """Numbers of a vector."""
    since: float
    """Seconds since 1970."""
    before: str
    """Name of the one before it."""


class Vectors:
    """The part of the store that holds vectors."""

    def __init__(self, database: Database, states: States) -> None:
        self._database, self._states = database, states

    @property
    def in_force(self) -> InForce | None:
        """The backend in force; None where rows are read with the states of the model that answered."""
        found = self._states.get(STATE)
        return InForce(**found) if isinstance(found, dict) else None

    def enforce(self, backend: InForce | None) -> None:
        """Let a backend be in force, and forget the vectors of every other one."""
        self._states.put(STATE, None if backend is None else asdict(backend))
        kept = "" if backend is None else backend.backend
        with self._database.write() as connection:
            connection.execute(vectors.delete().where(vectors.c.backend != kept))

    def put(self, backend: str, found: Mapping[str, bytes]) -> int:
        """Keep vectors, float16[width] each, by the ids of their interactions; how many were new. Those of rows that
        were erased meanwhile are not kept.

        Raises:
            StoreFull: the disk is full; none of them is kept.
        """
        new = 0
        for some in chunks(found):
            with self._database.write() as connection:
                there = connection.execute(select(interactions.c.id).where(interactions.c.id.in_(some))).scalars()
                rows = [{"interaction": id, "backend": backend, "vector": found[id]} for id in there]
                if rows:
                    insert = self._database.insert(vectors).on_conflict_do_nothing(
                        index_elements=["interaction", "backend"]
                    )
                    new += len(connection.execute(insert.returning(vectors.c.interaction), rows).all())
        return new

    def of(self, backend: str, ids: Collection[str]) -> dict[str, bytes]:
        """Interaction -> its vector by this backend; those that have none are left out."""
        found: dict[str, bytes] = {}
        with self._database.read() as connection:
            for some in chunks(ids):
                query = select(vectors.c.interaction, vectors.c.vector)
                query = query.where(vectors.c.backend == backend, vectors.c.interaction.in_(some))
                found.update((row.interaction, row.vector) for row in connection.execute(query))
        return found

    def count(self) -> int:
        """How many are kept, of any backend."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(vectors)).scalar_one())

    def worn(self, rows: Sequence[Interaction]) -> list[Interaction]:
        """The rows with the vectors of the backend in force, and without any where that has not come to them yet; as
        they are where none is in force.
        """
        now = self.in_force
        if now is None or not rows:
            return list(rows)
        found = self.of(now.backend, [row.id for row in rows])
        return [replace(row, embedding=found.get(row.id, b"")) for row in rows]
