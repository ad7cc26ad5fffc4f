"""Bar prove.7: a classifier with planted bias is refused, a mended one accepted, and a probe says when it says nothing.

    python bench/prove_7.py [--quick] [--data ../shared/data] [--models ../shared/models] [--seeds 7 8 9] [--live 800]

**Planted bias.** Titles of preprints of two fields (`arxiv_years`) are sent by people whose title and first name stand
before them. Since the champion was trained, the field goes with the sender's gender in 90 % of the requests; in the
suite it does not (800 rows of each gender). The task is held to equal opportunity (`tasks.NAME.fair`, 10 points).
Candidates go through the steps of a turn, in the order in which a turn tries them: `careful`, the usual attempt;
`reweighed` (rows weigh so that gender and field are independent); and `swapped` (every row a second time with title
and name of the other gender), both on all that is remembered. Beside them `thresholds`, which a turn tries only where
it is named: trained on the same rows but those held out, with an offset for each gender and field that is added by the
tag of a request. All four are measured, though a turn would stop at the first that passes. By seed: verdict, accuracy
on the suite, equal-opportunity difference of the field where it is larger, with bounds at 5 % each, and the share of
replies that change when title, name and tag are swapped; of `thresholds` also the difference of the same weights
without offsets (`bare`), and what was measured on rows held out. `value` is the mean difference of the one that is
accepted, `interval` its 95 % interval over seeds. Met: on every seed the plain candidate has a difference of 0.2 or
more and is refused for it, and one of the others passes, the first of which has at most 0.1 and at most two points
less accuracy; and the probes and sentences below answer as they should.

**Probes.** CrowS-Pairs, asked of the built-in model, of a model of children's stories (260,000 weights), and of random
weights. Grammar is BLiMP, every `--every`th pair. Whoever is not surely above 61.2 % has to get "no signal".

**Harmless sentences.** An exact head learns Wikipedia's comments, toxic or not, and is asked the sentences that come
with Homeostat and templates of the same project (`identity_templates`): how often `toxic` is said of them, in all, by
group, and the widest gap, each with its interval.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import lzma
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from planted import Sizes, Treated, attempted, lay, project, tell
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from homeostat.builtin.resources import model_path
from homeostat.collect.probes import Named, read_named, read_pairs
from homeostat.config.schema import Config, Model, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.evaluate.identity import IDENTITIES, Flagged, sentences
from homeostat.loop.asking.fairness import flags, found_likely, likelihoods, own_grammar, sentences_of
from homeostat.loop.making.learn import Lesson, learn, version_id
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import mean_interval, proportion
from homeostat.train.named import named
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.version import Version

FIELDS, STREAM = ("cs.SI", "cs.IR"), "arxiv_years"
"""Of the bar. Sizes and recipes were chosen on cs.NI and cs.CR, and other seeds."""
PLAIN, MENDED, BY_TAG = "careful", ("reweighed", "swapped"), "thresholds"
"""The usual attempt; what a turn tries by itself, in its order; and what it tries where it is named."""
BIASED, ALIKE, LOST = 0.2, 0.1, 0.02
TOXIC = "toxic"


def titles(path: Path, fields: Sequence[str], rng: np.random.Generator) -> dict[str, list[str]]:
    """Field -> its distinct titles, shuffled."""
    found: dict[str, dict[str, None]] = {field: {} for field in fields}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["label"] in found:
                found[row["label"]].setdefault(row["text"])
    return {field: [list(texts)[k] for k in rng.permutation(len(texts))] for field, texts in found.items()}


def planted(path: Path, seed: int, sizes: Sizes) -> dict[str, Any]:
    """What becomes of the champion and of each candidate."""
    rng, found = np.random.default_rng(seed), dict[str, Any]()
    pools = titles(path, FIELDS, rng)
    with tempfile.TemporaryDirectory() as folder, closing(Workshop.open(project(Path(folder)))) as shop:
        found["champion"] = told(tell(shop, lay(shop, pools, sizes, rng)))
        for recipe in (PLAIN, *MENDED, BY_TAG):
            tried = attempted(shop, recipe)
            cost = tried.candidate.cost["cpu_seconds"]
            found[recipe] = told(tell(shop, tried.candidate)) | {"verdict": tried.outcome, "because": tried.because}
            found[recipe]["cpu_seconds"] = round(cost, 1)
            if recipe == BY_TAG:
                found[recipe]["held out"] = dict(shop.offsets(tried.candidate).measured)
            print(seed, recipe, json.dumps(found[recipe]), file=sys.stderr, flush=True)
    return found


def told(treated: Treated) -> dict[str, Any]:
    """The figures of a version."""
    return {
        "accuracy": round(treated.accuracy, 4),
        "gap": _figures(treated.gap),
        "flips": round(treated.flips, 4),
    } | ({"bare": _figures(treated.bare)} if treated.bare else {})


def _figures(score: Score) -> list[float]:
    return [round(value, 4) for value in (score.mean, score.low, score.high)]


def as_promised(found: dict[str, Any]) -> bool:
    """Whether the plain candidate was refused for its bias, and a mended one is accepted with little of it."""
    plain, mended = found[PLAIN], accepted(found)
    refused = plain["gap"][0] >= BIASED and plain["verdict"] == "fail" and "groups unlike" in plain["because"]
    alike = bool(mended) and mended["gap"][0] <= ALIKE and plain["accuracy"] - mended["accuracy"] <= LOST
    return bool(refused and alike)


def mends(found: dict[str, Any], recipe: str) -> bool:
    """Whether a recipe by itself was accepted, with little of the bias and of accuracy lost."""
    mended = found[recipe]
    alike = mended["verdict"] == "pass" and mended["gap"][0] <= ALIKE
    return bool(alike and found[PLAIN]["accuracy"] - mended["accuracy"] <= LOST)


def accepted(found: dict[str, Any]) -> dict[str, Any]:
    """The first candidate that passes, as in a turn; empty where none does."""
    return next((found[recipe] for recipe in MENDED if found[recipe]["verdict"] == "pass"), {})


def random_base(folder: Path) -> Path:
    """The built-in model's shape with weights drawn anew."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(model_path())).save_pretrained(folder)
    AutoTokenizer.from_pretrained(model_path()).save_pretrained(folder)
    return folder


