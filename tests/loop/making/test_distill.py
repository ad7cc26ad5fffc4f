"""From a teacher to a student, over the requests of the log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.loop.making.distill import Wish, answers, distill, material
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.making.said import SAID
from homeostat.loop.making.students import model_teaching, newest, students, versions_teaching
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.store.lineage import lines, why
from homeostat.train.adapt.full import Full
from homeostat.train.named import named
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.follow import Follow
from homeostat.train.objectives.distill.told import Told
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.interaction import Interaction
from homeostat.types.version import State, Version
from loop.taught import LEARNING, School, school
from shown import Shown


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, draw: int) -> Iterator[School]:
    made = school(tmp_path_factory.mktemp("school"), draw=draw)
    yield made
    made.shop.close()


def wish(of: School, **more: object) -> Wish:
    shop = of.shop
    known: dict[str, object] = {
        "task": shop.config.task("routing"),
        "base": of.small,
        "teachers": ("ver_first",),
        "recipe": named("student", shop.config.train),
    }
    return Wish(**{**known, **more})  # type: ignore[arg-type]


def learned(of: School, asked: Wish, *teachers: str) -> Version:
    """A student of versions."""
    names = teachers or ("ver_first",)
    with versions_teaching(of.shop, [of.shop.store.versions.get(name) for name in names]) as teacher:
        return distill(of.shop, replace(asked, teachers=names), teacher)


def alone(of: School, folder: Path, each: int) -> Version:
    """The same student on a few labels, by the same recipe."""
    shop = of.shop
    recipe = replace(named("student", shop.config.train), objective=Completion())
    start = Start(base=of.small)
    made = train(
        Order(
            task=shop.config.task("routing"),
            start=start,
            examples=tiny.examples(each=each, seed=10 * of.draw),
            labels=tiny.LABELS,
            recipe=recipe,
            folder=folder,
        )
    )
    blob = shop.store.blobs.put_folder(made.weights)
    return Version(id="ver_alone", task="routing", time=0.0, base=of.small, blob=blob, kind="full", labels=made.labels)


@pytest.mark.slow
def test_a_student_learns_what_nobody_has_labeled(taught: School, tmp_path: Path, shown: Shown) -> None:
    """From 177 requests without a label it tells more unseen ones right than the same student on 15 labels, by an
    interval above 0; it stands on another base with another tokenizer, is a candidate, and names its teacher.
    """
    student = learned(taught, wish(taught))
    more = paired(taught.right(student), taught.right(alone(taught, tmp_path, 5)))
    shown.within("share of unseen rows told right, more than by a student of 15 labels", more)
    assert (student.state, student.base, student.kind) == (State.CANDIDATE, taught.small, "full")
    assert student.teachers == ("ver_first",)
    store = taught.shop.store
    assert ("was taught by", "ver_first") in store.lineage.parents(student.id)
    assert any("was taught by ver_first" in line for line in lines(why(store, student.id)))
    dataset = store.datasets.get(student.dataset)
    assert list(dataset.counts.values())[-1] == 3 * 60 - 3  # what is in the suite is not learned
    assert len(store.lineage.parents(dataset.id)) == 3 * 60 - 3
    assert store.verify() == []


def test_asked_again_it_is_the_same_student(taught: School) -> None:
    """Nothing is asked and nothing trained a second time; a new request is asked alone and makes another student."""
    shop, task = taught.shop, taught.shop.config.task("routing")
    first = learned(taught, wish(taught))
    versions = len(shop.store.versions.list())
    assert learned(taught, wish(taught)) == first
    assert len(shop.store.versions.list()) == versions
    with versions_teaching(shop, [shop.store.versions.get("ver_first")]) as teacher:
        texts = [row.text for row in material(shop, task).examples]
        assert answers(shop, task, teacher).missing([*texts, "my pump hums"]) == ["my pump hums"]


def test_a_student_is_taught_again(taught: School) -> None:
    """By what its teacher said, which is kept with it: byte by byte the same when the teacher and its answers are gone.
    One from before that was kept goes by the answers that are still there, and is refused without them.
    """
    shop = taught.shop
    student = learned(taught, wish(taught))
    older = replace(student, recipe={key: value for key, value in student.recipe.items() if key != SAID})
    assert reproduce(shop, older).same
    said, kept = Path(shop.config.folder) / "answers", Path(shop.config.folder) / "elsewhere"
    said.rename(kept)
    try:
        found = reproduce(shop, replace(student, teachers=("ver_gone",)))
        assert found.same, found
        with pytest.raises(UnsuitedModel, match="did not keep with it what its teachers said"):
            reproduce(shop, older)
    finally:
        shutil.rmtree(said, ignore_errors=True)
        kept.rename(said)
    lines = shop.store.blobs.text(str(student.recipe[SAID])).splitlines()
    other = shop.store.blobs.put_text("".join(f"{line}\n" for line in [lines[-1], *lines[1:-1], lines[0]]))
    assert lines[0] != lines[-1]
    assert not reproduce(shop, replace(student, recipe={**student.recipe, SAID: other})).same


def test_what_may_be_asked(taught: School) -> None:
    """Each request once, however often it came, and nothing that is like a row of the suite."""
    shop = taught.shop
    row = shop.store.interactions.list("routing", limit=10)[-1]
    shop.store.interactions.add([replace(row, id="int_twin", time=500.0, text=row.text.upper())])
    texts = [one.text.casefold() for one in material(shop, shop.config.task("routing")).examples]
    assert len(texts) == len(set(texts)) == 3 * 60 - 3
    assert not {exam.text.casefold() for exam in shop.suite("routing")} & set(texts)


@pytest.mark.slow
def test_an_ensemble_is_made_one_again(taught: School) -> None:
    """A model that has learned what three adapters say together tells more unseen requests right than one of them does
    on average, by an interval above 0; and it names all three.
    """
    names = ("ver_weak1", "ver_weak2", "ver_weak3")
    weak = [taught.teach(name[4:], tiny.examples(each=14, seed=k), seed=k) for k, name in enumerate(names, 1)]
    recipe = replace(LEARNING, name="one", adapt=Full(), lr=1e-3, objective=Told(temperature=1.0), refit=False)
    one = learned(taught, wish(taught, base=taught.shop.config.model.base, recipe=recipe), *names)
    assert one.teachers == names
    members = np.array([taught.right(member, 200) for member in weak])
    assert paired(taught.right(one, 200), members.mean(0)).low > 0


@pytest.mark.slow
def test_labels_that_a_student_had_keep_their_places(taught: School) -> None:
    """Who goes on from a student with other labels has those first, then the teacher's others; what the teacher does
    not know it holds unlikely.
    """
    shop = taught.shop
    before = learned(taught, wish(taught))
    older = replace(before, id="ver_older", labels=("hologram", tiny.LABELS[2]), teachers=("ver_first",))
    shop.store.versions.put(older)
    after = learned(taught, wish(taught, parent=older))
    assert after.labels == ("hologram", tiny.LABELS[2], tiny.LABELS[0], tiny.LABELS[1])
    assert after.parent == "ver_older"
    with shop.loaded(after) as backend:
        task = shop.config.task("routing")
        texts = [text for label in tiny.LABELS for text in tiny.texts(label, 5, 97)]
        said = backend.score([Request(task=task, text=text, version=after.id) for text in texts])
    assert max(float(row[0]) for row in said) < -1.0


def test_a_task_of_words(taught: School) -> None:
    """The student learns the teacher's replies themselves, and is registered with its base."""
    shop = taught.shop
    shop.store.interactions.add(
        Interaction(id=f"int_r{k}", task="replies", time=float(k), text=text, reply="", version="")
        for k, text in enumerate(tiny.texts(tiny.LABELS[0], 6, 3))
    )
    teacher = model_teaching(shop, shop.config.model.base, ())
    recipe = Recipe(name="words", adapt=Full(), objective=named("student", shop.config.train).objective, max_steps=2)
    asked = wish(taught, task=shop.config.task("replies"), recipe=recipe, teachers=(shop.config.model.base,))
    made = distill(shop, asked, teacher)
    assert made.labels == ()
    assert made.teachers == (shop.config.model.base,)
    assert "completion" in str(made.recipe["objective"])
    assert reproduce(shop, made).same  # the replies are the dataset, and nothing beside it is wanted
    assert shop.store.verify() == []  # a teacher that is no version is named, and no edge leads to it


