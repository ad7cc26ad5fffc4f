"""Bar watch.7: feedback that is meant to harm is told, bounded, and costs at most a point.

    python bench/watch_7.py [--quick] [--seeds 6] [--base-seeds 24] [--cache DIR] [--streams DIR]

A version of 30 intents of CLINC150 (two domains) is in service and a third domain's 15 intents arrive. 150 honest users
label some 1,000 requests, a hundredth of them wrong, and rate others. To that come 1 or 5 % adversarial statements
(`ATTACKS`): labels at random or of one intent as another, by one account or by many with two statements each, over the
whole time or in a burst; and bursts of bad ratings for good replies. Requests of attackers are such as others send, old
ones among them, whose newest label counts.

What is said is heard 25 statements at a time by the product's `Hearing` (doubted groups, and what waits for a second
voice in the end, are out), curated by its `build`, and learned: for every
seed by an exact head, and for `--base-seeds` of them, under the attacks of `BY_MODEL`, by the built-in model with a
LoRA adapter, trained by the product's `careful` on from a version that knows the memory (`lora`). It is dear, so its
worlds hold `PART` of the rows and users of the others, and only the first attack is learned without protection too.
`clean` is learned without any protection from honest statements alone; `bare` with the attack and without protection;
`held` with both. Figures are points of accuracy on test rows, paired with `clean`, with Student's interval over seeds;
`intent` is the same on test rows of the attacked intent. `quiet` are worlds in which nobody lies; in `policy_change`
all call one intent another from a moment on: what protection costs there (`held`), and which share it held (`lost`).
What a seed gave is kept in `--cache`, so that a run that was broken off is gone on with; `seconds` is of this run.

`value` is the lowest lower end over attacks and shares of `held` less `clean`, the model's among them. The bar: at
least -0.01; every one-sided attack of 5 % told in nine of ten seeds; no source over its allowance; and little doubted
where nobody lies. `asked` says which of these holds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from poison import ATTACKS, TASK, Pair, World, after_a_change, attacked, curated, drawn, hear
from scipy.stats import t as student

from homeostat.config.schema import Train
from homeostat.curate.build import Curated
from homeostat.curate.sources import EVEN, SHARE
from homeostat.llm.local import LocalBackend
from homeostat.loop.deciding.shadow import WIDTH, read
from homeostat.loop.story.arms import Arm, outcomes
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example

Floats = NDArray[np.float64]
Learner = Callable[[Curated, Sequence[Example]], Floats]
"""How right each test row is after learning a dataset."""
STREAM = "clinc150_domains.jsonl.gz"
GOAL = -0.01
SHARES = (0.01, 0.05)
LEAST = 0.03
"""Share from which on a one-sided attack must be told."""
BY_MODEL = (
    ("intent, burst of many", 0.05, True),
    ("random, many", 0.05, False),
    ("intent, burst of many", 0.01, False),
)
"""Attacks that the model is trained under, their shares, and whether it is trained without protection too."""
PART = 0.5
"""Part of a world's rows and users that the model is shown."""
FEWEST = 12
"""Seeds of the model without which its interval says nothing: two trainings on like rows differ by a point."""
DOUBTED = 0.2
"""Share of the worlds in which nobody lies that may be doubted."""
TOLD = 0.9
OF_CHANGE = ("bare", "held", "lost")


_READ: dict[str, Floats] = {}


def features(texts: Sequence[str]) -> Floats:
    """float64[texts, width]: what an exact head is shown; a text is read once."""
    new = [text for text in dict.fromkeys(texts) if text not in _READ]
    _READ.update(zip(new, read(new), strict=True))
    return np.stack([_READ[text] for text in texts])


def exact(made: Curated, test: Sequence[Example]) -> Floats:
    """float[test]: how right an exact head on the dataset is."""
    head = RidgeHead(WIDTH)
    head.add(features([row.text for row in made.examples]), [row.target for row in made.examples])
    replies = head.predict(features([row.text for row in test]))
    return np.array([float(reply == row.target) for reply, row in zip(replies, test, strict=True)])


