"""Trains and scores models, and remembers both on disk, so that an interrupted bench goes on where it stood.

A model is kept under a hash of everything that makes it: base, parent, recipe, examples, labels. Whatever is turned at
one arm, the others are not trained again. The code is not in the hash; `Lab.foreign` counts models that were made by
other code of the rooms `llm` and `train`, but for what only chooses a recipe. With a ledger, what a model cost and
answered is kept for longer than its weights, and it is trained again only where somebody needs those.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import homeostat
from adaptation.ledger import Ledger, Record, pack, unpack
from homeostat.collect.stream import StreamRow
from homeostat.curate.snapshot import as_lines
from homeostat.llm.load import locate, open_model
from homeostat.llm.local import LocalBackend
from homeostat.loop.story.arms import Arm, outcomes
from homeostat.train.flops import Size
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.train.transfer.interpolate import between
from homeostat.train.transfer.product import Adapter
from homeostat.types.dataset import Example
from homeostat.types.task import Task

CHOOSING = frozenset({"named.py", "pace.py", "forecast.py"})
"""Files that choose a recipe or reckon with it: what they say is in a model's id."""
TASK = Task(name="routing", instruction="route")
HALF = 0.5
"""Where on the line from a champion to a candidate a merged model stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What makes a model, and the names it is shown under."""

    arm: str
    seed: int
    turn: int
    parent: Model | None
    """What training goes on from; None for the bare base."""
    examples: Sequence[Example]
    labels: tuple[str, ...]
    recipe: Recipe
    task: Task = TASK
    beside: tuple[Task, ...] = ()
    """Other tasks whose rows are among the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A trained model and what it got right so far."""

    id: str
    folder: Path
    start: Start
    """To go on from, or to answer with."""
    cost: dict[str, float]
    rows: int
    """Examples it was trained on, those held out among them."""
    right: dict[int, bool] = field(default_factory=dict)
    """Number of a test row -> whether the model gives its label."""

    def accuracy(self, rows: Sequence[StreamRow]) -> float | None:
        """The share of these rows, all scored before, that it gets right; None of no rows."""
        return sum(self.right[row.index] for row in rows) / len(rows) if rows else None


def prior_of(model: Model) -> tuple[float, ...]:
    """What is subtracted from each label's log-probability (`Version.prior`), as the model's folder tells."""
    told = json.loads((model.folder / "model.json").read_text(encoding="utf-8"))
    return tuple(told["prior"])


