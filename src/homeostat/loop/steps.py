"""The work of each step of a turn: read rows, call one room, write a noun under an id that this step alone makes.

A step may be run again after a crash, so every effect is an upsert keyed by (turn, step).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dbos import DBOS

from homeostat.curate.build import Curated, build
from homeostat.curate.mix import memory
from homeostat.curate.snapshot import examples, origins, store_dataset
from homeostat.curate.snapshot import gather as inputs_of
from homeostat.curate.target import good, target
from homeostat.decide.option import CHEAPEST, DISTIL, Option, learned
from homeostat.decide.record import made
from homeostat.decide.rule import rule_of
from homeostat.decide.value import Evidence
from homeostat.errors import Diverged, NothingToTrainOn
from homeostat.loop.deciding.charging import charges
from homeostat.loop.deciding.concluding import conclude, settle
from homeostat.loop.deciding.falling import fall
from homeostat.loop.deciding.outcomes import outcomes
from homeostat.loop.deciding.probing import gap, halved, options
from homeostat.loop.deciding.shadow import challenge
from homeostat.loop.listening.held import book
from homeostat.loop.making.learn import ALL, Lesson, learn, version_id
from homeostat.loop.making.learned import rows_of
from homeostat.loop.making.prefacing import WORDS, chosen, optioned, prefaced
from homeostat.loop.making.teaching import curriculum, lesson, pupil
from homeostat.loop.proving.examining import fence
from homeostat.loop.proving.growing import grow
from homeostat.loop.workshop import Workshop, workshop
from homeostat.metrics.replies import right
from homeostat.stats.intervals import mean_interval
from homeostat.train.named import NAMES, named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe
from homeostat.train.reweigh import FAIR
from homeostat.types.dataset import Example
from homeostat.types.task import Kind
from homeostat.types.turn import APPROVAL, AWAITING, SIGN, Turn
from homeostat.types.version import HEAD, Version

EVERY = 1000.0
"""Old rows for each new one where all of them are wanted."""
EVENLY = ("reweighed", "swapped")
"""Recipes that are tried where others were refused because they treat groups unlike, the cheaper one first."""
_SECONDS_PER_ROW = 0.02
"""First guess of the CPU-seconds that training takes per row and pass; later turns use what the last one took."""


@dataclass(frozen=True, slots=True)
class Now:
    """Which turn, of which task, and the moment up to which it looks."""

    turn: str
    task: str
    until: float


def once(now: Now, name: str, work: Callable[..., str], *given: str) -> str:
    """Do the work and note what it left in the turn's diary."""
    shop, entry = workshop(), name.rstrip("0123456789").rstrip(".")  # the moves of a release share one entry
    shop.store.events.append(now.turn, "begin", {"step": name})
    left = work(shop, now, *given)
    diary = turn_of(shop, now)
    if diary.diary.get(entry) != left:
        shop.store.events.append(now.turn, "end", {"step": entry, "left": left})
        _change(shop, now, lambda turn: replace(turn, diary={**turn.diary, entry: left}))
    return left


def durably(now: Now) -> Callable[..., str]:
    """How a workflow takes a step: its name, the work, the ids it is given; done once, whatever is killed."""

    def step(name: str, work: Callable[..., str], *given: str) -> str:
        return DBOS.run_step({"name": name}, once, now, name, work, *given)

    return step


def watch(shop: Workshop, now: Now) -> str:
    """Ids of the signals that no earlier turn has dealt with."""
    since = max((t.time for t in _earlier(shop, now)), default=0.0)
    return " ".join(s.id for s in shop.store.signals.list(now.task) if since < s.time <= now.until)


def decide(shop: Workshop, now: Now, signals: str) -> str:
    """Weigh what retraining would gain against what it costs."""
    known = made(shop.store, now.turn)
    if known is not None:
        return known.id
    evidence = gather(shop, now, signals.split())
    return conclude(shop.config, shop.store, evidence, turn=now.turn, until=now.until).id


