"""The tables at the end of the story, from its document: what happened when, live accuracy per slice, and the arms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeostat.loop.story.comparison import MOST_STEPS
from homeostat.loop.story.scene import Scene, brief, points
from homeostat.types.report import Score

TOLD = ("signal", "decide", "train", "gate", "release", "drill")
"""Events of the timeline."""
ARMS = ("never", "naive", "ours", "joint", "joint_all_labels")


def tell(scene: Scene, told: Mapping[str, Any]) -> None:
    """Print the tables."""
    _timeline(scene, told)
    _live(scene, told)
    _arms(scene, told)
    _replies(scene, told)


def _timeline(scene: Scene, told: Mapping[str, Any]) -> None:
    rows = [
        [f"{event['wall_s']:.0f} s", event["event"], event["text"]]
        for event in told["timeline"]
        if event["event"] in TOLD
    ]
    scene.table("Timeline", ["after", "what", "that"], rows, left=3)


def _live(scene: Scene, told: Mapping[str, Any]) -> None:
    """What users got: per slice, before the first change, after it under the first version, and under later ones."""
    parts = ("before_drift", "after_drift", "after_turn")
    rows = [[each["slice"], *(_said(each[part]) for part in parts)] for each in told["series"]["slices"]]
    rows.append(["all", *(_said(told["accuracy"][part]) for part in parts)])
    scene.table("Right answers to live requests", ["slice", "before drift", "after drift", "after the turn"], rows)
    scene.console.print(
        "[dim]Later requests meet later changes too, so these columns are not the same questions.[/dim]"
    )


def _arms(scene: Scene, told: Mapping[str, Any]) -> None:
    slices, rows = told["accuracy"]["slices"], []
    for name in ARMS:
        if name in slices:
            labels = told["labels_used"].get(name)
            flops, seconds = (told[key].get(name) for key in ("train_flops", "train_cpu_seconds"))
            rows.append(
                [
                    name,
                    _said(told["accuracy"][name]),
                    _share(slices[name]["old"]),
                    _share(slices[name]["new"]),
                    "–" if labels is None else f"{labels:,}",
                    "–" if flops is None else f"{flops / 1e12:.1f}",
                    "–" if seconds is None else f"{seconds:.0f}",
                ]
            )
    n = told["accuracy"]["never"]["n"]
    title = f"The {n:,} test rows seen so far (joint: one training on everything, at most {MOST_STEPS} steps)"
    scene.table(title, ["arm", "right", "old", "new", "labels", "TFLOP", "CPU-s"], rows)


def _replies(scene: Scene, told: Mapping[str, Any]) -> None:
    """The answering task, before and after its turn."""
    if not told.get("replies"):
        return
    found = told["replies"]
    rows = [
        ["chrF", f"{found['chrf_before']:.1f}", f"{found['chrf_after']:.1f}"],
        ["perplexity", f"{found['perplexity_before']:.1f}", f"{found['perplexity_after']:.1f}"],
        ["nearer to the reference", "–", points(Score(**found["win_rate"]))],
    ]
    scene.table(f"Replies in words, {found['n']} test rows", ["", "before", "after the turn"], rows)


def _said(score: Mapping[str, Any] | None) -> str:
    return brief(Score(**score) if score else None)


def _share(score: Mapping[str, Any] | None) -> str:
    return "–" if score is None else f"{100 * score['mean']:.1f} %"
