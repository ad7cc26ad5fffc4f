"""Bar loop.2: how much of joint retraining's accuracy the loop's own policy reaches, and at what share of its cost.

    python bench/loop_2.py [--quick] [--seeds 5] [--only STREAM] [--git PATH] [--frontier N] [--rank 16 --lr 0.002 ...]

Five streams with a fixed schedule of turns. At each turn every arm may train on the labels revealed by then, a uniform
share of the live rows that its seed draws; afterwards it answers all test rows the world has shown so far. Arms: never,
naive (new rows alone), joint (from the base, everything so far), ours (from the champion, replay, divergence, the gate,
a second attempt within the budget). The first `--frontier` seeds also train joint_all (every label, last turn), which
ours and joint at several shares of the labels are held against. Prints one JSON line; `value` is the ratio of
ours to joint, a mean over turns and seeds, of the stream where it is worst. Every trained model is kept in `--cache`:
a run that was interrupted goes on, and what a changed flag does not touch is not trained again.
With `--ledger` what each model cost and answered is kept in a folder, and one that is there is not trained again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from adaptation import arms
from adaptation.arms import Race, Settings
from adaptation.courses import NAMES, Course, Skipped, open_course
from adaptation.figures import GOAL_RATIO, figures_of_a_seed, figures_of_a_stream, ratio
from adaptation.lab import Lab, Model
from adaptation.ledger import Ledger
from adaptation.tables import sheet
from rich.console import Console
from transformers.utils.logging import disable_progress_bar

from homeostat.config.schema import Curate, Train
from homeostat.curate.build import Curated

ROOT = Path(__file__).resolve().parents[1]
SHARES = (0.1, 0.2, 0.5, 1.0)
"""Label shares of the frontier, beside the one of `--label-share`."""


def race_once(race: Race, *, frontier: bool) -> dict[str, float | None]:
    """All arms of one seed; the seed's figures."""
    champion, learned = arms.first(race)
    steps = {
        "never": arms.never(race, champion),
        "naive": arms.naive(race, champion),
        "joint": arms.joint(race),
        "ours": arms.ours(race, champion, learned),
    }
    arms.look_ahead(race, steps)
    if not frontier:
        return figures_of_a_seed(race.course, champion, steps)
    every_label = replace(race, settings=replace(race.settings, share=1.0))
    steps["joint_all"] = arms.joint(every_label, arm="joint_all", last_only=True)
    figures = figures_of_a_seed(race.course, champion, steps)
    top = figures["accuracy_final.joint_all"]
    return {**figures, **_frontier(race, champion, learned, top)} if top else figures


def _frontier(race: Race, champion: Model, learned: Curated, top: float) -> dict[str, float | None]:
    """Ours and joint retraining after the last turn, over `top`: at each share of labels, the race's own among them."""
    rows = race.course.seen(race.course.turns[-1])
    found: dict[str, float | None] = {}
    for share in sorted({*SHARES, race.settings.share}):
        part = replace(race, settings=replace(race.settings, share=share))
        ours = arms.ours(part, champion, learned)[-1].model.accuracy(rows)
        joint = arms.joint(part, arm="joint_all" if share == 1 else "joint", last_only=True)[-1].model.accuracy(rows)
        found |= {f"frontier.ours.{share:g}": ratio(ours, top), f"frontier.joint.{share:g}": ratio(joint, top)}
    return found