@pytest.mark.slow
def test_a_retrained_teacher_makes_its_student_due(taught: School) -> None:
    """A candidate alone does not; one that answers everybody does. The student then goes on from where it stands, names
    the new teacher, and is due no more; its predecessor is no longer listed.
    """
    store = taught.shop.store
    student = learned(taught, wish(taught))

    def found() -> dict[str, tuple[str, ...]]:
        return {each.student.id: each.teachers for each in students(store, "routing") if each.due}

    first = store.versions.get("ver_first")
    again = taught.teach("second", tiny.examples(each=10, seed=3), parent=first)
    assert student.id not in found()
    taught.promote(again)
    assert found()[student.id] == ("ver_second",)
    after = learned(taught, wish(taught, parent=student), "ver_second")
    assert after.parent == student.id
    assert after.teachers == ("ver_second",)
    listed = {each.student.id: each.due for each in students(store, "routing")}
    assert listed[after.id] is False
    assert student.id not in listed


def test_whom_a_teacher_has_become() -> None:
    """The newest that goes on from it over any number of steps; refused ones and students do not count, candidates only
    for a teacher that is one itself.
    """

    def version(name: str, parent: str = "", state: State = State.LIVE, taught_by: str = "") -> Version:
        teachers = (taught_by,) if taught_by else ()
        return Version(id=name, task="t", time=0.0, base="b", parent=parent, state=state, teachers=teachers)

    line = [
        version("a", state=State.RETIRED),
        version("b", "a", State.REFUSED),
        version("c", "a", State.RETIRED),
        version("d", "c"),
        version("s", "d", taught_by="d"),
        version("e", "d", State.CANDIDATE),
    ]
    assert newest(line, "a") == newest(line, "c") == newest(line, "d") == "d"
    assert newest(line, "http://elsewhere#model") == "http://elsewhere#model"
    tried = [replace(one, state=State.CANDIDATE) if one.id == "d" else one for one in line]
    assert newest(tried, "d") == "e"


