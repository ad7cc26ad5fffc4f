"""While a candidate is on trial, labels of live requests decide what test rows did not; nothing is trained for that."""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from small_project import TASK

from homeostat.config.schema import Config
from homeostat.config.schema import Release as Rollout
from homeostat.evaluate.account import standing
from homeostat.evaluate.asked import Asked
from homeostat.loop import releasing
from homeostat.loop.listening.labeling import hold, label, queue
from homeostat.loop.proving import again, suites
from homeostat.loop.proving.later import Book, keep, kept
from homeostat.loop.proving.wear import used
from homeostat.loop.workshop import Workshop, use
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.store.database import Database
from homeostat.types.interaction import Interaction, Role
from homeostat.types.report import Outcome
from homeostat.types.suite import Suite
from homeostat.types.turn import REBUILT, Turn
from homeostat.types.version import State
from loop.bystander import NOW, fair
from loop.onlive import answer, on_trial, say

EAGER = Rollout(shadow_pairs=30, canary_share=(0.2,), canary_feedback=0, poll_s=0.01)


def test_labels_decide_about_a_candidate_that_was_unsure(shop: Workshop) -> None:
    """The gate looks again as they come, passes the candidate without another training, and the trial goes on as with
    any that passed; the account has one entry, the versions are as many as before.
    """
    release = on_trial(shop)
    versions = len(shop.store.versions.list())
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.UNSURE
    right = answer(shop, release, 500, win=0.25, lose=0.02)
    ids = list(right)
    say(shop, {id: right[id] for id in ids[:60]})
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.UNSURE
    assert again.look(shop, NOW, release, at=NOW.until) is None  # nothing new
    book = kept(shop.store, release.candidate)
    assert book is not None
    assert len(book.pairs) == 60
    assert "after 60 more labels" in book.because
    say(shop, {id: right[id] for id in ids[60:]})
    assert again.look(shop, NOW, release, at=NOW.until + 1.0) is Outcome.PASS
    first, second = shop.store.verdicts.list(TASK)
    assert (first.outcome, second.outcome) == (Outcome.UNSURE, Outcome.PASS)
    assert second.because.startswith("passed on looking again, after 500 more labels: ")
    account = standing([first, second], shop.config.evaluate.alpha)
    assert (account.tried, account.passed, account.replays) == (1, 1, True)
    assert len(shop.store.versions.list()) == versions
    assert again.look(shop, NOW, release, at=NOW.until + 2.0) is None
    held = Workshop(replace(shop.config, release=EAGER), shop.store)
    canary = releasing.advance(held, NOW, release.id)
    assert releasing.stage(held, NOW, canary) == "canary"
    assert releasing.stage(held, NOW, releasing.advance(held, NOW, canary)) == "full"
    assert shop.store.aliases.get(TASK, "champion") == release.candidate
    assert shop.store.verify() == []


def test_who_is_shown_to_be_worse_is_taken_back(shop: Workshop) -> None:
    """In shadow, before any user has heard it; and a look that was cut off before that is made good."""
    release = on_trial(shop)
    again.look(shop, NOW, release, at=NOW.until)
    say(shop, answer(shop, release, 300, win=0.02, lose=0.3))
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.FAIL
    row = shop.store.releases.current(TASK)
    assert row is not None
    assert row.stage.value == "rollback"
    assert "refused: it is worse on looking again" in row.because
    assert shop.store.versions.get(release.candidate).state is State.REFUSED


def test_a_look_that_was_cut_off_is_made_again(shop: Workshop) -> None:
    """Between its verdict and the end of the trial: the next look ends it."""
    release = on_trial(shop)
    again.look(shop, NOW, release, at=NOW.until)
    say(shop, answer(shop, release, 300, win=0.02, lose=0.3))
    failed = shop.store.verdicts.list(TASK)[0]
    assert failed.spent is not None
    spent = replace(failed.spent, asked=failed.spent.level / 9, again=1.0)
    shop.store.verdicts.put(replace(failed, id="vdt_cut", outcome=Outcome.FAIL, because="worse", spent=spent))
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.FAIL
    row = shop.store.releases.current(TASK)
    assert row is not None
    assert row.because == f"{release.candidate} worse"


def test_the_order_of_labels_is_the_order_of_the_book(shop: Workshop) -> None:
    """What came stays where it is: a label with an older date that comes later changes nothing before."""
    release = on_trial(shop)
    right = answer(shop, release, 40, win=0.3, lose=0.0)
    ids = list(right)
    say(shop, {id: right[id] for id in ids[20:]})
    again.look(shop, NOW, release, at=NOW.until)
    before = kept(shop.store, release.candidate)
    say(shop, {id: right[id] for id in ids[:20]})
    again.look(shop, NOW, release, at=NOW.until)
    after = kept(shop.store, release.candidate)
    assert before is not None
    assert after is not None
    assert after.pairs[:20] == before.pairs
    assert after.asked == before.asked
    assert [pair.row.id for pair in after.pairs[20:]] == sorted(ids[:20])