def run_stream(course: Course, args: argparse.Namespace) -> dict[str, Any]:
    """Every seed of a stream; its figures."""
    began, settings = time.perf_counter(), settings_of(args)

    def note(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {course.name} {text}", file=sys.stderr, flush=True)

    ledger = Ledger(args.ledger / f"{course.name}.jsonl" if args.ledger else None)
    lab, seeds = Lab(args.base, args.cache / course.name, course.fingerprint, note, ledger), []
    for seed in range(args.seeds):
        race = Race(lab=lab, course=course, settings=settings.seeded(seed), seed=seed)
        frontier = seed < args.frontier
        seeds.append(race_once(race, frontier=frontier))
    if lab.foreign:
        note(f"{lab.foreign} remembered models were made by other code of llm or train; delete {args.cache} to be sure")
    return {**figures_of_a_stream(seeds), "seeds": args.seeds, "rows": len(course.rows), "foreign": lab.foreign}


def settings_of(args: argparse.Namespace) -> Settings:
    """The knobs as given."""
    plain = Settings(share=args.label_share, budget=args.budget, attempts=tuple(args.attempts))
    named = ("rank", "lr", "warm_lr", "warm_share", "epochs", "kl")
    train = replace(plain.train, attempts=plain.attempts, **{name: getattr(args, name) for name in named})
    return replace(plain, train=train, curate=replace(plain.curate, replay=args.replay))


def summary(streams: Mapping[str, Mapping[str, Any]], skipped: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """The bar's line. A stream that was to be measured and could not be leaves the bar unmet."""
    worst = min(streams, key=lambda name: streams[name]["ratio"][0], default=None)
    ratio = streams[worst]["ratio"] if worst else [None, None, None]
    return {
        "bar": "loop.2",
        "value": ratio[0],
        "interval": ratio[1:],
        "n": streams[worst]["seeds"] if worst else 0,
        "goal": GOAL_RATIO,
        "met": bool(streams) and not skipped and all(figures["met"] for figures in streams.values()),
        "seconds": round(seconds, 1),
        "worst": worst,
        "streams": dict(streams),
        "skipped": dict(skipped),
    }


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    return settled(parser.parse_args())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of a race on these streams."""
    train = Train()
    parser.add_argument("--quick", action="store_true", help="one seed, a quarter of the rows")
    parser.add_argument("--seeds", type=int, help="seeds 0 to N-1; 5, or 1 if quick")
    parser.add_argument("--only", action="append", choices=NAMES, help="measure this stream; may be repeated")
    parser.add_argument("--streams", type=Path, default=ROOT.parent / "shared" / "data" / "streams")
    parser.add_argument("--git", type=Path, help="a git repository; this one if its history is long enough")
    parser.add_argument("--label-share", type=float, default=Settings().share)
    parser.add_argument("--frontier", type=int, help="seeds that also measure other label shares; 1, or 0 if quick")
    parser.add_argument("--budget", type=float, default=Settings().budget, help="of joint's operations, for retries")
    parser.add_argument("--attempts", nargs="+", default=list(Settings().attempts), help="recipes that ours tries")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--rank", type=int, default=train.rank)
    parser.add_argument("--lr", type=float, default=train.lr)
    parser.add_argument("--warm-lr", type=float, default=train.warm_lr)
    parser.add_argument("--epochs", type=int, default=train.epochs)
    parser.add_argument("--warm-share", type=float, default=train.warm_share)
    parser.add_argument("--kl", type=float, default=train.kl)
    parser.add_argument("--replay", type=float, default=Curate().replay)
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "adaptation")
    parser.add_argument("--ledger", type=Path, help="where what each model came to is kept and looked for")


def settled(args: argparse.Namespace) -> argparse.Namespace:
    """The flags, with what follows from `--quick` where nothing else was said."""
    args.seeds = args.seeds or (1 if args.quick else 5)
    args.frontier = args.frontier if args.frontier is not None else int(not args.quick)
    return args


def main() -> None:
    """Run the bar and print its line."""
    disable_progress_bar()
    args, began, console = arguments(), time.perf_counter(), Console(stderr=True, highlight=False)
    streams: dict[str, dict[str, Any]] = {}
    skipped: dict[str, str] = {}
    for name in args.only or NAMES:
        try:
            course = open_course(name, args.streams, args.git, every=4 if args.quick else 1)
        except Skipped as reason:
            skipped[name] = str(reason)
            console.print(f"{name} skipped: {reason}")
            continue
        streams[name] = run_stream(course, args)
        console.print(sheet(name, streams[name]))
    print(json.dumps(summary(streams, skipped, time.perf_counter() - began)))


if __name__ == "__main__":
    main()