def gather(shop: Workshop, now: Now, signals: Sequence[str]) -> Evidence:
    """What has been measured since the champion was trained."""
    champion, task = shop.champion(now.task), shop.config.task(now.task)
    since = shop.store.datasets.get(champion.dataset).time if champion.dataset else 0.0
    held = book(shop.store, now.task).held
    labels = shop.store.interactions.labeled(now.task, feedback_until=now.until)
    pairs = [pair for pair in labels if pair[1].time > since and pair[1].id not in held]
    drawn = [pair for pair in pairs if not pair[1].picked]  # what was picked for its doubt measures nothing
    labeled = target(drawn, task, champion.labels)
    own = [(i.confidence, right(task.kind, i.reply, f.value)) for i, f in drawn if i.version == champion.id]
    unknown = sum(f.value not in champion.labels for _, f in pairs)
    earlier, old = _earlier(shop, now), good(remembered(shop, champion))
    looked = earlier[-1].time if earlier else since
    measured = challenge(old, labeled, partial(right, task.kind))
    judging, risk = charges(shop.config, shop.store, now.task, now.until)
    weighs, known = rule_of(shop.config, now.task).strategy == CHEAPEST, outcomes(shop.store, now.task, now.until)
    return Evidence(
        task=now.task,
        metric=task.metric,
        options=tuple(learned(one, known) for one in _options(shop, now, labeled, old)) if weighs else (),
        gap=gap(shop, task, champion) if weighs else None,
        gain=measured.gain,
        lately=measured.lately(len(target([p for p in drawn if p[1].time > looked], task, champion.labels))),
        accuracy=mean_interval([value for _, value in own]) if own else None,
        n_labels=len(pairs),
        requests=shop.store.interactions.count(now.task, since=looked, until=now.until),
        train_cpu_s=(expected := _expected_cpu(shop, champion, len(pairs), len(old))),
        train_gpu_s=expected * _gpu_per_cpu(shop, champion),
        unknown_labels=unknown / len(pairs) if pairs and task.kind is Kind.LABEL else 0.0,
        signals=tuple(s for s in map(shop.store.signals.get, signals) if s.retrains),
        since_turn_s=now.until - since,
        outcomes=known,
        judging=judging,
        risk=risk,
        fall=None if measured.gain.n else fall(shop.store, now.task, champion.id, own, now.until),
    )


def _options(shop: Workshop, now: Now, labeled: Sequence[Example], old: Sequence[Example]) -> tuple[Option, ...]:
    """Ways to answer better, probed; what the last turn saw refused is left out."""
    champion, new = shop.champion(now.task), len(labeled)
    costs = {name: _expected_cpu(shop, champion, new, len(old), name) for name in suited(shop, champion)}
    costs = {name: cost for name, cost in costs.items() if name not in EVENLY}  # their worth is no gain of the metric
    recipes = {name: (_recipe(shop, name), cost, cost * _gpu_per_cpu(shop, champion)) for name, cost in costs.items()}
    ground = replace(halved(shop.config.task(now.task), champion, old, labeled), pupil=pupil(shop.store, champion))
    return options(shop, ground, recipes, _refused(shop, now))


def _expected_cpu(shop: Workshop, champion: Version, new: int, old: int, recipe: str = "") -> float:
    """CPU-seconds that a candidate on so many new rows may take, going by what the champion took per row and pass; of
    the dearest recipe if none is named.
    """
    settings, champion = shop.config.train, _trained(shop, champion)
    steps = champion.cost.get("steps", 0.0)
    if champion.kind == HEAD and not steps and "cpu_seconds" in champion.cost:  # solved: the next one takes no longer
        return champion.cost["cpu_seconds"]
    per_row = champion.cost.get("cpu_seconds", 0.0) / (steps * settings.batch_rows) if steps else _SECONDS_PER_ROW
    dearest = named(recipe or suited(shop, champion)[-1], settings, replay=shop.config.curate.replay)
    rows = Rows(new=new, replayed=min(old, round(dearest.replay * new)), known=new + old)
    rows = Rows(new=rows.known, replayed=0, known=rows.known) if dearest.afresh else rows
    return per_row * (rows.new + rows.replayed) * paced(dearest, settings, rows, champion.labels).epochs


def _trained(shop: Workshop, version: Version) -> Version:
    """The version that a version's weights were trained as: itself, unless it only has words of its own."""
    while version.recipe.get("name") in WORDS and version.parent:
        version = shop.store.versions.get(version.parent)
    return version


def _gpu_per_cpu(shop: Workshop, version: Version) -> float:
    """GPU-seconds that the training of a version took for each CPU-second; 0 where it had no GPU."""
    version = _trained(shop, version)
    cpu = version.cost.get("cpu_seconds", 0.0)
    return version.cost.get("gpu_seconds", 0.0) / cpu if cpu else 0.0


def wants_training(shop: Workshop, now: Now, decision: str) -> str:
    """`yes` if the decision is to retrain and nobody has to approve that, or somebody has; else empty."""
    wanted = shop.store.decisions.get(decision).action.makes
    return "yes" if wanted and not _waits(shop, now, turn_of(shop, now)) else ""


