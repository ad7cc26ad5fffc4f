"""A candidate that the gate is unsure about, on trial in the small project, and live requests that both answer."""

from __future__ import annotations

import numpy as np
from small_project import TASK

from homeostat.loop.proving import judging
from homeostat.loop.steps import once
from homeostat.loop.workshop import Workshop
from homeostat.release.rollout import open_shadow
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release
from loop.bystander import NOW, candidate


def on_trial(shop: Workshop) -> Release:
    """The champion over again, which the gate is unsure about, in shadow."""
    copy = candidate(shop)
    report = once(NOW, "evaluate.careful", lambda *_: judging.evaluate(shop, NOW, copy))
    once(NOW, "gate.careful", lambda *_: judging.gate(shop, NOW, report, copy))
    return open_shadow(shop.store, TASK, copy, now=NOW.until)


def answer(
    shop: Workshop, release: Release, n: int, win: float, lose: float, seed: int = 0, users: int = 0
) -> dict[str, str]:
    """Have both versions answer so many requests, every other of a label that is new; the right label of each. Where
    neither wins both are right. With `users` two of three requests say which of so many users asked, in turn.
    """
    rng, labels = np.random.default_rng(seed), shop.champion(TASK).labels
    rows, right = list[Interaction](), dict[str, str]()
    for k in range(n):
        id, luck = f"int_{seed:03}{k:05}", rng.random()
        truth = labels[k % len(labels)] if k % 2 else "hologram"
        other = labels[(k + 1) % len(labels)]
        heard = other if luck < win else truth
        copied = other if win <= luck < win + lose else truth
        text = f"request {seed} {k}"
        at = NOW.until + 10.0 + k
        tags = {"user": f"ann {k % users}"} if users and k % 3 else {}
        rows.append(Interaction(id=id, task=TASK, time=at, text=text, reply=heard, version=release.champion, tags=tags))
        copy = Interaction(id=f"{id}s", task=TASK, time=at, text=text, reply=copied, version=release.candidate)
        rows.append(_shadow(copy, id))
        right[id] = truth
    shop.store.interactions.add(rows)
    return right


def _shadow(copy: Interaction, of: str) -> Interaction:
    values = {name: getattr(copy, name) for name in ("id", "task", "time", "text", "reply", "version")}
    return Interaction(**values, role=Role.SHADOW, of=of)


def say(shop: Workshop, right: dict[str, str], source: str = "desk") -> None:
    """Say what is right of requests, one after the other."""
    shop.store.feedback.add(
        Feedback(
            id=f"fbk_{id}", interaction=id, kind=FeedbackKind.LABEL, value=value, time=NOW.until + 9000.0, source=source
        )
        for id, value in right.items()
    )
