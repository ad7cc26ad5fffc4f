"""The demo as one JSON document: every number computed from the log, the comparison arms trained beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from homeostat.collect.stream import StreamRow
from homeostat.loop.story.comparison import Compared
from homeostat.loop.story.script import TASK, Story
from homeostat.loop.story.series import plain, series
from homeostat.stats.intervals import proportion
from homeostat.types.turn import Turn
from homeostat.types.version import Version


def document(story: Story) -> dict[str, Any]:
    """Wait for the arms, then put everything that was seen into one document."""
    store, rows = story.shop.store, story.arms.rows
    with ThreadPoolExecutor(1) as beside:  # the replies in words are measured while the arms are trained
        replies = beside.submit(story.desk.measured) if story.desk else None
        arms = story.arms.wait(story.scene)
    champions = [story.first, *_promoted(story)]
    trained = [v for v in store.versions.list(TASK) if v.id != story.first.id and v.cost.get("steps")]
    onsets = story.referee.onsets()
    spent = {name: arm.arm.cost for name, arm in arms.items()} | {
        "ours": {k: sum(v.cost.get(k, 0.0) for v in trained) for k in ("flops", "cpu_seconds")}
    }
    feedback = len(store.feedback.list(TASK))
    used = _labels(story, arms)
    return {
        "stream": story.options.name,
        "kind": "generative",
        "requests": story.replayed.sent,
        "feedback": feedback,
        "turns": [_turn(story, t) for t in store.turns.list(TASK) if "watch" in t.diary],
        "accuracy": _accuracy(story, onsets, champions, arms, rows),
        "labels_used": used,
        "train_flops": {k: v["flops"] for k, v in spent.items() if "flops" in v},
        "train_cpu_seconds": {k: v["cpu_seconds"] for k, v in spent.items() if "cpu_seconds" in v},
        "detection": _detection(story, onsets),
        "rollback": {k: story.drilled.get(k) for k in ("seconds", "exposed_requests")},
        "dropped_requests": story.replayed.dropped,
        "lost_records": _lost(story),
        "wall_s": round(time.time() - story.scene.started, 1),
        "timeline": story.scene.timeline,
        "series": series(story, onsets, champions),
        "replies": replies.result() if replies else None,
    }


def _labels(story: Story, arms: dict[str, Compared]) -> dict[str, int]:
    """Labels of live requests that each arm was given; the history that all know is left out."""
    given = arms["naive"].arm.labels_used if "naive" in arms else 0
    used = {"never": 0, "naive": given, "ours": given, "joint": given, "joint_all_labels": len(story.live)}
    return {name: labels for name, labels in used.items() if name in arms}


def _promoted(story: Story) -> list[Version]:
    releases = story.shop.store.releases.list(TASK)
    ids = list(dict.fromkeys(r.champion for r in releases if r.champion != story.first.id))
    return [story.shop.store.versions.get(i) for i in ids]


def _accuracy(
    story: Story, onsets: list[float], champions: list[Version], arms: dict[str, Compared], rows: Sequence[StreamRow]
) -> dict[str, Any]:
    first_onset = onsets[0] if onsets else math.inf
    first = story.first.id
    old, new = _split_rows(story, rows)
    never, ours = arms["never"].right, arms["ours"].right
    return {
        "before_drift": plain(story.referee.score(lambda m: m.time < first_onset)),
        "after_drift": plain(story.referee.score(lambda m: m.time >= first_onset and m.version == first)),
        "after_turn": plain(story.referee.score(lambda m: m.version != first)),
        "old_slices_before": _over(never, old),
        "old_slices_after": _over(ours, old),
        "new_slices_after": _over(ours, new),
        **{name: plain(each.score) for name, each in arms.items()},
        "slices": {name: {"old": _over(each.right, old), "new": _over(each.right, new)} for name, each in arms.items()},
    }


def _split_rows(story: Story, rows: Sequence[StreamRow]) -> tuple[list[int], list[int]]:
    """Positions of test rows of before the first change, and of those that came with one."""
    old = [k for k, row in enumerate(rows) if story.referee.phase_of(row) == 0]
    chosen = set(old)
    return old, [k for k in range(len(rows)) if k not in chosen]


def _over(right: Sequence[float], at: Sequence[int]) -> dict[str, Any] | None:
    return plain(proportion(int(sum(right[k] for k in at)), len(at))) if at else None


def _turn(story: Story, turn: Turn) -> dict[str, Any]:
    store, diary = story.shop.store, turn.diary
    decision = store.decisions.get(diary["decide"]) if "decide" in diary else None
    curated = [store.datasets.get(left) for step, left in diary.items() if step.startswith("curate.")]
    tried = []
    for step, left in diary.items():
        if step.startswith("gate."):
            verdict = store.verdicts.get(left)
            report = store.reports.get(verdict.report)
            scores = {"candidate": asdict(report.candidate_score), "champion": asdict(report.champion_score)}
            scores |= {
                "difference": asdict(report.difference),
                "groups": {g: asdict(s) for g, s in report.groups.items()},
            }
            tried.append(
                {
                    "version": verdict.candidate,
                    "recipe": step.partition(".")[2],
                    "verdict": verdict.outcome.value,
                    "because": verdict.because,
                    "scores": scores,
                }
            )
    final = store.releases.get(diary["advance"]) if diary.get("advance") else None
    return {
        "id": turn.id,
        "time": turn.time,
        "state": turn.state,
        "because": turn.because,
        "signals": [_signal(story, id) for id in diary.get("watch", "").split()],
        "decision": asdict(decision) if decision else None,
        "dataset": {"id": curated[-1].id, "counts": dict(curated[-1].counts)} if curated else None,
        "candidates": tried,
        "release": asdict(final) if final else None,
    }


def _signal(story: Story, id: str) -> dict[str, Any]:
    """A signal with the words of its examples."""
    store = story.shop.store
    signal = store.signals.get(id)
    examples = [{"id": one, "text": store.interactions.get(one).text} for one in signal.examples]
    return {**asdict(signal), "examples": examples}


def _detection(story: Story, onsets: list[float]) -> dict[str, Any]:
    """Requests from each change to the first signal after it, and signals before any change."""
    signals = story.shop.store.signals.list(TASK)
    times = [m.time for m in story.referee.marks]
    delays: list[int | None] = []
    for k, onset in enumerate(onsets):
        until = onsets[k + 1] if k + 1 < len(onsets) else math.inf
        caught = [s.time for s in signals if onset <= s.time < until]
        delays.append(sum(onset <= t <= min(caught) for t in times) if caught else None)
    return {
        "delay_requests": delays,
        "false_alarms": sum(s.time < onsets[0] for s in signals) if onsets else None,
    }


def _lost(story: Story) -> int:
    """Replies that the client was given and feedback that was acknowledged, less what the store holds of them."""
    store = story.shop.store
    requests = story.replayed.sent - store.interactions.count(TASK)
    return max(0, requests) + max(0, story.replayed.given - len(store.feedback.list(TASK)))
