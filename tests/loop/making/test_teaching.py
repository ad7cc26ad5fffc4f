"""Learning from a teacher as one way that a decision weighs, from a probe to a candidate that the gate passes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Decide, Policy, Tasks
from homeostat.decide.option import DISTIL, Option
from homeostat.decide.record import replayed
from homeostat.llm.teacher import Answer
from homeostat.loop import steps
from homeostat.loop.making.distill import Wish, distill
from homeostat.loop.making.students import Taught, versions_teaching
from homeostat.loop.making.teaching import heard, pupil
from homeostat.loop.proving import judging
from homeostat.loop.steps import Now
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Exam, Workshop, use
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.types.decision import Action
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Task
from homeostat.types.version import State, Version
from loop.taught import School, school

START = 10_000.0
NOW = Now("trn_1", "routing", START + 5_000.0)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """A student of a teacher that had learned little, and that answers everybody; verified replies of it since."""
    made = school(tmp_path_factory.mktemp("school"), requests=40)
    shop = made.shop
    policies = {"p": Policy(any={"labels": 5}, strategy="cheapest", look="")}
    tasks = {"routing": Tasks(instruction="route", policy="p")}
    train = replace(shop.config.train, attempts=("careful",))
    shop.config = replace(shop.config, tasks=tasks, policies=policies, train=train, decide=Decide(min_labels=30))
    use(shop)
    weak = made.teach("weak", tiny.examples(each=4, seed=1), seed=1)
    made.promote(weak)
    student = learned(shop, made.small, weak)
    made.promote(replace(student, time=50.0))
    verified(shop, student)
    yield made
    shop.close()


def learned(shop: Workshop, base: str, teacher: Version) -> Version:
    wish = Wish(
        task=shop.config.task("routing"), base=base, teachers=(teacher.id,), recipe=named("student", shop.config.train)
    )
    with versions_teaching(shop, [teacher]) as one:
        return distill(shop, wish, one)


def verified(shop: Workshop, by: Version) -> None:
    """A hundred and twenty replies that somebody has corrected or confirmed, and a test suite."""
    rows = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 40, 31)]
    rows = [rows[(k * 41) % len(rows)] for k in range(len(rows))]
    task = shop.config.task("routing")
    replies = shop.replies(task, by, [text for text, _ in rows])
    shop.store.interactions.add(
        Interaction(id=f"int_v{k:03}", task="routing", time=START + k, text=text, reply=reply, version=by.id)
        for k, ((text, _), reply) in enumerate(zip(rows, replies, strict=True))
    )
    shop.store.feedback.add(
        Feedback(
            id=f"fbk_v{k:03}", interaction=f"int_v{k:03}", kind=FeedbackKind.LABEL, value=label, time=START + k + 1
        )
        for k, (_, label) in enumerate(rows)
    )
    exams = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 60, 77)]
    shop.put_suite("routing", [Exam(text=text, target=label, time=0.0) for text, label in exams])


def weighed(shop: Workshop) -> dict[str, Option]:
    return {one.name: one for one in steps.gather(shop, NOW, []).options}


@pytest.mark.slow
def test_a_teacher_that_was_trained_again_is_learned_from(taught: School) -> None:
    """A student of a poor teacher is probed on that teacher's answers and gains nothing beyond chance. Once the teacher
    has been trained again the probe shows a gain beyond chance, on rows that nothing has seen; the turn takes it, the
    same lesson as a whole makes a candidate that names the new teacher and goes on from the student, and the gate
    passes it.
    """
    shop = taught.shop
    store, student = shop.store, shop.champion("routing")
    before = weighed(shop)[DISTIL]
    assert "what it says of newer requests" in before.says
    assert not before.sure
    weak = store.versions.get("ver_weak")
    taught.teach("strong", tiny.examples(each=40, seed=2), parent=weak)
    found = weighed(shop)[DISTIL]
    assert (found.student, found.teachers) == (student.id, ("ver_strong",))
    assert found.gain.low > 0.05
    assert found.gain.n == 60
    assert found.cpu_s > 0.0
    decision = store.decisions.get(steps.once(NOW, "decide", steps.decide, ""))
    assert replayed(store, decision.id) == decision
    assert DISTIL in {one.action for one in decision.alternatives}
    if decision.chosen != DISTIL:
        pytest.fail(f"the turn took {decision.chosen}: {decision.because}")
    assert decision.action is Action.DISTIL
    assert steps.attempts(shop, NOW) == DISTIL
    dataset = steps.once(NOW, f"curate.{DISTIL}", steps.curate, DISTIL)
    candidate = steps.once(NOW, f"train.{DISTIL}", steps.train, DISTIL, dataset)
    assert steps.train(shop, NOW, DISTIL, dataset) == candidate
    made = store.versions.get(candidate)
    assert (made.parent, made.teachers, made.base) == (student.id, ("ver_strong",), taught.small)
    report = judging.evaluate(shop, NOW, candidate)
    assert judging.passes(shop, NOW, judging.gate(shop, NOW, report, candidate)) == "yes"
    assert store.reports.get(report).difference.low > 0.05
    assert tried(shop, NOW) == []


@pytest.mark.slow
def test_a_smaller_version_has_to_be_as_good(taught: School) -> None:
    """Where the champion is a teacher, its student is what would be taught. The gate of a turn that chose it asks for
    no loss beyond the margin, and for a gain of every other candidate.
    """
    shop = taught.shop
    own = school(taught.folder / "other", requests=20)
    with own.shop.store:
        first = own.shop.store.versions.get("ver_first")
        assert pupil(own.shop.store, first) is None
        small = learned(own.shop, own.small, first)
        found = pupil(own.shop.store, first)
        assert found is not None
        assert (found.student.id, found.teachers) == (small.id, ("ver_first",))
    settings = shop.config.evaluate
    assert judging.demanded_of(shop, Now("trn_none", "routing", 0.0), "ver_strong") == settings
    assert judging.demanded_of(shop, NOW, "ver_strong").min_gain == -settings.margin
    assert judging.demanded_of(shop, NOW, "ver_first") == settings


def test_every_request_that_is_asked_about_costs() -> None:
    """Of four hundred answers one in four is a label. Asking is paid for all of them, and a lesson of a thousand
    requests learns from a quarter.
    """
    said = {f"request {k}": Answer(text="refund" if k % 4 == 0 else "no idea") for k in range(400)}
    found = heard(Task(name="routing"), said, ("refund", "delivery"), {}, 20.0)
    assert (found.asked, len(found.rows)) == (400, 100)
    assert found.each_cpu_s == pytest.approx(0.05)
    assert found.left_of(1000) == 250
    nothing = heard(Task(name="routing"), {}, ("refund",), {}, 0.0)
    assert (nothing.each_cpu_s, nothing.left_of(9)) == (0.0, 0)


def test_who_is_taught_by_whom(tmp_path: Path) -> None:
    """A student by what its teachers have become, candidates among them, for they answer nobody; not by a model
    elsewhere, which no turn asks of its own accord, nor by one whose weights are gone. A teacher teaches its newest
    student.
    """
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as store:

        def put(name: str, parent: str = "", teachers: tuple[str, ...] = (), state: State = State.RETIRED) -> Version:
            made = Version(id=name, task="t", time=0.0, base="b", parent=parent, teachers=teachers, state=state)
            store.versions.put(made)
            return made

        first = put("ver_a")
        assert pupil(store, first) is None
        student = put("ver_s", teachers=("ver_a",), state=State.LIVE)
        assert pupil(store, student) == Taught(student=student, teachers=("ver_a",))
        assert pupil(store, first) == Taught(student=student, teachers=("ver_a",))
        put("ver_b", "ver_a", state=State.CANDIDATE)
        put("ver_c", "ver_b", state=State.REFUSED)
        assert pupil(store, student) == Taught(student=student, teachers=("ver_b",))
        assert pupil(store, replace(student, teachers=("https://models.example/v1#large",))) is None
        put("ver_gone", state=State.ERASED)
        assert pupil(store, replace(student, teachers=("ver_gone",))) is None
