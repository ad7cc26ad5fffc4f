"""Requests that people are asked to label, and what they say: a queue beside the feedback that comes by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.config.schema import Config
from homeostat.curate.pick import Pick, pick
from homeostat.loop.proving.later import deciding
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import LOT, PICKED, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
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
    decides: bool = False
    """Whether it was drawn among those on which a candidate on trial and the champion differ: it decides between them,
    and is measured by nowhere else."""


def queue(store: Store, task: str, n: int) -> list[Open]:
    """The next requests to have labeled, at most `n`: those that are held, then others. A look, which changes nothing.

    While the gate is unsure about a candidate on trial, half of them are drawn among those that decide about it.
    """
    waiting, known = _waiting(store, task)
    asked = {id: drawn for id, drawn in asked_of(store, task).items() if id in waiting}
    open_ = [id for id in deciding(store, task) if id in waiting]
    most = max(n // 2, 1) if open_ else 0
    between = [id for id in _between(store, task) if id in set(open_)][:most]
    picks = [Pick(waiting[id], drawn) for id, drawn in asked.items() if id not in between][: n - most]
    others = [request for request in waiting.values() if request.id not in {*asked, *between}]
    fresh = pick(others, n - most - len(picks), seed=known) if len(picks) < n - most else []
    # What is doubtful is not picked from what lot decides between: the rest would be the requests of less doubt.
    picks += [one for one in fresh if one.drawn or one.request.id not in set(open_)]
    chance = {id for id, drawn in asked.items() if drawn}
    between += _lot(open_, {*between, *chance, *(one.request.id for one in picks)})[: most - len(between)]
    return [
        Open(
            interaction=one.request.id,
            text=one.request.text,
            reply=one.request.reply,
            confidence=one.request.confidence,
            drawn=one.drawn,
            decides=one.request.id in between,
        )
        for one in [*(Pick(waiting[id], False) for id in between), *picks]
    ]


def hold(store: Store, task: str, shown: Sequence[Open]) -> None:
    """Have requests of a queue wait for their labels: they are asked again until somebody has said what is right, and
    it is known of each why it was asked.
    """
    waiting, _ = _waiting(store, task)
    asked = {id: drawn for id, drawn in asked_of(store, task).items() if id in waiting}
    store.state.put(_key_between(task), [one.interaction for one in shown if one.decides])
    store.state.put(_key(task), asked | {one.interaction: one.drawn for one in shown})


def takeable(store: Store, task: str) -> frozenset[str]:
    """The requests of which a label is taken: the newest that nobody has labeled, whether or not they are held."""
    return frozenset(_waiting(store, task)[0])


def _waiting(store: Store, task: str) -> tuple[dict[str, Interaction], int]:
    """The newest requests that a version answered and nobody labeled, by id, and how many of them are labeled."""
    newest = [request for request in store.interactions.last(task, NEWEST) if request.version]
    since = newest[0].time if newest else 0.0
    known = {request.id for request, _ in store.interactions.labeled(task, since=since)}
    return {request.id: request for request in newest if request.id not in known}, len(known)


def _lot(ids: Sequence[str], without: Collection[str]) -> list[str]:
    """Ids in an order that lot draws, without those that are asked for already."""
    rest = [id for id in ids if id not in without]
    return [rest[place] for place in np.random.default_rng(len(ids)).permutation(len(rest))]


def asked_of(store: Store, task: str) -> dict[str, bool]:
    """The requests that are held for a label, each with whether chance chose it."""
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
        said: interaction -> the right label, or reply; of requests that wait. Of one that was not held nobody knows
            why it was labeled, so it counts as picked.
        by: who says so.
        now: the moment, in seconds since 1970.
    """
    if not said:
        return 0
    kind = FeedbackKind.LABEL if config.task(task).kind is Kind.LABEL else FeedbackKind.CORRECTION
    asked, apart = asked_of(store, task), set(_between(store, task))
    rows = [
        Feedback(
            id=ids.new("fbk"),
            interaction=interaction,
            kind=kind,
            value=value,
            time=now,
            source=f"{LOT if interaction in apart else '' if asked.get(interaction) else PICKED}{by}",
        )
        for interaction, value in said.items()
    ]
    taken = store.feedback.add(rows)
    store.state.put(_key(task), {id: drawn for id, drawn in asked.items() if id not in said})
    return taken


def _between(store: Store, task: str) -> list[str]:
    """The requests held that decide about a candidate."""
    kept = store.state.get(_key_between(task))
    return [str(id) for id in kept] if isinstance(kept, list) else []


def _key(task: str) -> str:
    return f"asked:{task}"


def _key_between(task: str) -> str:
    return f"between:{task}"
