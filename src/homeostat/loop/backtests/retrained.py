"""A backtest whose history has versions that were really trained, at a few moments, and answered what came later.

Nothing is trained or asked twice: each version is kept under a hash of what makes it, beside what it replied, and a run
that was killed goes on where it stood. Models of other moments are told from these (`decide.replay.filled`). Policies
still measure gains by one cheap head beside another, as a turn does; what they cost is counted by the versions.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from homeostat.config.schema import Decide
from homeostat.decide.replay.filled import filled
from homeostat.decide.replay.history import Floats, Ints
from homeostat.errors import NothingToTrainOn, full_disk_named
from homeostat.llm.backend import Reply, Request
from homeostat.loop.backtests.backtest import Answered, Record, known_before
from homeostat.loop.backtests.moments import MADE, Moment, Price, planned, priced
from homeostat.loop.making.learn import carried_out
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.stats.intervals import mean_interval
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.task import Task
from homeostat.types.version import HEAD, Version

REPLIES = "replies.jsonl"
AT_ONCE = 64
"""Requests between two times of writing down what was replied."""
Told = Callable[[float, float, str], None]
"""How many parts are done, of how many, and what is done now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One version of the history."""

    id: str
    time: float
    step: int
    rows: int
    """It was trained on."""
    kept: bool
    """Whether it was there before."""
    right: Score
    """Of all labeled requests since its moment."""
    head: float
    """The share of these that a head of its age has right."""
    cpu_s: float
    gpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """A history by versions, and what it took."""

    answered: Answered
    made: tuple[Made, ...]
    share: Score
    """Of a head's change, how much these versions made (`filled`)."""
    left_out: int
    """Versions that the budget did not do for."""
    price: float
    """What one of these trainings took in the mean, at the prices of the configuration."""
    cpu_s: float
    """Spent in this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for."""

    recipe: Recipe
    moments: int = 4
    """Versions to train after the first champion, at most."""
    budget_s: float = float("inf")
    """CPU-seconds that may be spent: as many versions as fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done."""

    moments: tuple[Moment, ...]
    price: Price
    left_out: int
    """Versions fewer than were asked for, because of the budget."""


def foretell(shop: Workshop, task: Task, record: Record, heads: Answered, wish: Wish) -> Plan:
    """The versions that fit the budget, and what they would take. Trains nothing and writes nothing.

    Raises:
        NothingToTrainOn: not even one fits, or there is nothing new to learn; and as `planned`.
    """
    texts = [row.text for row in record.labeled]
    for n in range(wish.moments, 0, -1):
        moments = planned(shop, task, record, wish.recipe, heads.step, heads.times, n)
        price = priced(shop, moments, texts, lambda one: len(missing(record, heads, one)))
        if len(moments) < 2:
            raise NothingToTrainOn("no label came between two steps", fix="take a longer stretch of time")
        if price.cpu_s <= wish.budget_s:
            return Plan(moments=tuple(moments), price=price, left_out=wish.moments - n)
    least = f"the first of them alone takes about {price.cpu_s:.0f} CPU-seconds"
    over = f"{least}, the budget is {wish.budget_s:.0f}"
    raise NothingToTrainOn(over, fix="give more with --budget, or a shorter time with --from")


def retrained(
    shop: Workshop, record: Record, heads: Answered, wish: Wish, plan: Plan, told: Told = lambda done, of, note: None
) -> Retrained:
    """Train what is not there, ask each version of all that came later, and fill the history. Raises as `carried_out`.

    A version that the budget does no more for, because others took more than was foretold, is left out.
    """
    began, made, trained = time.process_time(), list[Made](), dict[int, Floats]()
    sure, of, model = heads.sure.copy(), len(plan.moments), None
    for k, moment in enumerate(plan.moments):
        if k > 1 and not moment.there and time.process_time() - began + plan.price.cpu_s / of > wish.budget_s:
            break
        kept, texts = moment.there, _later(record, heads, moment)
        model = _model(shop, moment, model, partial(_report, told, k, of))
        said = Replies(moment).ask(shop, model, texts, partial(_asked, told, k, of))
        later = heads.step >= moment.step
        wanted = [record.labeled[row].target for row in np.flatnonzero(later).tolist()]
        values = [right(moment.task.kind, reply, target) for (reply, _), target in zip(said, wanted, strict=True)]
        trained[moment.step] = np.zeros(len(later))
        trained[moment.step][later] = values
        sure[moment.step, later] = [chance for _, chance in said]
        made.append(_told_of(moment, model, values, heads, kept=kept))
    told(of, of, "")
    whole = filled(heads.right, heads.step, _known(record, heads), trained)
    settings = shop.config.deciding(plan.moments[0].task.name)
    return Retrained(
        answered=replace(heads, right=whole.right, sure=sure, heads=heads.right),
        made=tuple(made),
        share=whole.share,
        left_out=plan.left_out + of - len(made),
        price=float(np.mean([_money(one, settings) for one in made[1:]])) if made[1:] else 0.0,
        cpu_s=time.process_time() - began,
    )


def _report(told: Told, k: int, of: int, values: dict[str, float]) -> None:
    """Half of a version's part is its training, the other what it replies."""
    share = values["step"] / max(1.0, values["steps"]) / 2
    told(k + share, of, f"version {k}: step {values['step']:.0f} of {values['steps']:.0f}")