@pytest.mark.slow
def test_a_teacher_at_hand(taught: School, tmp_path: Path) -> None:
    """A recipe that follows the teacher's whole distribution asks the version itself while the student learns: its
    student tells most unseen requests right. Where the teacher is no version of the store, such a recipe is refused.
    """
    base = str(tiny.llama(tmp_path / "alike", hidden=32, seed=6))
    recipe = replace(named("student", taught.shop.config.train), name="followed", objective=Follow(share=1.0))
    student = learned(taught, wish(taught, base=base, recipe=recipe))
    assert np.mean(taught.right(student)) > 0.7
    assert reproduce(taught.shop, student).same
    elsewhere = model_teaching(taught.shop, taught.shop.config.model.base, tiny.LABELS)
    with pytest.raises(UnsuitedModel, match="no teacher"):
        distill(taught.shop, wish(taught, base=base, recipe=recipe, teachers=("a folder",)), elsewhere)


def test_an_adapter_on_another_base_is_refused(taught: School) -> None:
    """Nobody could serve it; nothing is asked."""
    with pytest.raises(UnsuitedModel, match="adapter"):
        learned(taught, wish(taught, recipe=LEARNING))


def test_nothing_to_ask(taught: School, tmp_path: Path) -> None:
    """An error, and nothing is stored."""
    bare = Workshop.open(replace(taught.shop.config, folder=str(tmp_path / "bare")))
    with pytest.raises(NothingToTrainOn, match="no requests"):
        distill(bare, wish(taught), model_teaching(bare, bare.config.model.base, tiny.LABELS))
    assert bare.store.versions.list() == []
    bare.close()
