"""Trains a version from a dataset and registers it: what the first champion and every candidate have in common."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from homeostat.config.schema import Config, Curate
from homeostat.curate.build import Curated, Inputs
from homeostat.curate.copies import disturbed_copies
from homeostat.curate.snapshot import examples
from homeostat.curate.swap import counterfactuals, swap_of
from homeostat.curate.target import good
from homeostat.errors import WrongType
from homeostat.evaluate.suites.disturb import TURNING, disturbed
from homeostat.llm.assembled import read_assembled
from homeostat.loop.making.offsets import with_offsets
from homeostat.loop.making.said import SAID, keep_said
from homeostat.loop.workshop import Workshop
from homeostat.train.head.solve import solve
from homeostat.train.headed import train_version
from homeostat.train.moved import moved
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.pace import Rows, paced
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe, plain
from homeostat.train.reweigh import FAIR
from homeostat.train.run import Order, Start, Trained, train, unheard
from homeostat.train.track.tracker import Run, tracking
from homeostat.train.transfer.product import lay_out
from homeostat.types import ids
from homeostat.types.dataset import Example, Origin
from homeostat.types.version import ENSEMBLE, HEAD, Version

ALL = 10**9
"""Rows of a dataset that takes all there are."""
FROM = "from"
"""What a version's recipe calls the version or folder whose layers its training began at, where it borrowed some."""
BESIDE = (FROM, SAID)
"""What stands in a version's recipe beside the fields of the recipe."""
BEGINS = "begins from"
"""How such a version is tied to that one."""
ENDED = "ended"
"""Event of a version whose training ended before its last step: `by` what, at which `step`."""
TRAINING = 1 << 20
"""The so-many-th time at which copies for training are disturbed: no suite tries so often, so none asks such a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What to learn, from whom, and under which id the result is registered."""

    task: str
    dataset: str
    recipe: Recipe
    version: str
    """Id of the version to be: the same lesson run twice registers it once."""
    parent: Version | None = None
    begins: Version | None = None
    """What training goes on from, where that is not the parent."""
    borrows: Path | None = None
    """Folder of an adapter whose layers training begins at, in the place of all of these."""
    lender: str = ""
    """The version that it is of, or where it lies."""
    time: float = 0.0
    base: str = ""
    """What a version without a parent stands on; empty for the project's own base."""
    teachers: tuple[str, ...] = ()
    """Who taught it; see `Version.teachers`."""
    at_hand: Version | None = None
    """A teacher that is asked while the student learns, for recipes that do."""
    told: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Text of a request -> the log-probability that they gave each of the dataset's labels."""


def start_of(shop: Workshop, parent: Version | None) -> Start:
    """What training goes on from: the parent's weights, those of its first member where it is several, or the bare
    base.
    """
    if parent is None or not parent.blob or parent.kind == "base":
        return Start(base=shop.config.model.weights)
    folder = shop.signing.folder(shop.store, parent)
    if parent.kind == ENSEMBLE and folder is not None:
        first = read_assembled(parent, folder).parts[0]
        if first.kind == HEAD:
            return Start(base=parent.base)
        return Start(base=parent.base, folder=folder / "0", kind=first.kind, labels=first.labels)
    return Start(base=parent.base, folder=folder, kind=parent.kind, labels=parent.labels)


def curating(shop: Workshop, recipe: Recipe) -> Curate:
    """How rows are chosen for a recipe; an exact head holds every one, for a row more costs it next to nothing."""
    settings = replace(shop.config.curate, replay=recipe.replay)
    return replace(settings, max_rows=ALL) if isinstance(recipe.objective, Exact) else settings


def wished(inputs: Inputs, recipe: Recipe) -> Inputs:
    """The inputs with what a recipe wants beside good new rows: old ones to recall, and replies rated badly."""
    return replace(inputs, recall=recipe.recalls_of(inputs.task), rated=recipe.rates)


def learnable(rows: Sequence[Example], recipe: Recipe) -> Sequence[Example]:
    """The rows of a dataset that a recipe can learn: replies that were rated badly only by who learns from ratings."""
    return rows if recipe.rates else good(rows)


def held_by(shop: Workshop, parent: Version | None) -> list[Example]:
    """The rows that a head is made of; none for a version that is no head."""
    return examples(shop.store, parent.dataset) if parent and parent.kind == HEAD and parent.dataset else []