def _waits(shop: Workshop, now: Now, turn: Turn) -> bool:
    """Whether somebody has to approve the turn, and nobody has said anything yet."""
    return rule_of(shop.config, now.task).action == "propose" and APPROVAL not in turn.diary


def attempts(shop: Workshop, now: Now) -> str:
    """The recipes to try, in order; one that the last turn saw refused is not tried again."""
    option = chosen(shop, now.turn)
    if option is not None and option.name in (*WORDS, DISTIL):
        return option.name
    refused = _refused(shop, now)
    wanted = suited(shop, shop.champion(now.task))
    wanted = tuple(sorted(wanted, key=lambda recipe: option is not None and recipe != option.name))
    return " ".join([r for r in wanted if r not in refused] or list(wanted[-1:]))


def _refused(shop: Workshop, now: Now) -> set[str]:
    """The attempts that the last turn saw refused."""
    last = [t for t in _earlier(shop, now) if "attempts" in t.diary][-1:]
    judged = [(name, left) for t in last for name, left in t.diary.items() if name.startswith("judge.")]
    return {name.removeprefix("judge.") for name, left in judged if not left}


def suited(shop: Workshop, champion: Version) -> tuple[str, ...]:
    """The recipes of the configuration that suit a champion. A head is gone on from by what made it; beside that, what
    makes a head or starts from the bare base suits it.
    """
    settings = shop.config.train
    if champion.kind != HEAD:
        able = tuple(name for name in settings.attempts if _able(shop, champion.task, name)) or settings.attempts
        return (*able, *_evenly(shop, champion.task, able))
    made = str(champion.recipe.get("name", ""))
    own = made if made in NAMES or made in settings.recipes else "head"
    others = [name for name in settings.attempts if name != own and _able(shop, champion.task, name)]
    recipes = {name: named(name, settings) for name in others}
    return (own, *(name for name, recipe in recipes.items() if recipe.head or not recipe.warm_start))


def _evenly(shop: Workshop, task: str, attempts: Sequence[str]) -> tuple[str, ...]:
    """What is tried last where a task is held to treat groups alike, and no attempt sees to that."""
    settings, held = shop.config.train, shop.config.tasks[task].fair
    seen_to = [recipe for recipe in (named(name, settings) for name in attempts) if _sees_to(recipe)]
    labels = shop.config.tasks[task].kind is Kind.LABEL
    return EVENLY if held and labels and not seen_to else ()


def _able(shop: Workshop, task: str, recipe: str) -> bool:
    """Whether an attempt is one for this task: attempts are those of all, and offsets are for labels and tags."""
    of, offset = shop.config.tasks[task], named(recipe, shop.config.train).offset
    return not offset or (of.kind is Kind.LABEL and bool(of.fair or FAIR not in offset))


def _sees_to(recipe: Recipe) -> bool:
    """Whether a recipe is one that makes groups alike."""
    return bool(recipe.reweigh or recipe.swap or recipe.offset)


def remembered(shop: Workshop, version: Version) -> list[Example]:
    """Every example that a version and its ancestors were trained on."""
    return memory(examples(shop.store, d.id) for d in origins(shop.store, version))


def curate(shop: Workshop, now: Now, recipe: str) -> str:
    """Hold test rows out where they are too few, and build the dataset that this recipe wants of the others."""
    champion, task = shop.champion(now.task), shop.config.task(now.task)
    grow(shop, now.task, remembered(shop, champion), now.until)
    if recipe == DISTIL:
        return curriculum(shop, task, optioned(shop, now.turn, recipe))
    rows = shown(shop, now) if recipe in WORDS else curated(shop, now, _recipe(shop, recipe))
    parents = (champion.dataset,) if champion.dataset else ()
    return store_dataset(
        shop.store, rows, task=now.task, turn=f"{now.turn}.{recipe}", now=now.until, parents=parents
    ).id


def _recipe(shop: Workshop, name: str) -> Recipe:
    return named(name, shop.config.train, replay=shop.config.curate.replay)


def shown(shop: Workshop, now: Now) -> Curated:
    """Every verified row that may stand beside a request: remembered and new, none like a row of the test suite."""
    inputs = inputs_of(
        shop.store,
        shop.config.task(now.task),
        champion=shop.champion(now.task),
        evaluation=fence(shop, now.task),
        until=now.until,
    )
    return build(inputs, replace(shop.config.curate, replay=EVERY, max_rows=ALL))


