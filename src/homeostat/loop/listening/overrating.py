"""Whether judges say more of a candidate than people do, read from the requests that it and the champion answered.

A judge's word on a reply is its newest rating of it, or what its label or its correction makes of the reply. People's
is what their label or correction makes of both, else which of the two they preferred, blind. While a candidate is on
trial this is looked at whenever the requests that a judge rated, or those that people spoke of as well, have doubled,
at levels that over all looks come to alpha. What the last of them said is kept: from then on the ratings of a judge
that overrates the candidate are not heard in its trial (`release.ratings`), and the gate's words say so. A candidate
that learned by trying replies (`grpo`) is held against its reward before that, on the test rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from homeostat.evaluate.overrated import Compared, Overrated, Times, longer, looked, overrated
from homeostat.llm.render import Rendered, ids_of
from homeostat.loop.listening.held import book
from homeostat.loop.proving.later import Triple, both_answered
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.replies import right
from homeostat.release.judges import believed, is_judge
from homeostat.release.preferred import judgments
from homeostat.release.ratings import overrating
from homeostat.stats.clustered import asker, cluster_of
from homeostat.store import Store
from homeostat.train.objectives.reward.judged import REWARDS
from homeostat.train.samples import Sample
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release
from homeostat.types.report import Score
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version


def look(shop: Workshop, release: Release) -> tuple[Overrated, ...]:
    """What judges say of the candidate on trial beside people, as it was when it was looked at last: now, if there is
    enough that is new.
    """
    alpha, task = shop.config.evaluate.alpha, shop.config.task(release.task)
    if not 0.0 < alpha < 1.0 or not release.candidate:
        return ()
    known = shop.store.state.get(overrating(release.candidate))
    kept: dict[str, dict[str, Any]] = dict(known) if isinstance(known, dict) else {}
    for judge, rows in compared(shop.store, task, release.candidate, release.champion).items():
        before = kept.get(judge)
        last, then = (_read(before["found"]), Times(*before["seen"])) if before else (None, Times())
        found, seen = looked(judge, rows, alpha, last, then)
        if found is not None and seen != then:
            kept[judge] = {"seen": list(seen), "shown": found.shown, "found": asdict(found)}
    if kept and kept != known:
        shop.store.state.put(overrating(release.candidate), kept)
    return tuple(_read(one["found"]) for one in kept.values())


def compared(store: Store, task: Task, candidate: str, champion: str) -> dict[str, list[Compared]]:
    """Judge -> the requests of both of whose replies it said something, in the order in which they came."""
    both = sorted(both_answered(store, task.name, candidate, champion), key=lambda row: (row[0].time, row[0].id))
    words = _said_by_judges(store, task, both)
    asked, held = judgments(store, candidate), book(store, task.name).held
    found: dict[str, list[Compared]] = {}
    for judge, said in sorted(words.items()):
        for heard, copy, truth in both:
            if heard.id in said and copy.id in said:
                mine, theirs = (heard, copy) if heard.version == candidate else (copy, heard)
                people = _people(task.kind, (mine, theirs), None if truth and truth.id in held else truth)
                blind = asked.get(heard.id)
                if people is None and blind:
                    people = 2.0 * float(np.mean(list(blind.values()))) - 1.0
                row = Compared(
                    judge=said[mine.id] - said[theirs.id],
                    people=people,
                    length=longer(mine.reply, theirs.reply),
                    cluster=asker(heard),
                )
                found.setdefault(judge, []).append(row)
    return found


def said_of(store: Store, task: Task, candidate: str, champion: str, alpha: float) -> tuple[Overrated, ...]:
    """What every judge says of one version beside another and people of both, by all that is known now: one look."""
    rows = compared(store, task, candidate, champion) if 0.0 < alpha < 1.0 else {}
    found = [overrated(judge, some, alpha) for judge, some in rows.items()]
    return tuple(one for one in found if one is not None)


def rewarded(
    shop: Workshop, candidate: Version, champion: Version, rows: Sequence[Exam], alpha: float
) -> tuple[Overrated, ...]:
    """What the reward that a candidate learned from says of its replies to test rows, beside how right these are; empty
    where it learned from none, or from one that is not to be had here.
    """
    task, name = shop.config.task(candidate.task), reward_of(candidate)
    if task.kind is not Kind.TEXT or name not in REWARDS.names() or not 0.0 < alpha < 1.0:
        return ()
    texts, tags = [row.text for row in rows], [row.tags for row in rows]
    mine, theirs = (shop.replies(task, version, texts, tags) for version in (candidate, champion))
    with shop.loaded() as backend:
        tokenizer = backend.renderer.tokenizer
    worth = REWARDS.get(name)

    def of(reply: str, row: Exam) -> float:
        ids = [(*ids_of(tokenizer, text, marks=False), tokenizer.eos_token_id) for text in (row.target, reply)]
        return min(max(float(worth(tokenizer, Sample(Rendered((), ids[0])), ids[1])), 0.0), 1.0)

    both = [
        Compared(
            judge=of(one, row) - of(other, row),
            people=right(task.kind, one, row.target) - right(task.kind, other, row.target),
            length=longer(one, other),
            cluster=cluster_of(row.tags),
        )
        for row, one, other in zip(rows, mine, theirs, strict=True)
    ]
    found = overrated(f"the reward '{name}'", both, alpha)
    return () if found is None else (found,)


def reward_of(version: Version) -> str:
    """Name of the reward that a version learned from; empty where it did not."""
    objective = version.recipe.get("objective")
    tried = objective.get("grpo") if isinstance(objective, dict) else None
    return str(tried.get("reward", "")) if isinstance(tried, dict) else ""


def _said_by_judges(store: Store, task: Task, both: Iterable[Triple]) -> dict[str, dict[str, float]]:
    """Judge -> interaction -> what it said that the reply is worth, the newest; nothing since the judge has changed."""
    replies: dict[str, list[Interaction]] = {}
    for heard, copy, _ in both:
        replies[heard.id], replies[copy.id] = [heard, copy], [copy]
    said = [one for one in store.feedback.of(list(replies)) if is_judge(one.source)]
    found: dict[str, dict[str, float]] = {}
    for one in believed(store, task.name, said):  # oldest first
        worth = found.setdefault(one.source, {})
        if one.kind is FeedbackKind.RATING:
            worth[one.interaction] = min(max(float(one.value), 0.0), 1.0)
        elif one.kind is not FeedbackKind.COMMENT:  # what is right tells of both replies to the request
            worth.update({reply.id: right(task.kind, reply.reply, one.value) for reply in replies[one.interaction]})
    return found


def _people(kind: Kind, both: tuple[Interaction, Interaction], truth: Feedback | None) -> float | None:
    """The difference of two replies by what people said is right; None where they did not, or were asked for the two
    differ.
    """
    if truth is None or truth.picked or is_judge(truth.source):
        return None
    mine, theirs = (right(kind, one.reply, truth.value) for one in both)
    return mine - theirs


def _read(kept: dict[str, Any]) -> Overrated:
    scores = {name: Score(**kept[name]) for name in ("rating", "people", "even") if kept[name] is not None}
    return Overrated(**kept | scores)
