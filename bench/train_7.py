"""Bar train.7: what a student of a third of the size recovers of its teacher, beside labels alone.

    python bench/train_7.py [--quick] [--stream hwu64_scenarios] [--labels 10] [--seeds 3] [--cache DIR]

`--labels` rows of each label are labeled, for everybody. The teacher is the base, fine-tuned on them. It then answers
every other row of the stream that is not for testing, none of which anybody has labeled. The student is a base made of
some layers and words of the teacher's (`train/smaller.py`). Trained on the labeled rows alone, and trained on the
teacher's answers to all rows, by one recipe, both answer the stream's test rows.

`value` is the distilled student's accuracy as a share of the teacher's, `interval` that of the test rows drawn again;
`lead` is its accuracy less that of the student on labels alone, paired by row. The bar: at least 95 % at a third of the
parameters or fewer, and a lead whose interval excludes 0. `--quick` takes one seed and a part of the unlabeled rows.
What was trained is kept in `--cache`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from adaptation.courses import Skipped, open_course
from code_state import code
from transformers.utils.logging import disable_progress_bar

from homeostat.collect.stream import Split, StreamRow
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import bootstrap, paired
from homeostat.train.adapt.full import Full
from homeostat.train.objectives.distill.told import Told
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.train.smaller import Smaller, smaller
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import Version

ROOT = Path(__file__).resolve().parents[1]
GOAL, SIZE = 0.95, 1 / 3
TASK = Task(name="routing", instruction="route")
TEACHER = Recipe(name="teacher", adapt=Full(), lr=1e-3, epochs=16, looks=8, patience=3)
STUDENT = Recipe(name="student", adapt=Full(), lr=1e-3, epochs=30, looks=10, patience=3)
"""On labels alone, whose rows are fitted at the end, as the teacher's are. From the teacher's answers: the same, but
for that, in as many passes as `--epochs` says."""
HEAT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Rows of a seed."""

    labeled: Sequence[StreamRow]
    rest: Sequence[StreamRow]
    """Rows whose labels nobody looks at."""
    tests: Sequence[StreamRow]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A trained model, and which test rows it gets right."""

    start: Start
    prior: tuple[float, ...]
    cost: dict[str, float]
    right: np.ndarray

    @property
    def version(self) -> Version:
        """To be loaded by a backend."""
        start = self.start
        return Version(
            id="ver_made",
            task=TASK.name,
            time=0.0,
            base=start.base,
            kind=start.kind,
            labels=start.labels,
            prior=self.prior,
        )


def drawn(rows: Sequence[StreamRow], each: int, most: int, seed: int) -> Lesson:
    """`each` labeled rows of every label, and at most `most` others."""
    pool, tests = [r for r in rows if r.split is not Split.TEST], [r for r in rows if r.split is Split.TEST]
    order, met = np.random.default_rng([seed, 7]).permutation(len(pool)), Counter[str]()
    labeled, rest = [], []
    for row in (pool[k] for k in order):
        met[row.label] += 1
        (labeled if met[row.label] <= each else rest).append(row)
    return Lesson(labeled=labeled, rest=rest[:most], tests=tests, labels=tuple(sorted(met)))


class Bench:
    """Trains and asks, and keeps what it trained."""

    def __init__(self, base: str, cache: Path, note: Callable[[str], None]) -> None:
        self.base, self.cache, self.note = base, cache, note

    def made(self, lesson: Lesson, base: str, recipe: Recipe, told: Mapping[str, tuple[float, ...]]) -> Made:
        """A model trained on the labeled rows, or on all rows that were answered, and its marks."""
        rows = [Example(text=row.text, target=row.label) for row in lesson.labeled]
        best = {text: lesson.labels[int(np.argmax(said))] for text, said in told.items()}
        if told:
            rows = [Example(text=row.text, target=best[row.text]) for row in (*lesson.labeled, *lesson.rest)]
        size = sum(f.stat().st_size for f in Path(base).glob("*.safetensors")) if Path(base).is_dir() else 0
        of = repr((code(), base, size, recipe, [(e.text, e.target) for e in rows], sorted(told.items())))
        folder = self.cache / f"{recipe.name}-{hashlib.sha256(of.encode()).hexdigest()[:16]}"
        kept = folder / "made.json"
        if not kept.exists():
            self.note(f"{recipe.name}: {len(rows):,} rows …")
            folder.mkdir(parents=True, exist_ok=True)
            order = Order(
                task=TASK,
                start=Start(base=base),
                examples=rows,
                labels=lesson.labels,
                recipe=recipe,
                folder=folder,
                told=told,
            )
            done = asdict(train(order))
            kept.write_text(json.dumps({k: done[k] for k in ("kind", "labels", "prior", "cost")}), encoding="utf-8")
        was = json.loads(kept.read_text(encoding="utf-8"))
        start = Start(base=base, folder=folder / "weights", kind=was["kind"], labels=tuple(was["labels"]))
        bare = Made(start=start, prior=tuple(was["prior"]), cost=was["cost"], right=np.zeros(0))
        said = self.asked(bare, [row.text for row in lesson.tests]).argmax(axis=1)
        right = [lesson.labels[k] == row.label for k, row in zip(said, lesson.tests, strict=True)]
        self.note(f"{recipe.name}: {np.mean(right):.3f} of {len(right)} right after {was['cost']['steps']:.0f} steps")
        return replace(bare, right=np.array(right, dtype=float))

    def asked(self, made: Made, texts: Sequence[str]) -> np.ndarray:
        """float[texts, labels]: log-probabilities."""
        backend = LocalBackend(made.start.base)
        backend.load(made.version, made.start.folder)
        return np.stack(backend.score([Request(task=TASK, text=text, version="ver_made") for text in texts]))


def of_a_seed(bench: Bench, lesson: Lesson, small: Smaller, epochs: int, seed: int) -> dict[str, Made]:
    """Teacher, student on labels, student on the teacher's answers."""
    teacher = bench.made(lesson, bench.base, replace(TEACHER, seed=seed), {})
    texts = list(dict.fromkeys(row.text for row in (*lesson.labeled, *lesson.rest)))
    bench.note(f"the teacher answers {len(texts):,} rows …")
    answers = bench.asked(teacher, texts)
    told = {text: tuple(round(float(v), 5) for v in row) for text, row in zip(texts, answers, strict=True)}
    plain = replace(STUDENT, seed=seed)
    distilled = replace(plain, name="distilled", objective=Told(temperature=HEAT), epochs=epochs, refit=False)
    return {
        "teacher": teacher,
        "alone": bench.made(lesson, str(small.folder), plain, {}),
        "distilled": bench.made(lesson, str(small.folder), distilled, told),
    }


