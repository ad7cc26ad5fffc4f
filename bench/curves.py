"""Does a probe's learning curve tell better than the probe alone what a whole training gains?

    python bench/curves.py [--quick] [--draws 8] [--seed 100] [--ways head tiny careful] [--kept FILE]

Not a bar. On three public streams a champion learns some labels; then come verified rows of these and of new ones. The
product's own probe trains on a quarter, a half and all of the older rows of the newest 400 and is measured on the newer
half, as a turn does it; the recipe is then trained on all of the rows, and what it really gains is measured on rows
that nothing has seen. `careful` trains adapters of the built-in model by the recipe of that name and the product's own
path, `tiny` those of a base of 300,000 random weights, and `head` exact heads on hashed words, which cost so little
that there can be hundreds of draws. Of each: how far the probe's own figure and the curve's are off in the mean
(`bias`) and in size (`off`), how often the interval of each holds what came (`holds`), whose own error is put beside
it, and by how much the curve is nearer (`nearer`). `--quick` takes two heads of each stream. Whatever is constant in
`stats/curves.py` was chosen on heads of seeds below 100.
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
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from small_project import configuration, tiny_base

from homeostat.config.schema import Config, Model, Tasks, Train
from homeostat.curate.build import Inputs, build
from homeostat.curate.snapshot import store_dataset
from homeostat.llm.features import grams
from homeostat.loop.deciding.curving import SHARES, trials
from homeostat.loop.deciding.ground import Asker, Ground, measured
from homeostat.loop.deciding.probing import MOST
from homeostat.loop.making.learn import Lesson, curating, held_by, learn, start_of
from homeostat.loop.workshop import Workshop
from homeostat.stats.curves import reach
from homeostat.stats.intervals import bootstrap, mean_interval, paired
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.run import Order
from homeostat.types.dataset import Example
from homeostat.types.report import Z95, Score

STREAMS = ("clinc150_domains", "hwu64_scenarios", "arxiv_years")
TASK, LABELS, FEWEST, FIRST, TRUTH = "routing", 16, 60, 250, 400
NEW = (1, 2, 3, 4, 6)
"""Labels that the champion does not know, of `LABELS`."""
ROWS = (300, 400, 800)
"""Verified rows since the champion was trained."""
WIDTH = 512
"""Features of a head."""
WAYS = ("head", "tiny", "careful")
RECIPE = "careful"


@cache
def texts_of(file: Path) -> dict[str, list[str]]:
    """Label -> the texts of a stream, each once."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    by: dict[str, dict[str, None]] = {label: {} for label in sorted({row["label"] for row in rows})}
    for row in rows:
        by[row["label"]][row["text"]] = None
    return {label: list(texts) for label, texts in by.items()}


def world(file: Path, seed: int, tests: int) -> tuple[list[Example], list[Example], list[Example]]:
    """What a champion knows, what is verified later, and what the whole training is measured on."""
    by = texts_of(file)
    rng = np.random.default_rng([seed, len(by)])
    labels = rng.permutation([label for label, texts in by.items() if len(texts) >= FEWEST])[:LABELS].tolist()
    known = labels[NEW[seed % len(NEW)] :]
    every = [Example(text=text, target=label, task=TASK) for label in labels for text in by[label]]
    every = [every[k] for k in rng.permutation(len(every)).tolist()]
    n = ROWS[seed % len(ROWS)]
    first = [row for row in every if row.target in known][:FIRST]
    taken = set(map(id, first))
    left = [row for row in every if id(row) not in taken]
    left = [left[k] for k in rng.permutation(len(left)).tolist()]  # what was taken was taken from the front
    test, later = left[:tests], left[tests : tests + n]
    return first, [replace(row, time=2.0 + k) for k, row in enumerate(later)], test


def drawn(file: Path, seed: int, way: str) -> dict[str, Any]:
    """One draw: what the probe saw, row by row, and what the whole training did."""
    first, later, test = world(file, seed, 2 * TRUTH if way == "head" else TRUTH)
    if way == "head":
        return headed(first, later, test, seed)
    with TemporaryDirectory() as folder:
        config = Config(folder=folder, tasks={TASK: Tasks(instruction="route")}, train=Train(epochs=5, seed=seed))
        if way == "tiny":
            base, train = str(tiny_base(Path(folder) / "base")), configuration(Path(folder), Path()).train
            config = replace(config, model=Model(base=base), train=replace(train, seed=seed))
        with closing(Workshop.open(config)) as shop:
            return adapted(shop, first, later, test)


def headed(first: Sequence[Example], later: Sequence[Example], test: Sequence[Example], seed: int) -> dict[str, Any]:
    """The same with heads: the champion's rows, and beside them a share of the older rows, or all that came later."""
    rows = [*first, *later, *test]
    features = dict(zip((row.text for row in rows), grams([row.text for row in rows], WIDTH), strict=True))

    def right(taught: Sequence[Example], asked: Sequence[Example]) -> list[float]:
        head = RidgeHead(WIDTH, ridge=1.0)
        head.add(np.stack([features[row.text] for row in taught]), [row.target for row in taught])
        said = head.predict(np.stack([features[row.text] for row in asked]))
        return [float(reply == row.target) for reply, row in zip(said, asked, strict=True)]

    newest, cut = list(later)[-MOST:], len(list(later)[-MOST:]) // 2
    order = np.random.default_rng(seed).permutation(cut).tolist()
    sizes = [round(share * cut) for share in SHARES]
    return {
        "known": len(later),
        "sizes": sizes,
        "values": [right([*first, *(newest[k] for k in order[:n])], newest[cut:]) for n in sizes],
        "champion": right(first, newest[cut:]),
        "truth": right([*first, *later], test),
        "before": right(first, test),
    }


def adapted(
    shop: Workshop, first: Sequence[Example], later: Sequence[Example], test: Sequence[Example]
) -> dict[str, Any]:
    """A champion of the first rows, probed on the later ones and trained on all of them."""
    task = shop.config.task(TASK)
    made = build(Inputs(task=task, imported=first), shop.config.curate)
    dataset = store_dataset(shop.store, made, task=TASK, turn="first", now=1.0)
    recipe = named("first", shop.config.train)
    champion = learn(shop, Lesson(task=TASK, dataset=dataset.id, recipe=recipe, version="ver_first", time=1.0))
    rows, cut = list(later)[-MOST:], len(list(later)[-MOST:]) // 2
    ground = Ground(task=task, champion=champion, memory=first, earlier=rows[:cut], later=rows[cut:], known=len(later))
    values, before = answered(shop, ground, ground.later), answered(shop, ground, test)
    recipe, spent = named(RECIPE, shop.config.train), time.process_time()
    tried, spent = trials(shop, ground, RECIPE, recipe), time.process_time() - spent
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
    parser.add_argument("--quick", action="store_true", help="two heads of each stream")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--draws", type=int, default=8, help="draws of each stream")
    parser.add_argument("--seed", type=int, default=100, help="of the first draw")
    parser.add_argument("--ways", nargs="*", default=WAYS, help="what is trained")
    parser.add_argument("--kept", type=Path, help="where draws are kept")
    args = parser.parse_args()
    if args.quick:
        args.draws, args.ways = 2, ["head"]
    began, told = time.perf_counter(), dict[str, Any]()
    for way, draws in gathered(args).items():
        told[way] = summed([judged(draw) for draw in draws])
    every = [one for one in told.values() if one["n"]]
    print(
        json.dumps(
            {
                "shares": SHARES,
                **told,
                "n": sum(one["n"] for one in every),
                "seconds": round(time.perf_counter() - began),
            }
        )
    )


if __name__ == "__main__":
    main()
