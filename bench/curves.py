"""Does a probe's learning curve tell better than the probe alone what a whole training gains?

    python bench/curves.py [--quick] [--draws 8] [--seed 100] [--ways careful head] [--kept FILE]

Not a bar. On three public streams a champion of the built-in model learns some labels; then come verified rows of these
and of new ones. The product's own probe trains on a quarter, a half and all of the older rows of the newest 400 and is
measured on the newer half, as a turn does it; the recipe is then trained on all of the rows, and what it really gains
is measured on 400 rows that nothing has seen. For each way (`careful`, an adapter; `head`, an exact head): how far the
probe's own figure and the curve's are off in the mean (`bias`) and in size (`off`), and how often the interval of each
holds what came, which has an error of its own that is put beside the interval's. `--quick` takes one head of each
stream. Whatever is constant in `stats/curves.py` was chosen on draws of seeds below 100.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from homeostat.config.schema import Config, Tasks, Train
from homeostat.curate.build import Inputs, build
from homeostat.curate.snapshot import store_dataset
from homeostat.loop.curving import SHARES, trials
from homeostat.loop.ground import Asker, Ground, measured
from homeostat.loop.learn import Lesson, curating, held_by, learn, start_of
from homeostat.loop.probing import MOST
from homeostat.loop.workshop import Workshop
from homeostat.stats.curves import reach
from homeostat.stats.intervals import bootstrap, mean_interval, paired
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.run import Order
from homeostat.types.dataset import Example
from homeostat.types.report import Z95, Score

STREAMS = ("clinc150_domains", "hwu64_scenarios", "arxiv_years")
TASK, LABELS, FIRST, TRUTH = "routing", 16, 250, 400
NEW = (1, 2, 3, 4, 6)
"""Labels that the champion does not know, of `LABELS`."""
ROWS = (300, 400, 800)
"""Verified rows since the champion was trained."""
FIRSTS = {"careful": "first", "head": "head"}
"""Way -> the recipe of its champion."""


def world(file: Path, seed: int) -> tuple[list[Example], list[Example], list[Example]]:
    """What a champion knows, what is verified later, and what the whole training is measured on."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rng = np.random.default_rng([seed, len(rows)])
    by = {label: [] for label in sorted({row["label"] for row in rows})}
    for row in rows:
        by[row["label"]].append(row["text"])
    labels = rng.permutation([label for label, texts in by.items() if len(set(texts)) >= 60])[:LABELS].tolist()
    known = labels[NEW[seed % len(NEW)] :]
    every = [Example(text=text, target=label, task=TASK) for label in labels for text in dict.fromkeys(by[label])]
    every = [every[k] for k in rng.permutation(len(every)).tolist()]
    n = ROWS[seed % len(ROWS)]
    first = [row for row in every if row.target in known][:FIRST]
    left = [row for row in every if row not in first]
    test, later = left[:TRUTH], left[TRUTH : TRUTH + n]
    return first, [replace(row, time=2.0 + k) for k, row in enumerate(later)], test


def drawn(file: Path, seed: int, way: str) -> dict[str, Any]:
    """One draw: what the probe saw, row by row, and what the whole training did."""
    first, later, test = world(file, seed)
    with TemporaryDirectory() as folder:
        config = Config(folder=folder, tasks={TASK: Tasks(instruction="route")}, train=Train(epochs=5, seed=seed))
        with closing(Workshop.open(config)) as shop:
            return measured_by(shop, first, later, test, way)


def measured_by(
    shop: Workshop, first: Sequence[Example], later: Sequence[Example], test: Sequence[Example], way: str
) -> dict[str, Any]:
    """A champion of the first rows, probed on the later ones and trained on all of them."""
    task = shop.config.task(TASK)
    made = build(Inputs(task=task, imported=first), shop.config.curate)
    dataset = store_dataset(shop.store, made, task=TASK, turn="first", now=1.0)
    recipe = named(FIRSTS[way], shop.config.train)
    champion = learn(shop, Lesson(task=TASK, dataset=dataset.id, recipe=recipe, version="ver_first", time=1.0))
    rows, cut = list(later)[-MOST:], len(list(later)[-MOST:]) // 2
    ground = Ground(task=task, champion=champion, memory=first, earlier=rows[:cut], later=rows[cut:], known=len(later))
    values, before = answered(shop, ground, ground.later), answered(shop, ground, test)
    recipe, spent = named(way, shop.config.train), time.process_time()
    tried, spent = trials(shop, ground, way, recipe), time.process_time() - spent
    full = measured(shop, replace(ground, later=test), whole(shop, ground, recipe, later))
    return {
        "known": len(later),
        "sizes": tried.sizes,
        "values": [one.values for one in tried.found],
        "steps": [one.steps for one in tried.found] + [full.steps],
        "champion": values,
        "truth": full.values,
        "before": before,
        "probe_cpu_s": spent,
    }


