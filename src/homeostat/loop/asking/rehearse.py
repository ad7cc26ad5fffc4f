"""Recorded requests answered again by a version that is not released yet: what it would do live, told beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from homeostat.curate.snapshot import examples, origins
from homeostat.loop.workshop import Workshop
from homeostat.monitor.behavior.changes import Change, changes, shifts
from homeostat.monitor.behavior.failures import Rehearsed
from homeostat.monitor.behavior.forecast import Forecast, forecasts, state_key
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind
from homeostat.types.version import Version

ROWS: Mapping[Kind, int] = {Kind.LABEL: 400, Kind.TEXT: 60}
"""Requests that a turn rehearses a candidate on before it is released: texts take longer than labels."""
MOST = 20_000
"""Requests of the log that are read for a rehearsal, the newest, but for those that were learned from."""
WEEK = 7 * 86400.0
MOST_TOKENS = 64
"""Of a reply that is written: the limit of a request that names none (`llm.backend.Request`)."""
LEAST = 20
"""Requests without which nothing is rehearsed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a version does on recorded requests, and what it is expected to do live."""

    version: str
    requests: int
    """Rehearsed ones."""
    since: float
    until: float
    """Between these they came, in seconds since 1970."""
    live: int
    """Live requests that are forecast: those of a week, going by the newest week of the log, unless told."""
    same: float | None
    """Share of the replies that are what the user got, word by word; None where nobody knows what users got, as of rows
    that were imported.
    """
    behaviors: Mapping[str, Forecast]
    """By name, the most frequent first; those that cannot be told of any request are left out."""
    shifts: Mapping[str, Score]
    """By name, the change of a behavior's share against what users got."""
    changes: tuple[Change, ...]


def rehearse(
    shop: Workshop, version: Version, n: int, *, live: int | None = None, until: float = inf
) -> Rehearsal | None:
    """Have a version answer the newest requests again, `n` of them; None where there are fewer than LEAST.

    Those that it learned from are left out: there it does better than it will live. Conversations are not logged whole:
    where something came before the last message it is missing here, which is a difference that is no version's.
    """
    rows = _recent(shop, version, n, until)
    if len(rows) < LEAST:
        return None
    done, kind = rehearsed(shop, version, rows, until), shop.config.task(version.task).kind
    week = shop.store.interactions.count(
        version.task, since=rows[-1].time - WEEK, until=min(until, rows[-1].time + 1e-6)
    )
    volume = week if live is None else live
    same = [one.reply.strip() == one.row.reply.strip() for one in done if one.heard]
    return Rehearsal(
        version=version.id,
        requests=len(rows),
        since=rows[0].time,
        until=rows[-1].time,
        live=volume,
        same=float(np.mean(same)) if same else None,
        behaviors=forecasts(done, kind, volume),
        shifts=shifts(done, kind),
        changes=tuple(changes(done, kind)),
    )


def rehearsed(shop: Workshop, version: Version, rows: Sequence[Interaction], until: float = inf) -> list[Rehearsed]:
    """The rows, each with what the version replies to it now, and what was said of it before `until`."""
    task = shop.config.task(version.task)
    replies = shop.answers(task, version, [row.text for row in rows], [row.tags for row in rows])
    pairs = shop.store.interactions.labeled(task.name, since=rows[0].time, feedback_until=until, measuring=True)
    told = {row.id: said.value for row, said in pairs}
    known = {known.id: frozenset(known.labels) for known in shop.store.versions.list(task.name)}
    return [
        Rehearsed(
            row=row,
            reply=reply.text,
            confidence=reply.confidence,
            cut=task.kind is Kind.TEXT and reply.reply_tokens >= MOST_TOKENS,
            told=told.get(row.id, ""),
            labels=known.get(row.version, frozenset()),
        )
        for row, reply in zip(rows, replies, strict=True)
    ]


def _recent(shop: Workshop, version: Version, n: int, until: float) -> list[Interaction]:
    """So many of the newest requests of a task, oldest first: thinned from those of a week, as the hours of a day and
    the days of a week differ, or just the newest where a week has fewer.
    """
    log, task = shop.store.interactions, version.task
    learned = {row.interaction for data in origins(shop.store, version) for row in examples(shop.store, data.id)}
    last = log.newest(task)
    end, span = min(until, last + 1e-6), 3600.0
    while span < last:
        there = log.count(task, since=end - span, until=end)
        if there > MOST or (span >= WEEK and there >= n + len(learned)):
            break
        span *= 2
    rows = log.list(task, since=max(end - span, 0.0), until=end)[-MOST - len(learned) :]
    rows = [row for row in rows if row.id not in learned]
    week = [row for row in rows if row.time >= end - WEEK]
    rows = week if len(week) >= n else rows[-n:]
    return [rows[k] for k in np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int)]


def keep(shop: Workshop, version: Version, until: float) -> None:
    """Rehearse a candidate as a turn does before it is released, and keep what came out under its name."""
    n = ROWS[shop.config.task(version.task).kind]
    shop.store.state.put(state_key(version.id), rehearse(shop, version, n, until=until))