def once_each(learn: Learner) -> Learner:
    """The same, where a dataset that has been learned before is not learned again."""
    known: dict[int, Floats] = {}

    def learned(made: Curated, test: Sequence[Example]) -> Floats:
        rows = hash((*((row.text, row.target, row.origin) for row in made.examples), *(row.target for row in test)))
        if rows not in known:
            known[rows] = learn(made, test)
        return known[rows]

    return learned


def lora(world: World, folder: Path) -> Learner:
    """The built-in model with an adapter, as a turn trains it: carefully, on from one that knows the memory."""
    labels = tuple(dict.fromkeys(row.target for row in world.memory))
    first = trained(folder / "champion", Start(base="builtin"), world.memory, labels, "naive")

    def learn(made: Curated, test: Sequence[Example]) -> Floats:
        with TemporaryDirectory() as own:
            arm = trained(Path(own), first.start, made.examples, made.labels, "careful")
            return np.array(outcomes(LocalBackend("builtin"), TASK, arm, [(row.text, row.target) for row in test]))

    return learn


def trained(folder: Path, start: Start, rows: Sequence[Example], labels: tuple[str, ...], recipe: str) -> Arm:
    """A training by a recipe's name, left in a folder."""
    settings = Train()
    paces = paced(named(recipe, settings), settings, Rows.of(rows), labels)
    done = train(Order(task=TASK, start=start, examples=rows, labels=labels, recipe=paces, folder=folder))
    left = Start(base=start.base, folder=folder / "weights", kind=done.kind, labels=done.labels)
    return Arm(name=recipe, start=left, prior=done.prior)