def probes(data: Path, models: Path, every: int) -> dict[str, Any]:
    """Model -> grammar, what is said of its stereotypes, and whether it has to be "no signal"."""
    pairs = read_pairs(data / "crows_pairs" / "crows_pairs_anonymized.csv.gz")
    grammar = read_pairs(data / "blimp" / "blimp_300_per_paradigm.jsonl.xz")[::every]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        bases = {"built-in": "builtin", "stories": str(models / "stories260K" / "hf")}
        for name, base in (bases | {"random": str(random_base(Path(folder) / "random"))}).items():
            config = Config(folder=f"{folder}/{name}", model=Model(base=base), tasks={"t": Tasks()})
            with closing(Workshop.open(config)) as shop:
                version = Version(id="ver_1", task="t", time=0.0, base=base, kind="base")
                texts = sentences_of([pairs, grammar, own_grammar()])
                likely = dict(zip(texts, likelihoods(shop, version, texts), strict=True))
                for asked, of in (("BLiMP", grammar), ("ours", own_grammar())):
                    said = found_likely(likely, {"crows": pairs}, of)["crows"]
                    stated = _figures(said.stereotypes) if said.stereotypes else "no signal"
                    found[f"{name}, {asked}"] = {
                        "grammar": [*_figures(said.grammar), said.grammar.n],
                        "stereotypes": stated,
                        "because": said.because,
                    }
                    print(name, asked, json.dumps(found[f"{name}, {asked}"]), file=sys.stderr, flush=True)
    return found


def silent(found: dict[str, Any]) -> bool:
    """Whether random weights and the model of stories get no number, by either grammar."""
    return all(
        one["stereotypes"] == "no signal" for name, one in found.items() if name.startswith(("random", "stories"))
    )


def comments(path: Path) -> list[Example]:
    """Comments, and whether people called them toxic."""
    rows = csv.DictReader(io.StringIO(lzma.decompress(path.read_bytes()).decode()))
    return [
        Example(text=row["comment"].strip()[:1000], target=TOXIC if row["toxic"] == "True" else "fine", time=float(k))
        for k, row in enumerate(rows)
        if row["comment"].strip()
    ]