def test_people_are_asked_for_the_labels_that_decide(shop: Workshop) -> None:
    """Half of what is asked are requests on which both differ; what is said of them passes the candidate, and measures
    nothing else. Who is sure of everything asks for none.
    """
    release = on_trial(shop)
    right = answer(shop, release, 900, win=0.25, lose=0.02)
    assert not any(one.decides for one in queue(shop.store, TASK, 10))  # nobody has looked again yet
    again.look(shop, NOW, release, at=NOW.until)
    asked = queue(shop.store, TASK, 300)
    deciding = [one for one in asked if one.decides]
    assert len(deciding) == 150
    assert queue(shop.store, TASK, 300)[:150] == asked[:150]
    hold(shop.store, TASK, asked)
    assert queue(shop.store, TASK, 300)[:150] == asked[:150]
    copies = {one.of: one.reply for one in shop.store.interactions.list(TASK, role=None) if one.of}
    assert all(one.reply != copies[one.interaction] for one in deciding)
    measured = len(shop.store.interactions.labeled(TASK, measuring=True))
    said = {one.interaction: right[one.interaction] for one in deciding}
    assert label(shop.config, shop.store, TASK, said, by="ana", now=time.time()) == 150
    assert len(shop.store.interactions.labeled(TASK, measuring=True)) == measured
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.PASS
    assert not any(one.decides for one in queue(shop.store, TASK, 10))


def test_the_trial_itself_has_that_much_less_to_spend(shop: Workshop) -> None:
    """A tenth of the level of live rows is the second look's; without one all of it is the trial's."""
    release = on_trial(shop)
    settings = shop.config.release
    assert again.safely(shop.store, release, settings) == settings
    again.look(shop, NOW, release, at=NOW.until)
    assert again.safely(shop.store, release, settings).alpha == 0.9 * settings.alpha


def test_who_has_no_verdict_is_not_looked_at_again(shop: Workshop) -> None:
    """Nor who was passed, nor nobody."""
    release = on_trial(shop)
    verdict = shop.store.verdicts.list(TASK)[0]
    shop.store.verdicts.put(replace(verdict, outcome=Outcome.PASS))
    assert again.look(shop, NOW, release, at=NOW.until) is None
    assert kept(shop.store, release.candidate) is None
    assert open_shadow(shop.store, TASK, release.candidate, now=1.0) == release
    shop.store.verdicts.put(verdict)
    shop.store.turns.put(Turn(id="trn_9", task=TASK, time=1.0, diary={REBUILT: release.candidate}))
    say(shop, answer(shop, release, 300, win=0.02, lose=0.3))
    assert again.look(shop, NOW, release, at=NOW.until) is None  # only harm may hold back who replaces an erased one


def test_a_share_is_told_once_by_requests_without_labels(shop: Workshop) -> None:
    """Of a slice that was left open: at the first look with 200 requests of it, and not moved by later ones; by then
    hardly any of them is labeled.
    """
    release = on_trial(shop)
    verdict = shop.store.verdicts.list(TASK)[0]
    claim = Asked(name="overall", bound=-0.05, level=0.01, rows=80, gain=False, told=True)
    keep(shop.store, release.candidate, Book(first=verdict.id, asked=(claim,), left=()), [])
    right = answer(shop, release, 150, win=0.1, lose=0.1)
    say(shop, dict(list(right.items())[:3]))
    again.look(shop, NOW, release, at=NOW.until)
    before = kept(shop.store, release.candidate)
    assert before is not None
    assert before.shares == {}
    for seed, win in ((1, 0.1), (2, 0.5)):
        answer(shop, release, 150, win=win, lose=0.1, seed=seed)
        say(shop, {f"int_{seed:03}00000": "hologram"})
        again.look(shop, NOW, release, at=NOW.until)
    after = kept(shop.store, release.candidate)
    assert after is not None
    differing, n = after.shares["overall"]
    assert n == 300
    assert 0.1 * n < differing < 0.3 * n


def test_test_rows_are_worn_once_by_a_candidate(shop: Workshop) -> None:
    """However often the gate looks again: its second word rests on live rows."""
    release = on_trial(shop)
    before = used(shop.store, TASK)
    again.look(shop, NOW, release, at=NOW.until)
    say(shop, answer(shop, release, 500, win=0.25, lose=0.02))
    assert again.look(shop, NOW, release, at=NOW.until) is Outcome.PASS
    assert used(shop.store, TASK) == before
    assert set(before.values()) == {1}