def answered(shop: Workshop, ground: Ground, rows: Sequence[Example]) -> list[float]:
    """How right the champion is."""
    with shop.loaded(ground.champion) as backend:
        return Asker(backend, ground.task, ground.champion).right(None, rows)[0]


def whole(shop: Workshop, ground: Ground, recipe: Any, later: Sequence[Example]) -> Order:
    """The training that a turn would make of all verified rows."""
    recalled = recipe.recalls_of(ground.task)
    inputs = Inputs(
        task=ground.task, imported=later, memory=ground.memory, labels=ground.champion.labels, recall=recalled
    )
    rows = build(inputs, curating(shop, recipe))
    return Order(
        task=ground.task,
        start=start_of(shop, ground.champion),
        examples=rows.examples,
        labels=rows.labels,
        recipe=paced(recipe, shop.config.train, Rows.of(rows.examples), rows.labels),
        folder=shop.run_folder("whole"),
        held=held_by(shop, ground.champion),
    )


def judged(draw: Mapping[str, Any]) -> dict[str, Any]:
    """What probe and curve said of a draw, beside what came."""
    came = paired(draw["truth"], draw["before"])
    own = paired(draw["values"][-1], draw["champion"])
    found = reach(draw["sizes"], draw["values"], draw["champion"], draw["known"])
    curve = own if isinstance(found, str) else found
    return {
        "came": came.mean,
        **beside("probe", own, came),
        **beside("curve", curve, came),
        "refused": isinstance(found, str),
    }


def beside(name: str, told: Score, came: Score) -> dict[str, float]:
    """How far off a figure is, and whether its interval holds what came, the error of that put beside it."""
    side = told.high - told.mean if came.mean > told.mean else told.mean - told.low
    reach_of = math.hypot(side, Z95 * came.error)
    return {f"{name}_off": told.mean - came.mean, f"{name}_holds": float(abs(told.mean - came.mean) <= reach_of)}


def summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Of some draws: bias, size of the error, coverage, each of probe and curve, and how much nearer the curve is."""
    told: dict[str, Any] = {"n": len(rows), "refused": sum(bool(row["refused"]) for row in rows)}
    for name in ("probe", "curve"):
        off = np.array([row[f"{name}_off"] for row in rows])
        told[f"{name}_bias"] = ends(mean_interval([*off]) if len(off) > 1 else mean_interval([0.5]))
        told[f"{name}_off"] = round(float(np.abs(off).mean()), 4)
        told[f"{name}_holds"] = ends(mean_interval([row[f"{name}_holds"] for row in rows]))
    nearer = [abs(row["probe_off"]) - abs(row["curve_off"]) for row in rows]
    told["nearer"] = ends(bootstrap(nearer, lambda some: float(some.mean())))
    return told


def ends(score: Score) -> list[float]:
    """Mean and interval."""
    return [round(one, 4) for one in (score.mean, score.low, score.high)]


def gathered(args: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Way -> its draws; those that are kept are not made again."""
    kept = {}
    if args.kept and args.kept.exists():
        kept = {tuple(one["key"]): one for one in map(json.loads, args.kept.read_text(encoding="utf-8").splitlines())}
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in args.ways}
    for k in range(args.draws):
        for way in args.ways:
            for stream in STREAMS:
                key = (way, stream, args.seed + k)
                if key not in kept:
                    draw = {"key": key, **drawn(args.streams / f"{stream}.jsonl.gz", args.seed + k, way)}
                    kept[key] = draw
                    if args.kept:
                        with args.kept.open("a", encoding="utf-8") as out:
                            out.write(json.dumps(draw) + "\n")
                found[way].append(kept[key])
                print(json.dumps({"key": key, **judged(kept[key])}), file=sys.stderr, flush=True)
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one head of each stream")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--draws", type=int, default=8, help="draws of each stream")
    parser.add_argument("--seed", type=int, default=100, help="of the first draw")
    parser.add_argument("--ways", nargs="*", default=["careful", "head"], help="recipes")
    parser.add_argument("--kept", type=Path, help="where draws are kept")
    args = parser.parse_args()
    if args.quick:
        args.draws, args.ways = 1, ["head"]
    began, told = time.perf_counter(), dict[str, Any]()
    for way, draws in gathered(args).items():
        told[way] = summed([judged(draw) for draw in draws])
    every = [one for one in told.values() if one["n"]]
    print(json.dumps({"shares": SHARES, **told, "n": sum(one["n"] for one in every), "seconds": round(time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
