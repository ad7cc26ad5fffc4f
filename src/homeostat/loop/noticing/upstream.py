"""Looks at a model elsewhere, one that teaches or judges, again and again, and tells when it has changed.

What it said is kept with the task whose prompts it was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from homeostat.loop.proving.suites import suites
from homeostat.monitor.anchors import EVERY, Anchors, Look
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.signal import Moved, Signal

LOOKED = "looked"
Say = Callable[[str], str]
"""A prompt to a reply, drawn anew each time."""


def prompts(store: Store, task: str, names: Sequence[str] = ()) -> list[str]:
    """The requests of a task's suites, of those of these names if any are given, each once."""
    chosen = [suite for suite in suites(store, task) if not names or suite.name in names]
    return list(dict.fromkeys(case.text for suite in chosen for case in suite.cases))


def look(store: Store, task: str, model: str, replies: dict[str, list[str]], now: float) -> Look:
    """Compare what a model replied to prompts with all that it said before; an alarm is a signal of the task."""
    key = f"upstream:{task}:{model}"
    known = store.state.get(key)
    anchors = Anchors.restored(known) if isinstance(known, dict) else Anchors()
    seed = hashlib.sha256(f"{key} {anchors.looks} {now}".encode()).digest()[:8]
    found = anchors.look(replies, np.random.default_rng(int.from_bytes(seed)))
    store.state.put(key, anchors.state())
    store.events.append(key, LOOKED, {"time": now, "p": found.p, "evidence": found.evidence, "alarm": found.alarm})
    if found.alarm:
        store.signals.put(_signal(task, model, found, now))
    return found


def asked(texts: Sequence[str], samples: int, say: Say, told: Callable[[int], None]) -> dict[str, list[str]]:
    """What is replied to each prompt, so many times; `told` hears how many requests were made."""
    found: dict[str, list[str]] = {text: [] for text in texts}
    for k in range(samples):
        for place, text in enumerate(texts):
            found[text].append(say(text))
            told(k * len(texts) + place + 1)
    return found


def _signal(task: str, model: str, found: Look, now: float) -> Signal:
    return Signal(
        id=ids.new("sig"),
        task=task,
        time=now,
        moved=Moved.UPSTREAM,
        detector="anchors",
        statistic=found.evidence,
        threshold=EVERY,
        n=found.looks,
        slice=f"model={model}",
    )