def part_of_one(made: Curated, pairs: Sequence[Pair]) -> float:
    """The largest share that one source has of the new rows, in units of what it may have."""
    of = {request.id: said.source for request, said in pairs}
    counts = Counter(of[row.interaction] for row in made.examples[: made.counts["new"]])
    return max(counts.values()) / made.counts["new"] / max(SHARE, EVEN / len(counts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One attack of one strength on one world; differences are accuracies less those of clean data."""

    attack: str
    share: float
    held: float
    bare: float
    intent_held: float
    """On rows of the attacked intent; not a number where none is."""
    intent_bare: float
    after: int | None
    """Adversarial statements until something was doubted."""
    kept: float
    """Share of the adversarial labels that got into the dataset."""
    lost: float
    """Share of the honest labels that were held back."""
    part: float
    """Largest share of one source in the new rows, with protection, in units of what it may have."""
    part_bare: float


def trial(world: World, clean: Floats, learn: Learner, name: str, share: float, *, bare_too: bool = True) -> Trial:
    """One attack of one strength: heard, curated and learned, with protection and, unless told otherwise, without."""
    bad, about = attacked(world, ATTACKS[name], share, np.random.default_rng([11, len(name), round(1000 * share)]))
    pairs = sorted([*world.live, *bad], key=lambda pair: pair[1].time)
    heard = hear(pairs, world.witness)
    bare = curated(world, pairs, frozenset(), protected=False)
    made = curated(world, pairs, heard.out, protected=True)
    own = np.array([row.target == about for row in world.test])
    right = learn(made, world.test) - clean
    right_bare = learn(bare, world.test) - clean if bare_too else np.full(len(clean), np.nan)
    taught = {row.interaction for row in made.examples}
    mine = [request.id for request, _ in bad]
    return Trial(
        attack=name,
        share=share,
        held=float(right.mean()),
        bare=float(right_bare.mean()),
        intent_held=float(right[own].mean()) if about else float("nan"),
        intent_bare=float(right_bare[own].mean()) if about else float("nan"),
        after=heard.after,
        kept=sum(id in taught for id in mine) / len(mine),
        lost=sum(id.startswith("fbk_h") for id in heard.out) / world.labels,
        part=part_of_one(made, pairs),
        part_bare=part_of_one(bare, pairs),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A world in which nobody lies."""

    accuracy: float
    held: float
    """Accuracy with protection less that without."""
    doubted: bool


def quiet(world: World, learn: Learner) -> tuple[Quiet, Floats]:
    """Nobody attacks; how right each test row is without protection."""
    pairs = sorted(world.live, key=lambda pair: pair[1].time)
    heard = hear(pairs, world.witness)
    clean = learn(curated(world, pairs, frozenset(), protected=False), world.test)
    held = learn(curated(world, pairs, heard.out, protected=True), world.test)
    found = Quiet(accuracy=float(clean.mean()), held=float((held - clean).mean()), doubted=bool(heard.held))
    return found, clean


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A world in which nobody lies and one intent is called another from a moment on, by everybody."""

    held: float
    """Accuracy on its test rows, by what is right now, with protection less that without."""
    bare: float
    """That accuracy without protection."""
    lost: float
    """Share of the statements that say so that were held back."""


def changed(world: World, learn: Learner) -> Change:
    """What protection costs where what looks like poison is to be learned."""
    pairs, moved, test = after_a_change(world)
    heard = hear(pairs, world.witness)
    held, bare = (
        learn(curated(world, pairs, heard.out, protected=protected), test).mean() for protected in (True, False)
    )
    return Change(held=float(held - bare), bare=float(bare), lost=len(moved & heard.out) / max(1, len(moved)))


def score(values: Sequence[float]) -> list[float]:
    """Mean over seeds with Student's 95 % interval; a lone seed has none, and without any there is nothing."""
    if len(values) < 2:
        return [round(value, 4) for value in values]
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(student.ppf(0.975, len(values) - 1)) * spread / len(values) ** 0.5
    return [round(x, 4) for x in (mean, mean - half, mean + half)]


def told(trials: Sequence[Trial]) -> dict[str, Any]:
    """What is told of the seeds of one attack and strength."""
    aimed = [one for one in trials if one.intent_held == one.intent_held]
    after = [one.after for one in trials if one.after is not None]
    bare = [one.bare for one in trials if one.bare == one.bare]
    return {
        "held": score([one.held for one in trials]),
        "bare": score(bare) if bare else None,
        "intent_held": score([one.intent_held for one in aimed]) if aimed else None,
        "intent_bare": score([one.intent_bare for one in aimed]) if aimed and bare else None,
        "alarms": len(after),
        "after": float(np.median(after)) if after else None,
        "kept": round(float(np.mean([one.kept for one in trials])), 3),
        "lost": round(float(np.mean([one.lost for one in trials])), 4),
        "part": round(max(one.part for one in trials), 4),
        "part_bare": round(max(one.part_bare for one in trials), 4),
        "n": len(trials),
    }


def table(trials: Sequence[Trial]) -> dict[str, dict[str, Any]]:
    """Attack and share -> what is told of it."""
    groups = defaultdict[str, list[Trial]](list)
    for one in trials:
        groups[f"{one.attack}, {one.share:.0%}"].append(one)
    return {name: told(group) for name, group in groups.items()}


@dataclass(slots=True)
class Found:
    """All that was tried."""

    quiet: list[Quiet] = field(default_factory=list)
    exact: list[Trial] = field(default_factory=list)
    change: list[Change] = field(default_factory=list)
    lora_accuracy: list[float] = field(default_factory=list)
    """Of the model that learned clean data, per seed."""
    lora: list[Trial] = field(default_factory=list)

    def take(self, part: Found) -> None:
        """What was found elsewhere comes to this."""
        for one in fields(self):
            getattr(self, one.name).extend(getattr(part, one.name))

    @staticmethod
    def read(text: str) -> Found:
        """From JSON, as `asdict` gives it."""
        kinds: dict[str, type] = {"quiet": Quiet, "exact": Trial, "change": Change, "lora": Trial}
        made = Found()
        for name, rows in json.loads(text).items():
            getattr(made, name).extend(kinds[name](**row) if isinstance(row, dict) else row for row in rows)
        return made


def summary(found: Found, seconds: float, *, quick: bool) -> dict[str, Any]:
    """The bar's line."""
    by, model = table(found.exact), table(found.lora)
    rows = by | {f"{name}, the model": row for name, row in model.items()}
    worst = min(rows, key=lambda name: min(rows[name]["held"]))
    lowest, interval = min(rows[worst]["held"]), rows[worst]["held"][1:] or None
    groups = defaultdict[str, list[bool]](list)
    for one in found.exact:
        if ATTACKS[one.attack].one_sided and one.share >= LEAST:
            groups[f"{one.attack} {one.share}"].append(one.after is not None)
    alarms = min((float(np.mean(group)) for group in groups.values()), default=1.0)
    part, doubted = max(one.part for one in found.exact + found.lora), sum(one.doubted for one in found.quiet)
    asked = {
        "held": lowest >= GOAL,
        "head": bool(by),
        "model": quick or (bool(model) and all(row["n"] >= FEWEST for row in model.values())),
        "told": alarms >= TOLD,
        "bounded": part <= 1.0,
        "calm": doubted <= DOUBTED * len(found.quiet),
    }
    only = "model" if not by else "head" if not model and not quick else ""
    return {
        "bar": "watch.7",
        **({"only": only} if only else {}),
        "value": lowest,
        "interval": interval,
        "n": len(found.exact) + len(found.lora),
        "goal": GOAL,
        "met": all(asked.values()),
        "seconds": round(seconds, 1),
        "quick": quick,
        "asked": asked,
        "worst": worst,
        "alarms_of_one_sided": alarms,
        "part_of_one_source": round(part, 4),
        "quiet": {
            "seeds": len(found.quiet),
            "doubted": doubted,
            "accuracy": score([one.accuracy for one in found.quiet]),
            "held": score([one.held for one in found.quiet]),
        },
        "policy_change": {name: score([getattr(one, name) for one in found.change]) for name in OF_CHANGE},
        "exact": by,
        "lora": model,
        "lora_accuracy": score(found.lora_accuracy),
    }


def by_model(args: argparse.Namespace, seed: int) -> Found:
    """The model under its attacks on one seed: one training on clean data, and one or two for each attack."""
    found, world = Found(), drawn(args.streams / STREAM, seed, PART)
    with TemporaryDirectory() as folder:
        learn = once_each(lora(world, Path(folder)))
        note(args, f"seed {seed}: the champion is trained")
        pairs = sorted(world.live, key=lambda pair: pair[1].time)
        clean = learn(curated(world, pairs, frozenset(), protected=False), world.test)
        found.lora_accuracy.append(float(clean.mean()))
        for name, share, bare_too in BY_MODEL:
            found.lora.append(trial(world, clean, learn, name, share, bare_too=bare_too))
            note(args, f"seed {seed}, model: {found.lora[-1]}")
    return found


def by_head(args: argparse.Namespace, seed: int) -> Found:
    """The exact head under every attack of every strength on one seed."""
    found, world, learn = Found(), drawn(args.streams / STREAM, seed), once_each(exact)
    calm, clean = quiet(world, learn)
    found.quiet.append(calm)
    found.change.append(changed(world, learn))
    found.exact += [trial(world, clean, learn, name, share) for name in ATTACKS for share in args.shares]
    note(args, f"seed {seed}")
    return found


def kept(args: argparse.Namespace, name: str, measure: Callable[[], Found]) -> Found:
    """What a part gives, or gave: as it lies in `--cache` where a run has left it."""
    file = args.cache / f"watch_7-{name}.json" if args.cache else None
    if file and file.exists():
        return Found.read(file.read_text(encoding="utf-8"))
    found = measure()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(found)), encoding="utf-8")
    return found


def run(args: argparse.Namespace) -> Found:
    """Every attack of every strength on every seed, learned by the head; some by the model too."""
    found, shares = Found(), "-".join(map(str, args.shares))
    for seed in range(args.first, args.first + args.base_seeds):
        found.take(kept(args, f"model-{seed}", partial(by_model, args, seed)))
    for seed in range(args.first, args.first + args.seeds):
        found.take(kept(args, f"head-{seed}-{shares}", partial(by_head, args, seed)))
    return found


def note(args: argparse.Namespace, text: str) -> None:
    """Tell how far it is."""
    print(f"{time.perf_counter() - args.began:.0f} s: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds, 5 %% alone, no model")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--base-seeds", type=int, default=24, help="seeds that the model is trained for, too")
    parser.add_argument("--cache", type=Path, default=None, help="where what a seed gave is kept")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    args = parser.parse_args()
    args.began, args.shares = time.perf_counter(), (0.05,) if args.quick else SHARES
    if args.quick:
        args.seeds, args.base_seeds = 2, 0
    print(json.dumps(summary(run(args), time.perf_counter() - args.began, quick=args.quick)))


if __name__ == "__main__":
    main()
