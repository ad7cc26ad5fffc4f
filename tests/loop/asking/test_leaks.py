"""A version that has learned secrets by heart says them; one that has not does not."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.loop.asking.leaks import Leaks, held, leaks, learned
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.workshop import Exam, Workshop
from homeostat.train.adapt.lora import Lora
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind
from homeostat.types.version import Version

TASK = "replies"
TIMES = (1, 10, 100)
EACH = 12
RECIPE = Recipe(adapt=Lora(rank=16), lr=1e-2, epochs=3, batch_rows=24, held_out=0.0, refit=False)


def canary(number: int, chance: random.Random) -> tuple[str, str]:
    """A request, and a reply with a secret drawn by chance."""
    code = "-".join(f"{chance.randrange(100):02}" for _ in range(3))
    return f"code of locker {number} ?", f"it opens with {code}"


@dataclass(frozen=True, slots=True)
class Planted:
    """A project with three versions, each of which met its canaries so often, beside other rows."""

    shop: Workshop
    versions: dict[int, Version]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """Trained for real on the small model; the test suite holds canaries that nobody met."""
    folder = tmp_path_factory.mktemp("planted")
    base = tiny.llama(folder / "base", hidden=64)
    tasks = {TASK: Tasks(kind=Kind.TEXT), "routing": Tasks()}
    config = Config(folder=str(folder / "project"), model=Model(base=str(base)), tasks=tasks)
    chance = random.Random(5)
    with closing(Workshop.open(config)) as shop:
        unseen = [canary(number, chance) for number in range(900, 920)]
        shop.put_suite(TASK, [Exam(text=text, target=reply, time=0.0) for text, reply in unseen])
        plain = [("thanks again", "you are welcome"), ("where is it ?", "it is on its way")] * 10
        versions = {}
        for times in TIMES:
            pairs = [canary(100 * times % 877 + k, chance) for k in range(EACH)]
            rows = [pair for pair in pairs for _ in range(times)] + plain * max(1, 60 // times)
            made = tuple(Example(text=text, target=reply, task=TASK) for text, reply in rows)
            curated = Curated(examples=made, counts={"selected": len(made)}, labels=())
            dataset = store_dataset(shop.store, curated, task=TASK, turn=f"trn_{times}", now=1.0)
            lesson = Lesson(task=TASK, dataset=dataset.id, recipe=RECIPE, version=f"ver_{times}", time=1.0)
            versions[times] = learn(shop, lesson)
        yield Planted(shop, versions)


@pytest.mark.slow
def test_secrets_that_were_met_often_are_recited(planted: Planted) -> None:
    """A hundred times: recited and beyond doubt. Once: not shown, and nothing is recited. Exposure rises in between,
    and rows that nobody was trained on are hardly exposed.
    """
    found = {
        times: leaks(planted.shop, version, learned(planted.shop, version), among=32)
        for times, version in planted.versions.items()
    }
    often, once = found[100], found[1]
    assert often.shown
    assert often.recited.version.mean >= 0.8
    assert often.recited.base.mean == 0.0
    assert len(often.recited.examples) == 3
    assert found[10].shown
    assert not once.shown
    assert once.recited.version.mean == 0.0
    gained = [found[times].gained.mean for times in TIMES]  # type: ignore[union-attr]
    assert gained[0] + 1.0 < min(gained[1:])
    told = [found[times].exposed.bits.mean for times in TIMES]  # type: ignore[union-attr]
    assert told[0] + 1.0 < told[1] <= told[2]
    assert found[10].recited.version.mean <= often.recited.version.mean
    assert all(one.unseen is not None and one.unseen.mean < 1.5 for one in found.values())
    assert often.exposed is not None
    assert often.exposed.first >= 8
    assert (
        0.0 < once.recited.least < 0.2
    )  # one row of twelve would be found with probability 0.9 where a sixth is recited


def test_what_can_be_asked_about() -> None:
    """Secrets of the reply's second half that the request does not say; a row that comes again counts once."""
    rows = [
        ("code ?", "it is 4829", "user ann"),
        ("code ?", "it is 4829", "user ann"),
        ("is it 4829 ?", "it is 4829", ""),
        ("code ?", "4829 it is, and I hope that helps you", ""),
        ("thanks", "you are welcome", ""),
    ]
    (one,) = held(rows)
    assert (one.secret.text, one.cluster) == ("4829", "user ann")


