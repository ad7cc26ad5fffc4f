"""What judges say of a candidate is read from the project beside people's word; one that overrates is not heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_project import TASK

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.config.schema import Release as Rollout
from homeostat.loop.listening.overrating import compared, look, rewarded, said_of
from homeostat.loop.proving import again
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.replies import right
from homeostat.release.guard import gather
from homeostat.release.preferred import TIE, judge, queue
from homeostat.release.ratings import FEWEST, Usual, told, unheard
from homeostat.release.registry import promote, register
from homeostat.release.rollout import advance, open_canary, open_shadow
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release
from homeostat.types.report import Outcome, Verdict
from homeostat.types.task import Kind
from homeostat.types.version import Version
from loop.bystander import NOW
from loop.onlive import answer, on_trial, say

DESK, OLD, NEW, JUDGE = "desk", "ver_old", "ver_new", "judge:large"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Workshop]:
    """A project with a champion and a candidate that no model is loaded for."""
    config = Config(folder=str(tmp_path / "p"), tasks={DESK: Tasks(labels=("refund", "delivery"))})
    with closing(Workshop.open(config)) as opened:
        for name in (OLD, NEW):
            made = Version(id=name, task=DESK, time=1.0, base="builtin", kind="base", labels=("refund", "delivery"))
            register(opened.store, made, None)
        promote(opened.store, DESK, OLD, "first", now=1.0)
        yield opened


def rating(id: str, value: float, source: str = JUDGE) -> Feedback:
    """What somebody thinks of a reply."""
    said = {"kind": FeedbackKind.RATING, "value": f"{value:.3f}", "source": source}
    return Feedback(id=f"fbk_{source}{id}", interaction=id, time=900.0, **said)


def served(shop: Workshop, n: int, *, bonus: float, labeled: int, start: int = 0, chance: float = 1.0) -> None:
    """Requests that both answered, as often right; a judge that knows what is right, and likes the candidate's replies
    better by a bonus; and the labels of some.
    """
    rng = np.random.default_rng(start)
    rows, said = list[Interaction](), list[Feedback]()
    for k in range(start, start + n):
        id, mine, theirs = f"int_{k:05}", bool(rng.random() < 0.7), bool(rng.random() < 0.7)
        words = [("refund" if fine else "delivery") for fine in (mine, theirs)]
        at = {"task": DESK, "time": 10.0 + k, "text": f"ask {k}"}
        rows.append(Interaction(id=id, reply=words[1], version=OLD, probability=chance, **at))
        rows.append(Interaction(id=f"{id}s", reply=words[0], version=NEW, role=Role.SHADOW, of=id, **at))
        said += [rating(f"{id}s", min(1.0, 0.1 + 0.6 * mine + bonus)), rating(id, 0.1 + 0.6 * theirs)]
        if k - start < labeled:
            label = {"kind": FeedbackKind.LABEL, "value": "refund", "source": "ana"}
            said.append(Feedback(id=f"fbk_{k}", interaction=id, time=950.0, **label))
    shop.store.interactions.add(rows)
    shop.store.feedback.add(said)


def test_a_judge_that_overrates_is_found_and_looked_at_seldom(desk: Workshop) -> None:
    """Only as what was said has doubled; what the last look found is kept, and names the judge to the trial."""
    release = open_shadow(desk.store, DESK, NEW, now=2.0)
    assert look(desk, release) == ()
    served(desk, 100, bonus=0.25, labeled=10)
    (few,) = look(desk, release)
    assert (few.rating.n, few.people, few.shown) == (100, None, False)
    served(desk, 50, bonus=0.25, labeled=5, start=100)
    assert look(desk, release)[0].rating.n == 100  # no look: nothing has doubled
    served(desk, 150, bonus=0.25, labeled=150, start=150)
    (found,) = look(desk, release)
    assert (found.judge, found.rating.n, found.by_people) == (JUDGE, 300, True)
    assert found.people is not None
    assert found.people.n == 165
    assert found.rating.mean == pytest.approx(0.25, abs=0.08)
    assert look(desk, release) == (found,)
    assert unheard(desk.store, NEW) == (JUDGE,)
    assert said_of(desk.store, desk.config.task(DESK), NEW, OLD, 0.05)[0].rating == found.rating
    assert said_of(desk.store, desk.config.task(DESK), NEW, OLD, 0.0) == ()
    assert "without judge:large, which overrates the candidate" in _because(desk, release)


def _because(shop: Workshop, release: Release) -> str:
    """What the row of the next stage says."""
    settings = Rollout(shadow_pairs=100, canary_share=(0.5,))
    assert gather(shop.store, release, settings).unheard == JUDGE
    return advance(shop.store, DESK, settings, now=9000.0).because


def test_a_judge_that_is_right_is_heard(desk: Workshop) -> None:
    """One without a bonus is told of, and nothing is held against it."""
    release = open_shadow(desk.store, DESK, NEW, now=2.0)
    served(desk, 300, bonus=0.0, labeled=200)
    (found,) = look(desk, release)
    assert not found.shown
    assert unheard(desk.store, NEW) == ()


def test_whose_word_is_whose(desk: Workshop) -> None:
    """A judge's newest word counts, a label of its as well, which is nobody else's; people's blind preferences count
    where they said nothing more, and labels that were asked for because the two differ do not.
    """
    release, task = open_shadow(desk.store, DESK, NEW, now=2.0), desk.config.task(DESK)
    served(desk, 40, bonus=0.3, labeled=0)
    asked = queue(desk.store, DESK, NEW, "ana", 3)
    judge(desk.store, DESK, NEW, "ana", {pair.interaction: TIE for pair in asked})
    labels = {"int_00030": "judge:strict", "int_00031": "picked, by lot between two, by ana", "int_00032": "ana"}
    desk.store.feedback.add(
        Feedback(id=f"fbk_{id}", interaction=id, kind=FeedbackKind.LABEL, value="refund", time=990.0, source=source)
        for id, source in labels.items()
    )
    found = compared(desk.store, task, release.candidate, release.champion)
    assert {name: len(rows) for name, rows in found.items()} == {JUDGE: 40, "judge:strict": 1}
    copies = {one.of: one.reply for one in desk.store.interactions.list(DESK, version=NEW, role=Role.SHADOW)}
    mine, theirs = copies["int_00030"], desk.store.interactions.get("int_00030").reply
    wanted = right(Kind.LABEL, mine, "refund") - right(Kind.LABEL, theirs, "refund")
    assert found["judge:strict"][0].judge == wanted
    told = [k for k, row in enumerate(found[JUDGE]) if row.people is not None]
    preferred = {int(event.values["interaction"][-5:]) for event in desk.store.events.list(f"pairs:{NEW}")}
    assert set(told) == preferred | {32}
    desk.store.feedback.add([replace(rating("int_00000", 0.0), id="fbk_later", time=999.0)])
    later = compared(desk.store, task, release.candidate, release.champion)[JUDGE]
    assert later[0].judge > found[JUDGE][0].judge


def test_a_canary_is_not_promoted_on_the_word_of_a_judge_that_overrates(desk: Workshop) -> None:
    """Its ratings alone would have sufficed; without them the trial waits for people."""
    settings = Rollout(shadow_pairs=0, canary_share=(0.5,), canary_feedback=40)
    known = [Interaction(id=f"old_{k}", task=DESK, time=2.0, text="x", reply="refund", version=OLD) for k in range(20)]
    desk.store.interactions.add(known)
    desk.store.feedback.add([rating(row.id, float(k % 2)) for k, row in enumerate(known[: 2 * FEWEST])])
    passed = Verdict(id="v", task=DESK, time=0.0, report="", candidate=NEW, outcome=Outcome.PASS, because="by test")
    desk.store.verdicts.put(passed)
    release = open_canary(desk.store, DESK, NEW, settings, "canary", now=5.0)
    assert gather(desk.store, release, settings).judged == 0
    served(desk, 120, bonus=0.25, labeled=0, chance=0.5)
    more = [
        Interaction(id=f"new_{k}", task=DESK, time=200.0 + k, text="y", reply="refund", version=NEW, probability=0.5)
        for k in range(120)
    ]
    desk.store.interactions.add(more)
    desk.store.feedback.add([rating(row.id, 0.9) for row in more])
    before = gather(desk.store, release, settings)
    assert (before.judged, before.rated, before.fit(settings, passed=True)) == (0, 120, True)
    asked = queue(desk.store, DESK, NEW, "ana", 200)
    judge(desk.store, DESK, NEW, "ana", {pair.interaction: TIE for pair in asked})
    (found,) = look(desk, release)
    assert found.by_people
    after = gather(desk.store, release, settings)
    assert (after.rated, after.unheard, told(desk.store, release, Usual(people=0.5), []).heard) == (0, JUDGE, [])


@pytest.mark.slow
def test_labels_of_a_judge_alone_pass_nobody_whom_people_do_not_prefer(shop: Workshop) -> None:
    """The gate looks again by a judge's labels; as people see no difference it stays unsure, and asks them. A word of
    theirs that clears the judge lets it pass, without a further label.
    """
    release = on_trial(shop)
    again.look(shop, NOW, release, at=NOW.until)
    say(shop, answer(shop, release, 500, win=0.25, lose=0.02), source=JUDGE)
    asked = queue(shop.store, TASK, release.candidate, "ana", 500)
    judge(shop.store, TASK, release.candidate, "ana", {pair.interaction: TIE for pair in asked})
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.UNSURE
    state = shop.store.state.get(f"again:{release.candidate}")
    assert "but that is a judge's word alone, and judge:large says +2" in state["because"]
    assert again.look(shop, NOW, release, at=NOW.until) is None
    shop.store.state.put(f"overrated:{release.candidate}", {})  # as if a look were due
    liked = {p.interaction: "right" if _mine(shop, p.interaction) == p.right else "left" for p in asked}
    judge(shop.store, TASK, release.candidate, "ana", liked)
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.PASS


def _mine(shop: Workshop, request: str) -> str:
    """What the candidate replied."""
    return shop.store.interactions.get(f"{request}s").reply


def test_a_candidate_is_held_against_the_reward_that_it_learned_from(tmp_path: Path) -> None:
    """On the test rows, beside how right the replies are; of the same replies nothing rises. A reward that is not here,
    and a version that learned from none, tell nothing.
    """
    base = str(tiny.llama(tmp_path / "base"))
    config = Config(folder=str(tmp_path / "p"), model=Model(base=base), tasks={"replies": Tasks(kind=Kind.TEXT)})
    with closing(Workshop.open(config)) as shop:
        old = Version(id="ver_1", task="replies", time=0.0, base=base, kind="base")
        new = replace(old, id="ver_2", recipe={"objective": {"grpo": {"reward": "beginning"}}})
        rows = [Exam(text=f"ask {k}", target="we send it", time=0.0, tags={"user": f"u{k // 2}"}) for k in range(24)]
        (found,) = rewarded(shop, new, old, rows, 0.05)
        assert found.judge == "the reward 'beginning'"
        assert (found.rating.mean, found.rating.n, found.shown) == (0.0, 24, False)
        assert found.people is not None
        assert found.people.n == 24
        elsewhere = replace(new, recipe={"objective": {"grpo": {"reward": "not_here"}}})
        assert rewarded(shop, elsewhere, old, rows, 0.05) == rewarded(shop, old, new, rows, 0.05) == ()
