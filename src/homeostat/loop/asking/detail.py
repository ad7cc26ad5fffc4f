"""A version in detail: its replies to the test rows, what it took to give them, and what judges and people say of them.

Nothing is written. What a version costs is read from the log, of the requests that users sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from homeostat.decide.stated import objectives_of
from homeostat.evaluate.brought import METRICS, brought
from homeostat.evaluate.detail import FEWEST, Beside, Detail, beside, detail
from homeostat.evaluate.figures import Schema, Told
from homeostat.evaluate.overrated import Overrated
from homeostat.evaluate.rated import Rated, Rating, rated
from homeostat.evaluate.slices import SLICE_SHARE
from homeostat.llm.backend import Request
from homeostat.loop.asking.memory import Memory, kept
from homeostat.loop.deciding.measured import costs, satisfied, usual_prices
from homeostat.loop.listening.judges import worth_of
from homeostat.loop.listening.overrating import said_of
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.judges import is_judge
from homeostat.stats import clustered
from homeostat.stats.clustered import asker, cluster_of, clusters_of
from homeostat.stats.resampled import Floats, resampled
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.task import Kind
from homeostat.types.version import HEAD, Version

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
LOGGED = 20_000
"""Newest requests of a version that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What it took to answer users, and to train."""

    requests: int
    latency_ms: Mapping[str, Score]
    """Quantile -> milliseconds until a reply."""
    tokens_per_s: Score | None
    """Tokens of replies in a second of answering; None where none were counted."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """Of the training, as the version has it: no estimate, and so without an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One version, in detail."""

    version: str
    detail: Detail
    effort: Effort
    judges: tuple[Rated, ...]
    satisfaction: Score | None = None
    """Of the users that it answered (`loop.measured.satisfied`); None where none said anything."""
    cost: Score | None = None
    """What a request of theirs cost, in the project's prices; None where it has none, or there were no requests."""
    memory: Memory | None = None
    """What it was last measured to take to answer (`homeostat memory`); None where nobody has."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Metrics of installed packages that say nothing of it, with what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One version, and where there is another one, that, and by how much the first is above it."""

    mine: Found
    other: Found | None = None
    difference: Beside | None = None
    overrated: tuple[Overrated, ...] = ()
    """What each judge says of the first beside the other, and people of both."""


def compared(
    shop: Workshop, version: Version, other: Version | None, rows: Sequence[Exam], schema: Schema | None = None
) -> Compared:
    """A version in detail, and beside another one of its task on the same rows.

    Raises:
        ValueError: no rows.
        TakenName: two installed packages offer a metric of the same name.
    """
    METRICS.names()  # before anything is asked
    kind, slices = shop.config.task(version.task).kind, sliced(rows)
    mine, broken = _told(shop, version, rows)
    first = replace(_found(shop, version, detail(kind, mine, slices, schema)), broken=broken)
    if other is None:
        return Compared(mine=first)
    theirs, broken = _told(shop, other, rows)
    second = replace(_found(shop, other, detail(kind, theirs, slices, schema)), broken=broken)
    said = said_of(shop.store, shop.config.task(version.task), version.id, other.id, shop.config.evaluate.alpha)
    return Compared(mine=first, other=second, difference=beside(kind, mine, theirs, slices, schema), overrated=said)


def _told(shop: Workshop, version: Version, rows: Sequence[Exam]) -> tuple[list[Told], dict[str, str]]:
    """What a version does on test rows, with what installed metrics say of it, and why some say nothing."""
    plain = told(shop, version, rows)
    values, broken = brought([(row.text, one.said, row.target) for row, one in zip(rows, plain, strict=True)])
    return [replace(one, brought=value) for one, value in zip(plain, values, strict=True)], broken


def told(shop: Workshop, version: Version, rows: Sequence[Exam]) -> list[Told]:
    """What a version does on test rows; with the likelihood of the right reply where it writes texts."""
    task, texts = shop.config.task(version.task), [row.text for row in rows]
    replies = shop.answers(task, version, texts, [row.tags for row in rows])
    likely = [(0.0, 0)] * len(rows)
    if task.kind is Kind.TEXT and version.kind != HEAD:
        with shop.loaded(version) as backend:
            asked = [Request(task=task, text=text, version=version.id) for text in texts]
            spelled = backend.spelled(asked, [row.target for row in rows])
        likely = [(float(one.logs.sum()), len(one.logs)) for one in spelled]
    return [
        Told(
            target=row.target,
            said=reply.text,
            sure=min(max(reply.confidence, 0.0), 1.0),
            logs=logs,
            tokens=tokens,
            cluster=cluster_of(row.tags),
        )
        for row, reply, (logs, tokens) in zip(rows, replies, likely, strict=True)
    ]