def line(seeds: Sequence[Mapping[str, Made]], small: Smaller) -> dict[str, Any]:
    """The bar's line: each test row counts by its mean over the seeds."""
    marks = {arm: np.mean([made[arm].right for made in seeds], axis=0) for arm in seeds[0]}
    both = np.column_stack([marks["distilled"], marks["teacher"]])
    share = bootstrap(both, lambda rows: float(rows[:, 0].mean() / max(rows[:, 1].mean(), 1e-9)))
    lead, size = paired(marks["distilled"], marks["alone"]), small.parameters / small.of
    return {
        "bar": "train.7",
        "value": round(share.mean, 4),
        "interval": [round(share.low, 4), round(share.high, 4)],
        "n": share.n,
        "goal": GOAL,
        "met": share.mean >= GOAL and size <= SIZE and lead.low > 0,
        "size": round(size, 4),
        "lead": [round(v, 4) for v in (lead.mean, lead.low, lead.high)],
        "accuracy": {arm: round(float(right.mean()), 4) for arm, right in marks.items()},
        "parameters": {"teacher": small.of, "student": small.parameters},
        "layers": list(small.layers),
        "vocabulary": small.vocabulary,
        "flops": {arm: float(np.mean([made[arm].cost["flops"] for made in seeds])) for arm in seeds[0]},
        "seeds": len(seeds),
    }


def arguments() -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, 3,000 unlabeled rows, 6 passes")
    parser.add_argument("--streams", type=Path, default=ROOT.parent / "shared" / "data" / "streams")
    parser.add_argument("--stream", default="hwu64_scenarios", choices=("hwu64_scenarios", "clinc150_domains"))
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--labels", type=int, default=10, help="labeled rows of each label")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--words", type=int, default=2050, help="words of the stream that the student knows as one")
    parser.add_argument("--epochs", type=int, help="passes over the teacher's answers; 10, or 6 if quick")
    parser.add_argument("--seeds", type=int, help="seeds 0 to N-1; 3, or 1 if quick")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "distilled")
    args = parser.parse_args()
    args.seeds, args.epochs = args.seeds or (1 if args.quick else 3), args.epochs or (6 if args.quick else 10)
    try:
        args.course = open_course(args.stream, args.streams, None)
    except Skipped as reason:
        parser.error(str(reason))
    return args


def main() -> None:
    """Run the bar and print its line."""
    disable_progress_bar()
    args, began = arguments(), time.perf_counter()

    def note(text: str) -> None:
        print(f"{time.perf_counter() - began:7.0f} s  {text}", file=sys.stderr, flush=True)

    pool = [row.text for row in args.course.rows if row.split is not Split.TEST]
    folder = args.cache / f"{args.stream}-{args.layers}-{args.words}"
    labels = len({row.label for row in args.course.rows})
    small = smaller(args.base, folder, layers=args.layers, texts=pool, words=args.words, labels=labels)
    note(f"the student has {small.parameters:,} of {small.of:,} parameters, {small.vocabulary:,} words")
    bench, most = Bench(args.base, args.cache, note), 3000 if args.quick else len(pool)
    seeds = [
        of_a_seed(bench, drawn(args.course.rows, args.labels, most, seed), small, args.epochs, seed)
        for seed in range(args.seeds)
    ]
    told = {"stream": args.stream, "labels_each": args.labels, "quick": args.quick}
    print(json.dumps(line(seeds, small) | told | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