def harmless(data: Path, most: int) -> dict[str, Any]:
    """What a classifier of toxic comments says of harmless sentences."""
    known = comments(data / "toxicity_wikipedia" / "toxicity_nonfuzzed_testset.csv.xz")
    order = np.random.default_rng(7).permutation(len(known))
    learned, held = ([known[k] for k in part] for part in (order[: -len(order) // 5], order[-len(order) // 5 :]))
    own = [Named(text=text, group=group, item=item) for text, group, item in sentences()]
    templates = read_named(data / "toxicity_wikipedia" / "identity_templates_en_12k.jsonl.xz", IDENTITIES)[:most]
    with tempfile.TemporaryDirectory() as folder:
        config = Config(folder=folder, tasks={"comments": Tasks()})
        with closing(Workshop.open(config)) as shop:
            labels = ("fine", TOXIC)
            rows = store_dataset(
                shop.store, Curated(examples=tuple(learned), labels=labels), task="comments", turn="trn_7", now=0.0
            )
            recipe, name = named("head", config.train), version_id("prove.7")
            version = learn(shop, Lesson(task="comments", dataset=rows.id, recipe=recipe, version=name))
            said = shop.replies(config.task("comments"), version, [row.text for row in held])
            right = [mine == row.target for mine, row in zip(said, held, strict=True)]
            fine = [mine == TOXIC for mine, row in zip(said, held, strict=True) if row.target != TOXIC]
            return {
                "accuracy": _figures(mean_interval(np.array(right, dtype=np.float64))),
                "toxic said of fine comments": _figures(proportion(sum(fine), len(fine))),
                "ours": flagged(flags(shop, version, own, TOXIC)),
                "templates": flagged(flags(shop, version, templates, TOXIC)),
            }


def flagged(found: Flagged) -> dict[str, Any]:
    """The figures of harmless sentences."""
    ends = list(found.groups.items())
    return {
        "all": [*_figures(found.every), found.every.n],
        "groups": len(ends),
        "highest": {name: [*_figures(score), score.n] for name, score in ends[:3]},
        "lowest": {name: [*_figures(score), score.n] for name, score in ends[-3:]},
        "apart": asdict(found.apart) if found.apart else None,
    }


def summary(seeds: dict[str, Any], probed: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The bar's line."""
    gaps = mean_interval([accepted(one).get("gap", one[PLAIN]["gap"])[0] for one in seeds.values()])
    spread = {
        recipe: {
            "gap": _figures(mean_interval([one[recipe]["gap"][0] for one in seeds.values()])),
            "accuracy": _figures(mean_interval([one[recipe]["accuracy"] for one in seeds.values()])),
            "beside plain": _figures(
                mean_interval([one[recipe]["accuracy"] - one[PLAIN]["accuracy"] for one in seeds.values()])
            ),
            "flips": _figures(mean_interval([one[recipe]["flips"] for one in seeds.values()])),
        }
        for recipe in (PLAIN, *MENDED, BY_TAG)
    }
    alone = {recipe: sum(mends(one, recipe) for one in seeds.values()) for recipe in (*MENDED, BY_TAG)}
    kept = [as_promised(one) for one in seeds.values()]
    intervals = all(len(said[which]["all"]) == 4 and said[which]["apart"] for which in ("ours", "templates"))
    return {
        "bar": "prove.7",
        "value": round(gaps.mean, 4),
        "interval": [round(gaps.low, 4), round(gaps.high, 4)],
        "n": len(seeds),
        "goal": {"plain refused at": BIASED, "mended at most": ALIKE, "points lost": LOST},
        "met": bool(all(kept) and silent(probed) and intervals),
        "as promised": f"{sum(kept)} of {len(kept)}",
        "by itself": {recipe: f"{n} of {len(kept)}" for recipe, n in alone.items()},
        "over seeds": spread,
        "seeds": seeds,
        "probes": probed,
        "harmless": said,
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, fewer rows")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path("../shared/models"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument("--live", type=int, default=800, help="requests since the champion was trained")
    parser.add_argument("--every", type=int, default=10, help="of BLiMP's pairs that are asked")
    args = parser.parse_args()
    began = time.perf_counter()
    seeds, sizes = (args.seeds[:1], Sizes(live=500, suite=1200)) if args.quick else (args.seeds, Sizes(live=args.live))
    found = {str(seed): planted(args.data / "streams" / f"{STREAM}.jsonl.gz", seed, sizes) for seed in seeds}
    said = harmless(args.data, 500 if args.quick else 3000)
    print(json.dumps(said), file=sys.stderr, flush=True)
    probed = probes(args.data, args.models, args.every * (5 if args.quick else 1))
    line = summary(found, probed, said)
    print(json.dumps(line | {"quick": args.quick, "seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
