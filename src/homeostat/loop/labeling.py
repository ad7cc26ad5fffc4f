"""Requests that people are asked to label, and what they say: a queue beside the feedback that comes by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.config.schema import Config
from homeostat.curate.pick import Pick, pick
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import PICKED, Feedback, FeedbackKind
from homeostat.types.task import Kind

NEWEST = 5000
"""Newest requests that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A request that waits for somebody to say what is right."""

    interaction: str
    text: str
    reply: str
    confidence: float
    drawn: bool
    """Whether chance chose it; else it was picked because it teaches much, and is never measured by."""


def queue(store: Store, task: str, n: int) -> list[Open]:
    """The next requests to have labeled, at most `n`; the same ones until something is said of them."""
    newest = [request for request in store.interactions.last(task, NEWEST) if request.version]
    since = newest[0].time if newest else 0.0
    known = {request.id for request, _ in store.interactions.labeled(task, since=since)}
    waiting = {request.id: request for request in newest if request.id not in known}
    asked = {id: drawn for id, drawn in asked_of(store, task).items() if id in waiting}
    picks = [Pick(waiting[id], drawn) for id, drawn in asked.items()][:n]
    others = [request for request in waiting.values() if request.id not in asked]
    picks += pick(others, n - len(picks), seed=len(known)) if len(picks) < n else []
    store.state.put(_key(task), asked | {one.request.id: one.drawn for one in picks})
    return [
        Open(
            interaction=one.request.id,
            text=one.request.text,
            reply=one.request.reply,
            confidence=one.request.confidence,
            drawn=one.drawn,
        )
        for one in picks
    ]


def asked_of(store: Store, task: str) -> dict[str, bool]:
    """The requests that wait for a label, each with whether chance chose it."""
    kept = store.state.get(_key(task))
    return {str(id): bool(drawn) for id, drawn in kept.items()} if isinstance(kept, dict) else {}


def known_labels(store: Store, task: str) -> frozenset[str]:
    """The labels that the champion replies with; empty without one, and for a task of text."""
    champion = store.aliases.get(task, "champion")
    return frozenset(store.versions.get(champion).labels) if champion else frozenset()


def label(config: Config, store: Store, task: str, said: Mapping[str, str], *, by: str, now: float) -> int:
    """Take what somebody says is right, as feedback of theirs; how many statements.

    Args:
        config: the project's.
        store: where it goes.
        task: name of the task.
        said: interaction -> the right label, or reply; of requests that wait.
        by: who says so.
        now: the moment, in seconds since 1970.
    """
    kind = FeedbackKind.LABEL if config.task(task).kind is Kind.LABEL else FeedbackKind.CORRECTION
    asked = asked_of(store, task)
    rows = [
        Feedback(
            id=ids.new("fbk"),
            interaction=interaction,
            kind=kind,
            value=value,
            time=now,
            source=by if asked[interaction] else f"{PICKED}{by}",
        )
        for interaction, value in said.items()
    ]
    taken = store.feedback.add(rows)
    store.state.put(_key(task), {id: drawn for id, drawn in asked.items() if id not in said})
    return taken


def _key(task: str) -> str:
    return f"asked:{task}"