def curated(shop: Workshop, now: Now, recipe: Recipe) -> Curated:
    """The rows of that dataset; nothing is written."""
    champion, task = shop.champion(now.task), shop.config.task(now.task)
    inputs = inputs_of(shop.store, task, champion=champion, evaluation=fence(shop, now.task), until=now.until)
    return rows_of(shop, inputs, recipe, afresh=recipe.afresh)


def train(shop: Workshop, now: Now, recipe: str, dataset: str) -> str:
    """Train a candidate from the champion, or give it other words; resumes where a killed run stood. Empty where the
    training has run away more often than its recipe goes back, or the rows lack what it learns from.
    """
    if recipe in WORDS:
        rows = examples(shop.store, dataset)
        made = prefaced(shop, now.turn, recipe, shop.champion(now.task), rows, now.until)
        shop.store.lineage.link(made.id, dataset, "was worded with")
        return made.id
    asked = _lesson(shop, now, recipe, dataset)
    try:
        return learn(shop, asked).id
    except (Diverged, NothingToTrainOn) as ran:
        shop.store.events.append(now.turn, "diverged", {"recipe": recipe, "because": ran.what})
        shutil.rmtree(shop.run_folder(asked.version), ignore_errors=True)
        return ""


def _lesson(shop: Workshop, now: Now, recipe: str, dataset: str) -> Lesson:
    """What an attempt learns: a student from its teachers, or the champion from what was verified."""
    id = version_id(now.turn, recipe)
    if recipe == DISTIL:
        told = lesson(shop, shop.config.task(now.task), optioned(shop, now.turn, recipe), dataset)
        return replace(told, version=id, time=now.until)
    return Lesson(
        task=now.task,
        dataset=dataset,
        recipe=_recipe(shop, recipe),
        version=id,
        parent=shop.champion(now.task),
        time=now.until,
    )


def end(shop: Workshop, now: Now, step: str, noun: str) -> str:
    """Close the turn with the name of the step that ended it and its reason."""
    because = {
        "decide": lambda: shop.store.decisions.get(noun).because,
        "gate": lambda: shop.store.verdicts.get(noun).because,
        "release": lambda: shop.store.releases.get(noun).because,
        SIGN: lambda: f"{noun} may be released: {_verdict(shop, now, noun)}",
        "train": lambda: "; ".join(_ran_away(shop, now)) or "no candidate was made",
    }[step]()
    makes = step == SIGN or (step == "decide" and shop.store.decisions.get(noun).action.makes)
    _change(shop, now, lambda turn: _ended(turn, step, because, wanted=makes))
    settle(shop.config, shop.store, turn_of(shop, now))
    return step


def _ran_away(shop: Workshop, now: Now) -> list[str]:
    """Why each of the turn's trainings that came to nothing did so."""
    told = {e.values["recipe"]: e.values["because"] for e in shop.store.events.list(now.turn) if e.name == "diverged"}
    return [f"{recipe}: {because}" for recipe, because in told.items()]


def _verdict(shop: Workshop, now: Now, candidate: str) -> str:
    """What the gate said of a candidate."""
    return [one for one in shop.store.verdicts.list(now.task) if one.candidate == candidate][-1].because


def _ended(turn: Turn, step: str, because: str, *, wanted: bool) -> Turn:
    """The turn as it ends at a step; one that wanted to retrain, or to release, and had no leave waits for it."""
    if wanted and turn.wanted in turn.diary:
        return turn  # answered already: this is the end of the part before that, run again after a crash
    return replace(turn, state=AWAITING if wanted else step, because=because)


def _earlier(shop: Workshop, now: Now) -> list[Turn]:
    """The turns that have looked at the traffic before this one; a drill looks at none."""
    return [t for t in shop.store.turns.list(now.task) if t.id != now.turn and "watch" in t.diary]


def _change(shop: Workshop, now: Now, change: Callable[[Turn], Turn]) -> None:
    """Write in the turn's row, which people write in too."""
    if not any(t.id == now.turn for t in shop.store.turns.list(now.task)):
        shop.store.turns.put(Turn(id=now.turn, task=now.task, time=now.until))
    shop.store.turns.change(now.turn, change)


def turn_of(shop: Workshop, now: Now) -> Turn:
    """The row of the turn, or one that is not written yet."""
    known = [t for t in shop.store.turns.list(now.task) if t.id == now.turn]
    return known[0] if known else Turn(id=now.turn, task=now.task, time=now.until)