def _asked(told: Told, k: int, of: int, done: int, texts: int) -> None:
    told(k + 0.5 + done / max(1, texts) / 2, of, f"version {k}: {done} of {texts} replies")


def _later(record: Record, heads: Answered, moment: Moment) -> list[str]:
    """The requests that came since a moment."""
    return [record.labeled[row].text for row in np.flatnonzero(heads.step >= moment.step).tolist()]


def missing(record: Record, heads: Answered, moment: Moment) -> list[str]:
    """Requests since a moment that its version has not been asked yet."""
    return Replies(moment).missing(_later(record, heads, moment))


def _known(record: Record, heads: Answered) -> Ints:
    """int64[steps]: labels that had come before each step."""
    steps = range(len(heads.requests))
    return np.array([int(known_before(record, heads.told, heads.step, heads.times, i).sum()) for i in steps])


def _told_of(moment: Moment, model: Model, values: Sequence[float], heads: Answered, *, kept: bool) -> Made:
    later = heads.step >= moment.step
    return Made(
        id=moment.id,
        time=moment.time,
        step=moment.step,
        rows=moment.new,
        kept=kept,
        right=mean_interval(values),
        head=float(heads.right[moment.step, later].mean()),
        cpu_s=model.version.cost.get("cpu_seconds", 0.0),
        gpu_s=model.version.cost.get("gpu_seconds", 0.0),
    )


def _money(one: Made, settings: Decide) -> float:
    return (one.cpu_s * settings.price_per_cpu_hour + one.gpu_s * settings.price_per_gpu_hour) / 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A version as a backend loads it, and where training goes on from it."""

    version: Version
    start: Start
    rows: Sequence[Example]
    """It was trained on."""


def _model(shop: Workshop, moment: Moment, parent: Model | None, report: Callable[[dict[str, float]], None]) -> Model:
    """The model of a moment, trained unless it is there; a killed training goes on from its checkpoint."""
    if moment.version is not None and moment.start is not None:
        return Model(version=moment.version, start=moment.start, rows=moment.examples)
    if not moment.there:
        _train(shop, moment, parent, report)
    told = json.loads((moment.folder / MADE).read_text(encoding="utf-8"))
    start = Start(base=moment.base, folder=moment.folder / "weights", kind=told["kind"], labels=tuple(told["labels"]))
    version = Version(
        id=f"backtest_{moment.id}",
        task=moment.task.name,
        time=moment.time,
        base=moment.base,
        kind=start.kind,
        labels=start.labels,
        prior=tuple(told["prior"]),
        cost=told["cost"],
    )
    return Model(version=version, start=start, rows=moment.examples)


def _train(shop: Workshop, moment: Moment, parent: Model | None, report: Callable[[dict[str, float]], None]) -> None:
    """Train into the moment's folder; what says that it is done is written last."""
    moment.folder.mkdir(parents=True, exist_ok=True)
    trained = carried_out(
        Order(
            task=moment.task,
            start=parent.start if parent else Start(base=moment.base),
            examples=moment.examples,
            labels=moment.labels,
            recipe=moment.recipe,
            folder=moment.folder,
            held=parent.rows if parent and parent.version.kind == HEAD else (),
            report=report,
            processes=shop.config.train.processes,
        )
    )
    shutil.rmtree(moment.folder / "checkpoint", ignore_errors=True)
    about = {"kind": trained.kind, "labels": trained.labels, "prior": trained.prior, "cost": trained.cost}
    with full_disk_named("a version of a backtest cannot be kept", where=str(moment.folder)):
        draft = moment.folder / f"{MADE}.draft"
        draft.write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        draft.replace(moment.folder / MADE)


class Replies:
    """What a version replied, by a hash of the request; nothing is asked twice."""

    def __init__(self, moment: Moment) -> None:
        self._moment, self._file = moment, moment.folder / REPLIES
        self._known: dict[str, tuple[str, float]] = {}
        for line in self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else ():
            with suppress(ValueError):  # the end of one that was being written
                key, reply, chance = json.loads(line)
                self._known[key] = (reply, chance)

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of the requests that it has not been asked yet, each once."""
        return [text for text in dict.fromkeys(texts) if key(text) not in self._known]

    def ask(
        self, shop: Workshop, model: Model, texts: Sequence[str], report: Callable[[int, int], None]
    ) -> list[tuple[str, float]]:
        """Reply and confidence for each request."""
        missing, id = self.missing(texts), model.version.id
        if missing:
            with shop.loaded() as backend:
                backend.load(model.version, model.start.folder)
                try:
                    for start in range(0, len(missing), AT_ONCE):
                        some = missing[start : start + AT_ONCE]
                        said = backend.reply([Request(task=self._moment.task, text=t, version=id) for t in some])
                        self._keep(some, said)
                        report(start + len(some), len(missing))
                finally:
                    backend.unload(id)
        return [self._known[key(text)] for text in texts]

    def _keep(self, texts: Sequence[str], said: Sequence[Reply]) -> None:
        new = {key(text): (reply.text, reply.confidence) for text, reply in zip(texts, said, strict=True)}
        self._known.update(new)
        lines = [json.dumps([key, *known], ensure_ascii=False) for key, known in new.items()]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        named = full_disk_named("replies of a backtest cannot be kept", where=str(self._file))
        with named, self._file.open("a", encoding="utf-8") as out:
            out.write("\n".join(["", *lines, ""]))


def key(text: str) -> str:
    """What stands for a request among the replies."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:20]