def a_look_that_dies(config: Config, at: int) -> bool:
    """Look in a process that kills itself with SIGKILL before its so-manieth write of rows; whether it got through."""
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    try:
        left, write = [at], Database.write

        def dying(database: Database, *given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return write(database, *given, **more)

        Database.write = dying  # type: ignore[method-assign]
        with closing(Workshop.open(config)) as shop:
            release = shop.store.releases.current(TASK)
            assert release is not None
            again.look(shop, NOW, release, at=NOW.until + 1.0)
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.parametrize(("win", "lose", "outcome"), [(0.25, 0.02, Outcome.PASS), (0.02, 0.3, Outcome.FAIL)])
def test_killed_at_every_write_it_says_what_it_would_have_said(
    project: Config, win: float, lose: float, outcome: Outcome
) -> None:
    """A second look that dies with SIGKILL before its first write, before its second and so on, each in the state that
    the last one left: the store is sound after every death, and in the end there are the book, the verdict, the account
    and the release of a look that nobody disturbed.
    """
    with closing(Workshop.open(project)) as shop:
        use(shop)
        release = on_trial(shop)
        again.look(shop, NOW, release, at=NOW.until)
        right = answer(shop, release, 400, win=win, lose=lose)
        say(shop, right)
    deaths = 0
    while not a_look_that_dies(project, 1 + deaths):
        deaths += 1
        assert deaths < 12
        with Store.open(project.database, project.blobs) as store:
            assert store.verify() == []
            assert len(store.verdicts.list(TASK)) <= 2
    assert deaths >= 2
    with closing(Workshop.open(project)) as shop:
        first, second = shop.store.verdicts.list(TASK)
        book, row = kept(shop.store, release.candidate), shop.store.releases.current(TASK)
        assert again.look(shop, NOW, release, at=NOW.until + 2.0) is None
    assert (first.outcome, second.outcome) == (Outcome.UNSURE, outcome)
    account = standing([first, second], project.evaluate.alpha)
    assert (account.tried, account.replays) == (1, True)
    assert book is not None
    assert {pair.row.id for pair in book.pairs} == set(right)
    assert book.because == second.because
    assert row is not None
    assert row.stage.value == ("shadow" if outcome is Outcome.PASS else "rollback")


def test_a_disturbed_suite_that_was_left_open_is_asked_of_live_requests(shop: Workshop) -> None:
    """Each labeled request is one more case, answered by both versions as the suite would have it; a list of cases, and
    a suite that came later, get none. What was asked for because the two differ is left out.
    """
    release = on_trial(shop)
    suites.keep(shop.store, Suite(name="robust", task=TASK, check="equals", test_rows=40, under=("shouted", "typos")))
    verdict = shop.store.verdicts.list(TASK)[0]
    part = "suite robust under shouted"
    claims = [
        Asked(name=name, bound=-0.05, level=0.01, rows=40, gain=False, what=name) for name in (part, "suite golden")
    ]
    keep(shop.store, release.candidate, Book(first=verdict.id, asked=tuple(claims), left=()), [])
    right = answer(shop, release, 24, win=0.0, lose=0.0)
    ids = list(right)
    say(shop, {id: right[id] for id in ids[:16]})
    say(shop, {id: right[id] for id in ids[16:]}, source="picked, by lot between two, by ana")
    again.look(shop, NOW, release, at=NOW.until)
    book = kept(shop.store, release.candidate)
    assert book is not None
    assert [set(pair.suites) for pair in book.pairs] == [{part}] * 16 + [set()] * 8
    task = shop.config.task(TASK)
    texts = {row.id: row.text.upper() for row in shop.store.interactions.list(TASK) if row.id in right}
    champion = shop.store.versions.get(release.champion)
    said = shop.replies(task, champion, [texts[pair.row.id] for pair in book.pairs[:16]])
    worths = [(float(reply == right[pair.row.id])) for reply, pair in zip(said, book.pairs, strict=False)]
    assert [pair.suites[part] for pair in book.pairs[:16]] == [(one, one) for one in worths]  # it is the champion again
    assert f"{part} (nothing lost, by 5.0 points): 0 won and 0 lost of 16 labeled" in book.because


def test_pairs_say_what_guards_ask_of_them(shop: Workshop) -> None:
    """How sure both were, what they replied, and the tags that the task is held to: the candidate's first, whoever of
    the two the user heard.
    """
    release = on_trial(shop)
    fair(shop, language=0.1)
    again.look(shop, NOW, release, at=NOW.until)
    right = answer(shop, release, 6, win=1.0, lose=0.0)
    rows = [
        replace(row, id=f"{row.id}t", confidence=0.3, tags={"language": "de", "user": "bob"})
        for row in primary(shop, right)
    ]
    copies = [
        replace(row, id=f"{row.id}c", role=Role.SHADOW, of=row.id, version=release.candidate, reply=right[row.id[:-1]])
        for row in rows
    ]
    shop.store.interactions.add([*rows, *(replace(copy, confidence=0.9) for copy in copies)])
    say(shop, {row.id: right[row.id[:-1]] for row in rows})
    again.look(shop, NOW, release, at=NOW.until)
    book = kept(shop.store, release.candidate)
    assert book is not None
    assert len(book.pairs) == 6
    for pair in book.pairs:
        assert (pair.row.candidate, pair.row.champion, pair.row.sure) == (1.0, 0.0, (0.9, 0.3))
        assert pair.row.said[0] == pair.row.target == right[pair.row.id[:-1]]
        assert dict(pair.row.tags) == {"language": "de"}


def primary(shop: Workshop, ids: dict[str, str]) -> list[Interaction]:
    return [row for row in shop.store.interactions.list(TASK) if row.id in ids]
