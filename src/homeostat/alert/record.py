"""Writes alerts down: each cause in its group, and with each alert, in one transaction, what is to be sent of it."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.alert.message import RESOLVED, deliveries
from homeostat.alert.rules import joined, matches, over
from homeostat.config.schema import Config
from homeostat.store import Store
from homeostat.types.alert import Alert
from homeostat.types.delivery import Delivery


def tell(store: Store, config: Config, causes: Sequence[Alert], now: float) -> list[Alert]:
    """The alerts that these causes are part of then; one about a row that was told of already is passed over."""
    if not causes:
        return []
    silences = store.silences.in_force(now)

    def rule(before: Alert | None, cause: Alert) -> tuple[Alert, Sequence[Delivery]]:
        after = joined(before, cause, config.alerts, silences)
        known = before.told if before is not None and before.id == after.id else 0
        return after, _sent(after, str(after.told), config, now) if after.told > known else ()

    return store.alerts.tell(causes, rule)


def resolve(store: Store, config: Config, id: str, because: str, now: float) -> Alert:
    """The alert when it is over; who was told of it is told that, unless a silence matches. Again changes nothing.

    Raises:
        NotFound: there is no such alert.
    """
    silences = store.silences.in_force(now)

    def rule(before: Alert) -> tuple[Alert, Sequence[Delivery]]:
        after = over(before, because, now)
        quiet = before.resolved or not before.told or any(matches(one, before, now) for one in silences)
        return after, () if quiet else _sent(after, RESOLVED, config, now)

    return store.alerts.change(id, rule)


def _sent(alert: Alert, edition: str, config: Config, now: float) -> Sequence[Delivery]:
    return deliveries(alert, edition, config.alerts.channels, project=config.project, now=now)
