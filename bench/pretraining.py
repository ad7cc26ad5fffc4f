"""What pretraining pays: the built-in model beside the same architecture from random weights, on CLINC150.

    python bench/pretraining.py [--data DIR] [--quick] [--base builtin] [--epochs 12] [--seed 0]

All 150 intents at once, trained on the train split, measured on the test split: a LoRA and a full fine-tune of the
model, and a full fine-tune of random weights. Each has the learning rate that suits it and the same early stopping.
Prints one JSON line; `value` is the better of the two fine-tunes, `interval` its exact 95 % interval over the test
rows. It is met if that reaches 90 %, which an encoder of 2.5 M parameters reaches from scratch, and beats the random
weights beyond doubt.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from adaptation.courses import thinned
from adaptation.lab import TASK, Lab, Lesson, Model
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from homeostat.collect.stream import Split, StreamRow
from homeostat.config.schema import Curate, Train
from homeostat.curate.build import Curated, Inputs, build
from homeostat.llm.load import locate
from homeostat.stats.intervals import paired, proportion
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.report import Score

ROOT = Path(__file__).resolve().parents[1]
GOAL = 0.90


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to come by a model."""

    name: str
    base: str
    adapt: Lora | Full
    lr: float


def read(path: Path, every: int) -> list[StreamRow]:
    """The train and test splits, with one of `every` rows of each intent; `history` stands for train."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        splits = json.load(file)
    named = [(Split.HISTORY, row) for row in splits["train"]] + [(Split.TEST, row) for row in splits["test"]]
    rows = [
        StreamRow(index=k, text=text, label=intent, time=float(k), split=split)
        for k, (split, (text, intent)) in enumerate(named)
    ]
    return thinned(rows, every)


def random_weights(base: str, folder: Path, seed: int) -> str:
    """A folder with the architecture and the tokenizer of a base, and weights drawn anew."""
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(locate(base))).float().save_pretrained(folder)
    AutoTokenizer.from_pretrained(locate(base)).save_pretrained(folder)
    return str(folder)


def curated(rows: Sequence[StreamRow]) -> Curated:
    """The train rows, cleaned, deduplicated, and fenced against the test rows."""
    train = [
        Example(text=row.text, target=row.label, task=TASK.name, time=row.time)
        for row in rows
        if row.split is Split.HISTORY
    ]
    fence = [row.text for row in rows if row.split is Split.TEST]
    return build(Inputs(task=TASK, imported=train, evaluation=fence), Curate(replay=0.0))


def make(way: Way, rows: Sequence[StreamRow], args: argparse.Namespace) -> Model:
    """Train and score one of the models."""

    def note(text: str) -> None:
        print(f"{way.name}: {text}", file=sys.stderr, flush=True)

    settings, given = Train(), curated(rows)
    recipe = Recipe(
        name=way.name,
        adapt=way.adapt,
        lr=way.lr,
        epochs=args.epochs,
        patience=settings.patience,
        held_out=settings.held_out,
        warm_start=False,
        looks=args.epochs,
        seed=args.seed,
    )
    test = [row for row in rows if row.split is Split.TEST]
    fingerprint = hashlib.sha256(repr([(row.index, row.text, row.label) for row in test]).encode()).hexdigest()
    lab = Lab(way.base, args.cache / "pretraining", fingerprint, note)
    lesson = Lesson(
        arm=way.name,
        seed=args.seed,
        turn=0,
        parent=None,
        examples=given.examples,
        labels=given.labels,
        recipe=recipe,
    )
    model = lab.train(lesson)
    lab.score(model, test)
    note(f"{100 * sum(model.right.values()) / len(test):.1f} % right, {model.cost['cpu_seconds']:.0f} CPU-s")
    return model


def summary(models: Mapping[str, Model], seconds: float) -> dict[str, Any]:
    """The line: every model's accuracy, what it took, and the gain of pretraining row by row."""
    scores = {name: proportion(sum(m.right.values()), len(m.right)) for name, m in models.items()}
    best = max(("lora", "full"), key=lambda name: scores[name].mean)
    index = sorted(models[best].right)
    mine, other = ([float(models[name].right[k]) for k in index] for name in (best, "random"))
    gain, top = paired(mine, other), scores[best]
    return {
        "bar": "builtin",
        "value": round(top.mean, 5),
        "interval": shown(top)[1:],
        "n": top.n,
        "goal": GOAL,
        "met": bool(top.mean >= GOAL and gain.low > 0),
        "seconds": round(seconds, 1),
        "best": best,
        "gain_of_pretraining": shown(gain),
        "accuracy": {name: shown(score) for name, score in scores.items()},
        "cpu_seconds": {name: round(model.cost["cpu_seconds"], 1) for name, model in models.items()},
        "steps": {name: model.cost["steps"] for name, model in models.items()},
    }


def shown(score: Score) -> list[float]:
    """[mean, low, high]."""
    return [round(score.mean, 5), round(score.low, 5), round(score.high, 5)]


def main() -> None:
    """Run the comparison and print its line."""
    disable_progress_bar()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "clinc150" / "data_full.json.gz")
    parser.add_argument("--quick", action="store_true", help="a third of the rows")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--rank", type=int, default=Train().rank)
    parser.add_argument("--lora-lr", type=float, default=Train().lr)
    parser.add_argument("--full-lr", type=float, default=5e-4)
    parser.add_argument("--random-lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "adaptation")
    args = parser.parse_args()
    if not args.data.exists():
        parser.error("CLINC150 is not here: name its data_full.json.gz with --data")
    began, rows = time.perf_counter(), read(args.data, 3 if args.quick else 1)
    bare = random_weights(args.base, args.cache / "pretraining" / f"random-{args.seed}", args.seed)
    ways = (
        Way(name="lora", base=args.base, adapt=Lora(rank=args.rank), lr=args.lora_lr),
        Way(name="full", base=args.base, adapt=Full(), lr=args.full_lr),
        Way(name="random", base=bare, adapt=Full(), lr=args.random_lr),
    )
    models = {way.name: make(way, rows, args) for way in ways}
    print(json.dumps(summary(models, time.perf_counter() - began)))


if __name__ == "__main__":
    main()