def fairly(config: Config, task: str, recipe: Recipe) -> Recipe:
    """The recipe, with the task's own tags where it goes by those that shall be treated alike.

    Raises:
        WrongType: the task names none.
    """
    if FAIR not in (*recipe.reweigh, *recipe.offset):
        return recipe
    own = config.tasks[task].fair
    if not own:
        fix = "name the tags whose values shall be treated alike, such as {language: 0.1}"
        raise WrongType(f"recipe `{recipe.name}` goes by no tag", where=f"tasks.{task}.fair", fix=fix)
    reweigh, offset = (_tags(tags, own) if FAIR in tags else tags for tags in (recipe.reweigh, recipe.offset))
    return replace(recipe, reweigh=reweigh, offset=offset)


def _tags(named: Iterable[str], own: Iterable[str]) -> tuple[str, ...]:
    """The task's own tags, and others that are named beside them."""
    return tuple(dict.fromkeys([*own, *(tag for tag in named if tag != FAIR)]))


def priced(config: Config, task: str, recipe: Recipe) -> Recipe:
    """The recipe, whose budget of money is reckoned at the project's prices where it names none itself."""
    if not recipe.budget.money:
        return recipe
    prices = config.deciding(task)
    budget = recipe.budget.priced(prices.price_per_cpu_hour, prices.price_per_gpu_hour)
    return replace(recipe, budget=budget)


def kept_tags(config: Config, task: str, recipe: Recipe) -> tuple[str, ...]:
    """The tags that rows of a task keep: those whose values shall be treated alike, and those that a recipe names."""
    return _tags((*recipe.reweigh, *recipe.offset), config.tasks[task].fair)


def with_copies(rows: Curated, recipe: Recipe, evaluation: Iterable[str]) -> Curated:
    """Curated rows, with the copies that a recipe wants: with words swapped, and under disturbances.

    Raises:
        What `swap_of` raises.
        UnknownPlugin: the recipe names a disturbance that there is not.
        WrongType: it names one that turns what is right.
    """
    fence = tuple(evaluation)
    if recipe.swap:
        rows = _with(rows, "swapped", counterfactuals(rows.examples, swap_of(recipe.swap), fence))
    if turning := sorted(TURNING.intersection(recipe.disturb)):
        what = f"'{turning[0]}' turns what is right, so that a copy would be labeled wrongly"
        raise WrongType(what, where=f"recipe {recipe.name}", fix="leave it out of `disturb`")
    if not recipe.disturb:
        return rows
    copies = disturbed_copies(
        [row for row in rows.examples if recipe.head or row.origin is not Origin.RECALL],
        lambda text, name: disturbed(text, name, TRAINING),
        recipe.disturb,
        recipe.disturb_share,
        evaluation=fence,
        seed=recipe.seed,
    )
    return _with(rows, "disturbed", copies)


def _with(rows: Curated, how: str, copies: Sequence[Example]) -> Curated:
    counts = {**rows.counts, how: len(copies), "total": len(rows.examples) + len(copies)}
    return replace(rows, examples=(*rows.examples, *copies), counts=counts)


def carried_out(order: Order) -> Trained:
    """What the recipe's objective makes of an order: an exact head, a head trained by steps, or any other version. With
    offsets for groups, where the recipe wants them.

    Raises as `solve`, `train_version`, `train` and `with_offsets`.
    """
    if order.recipe.offset:
        return with_offsets(order, carried_out)
    if isinstance(order.recipe.objective, Exact):
        return solve(order)
    return train_version(order) if order.recipe.head else _beside_a_head(order, train(order))


def _beside_a_head(order: Order, trained: Trained) -> Trained:
    """What was trained, with how far it is from a champion that is a head."""
    if (order.champion or order.start).kind != HEAD:
        return trained
    made = Start(base=order.start.base, folder=trained.weights, kind=trained.kind, labels=trained.labels)
    far, spent = moved(order, made)
    return replace(trained, cost=trained.cost | {"kl_new": far, "flops": trained.cost["flops"] + spent})


def learn(shop: Workshop, lesson: Lesson, report: Callable[[dict[str, float]], None] = lambda values: None) -> Version:
    """Train and register; a run that was killed goes on from its checkpoint, a registered one is not repeated. Of two
    processes that are to learn the same, the second waits and finds what the first has registered.
    """
    with shop.run_alone(lesson.version) as folder:
        known = [v for v in shop.store.versions.list(lesson.task) if v.id == lesson.version]
        made = known[0] if known else _learned(shop, lesson, folder, report)
        shutil.rmtree(folder)  # also of one that is known: a crash may have fallen between the registration and this
    return _tied(shop, made, lesson)