def sliced(rows: Sequence[Exam]) -> dict[str, list[int]]:
    """The rows of every value of a tag that is no rarity and not all of them, the largest first."""
    found: dict[str, list[int]] = {}
    for k, row in enumerate(rows):
        for tag, value in sorted(row.tags.items()):
            found.setdefault(f"{tag}={value}", []).append(k)
    least = max(FEWEST, SLICE_SHARE * len(rows))
    ordered = sorted(found, key=lambda one: (-len(found[one]), one))
    return {name: found[name] for name in ordered if least <= len(found[name]) < len(rows)}


def _found(shop: Workshop, version: Version, said: Detail) -> Found:
    rows = shop.store.interactions.last(version.task, LOGGED, version=version.id)
    satisfaction, cost = valued(shop, version.task, rows)
    return Found(
        version=version.id,
        detail=said,
        effort=effort(rows, version.cost),
        judges=judged(shop, version.task, rows),
        satisfaction=satisfaction,
        cost=cost,
        memory=kept(shop.store, version.id),
    )


def valued(shop: Workshop, task: str, rows: Sequence[Interaction]) -> tuple[Score | None, Score | None]:
    """How content the users of these requests were, and what one cost: by the prices of the task's objective about
    cost, else by the project's price of processors. None where nobody said anything, and where there is no price.
    """
    said = dict[str, list[Feedback]]()
    for one in shop.store.feedback.of([row.id for row in rows]):
        if not one.picked:
            said.setdefault(one.interaction, []).append(one)
    stated = [one.prices for one in objectives_of(shop.config, task) if one.metric == "cost" and one.prices]
    prices = stated[0] if stated else usual_prices(shop.config)
    priced = any((prices.read, prices.written, prices.hour))
    return _mean(satisfied(rows, said)), _mean(costs(rows, prices)) if priced else None


def _mean(values: Sequence[tuple[float, str]]) -> Score | None:
    """Values, each with what its row shares with others."""
    if not values:
        return None
    return clustered.mean([value for value, _ in values], clusters_of([who for _, who in values]))


def effort(rows: Sequence[Interaction], cost: Mapping[str, float]) -> Effort:
    """What it took to answer these requests."""
    timed = [row for row in rows if row.latency_ms > 0.0]
    clusters = clusters_of([asker(row) for row in timed])
    took = np.array([row.latency_ms for row in timed], np.float64)
    counts = np.array([row.reply_tokens for row in timed], np.float64)

    def pace(sums: Floats) -> Floats:
        return np.asarray(sums[..., :1] / np.maximum(sums[..., 1:], 1e-300), np.float64)

    spoken = resampled(np.stack([counts, took / 1000.0], axis=-1), pace, clusters) if counts.any() else []
    return Effort(
        requests=len(rows),
        latency_ms={name: clustered.quantile(took, q, clusters) for name, q in QUANTILES.items()} if timed else {},
        tokens_per_s=spoken[0].score() if spoken else None,
        cost=cost,
    )


def judged(shop: Workshop, task: str, rows: Sequence[Interaction]) -> tuple[Rated, ...]:
    """What every judge, and people, say of these replies; a judge's newest rating of a reply counts."""
    kind, by = shop.config.task(task).kind, {row.id: row for row in rows}
    ratings, people = dict[str, dict[str, float]](), dict[str, float]()
    for said in sorted(shop.store.feedback.of(list(by)), key=lambda one: (one.time, one.id)):
        if said.kind is FeedbackKind.RATING and is_judge(said.source):
            ratings.setdefault(said.source, {})[said.interaction] = float(said.value)
        elif said.kind is not FeedbackKind.COMMENT and not is_judge(said.source):
            people[said.interaction] = worth_of(kind, by[said.interaction], said)
    return tuple(
        rated(judge, [Rating(judge=value, people=people.get(id), cluster=asker(by[id])) for id, value in of.items()])
        for judge, of in sorted(ratings.items())
    )
