"""Five tasks of different kinds, learned one after another by one model: what it learns, keeps, loses and carries over.

    python bench/sequence.py [--course tasks] [--quick] [--seeds 3] [--arms ARM ...] [--data FOLDER] [--keep]

Intents, topics, sentiment, descriptions and preferences (`adaptation/sequence.py`), the built-in model with one LoRA
adapter; or with `--course answering` what a support desk says, phase by phase (`adaptation/answering.py`). Arms
(`adaptation/relay.py`): never, sequential fine-tuning alone, with replay of 5 to 50 %, with EWC, L2-SP or divergence on
old rows, joint retraining from the base, and ours. Self-distillation is left out: it needs a model that learns from its
context, which this one does not (`docs/log.md`, *Self-distillation from demonstrations*).

Prints one JSON line: each task's score after each stage (accuracy, chrF over 100, share of pairs whose better reply
has the higher mean log-probability), their average at the end, backward and forward transfer, excess forgetting against
joint retraining, the perplexity of right replies in words at the end, operations and CPU-seconds of training, with
Student's intervals over seeds. Models are kept in `--cache`, so that what was interrupted goes on; `--keep` writes the
line to `bench/results/`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bars
from adaptation.answering import open_answering
from adaptation.grid import Scores
from adaptation.lab import Lab
from adaptation.relay import JOINT, NAMES, NEVER, OURS, Examiner, Leg, Relay
from adaptation.sequence import Stage, open_sequence
from adaptation.transfers import figures_of_a_seed, over_seeds, scores_over_seeds, table
from rich.console import Console
from transformers.utils.logging import disable_progress_bar

from homeostat.config.schema import Train
from homeostat.types.task import Kind

ROOT = Path(__file__).resolve().parents[1]
BENCHES = {"tasks": "sequence", "answering": "answering"}
"""Course -> the name its line is kept under."""


def scored(examiner: Examiner, stages: Sequence[Stage], legs: Sequence[Leg]) -> Scores:
    """The mean score on each task's test rows after each stage, where the model can have an answer."""
    met = [[i <= t or (i == t + 1 and not stages[i].labels) for i in range(len(stages))] for t in range(len(stages))]
    return [
        [
            _mean(examiner.worth(leg.model, stage, stage.test)) if asked else None
            for stage, asked in zip(stages, row, strict=True)
        ]
        for leg, row in zip(legs, met, strict=True)
    ]


def perplexities(examiner: Examiner, stages: Sequence[Stage], legs: Sequence[Leg]) -> dict[str, float]:
    """Of the right replies of each task in words, at the end."""
    return {s.task.name: examiner.perplexity(legs[-1].model, s) for s in stages if s.task.kind is Kind.TEXT}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def run_seed(seed: int, args: argparse.Namespace, note: Any) -> dict[str, Any]:
    """All arms of a seed: scores, figures, and what the gate said of ours."""
    every = 4 if args.quick else 1
    tasks = args.course == "tasks"
    stages = open_sequence(args.data, seed, every=every) if tasks else open_answering(seed, every=every)
    train = Train(batch_rows=args.batch_rows, epochs=args.epochs, seed=seed)
    lab = Lab(args.base, args.cache / args.course, "sequence", note)
    relay = Relay(lab=lab, examiner=Examiner(args.base), stages=stages, train=train, seed=seed)
    legs: dict[str, list[Leg]] = {}
    for name in dict.fromkeys([NEVER, JOINT, *args.arms, OURS]):
        legs[name] = relay.race(name, legs.get(JOINT, ()))
    scores = {name: scored(relay.examiner, stages, own) for name, own in legs.items()}
    costs = {name: (sum(x.flops for x in own), sum(x.cpu_seconds for x in own)) for name, own in legs.items()}
    figures = figures_of_a_seed(scores, costs)
    unsure = {name: perplexities(relay.examiner, stages, own) for name, own in legs.items()}
    said = [
        {"after": stage.task.name, "outcomes": [v.outcome.value for v in leg.verdicts], "mended": leg.mended}
        for stage, leg in zip(stages, legs[OURS], strict=True)
    ]
    rows = {stage.task.name: {"new": len(stage.new), "test": len(stage.test)} for stage in stages}
    told = {"scores": scores, "figures": figures, "perplexity": unsure, "gate": said}
    return {**told, "rows": rows, "foreign": lab.foreign}


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--course", choices=("tasks", "answering"), default="tasks", help="what is learned")
    parser.add_argument("--quick", action="store_true", help="one seed, a quarter of the rows")
    parser.add_argument("--seeds", type=int, help="seeds 0 to N-1; 3, or 1 if quick")
    parser.add_argument("--arms", nargs="*", choices=NAMES, default=list(NAMES), help="beside never, joint and ours")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the public sets")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-rows", type=int, default=16)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "adaptation" / "sequence")
    parser.add_argument("--keep", action="store_true", help="write the line to bench/results/")
    args = parser.parse_args()
    args.seeds = args.seeds or (1 if args.quick else 3)
    return args


def main() -> None:
    """Run the sequence and print its line."""
    disable_progress_bar()
    args, began = arguments(), time.perf_counter()

    def note(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    seeds = [run_seed(seed, args, note) for seed in range(args.seeds)]
    figures, bench = over_seeds([seed["figures"] for seed in seeds]), BENCHES[args.course]
    Console(stderr=True, highlight=False).print(table(figures))
    line = {
        "bench": bench,
        "n": len(seeds),
        "rows": seeds[0]["rows"],
        "figures": figures,
        "scores": scores_over_seeds([seed["scores"] for seed in seeds], list(seeds[0]["rows"])),
        "perplexity": {arm: over_seeds([seed["perplexity"][arm] for seed in seeds]) for arm in seeds[0]["perplexity"]},
        "gate": [seed["gate"] for seed in seeds],
        "foreign": sum(seed["foreign"] for seed in seeds),
        "seconds": round(time.perf_counter() - began, 1),
    }
    if args.keep:
        bars.keep(bench, [bars.Row(bar=bench, line=line)], ROOT / "bench" / "results")
    print(json.dumps(line))


if __name__ == "__main__":
    main()