def _learned(shop: Workshop, lesson: Lesson, folder: Path, report: Callable[[dict[str, float]], None]) -> Version:
    """Train in a folder and register what comes out."""
    dataset = shop.store.datasets.get(lesson.dataset)
    order = order_of(shop, lesson, folder)
    reached = heard(shop, lesson.version)
    recipe = fairly(shop.config, lesson.task, lesson.recipe)
    recipe = paced(recipe, shop.config.train, Rows.of(order.examples), dataset.labels)
    recipe = priced(shop.config, lesson.task, recipe)
    with tracking(shop.config.train.track, _run(shop, lesson, recipe)) as trackers:

        def note(values: dict[str, float]) -> None:
            if values["step"] > reached:  # a look that was told of before its checkpoint was written comes again
                shop.store.events.append(lesson.version, "training", values)
                trackers.look(values)
            report(values)

        trained = carried_out(replace(order, recipe=recipe, report=note))
        trackers.summary = trained.cost
    if trained.ended:
        shop.store.events.append(lesson.version, ENDED, {"by": trained.ended, "step": trained.cost["steps"]})
    version = Version(
        id=lesson.version,
        task=lesson.task,
        time=lesson.time,
        base=order.start.base,
        kind=trained.kind,
        labels=trained.labels,
        prior=trained.prior,
        parent=lesson.parent.id if lesson.parent else "",
        dataset=dataset.id,
        teachers=lesson.teachers,
        recipe=plain(recipe) | _beside(shop, lesson, order),
        cost=computed(trained.cost),
    )
    return shop.take_in(version, trained.weights)


def heard(shop: Workshop, version: str) -> int:
    """The last step that a training of this version has reported; 0 where there is none."""
    return max((e.values["step"] for e in shop.store.events.list(version) if e.name == "training"), default=0)


def order_of(shop: Workshop, lesson: Lesson, folder: Path) -> Order:
    """What a lesson orders, by the recipe as it stands in it; weights are left in `folder`. Raises what opening the
    versions that it begins at raises.
    """
    return Order(
        task=shop.config.task(lesson.task),
        start=_start(shop, lesson, folder),
        examples=learnable(examples(shop.store, lesson.dataset), lesson.recipe),
        labels=shop.store.datasets.get(lesson.dataset).labels,
        recipe=lesson.recipe,
        folder=folder,
        held=held_by(shop, lesson.parent),
        report=unheard,
        processes=shop.config.train.processes,
        teacher=start_of(shop, lesson.at_hand) if lesson.at_hand else None,
        told=lesson.told,
        champion=start_of(shop, lesson.parent) if lesson.begins or lesson.borrows else None,
    )


def recipe_of(version: Version) -> Recipe:
    """The recipe that trained a version, out of its row.

    Raises:
        UnknownKey, UnknownPlugin, WrongType: its row holds no recipe of a training.
    """
    own = {field: value for field, value in version.recipe.items() if field not in BESIDE}
    return changed(Recipe(name=str(version.recipe["name"])), own, f"{version.id}.recipe")


def computed(cost: Mapping[str, float]) -> dict[str, float]:
    """What making a version took, and with how many threads: with another number the last digits may differ."""
    return {**cost, "threads": float(torch.get_num_threads())}


def _beside(shop: Workshop, lesson: Lesson, order: Order) -> dict[str, object]:
    """What a version's recipe says beside its fields: whose layers it began at, and what its teachers have said."""
    lender: dict[str, object] = {FROM: lesson.lender} if lesson.borrows else {}
    return lender | ({SAID: keep_said(shop.store, order.examples, lesson.told)} if lesson.told else {})


def _start(shop: Workshop, lesson: Lesson, folder: Path) -> Start:
    """What a lesson goes on from: borrowed layers, another version's weights, the parent's, or a base."""
    if lesson.borrows:
        layers = lay_out(lesson.borrows, folder / "borrowed")
        return Start(base=shop.config.model.weights, folder=layers, kind="lora")
    start = start_of(shop, lesson.begins or lesson.parent)
    return replace(start, base=lesson.base) if lesson.base and not start.folder else start


def _tied(shop: Workshop, version: Version, lesson: Lesson) -> Version:
    """The version, tied to whose layers it began at."""
    if lesson.borrows and lesson.lender.startswith("ver_"):
        shop.store.lineage.link(version.id, lesson.lender, BEGINS)
    return version


def _run(shop: Workshop, lesson: Lesson, recipe: Recipe) -> Run:
    """The lesson, as trackers outside are told of it."""
    return Run(
        project=shop.config.project,
        task=lesson.task,
        version=lesson.version,
        folder=Path(shop.config.folder) / "tracking",
        recipe=plain(recipe),
    )


def version_id(*parts: object) -> str:
    """The id of the version that these parts make."""
    return ids.derived("ver", *parts)