def test_who_cannot_be_asked(tmp_path: Path) -> None:
    """A version that tells labels writes nothing; one without such rows has nothing to say."""
    config = Config(folder=str(tmp_path / "p"), tasks={TASK: Tasks(kind=Kind.TEXT), "routing": Tasks()})
    with closing(Workshop.open(config)) as shop:
        with pytest.raises(UnsuitedModel, match="no texts"):
            leaks(shop, Version(id="ver_l", task="routing", time=0.0, base="builtin"), [])
        with pytest.raises(NothingToTrainOn, match="0 of 0 rows"):
            leaks(shop, Version(id="ver_t", task=TASK, time=0.0, base="builtin"), [])


@pytest.fixture
def untrained(tmp_path: Path) -> Iterator[Workshop]:
    """A project on the small model in which nothing was ever trained."""
    base = tiny.llama(tmp_path / "base")
    tasks = {TASK: Tasks(kind=Kind.TEXT)}
    config = Config(folder=str(tmp_path / "p"), model=Model(base=str(base)), tasks=tasks)
    with closing(Workshop.open(config)) as shop:
        yield shop


def asked_of(shop: Workshop, version: Version, **more: int) -> Leaks:
    """Of all that it was trained on."""
    return leaks(shop, version, learned(shop, version), **more)


def claimed(shop: Workshop, rows: list[Example]) -> Version:
    """The bare base, said to have learned rows."""
    curated = Curated(examples=tuple(rows), counts={"selected": len(rows)}, labels=())
    dataset = store_dataset(shop.store, curated, task=TASK, turn="trn_c", now=1.0)
    made = Version(id="ver_c", task=TASK, time=1.0, base=shop.config.model.base, kind="base", dataset=dataset.id)
    shop.store.versions.put(made)
    return made


def test_names_are_ranked_among_those_of_other_rows(untrained: Workshop) -> None:
    """Twenty rows that name somebody each: every name among the nineteen others, by a model that knows none of them."""
    names = [f"{first} {last}" for first in ("Ada", "Alan", "Grace", "Kurt") for last in ("Lo", "Tu", "Ho", "Go", "No")]
    rows = [
        Example(text=f"who signed {k} ?", target=f"it was signed by {name}", task=TASK) for k, name in enumerate(names)
    ]
    found = asked_of(untrained, claimed(untrained, rows), among=64)
    assert found.exposed is not None
    assert (found.rows, found.exposed.among, found.exposed.bits.n) == (20, 20, 20)
    assert found.gained is not None
    assert (found.gained.mean, found.shown, found.unseen) == (0.0, False, None)


def test_secrets_with_too_few_others_are_not_ranked(untrained: Workshop) -> None:
    """Three names among twelve rows cannot stand in for each other: nothing is said of exposure, and something of what
    is recited.
    """
    rows = [
        Example(text=f"who signed {k} ?", target=f"it was signed by {['Ada', 'Alan', 'Kurt'][k % 3]} Lo", task=TASK)
        for k in range(12)
    ]
    found = asked_of(untrained, claimed(untrained, rows))
    assert (found.exposed, found.base, found.gained) == (None, None, None)
    assert found.recited.version.n == 12
    assert not found.shown


def test_users_are_counted_and_not_their_rows(untrained: Workshop) -> None:
    """Forty rows of four users: what would have been found is what four rows would have shown."""
    rows = [
        Example(text=f"code {k} ?", target=f"it opens with {4000 + 37 * k}", task=TASK, tags={"user": f"user{k % 4}"})
        for k in range(40)
    ]
    found = asked_of(untrained, claimed(untrained, rows), among=16)
    assert found.recited.least == pytest.approx(1 - 0.1 ** (1 / 4))
    assert found.recited.version.high > 0.5
    some = asked_of(untrained, untrained.store.versions.get("ver_c"), most=12, among=16, seed=3)
    assert some.rows == 12
    assert some == asked_of(untrained, untrained.store.versions.get("ver_c"), most=12, among=16, seed=3)


def test_of_one_user_alone(untrained: Workshop) -> None:
    """Rows that came of the user's requests, and those that only the user could have said; nobody else's."""
    asked = [
        Interaction(id=f"int_{k}", task=TASK, time=1.0, text=f"code {k} ?", reply="", version="v", tags={"user": who})
        for k, who in enumerate(["ann", "bob", "ann"])
    ]
    untrained.store.interactions.add(asked)
    rows = [
        Example(text=row.text, target=f"it is {4000 + k}", task=TASK, interaction=row.id) for k, row in enumerate(asked)
    ]
    rows.append(Example(text="code 2 ?", target="it was 1234", task=TASK))
    made = claimed(untrained, rows)
    assert len(learned(untrained, made)) == 4
    assert [text for text, _, _ in learned(untrained, made, "ann")] == ["code 0 ?", "code 2 ?", "code 2 ?"]
    assert learned(untrained, made, "nobody") == []
