"""Bar train.5: trainings killed by SIGKILL at random moments, and whether they leave what they would have left.

    python bench/train_5.py [--runs 2] [--deaths 3] [--quick] [--ways lora full ...] [--seed 0]

Two small projects with real, tiny models, one whose task has labels and a champion, one whose task has replies; and
recipes that between them use everything a run has to remember: what is trained, optimizers and averages, drawn words
and dropout, penalties that keep something of the start, orders, parts of batches, number formats. Each is trained by
`homeostat train` in a process of its own, undisturbed; and again by a process that is killed `--deaths` times and
started anew each time (`bench/killed.py` has the moments: at any time, after a step, within a file that is written).
A run counts if what it registers is the very same, byte by byte: every file of its weights, its labels and priors,
and the losses of every look, each told once; and if `verify` has nothing to say. One thread, no GPU. Prints one JSON
line; `value` is the share of runs that count, with its exact 95 % interval; `deaths` how often they died of what.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from killed import Course, Death, draw, through
from mortal import MOODS
from safetensors import SafetensorError, safe_open
from small_project import DAY, START, TASK, WORDS, interaction, lay, rows, said

from homeostat.config.load import load
from homeostat.config.schema import Config
from homeostat.llm.backend import Reply
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import proportion
from homeostat.train.checkpoint import FILE
from homeostat.types.feedback import FeedbackKind

GOAL = 1.0
RUN = {"share": 0.0, "epochs": 3, "looks": 6, "patience": 6, "batch_rows": 16, "back_offs": 6}
"""What all recipes have: some thirty steps, and six looks that write checkpoints."""
DROPPING = {"lora": {"rank": 4, "dropout": 0.1}}
LABELS: dict[str, dict[str, Any]] = {
    "lora": {"adapt": DROPPING},
    "full": {"adapt": "full"},
    "frozen": {"adapt": {"freeze": {"bottom": 0.5, "gradual": 0.5, "decay": 0.9}}},
    "ia3": {"adapt": "ia3", "lr": 3e-2},
    "learned_prompt": {"adapt": {"prompt": {"count": 4}}, "lr": 3e-2},
    "prefix": {"adapt": {"prefix": {"count": 4}}, "lr": 3e-2},
    "upper": {"adapt": {"lora": {"rank": 4, "bottom": 0.5}}, "carry": True},
    "stacked": {"adapt": {"stacked": {"rank": 2}}},
    "exact_head": {"like": "head"},
    "stepwise_head": {"like": "classifier"},
    "schedule_free": {"optimizer": "schedule_free", "schedule": "constant", "adapt": DROPPING},
    "averaged": {"average": 0.9, "schedule": "stable"},
    "drawn": {"adapt": DROPPING, "penalties": ["r_drop", "noise"]},
    "held": {"penalties": ["ewc", "l2_pull", "stay", {"divergence": {"weight": 1.0}}]},
    "contrasted": {"objective": "adjusted", "penalties": ["contrastive"]},
    "curriculum": {"order": {"curriculum": {"difficulty": "rarity"}}},
    "trimmed": {"order": {"trimmed": {"share": 0.1}}, "objective": "focal"},
    "fading": {"order": "fading", "carry": True},
    "in_parts": {"part_rows": 5, "save_memory": True, "adapt": DROPPING},
    "float16": {"precision": "float16", "adapt": DROPPING},
    "bfloat16": {"precision": "bfloat16", "adapt": "full"},
    "back_and_forth": {"lr": 0.3, "warm_up": 0.0, "schedule": "constant"},
}
"""Recipes for the task with labels; each goes on from the champion as `careful` does, with replay and divergence."""
REPLIES: dict[str, dict[str, Any]] = {
    "replies": {"adapt": DROPPING},
    "tried": {"objective": {"grpo": {"group": 4, "most": 4, "reward": "beginning"}}, "epochs": 2},
    "shown": {"objective": {"sdft": {"rate": 0.05, "most": 4}}, "epochs": 2},
    "odds": {"objective": "orpo", "optimizer": "schedule_free", "average": 0.8},
}
"""Recipes for the task with replies, from the bare base; `tried` and `shown` learn from words they draw themselves."""
SORRY = Reply(text="sorry", confidence=0.5, entropy=1.0, prompt_tokens=9, reply_tokens=1, embedding=b"")
WAYS = {**LABELS, **REPLIES}
AGAIN = ("upper",)
"""Recipes whose every life asks frozen layers about each row anew: a killed run really takes more operations."""
ATTEMPTS = 5
"""Times that a run is begun which was over before it could be killed, as its first life was the slowest."""
QUICK = ("lora", "full", "exact_head", "schedule_free", "shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """All that a training leaves, but for what a clock or a stopwatch says of it."""

    files: dict[str, bytes]
    version: dict[str, Any]
    looks: list[dict[str, float]]
    problems: list[Any]

    def differs(self, other: Left) -> list[str]:
        """What is not the same, by name."""
        parts = [name for name in ("looks", "problems") if getattr(self, name) != getattr(other, name)]
        parts += [f"version.{name}" for name in self.version if self.version[name] != other.version.get(name)]
        files = {**self.files, **other.files}
        return parts + [name for name in files if self.files.get(name) != other.files.get(name)]


def projects(folder: Path) -> tuple[Config, Config]:
    """The project with labels and a champion, and the one with replies and none."""
    labeled = lay(folder / "labels")
    replying = replace(labeled, folder=str(folder / "replies"))
    with closing(Workshop.open(replying)) as shop:
        for k, (text, label) in enumerate(rows(list(WORDS), 60, 7)):
            row = interaction(f"int_{k:04}", START + DAY + k, text, SORRY, "")
            words = replace(said(row, "", row.time + 60.0), kind=FeedbackKind.CORRECTION, value=WORDS[label])
            shop.store.interactions.add([row])
            shop.store.feedback.add([words])
    return labeled, replying


def project(config: Config, way: str, seed: int, folder: Path) -> Path:
    """A copy of a project in a folder, with one recipe; its file."""
    shutil.copytree(config.folder, folder / "store")
    kind = "text" if way in REPLIES else "label"
    like = {"like": "first"} if way in REPLIES else {}
    settings = {
        "folder": str(folder / "store"),
        "model": {"base": config.model.base},
        "tasks": {TASK: {"kind": kind, "instruction": "route"}},
        "curate": {"replay": 1.0},
        "train": {"rank": 8, "lr": 0.01, "warm_lr": 0.01, "held_out": 0.15, "seed": seed}
        | {"recipes": {way: {**RUN, **like, **WAYS[way]}}},
    }
    file = folder / "homeostat.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def trained(file: Path, way: str, death: Death | None = None) -> bool:
    """Type the command, and whether it came to its end. Raises as `through`."""
    arguments = ("train", TASK, "--recipe", way, "--config", str(file), "--json")
    return through(arguments, file.with_name("said.txt"), death)


def left(file: Path, way: str) -> Left:
    """What the training by a recipe left."""
    with closing(Workshop.open(load(file))) as shop:
        versions = [v for v in shop.store.versions.list(TASK) if v.recipe.get("name") == way]
        assert len(versions) == 1, [version.id for version in versions]
        version, blobs = versions[0], shop.store.blobs
        varying = {"cpu_seconds", "wall_seconds", *(["flops"] if way in AGAIN else [])}
        told = replace(version, cost={name: value for name, value in version.cost.items() if name not in varying})
        looks = [event.values for event in shop.store.events.list(version.id) if event.name == "training"]
        return Left(
            files={name: blobs.bytes(hash) for name, hash in blobs.files(version.blob).items()},
            version=asdict(told),
            looks=[{name: value for name, value in look.items() if name not in MOODS} for look in looks],
            problems=list(shop.store.verify()),
        )


def stands_at(folder: Path) -> int:
    """The step of the checkpoint below a folder; 0 where there is none."""
    for path in folder.rglob(FILE):
        try:
            with safe_open(path, framework="pt") as file:
                return int(json.loads(file.metadata()["progress"])["step"])
        except SafetensorError as broken:
            raise RuntimeError(f"half a checkpoint at {path}") from broken
    return 0


def killed(file: Path, way: str, course: Course, deaths: int, rng: np.random.Generator) -> list[Death]:
    """Train, dying so often and then to the end; the deaths that were died. Raises as `through`."""
    died = []
    for k in range(deaths):
        death = draw(rng, course, stands_at(file.parent), last=k + 1 == deaths)
        if trained(file, way, death):
            return died
        died.append(death)
    trained(file, way)
    return died


def outcomes(args: argparse.Namespace, folder: Path) -> Iterator[tuple[str, bool, list[Death]]]:
    """Of every run that died at least once: its way, whether it counts, and its deaths."""
    labeled, replying = projects(folder)
    through(("train", "--help"), folder / "said.txt")  # the first life waits until everything is imported
    for run in range(args.runs):
        for way in args.ways:
            config, here = replying if way in REPLIES else labeled, folder / f"{way}-{run}"
            rng = np.random.default_rng([args.seed, run, list(WAYS).index(way)])
            peaceful = project(config, way, args.seed + run, here / "peace")
            began = time.perf_counter()
            trained(peaceful, way)
            seconds, whole = time.perf_counter() - began, left(peaceful, way)
            looks = tuple(int(look["step"]) for look in whole.looks)
            course = Course(looks=looks, seconds=seconds)
            died, other = list[Death](), list[str]()
            for attempt in range(ATTEMPTS):
                again = project(config, way, args.seed + run, here / f"killed-{attempt}")
                try:
                    died = killed(again, way, course, args.deaths, rng)
                    other = whole.differs(left(again, way))
                except (RuntimeError, AssertionError) as problem:
                    died, other = [], [f"{problem}"]
                if died or other:
                    break
            moments = ", ".join(f"{d.kind} {d.share if d.kind == 'time' else d.at:.3g}" for d in died)
            about = f"{len(looks)} looks to step {max(looks, default=0)}, {course.seconds:.1f} s; died: {moments}"
            print(f"{way} {run}: {about}; other: {', '.join(other) or 'nothing'}", file=sys.stderr, flush=True)
            shutil.rmtree(here)
            if died or other:
                yield way, not other, died


def line(found: list[tuple[str, bool, list[Death]]]) -> dict[str, Any]:
    """The bar's line, but for `seconds`."""
    share = proportion(sum(same for _, same, _ in found), len(found))
    return {
        "bar": "train.5",
        "value": round(share.mean, 5),
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": share.n,
        "goal": GOAL,
        "met": share.mean >= GOAL,
        "ways": len({way for way, _, _ in found}),
        "deaths": dict(Counter(death.kind for _, _, died in found for death in died)),
        "other": sorted({way for way, same, _ in found if not same}),
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2, help="runs of each way, each with seeds of its own")
    parser.add_argument("--deaths", type=int, default=3, help="how often each run is killed")
    parser.add_argument("--quick", action="store_true", help="five ways, once each")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), help="these alone")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.runs, args.ways = (1 if args.quick else args.runs), args.ways or (QUICK if args.quick else list(WAYS))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = list(outcomes(args, Path(folder)))
    print(json.dumps(line(found) | {"seconds": round(time.perf_counter() - began, 1), "quick": args.quick}))


if __name__ == "__main__":
    main()
