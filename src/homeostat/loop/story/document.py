"""The demo as one JSON document: every number computed from the log, the comparison arms trained beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from homeostat.collect.stream import Split, StreamRow
from homeostat.curate.snapshot import examples
from homeostat.loop.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.learn import start_of
from homeostat.loop.story.script import TASK, Story
from homeostat.loop.workshop import Exam
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import proportion
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Score
from homeostat.types.turn import Turn
from homeostat.types.version import Version

MOST_STEPS = 700
"""Steps after which a comparison arm is cut off in the demo; the benches train them to the end."""


@dataclass(frozen=True, slots=True)
class Compared:
    """An arm and how it did on the test rows seen so far."""

    arm: Arm
    right: list[float]

    @property
    def score(self) -> Score:
        """Accuracy over all rows."""
        return proportion(int(sum(self.right)), len(self.right))


def document(story: Story) -> dict[str, Any]:
    """Train the arms, then put everything that was seen into one document."""
    store = story.shop.store
    rows = story.shop.suite_at(TASK, story.replayed.clock)
    arms = compare(story, rows)
    champions = [story.first, *_promoted(story)]
    trained = [v for v in store.versions.list(TASK) if v.id != story.first.id and v.cost.get("steps")]
    onsets = story.referee.onsets()
    spent = {name: arm.arm.cost for name, arm in arms.items()} | {
        "ours": {k: sum(v.cost.get(k, 0.0) for v in trained) for k in ("flops", "cpu_seconds")}
    }
    feedback = len(store.feedback.list(TASK))
    return {
        "stream": story.options.name,
        "kind": "generative",
        "requests": story.replayed.sent,
        "feedback": feedback,
        "turns": [_turn(story, t) for t in store.turns.list(TASK) if "watch" in t.diary],
        "accuracy": _accuracy(story, onsets, champions, arms, rows),
        "labels_used": {
            "ours": len([f for f in store.feedback.list(TASK)]),
            "joint": arms["joint"].arm.labels_used if "joint" in arms else 0,
            "joint_all_labels": arms["joint_all_labels"].arm.labels_used if "joint_all_labels" in arms else 0,
        },
        "train_flops": {k: v["flops"] for k, v in spent.items() if "flops" in v},
        "train_cpu_seconds": {k: v["cpu_seconds"] for k, v in spent.items() if "cpu_seconds" in v},
        "detection": _detection(story, onsets),
        "rollback": {k: story.drilled.get(k) for k in ("seconds", "exposed_requests")},
        "dropped_requests": story.replayed.dropped,
        "lost_records": _lost(story),
        "wall_s": round(time.time() - story.scene.started, 1),
        "timeline": story.scene.timeline,
        "series": _series(story, onsets, champions),
        "replies": None,
    }


def compare(story: Story, rows: Sequence[Exam]) -> dict[str, Compared]:
    """never, naive, ours, joint and joint on all labels, on the same test rows."""
    shop, config = story.shop, story.config
    task, folder = config.task(TASK), shop.run_folder("arms")
    first, base = start_of(shop, story.first), Start(base=config.model.base)
    schedule = lessons(story)
    arms = [Arm(name="never", start=first)]
    ours = shop.champion(TASK)
    arms.append(Arm(name="ours", start=start_of(shop, ours)))
    capped = _capped(named("joint", config.train))
    with story.scene.bar("arms", 1) as bar:
        if schedule:
            arms.append(naive(task, first, schedule, named("naive", config.train), folder, bar.training))
            arms.append(joint(task, base, schedule[-1:], capped, folder, bar.training))
            everything = joint(task, base, [_all_labels(story, schedule[-1])], capped, folder / "all", bar.training)
            arms.append(Arm(name="joint_all_labels", start=everything.start, cost=everything.cost, labels_used=everything.labels_used))
    backend = LocalBackend(config.model.base, threads=config.model.threads)
    pairs = [(row.text, row.target) for row in rows]
    compared = {arm.name: Compared(arm, outcomes(backend, task, arm, pairs)) for arm in arms}
    _tell(story, compared, capped)
    return compared


def _capped(recipe: Recipe) -> Recipe:
    return Recipe(**{**asdict(recipe), "max_steps": MOST_STEPS})


def _tell(story: Story, compared: dict[str, Compared], recipe: Recipe) -> None:
    rows = []
    for name, each in compared.items():
        score, cost = each.score, each.arm.cost
        rows.append(
            [
                name,
                f"{100 * score.mean:.1f} % ({100 * score.low:.1f} to {100 * score.high:.1f})",
                f"{each.arm.labels_used:,}" if each.arm.labels_used else "–",
                f"{cost['flops'] / 1e12:.1f}" if cost.get("flops") else "–",
                f"{cost['cpu_seconds']:.0f}" if cost.get("cpu_seconds") else "–",
            ]
        )
    title = f"On the {len(next(iter(compared.values())).right):,} test rows seen so far (joint arms capped at {recipe.max_steps} steps)"
    story.scene.table(title, ["arm", "right", "labels", "TFLOP", "CPU-s"], rows)


def lessons(story: Story) -> list[Lesson]:
    """What each turn that trained brought, as the arms are given it."""
    store, out = story.shop.store, []
    known = [e for e in examples(store, story.first.dataset)]
    labels = list(story.first.labels)
    for turn in store.turns.list(TASK):
        names = [left for step, left in turn.diary.items() if step.startswith("curate.")]
        if not names:
            continue
        new = [e for e in examples(store, names[-1]) if e.origin is Origin.NEW]
        new = [e for e in new if e.interaction not in {k.interaction for k in known if k.interaction}]
        labels += [e.target for e in new if e.target not in labels]
        known = [*known, *new]
        distinct = tuple(dict.fromkeys(labels))
        out.append(Lesson(time=turn.time, new=new, known=list(known), labels=distinct))
    return out


def _all_labels(story: Story, last: Lesson) -> Lesson:
    """The last lesson, had every live request up to then been labeled."""
    known = [e for e in last.known if not e.interaction]
    live = [r for r in story.live if r.time <= last.time]
    known += [Example(text=r.text, target=r.label, task=TASK, time=r.time) for r in live]
    labels = tuple(dict.fromkeys([*last.labels, *(r.label for r in live)]))
    return Lesson(time=last.time, new=known, known=known, labels=labels)


def _promoted(story: Story) -> list[Version]:
    releases = story.shop.store.releases.list(TASK)
    ids = list(dict.fromkeys(r.champion for r in releases if r.champion != story.first.id))
    return [story.shop.store.versions.get(i) for i in ids]


def _accuracy(
    story: Story, onsets: list[float], champions: list[Version], arms: dict[str, Compared], rows: Sequence[Exam]
) -> dict[str, Any]:
    first_onset = onsets[0] if onsets else math.inf
    first = story.first.id
    old, new = _split_rows(story, rows)
    never, ours = arms["never"].right, arms["ours"].right
    return {
        "before_drift": _plain(story.referee.score(lambda m: m.time < first_onset)),
        "after_drift": _plain(story.referee.score(lambda m: m.time >= first_onset and m.version == first)),
        "after_turn": _plain(story.referee.score(lambda m: m.version != first)),
        "old_slices_before": _over(never, old),
        "old_slices_after": _over(ours, old),
        "new_slices_after": _over(ours, new),
        **{name: _plain(each.score) for name, each in arms.items()},
    }


def _split_rows(story: Story, rows: Sequence[Exam]) -> tuple[list[int], list[int]]:
    """Positions of test rows of before the first change, and of those that came with one."""
    phase = {(r.text, r.time): story.referee.phase_of(r) for r in story.options.rows if r.split is Split.TEST}
    old = [k for k, row in enumerate(rows) if phase[(row.text, row.time)] == 0]
    chosen = set(old)
    return old, [k for k in range(len(rows)) if k not in chosen]


def _over(right: Sequence[float], at: Sequence[int]) -> dict[str, Any] | None:
    return _plain(proportion(int(sum(right[k] for k in at)), len(at))) if at else None


def _plain(score: Score | None) -> dict[str, Any] | None:
    return None if score is None else asdict(score)


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
            scores |= {"difference": asdict(report.difference), "groups": {g: asdict(s) for g, s in report.groups.items()}}
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
        "signals": [asdict(store.signals.get(s)) for s in diary.get("watch", "").split()],
        "decision": asdict(decision) if decision else None,
        "dataset": {"id": curated[-1].id, "counts": dict(curated[-1].counts)} if curated else None,
        "candidates": tried,
        "release": asdict(final) if final else None,
    }


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


def _series(story: Story, onsets: list[float], champions: list[Version]) -> dict[str, Any]:
    store = story.shop.store
    threshold = math.log10(story.config.monitor.false_alarm_every)
    drift = [
        {"time": p[0], "confidence": p[1], "neighbors": p[2] if len(p) > 2 else None, "threshold": threshold}
        for v in champions
        for p in store.state.get(f"trace:{v.id}", [])
    ]
    losses = [
        {
            "version": v.id,
            "recipe": v.recipe.get("name", ""),
            "points": [e.values for e in store.events.list(v.id) if e.name == "training"],
        }
        for v in store.versions.list(TASK)
        if v.cost.get("steps")
    ]
    return {
        "accuracy": story.referee.course(),
        "drift": sorted(drift, key=lambda p: p["time"]),
        "slices": _slices(story, onsets),
        "losses": losses,
    }


def _slices(story: Story, onsets: list[float]) -> list[dict[str, Any]]:
    first_onset, first = (onsets[0] if onsets else math.inf), story.first.id
    out = []
    for name in dict.fromkeys(m.slice for m in story.referee.marks):
        of = story.referee.score
        out.append(
            {
                "slice": name,
                "n": sum(m.slice == name for m in story.referee.marks),
                "before_drift": _plain(of(lambda m, s=name: m.slice == s and m.time < first_onset)),
                "after_drift": _plain(of(lambda m, s=name: m.slice == s and m.time >= first_onset and m.version == first)),
                "after_turn": _plain(of(lambda m, s=name: m.slice == s and m.version != first)),
            }
        )
    return out