class Lab:
    """Trains on one base and keeps what comes of it in a folder."""

    def __init__(
        self, base: str, folder: Path, fingerprint: str, note: Callable[[str], None], ledger: Ledger | None = None
    ) -> None:
        """`fingerprint` names the test rows; `note` is told what happens."""
        self.base, self.folder, self.note, self.ledger = base, folder, note, ledger or Ledger(None)
        rooms = Path(homeostat.__file__).parent
        self.code, self.foreign = _digest(rooms, ("llm/**/*.py", "train/**/*.py"), CHOOSING), 0
        where = Path(locate(base))
        self.given = (fingerprint, _digest(where, ("*.safetensors", "*.json", "*.jinja")) if where.is_dir() else base)
        self._backend = LocalBackend(base)
        self._size = Size.of(open_model(base).model)
        self._models: dict[str, Model] = {}
        self._makers: dict[str, Callable[[], None]] = {}

    def train(self, lesson: Lesson) -> Model:
        """The model of a lesson, trained unless it is remembered; a killed training goes on from its checkpoint."""
        id, start = self._id(lesson), lesson.parent.start if lesson.parent else Start(base=self.base)
        folder = self.folder / f"{lesson.seed}-{lesson.arm}-{lesson.turn}-{id}"

        def make() -> None:
            if lesson.parent:
                self._weights(lesson.parent)
            self.note(f"{lesson.seed} {lesson.arm} turn {lesson.turn}: {len(lesson.examples):,} rows …")
            _write(folder / "model.json", {**_train(lesson, start, folder), "code": self.code})
            shutil.rmtree(folder / "checkpoint", ignore_errors=True)

        return self._remembered(id, folder, lesson.labels, make)

    def between(self, arm: str, turn: int, champion: Model, candidate: Model) -> Model:
        """The model halfway from a champion to what was trained from it, without its training's cost."""
        id = hashlib.sha256(f"halfway {champion.id} {candidate.id}".encode()).hexdigest()[:16]
        folder = self.folder / f"{arm}-{turn}-{id}"

        def make() -> None:
            for each in (champion, candidate):
                self._weights(each)
            ends = [Adapter.read(each.folder / "weights") for each in (champion, candidate)]
            between(*ends, HALF, ends[1].rank).save(folder / "weights")
            told = json.loads((candidate.folder / "model.json").read_text(encoding="utf-8"))
            _write(folder / "model.json", {**told, "arm": arm, "code": self.code})

        return self._remembered(id, folder, candidate.start.labels, make)

    def _remembered(self, id: str, folder: Path, labels: tuple[str, ...], make: Callable[[], None]) -> Model:
        """The model that lies in its folder, or else is on record, or else is made now."""
        if id in self._models:
            return self._models[id]
        self._makers[id] = make
        there = (folder / "model.json").exists()
        record = None if there else self.ledger.get(id)
        if record is None:
            if not there:
                make()
            return self.kept(id, folder, labels)
        self.foreign += record.code != self.code
        start = Start(base=self.base, folder=folder / "weights", kind=record.kind, labels=labels)
        model = Model(id=id, folder=folder, start=start, cost=record.cost, rows=record.rows, right=unpack(record.right))
        return self._models.setdefault(id, model)

    def kept(self, id: str, folder: Path, labels: tuple[str, ...]) -> Model:
        """A model that lies in its folder."""
        made = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        self.foreign += made["code"] != self.code
        start = Start(base=self.base, folder=folder / "weights", kind=made["kind"], labels=labels)
        model = Model(id=id, folder=folder, start=start, cost=made["cost"], rows=made["rows"], right=_right(folder))
        return self._models.setdefault(id, model)

    def _weights(self, model: Model) -> None:
        """See to it that a model's weights are there."""
        if not (model.folder / "model.json").exists():
            self._makers[model.id]()

    def score(self, model: Model, rows: Sequence[StreamRow]) -> float | None:
        """Have a model answer those of the rows that it has not answered yet; its accuracy on all of them."""
        missing = [row for row in rows if row.index not in model.right]
        if missing:
            self._weights(model)
            arm = Arm(name=model.id, start=model.start, prior=prior_of(model))
            marks = outcomes(self._backend, TASK, arm, [(row.text, row.label) for row in missing])
            model.right.update((row.index, bool(mark)) for row, mark in zip(missing, marks, strict=True))
            _write(model.folder / "right.json", {str(index): int(right) for index, right in model.right.items()})
        if missing or self.ledger.lacks(model.id):
            self._record(model)
        return model.accuracy(rows)

    def peek(self, model: Model, rows: Sequence[StreamRow]) -> None:
        """Have a model answer rows that no figure must have, if its weights are there: none is trained for these."""
        if (model.folder / "model.json").exists():
            self.score(model, rows)

    def _record(self, model: Model) -> None:
        """Put on record what a model came to."""
        made = json.loads((model.folder / "model.json").read_text(encoding="utf-8"))
        name = f"{made['seed']} {made['arm']} {made['turn']}"
        kept = {"kind": made["kind"], "rows": made["rows"], "cost": made["cost"], "code": made["code"]}
        self.ledger.put(model.id, Record(name=name, right=pack(model.right), **kept))

    def forward(self, rows: Sequence[StreamRow]) -> float:
        """Floating-point operations of one model that answers these rows, without padding."""
        lengths = [len(self._backend.renderer.prompt(TASK, row.text)) for row in rows]
        return self._size.forward(sum(lengths), sum(n * n for n in lengths), len(rows))

    def _id(self, lesson: Lesson) -> str:
        parent = lesson.parent.id if lesson.parent else ""
        made_of = (
            *self.given,
            parent,
            _choices(lesson.recipe),
            lesson.labels,
            as_lines(lesson.examples),
            *(() if lesson.task == TASK else (lesson.task, lesson.beside)),
        )
        return hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]


def _choices(recipe: Recipe) -> list[tuple[str, str]]:
    """What a recipe chooses otherwise than by default: one more choice that it leaves alone makes no other lesson."""
    plain = asdict(Recipe())
    return sorted((name, repr(value)) for name, value in asdict(recipe).items() if value != plain[name])


def _train(lesson: Lesson, start: Start, folder: Path) -> dict[str, Any]:
    """Train into a folder; what there is to know about the model."""
    folder.mkdir(parents=True, exist_ok=True)
    began = time.process_time()
    trained = train(
        Order(
            task=lesson.task,
            beside=lesson.beside,
            start=start,
            examples=lesson.examples,
            labels=lesson.labels,
            recipe=lesson.recipe,
            folder=folder,
        )
    )
    # Counts opening the model and asking the teacher too, and what was spent before an interruption.
    seconds = max(trained.cost["cpu_seconds"], time.process_time() - began)
    return {
        "arm": lesson.arm,
        "seed": lesson.seed,
        "turn": lesson.turn,
        "kind": trained.kind,
        "labels": trained.labels,
        "prior": trained.prior,
        "rows": len(lesson.examples),
        "cost": {**trained.cost, "cpu_seconds": seconds},
        "recipe": asdict(lesson.recipe),
    }


def _right(folder: Path) -> dict[int, bool]:
    kept = folder / "right.json"
    if not kept.exists():
        return {}
    return {int(index): bool(right) for index, right in json.loads(kept.read_text(encoding="utf-8")).items()}


def _write(path: Path, values: dict[str, Any]) -> None:
    """Write a file that is never seen half written."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(values, ensure_ascii=False), encoding="utf-8")
    draft.replace(path)


def _digest(folder: Path, patterns: Sequence[str], but: Collection[str] = ()) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern) if path.name not in but):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
