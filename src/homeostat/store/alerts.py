"""Alerts and silences. An alert and what is to be sent of it are written in one transaction, each cause once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, exists, func, select

from homeostat.store import rows
from homeostat.store.deliveries import hand_over
from homeostat.store.edges import TELLS
from homeostat.store.nouns import Nouns
from homeostat.store.tables import alerts, lineage, silences
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Delivery
from homeostat.types.silence import Silence

Some: TypeAlias = list[Alert]
Rule: TypeAlias = Callable[[Alert | None, Alert], tuple[Alert, Sequence[Delivery]]]
"""From the newest alert of a group and a new cause to the alert that holds both, and what is to be sent of it."""


class Alerts(Nouns[Alert]):
    """The part of the store that holds alerts."""

    def tell(self, causes: Sequence[Alert], rule: Rule) -> Some:
        """What the rule makes of each cause, with what is to be sent of it, all in one transaction.

        A cause that is about a row which some alert has told of already is passed over, so that telling again after a
        crash tells nothing twice.
        """
        made: list[Alert] = []
        with self._database.audited() as connection:
            for cause in causes:
                if cause.about and _told(connection, cause.about):
                    continue
                after, deliveries = rule(self._newest(connection, cause.key), cause)
                self._put(connection, after)
                hand_over(self._database, connection, deliveries)
                made.append(after)
        return made

    def change(self, id: str, rule: Callable[[Alert], tuple[Alert, Sequence[Delivery]]]) -> Alert:
        """What a rule makes of an alert, with what is to be sent of it, in one transaction.

        Raises:
            NotFound: there is no such alert.
        """
        with self._database.audited() as connection:
            after, deliveries = rule(self._get(connection, id, lock=True))
            self._put(connection, after)
            hand_over(self._database, connection, deliveries)
        return after

    def open(self, task: str = "") -> Some:
        """The alerts of a task, or of all, that are not over; oldest first."""
        query = select(alerts.c.body).where(alerts.c.resolved == 0.0).order_by(alerts.c.seq)
        if task:
            query = query.where(alerts.c.task == task)
        with self._database.read() as connection:
            return [rows.rebuild(Alert, body) for body in connection.execute(query).scalars()]

    def counts(self) -> list[tuple[str, str, Severity, int]]:
        """(task, kind, severity as it first was, alerts ever) of everything there is."""
        kinds = (alerts.c.task, alerts.c.kind, alerts.c.severity)
        query = select(*kinds, func.count()).group_by(*kinds).order_by(*kinds)
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [(task, kind, Severity(severity), total) for task, kind, severity, total in found]

    def _newest(self, connection: Connection, key: str) -> Alert | None:
        query = select(alerts.c.body).where(alerts.c.key == key).order_by(alerts.c.seq.desc()).limit(1)
        body = connection.execute(query.with_for_update()).scalar_one_or_none()
        return None if body is None else rows.rebuild(Alert, body)

    def _values(self, connection: Connection, noun: Alert) -> dict[str, Any]:
        """The severity in its column stays what it first was: a counter goes by it, and a counter never falls."""
        query = select(alerts.c.severity).where(alerts.c.id == noun.id)
        first = connection.execute(query).scalar_one_or_none()
        more = {"key": noun.key, "kind": noun.kind, "resolved": noun.resolved}
        return {**super()._values(connection, noun), **more, "severity": first or noun.severity.value}


class Silences(Nouns[Silence]):
    """The part of the store that holds silences."""

    def in_force(self, now: float) -> list[Silence]:
        """Those that hold at this moment, oldest first."""
        query = select(silences.c.body).where(silences.c.until > now).order_by(silences.c.seq)
        with self._database.read() as connection:
            found = [rows.rebuild(Silence, body) for body in connection.execute(query).scalars()]
        return [one for one in found if one.holds(now)]

    def _values(self, connection: Connection, noun: Silence) -> dict[str, Any]:
        return {**super()._values(connection, noun), "until": noun.until}


def _told(connection: Connection, about: str) -> bool:
    query = select(exists().where(lineage.c.parent == about, lineage.c.relation == TELLS))
    return bool(connection.execute(query).scalar())
