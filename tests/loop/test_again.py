"""While a candidate is on trial, labels of live requests decide what test rows did not; nothing is trained for that."""

from __future__ import annotations

import time
from dataclasses import replace

from small_project import TASK

from homeostat.config.schema import Release as Rollout
from homeostat.evaluate.account import standing
from homeostat.evaluate.again import Asked
from homeostat.loop import again, releasing
from homeostat.loop.labeling import hold, label, queue
from homeostat.loop.later import Book, keep, kept
from homeostat.loop.wear import used
from homeostat.loop.workshop import Workshop
from homeostat.release.rollout import open_shadow
from homeostat.types.report import Outcome
from homeostat.types.turn import REBUILT, Turn
from homeostat.types.version import State
from loop.bystander import NOW
from loop.onlive import answer, on_trial, say

EAGER = Rollout(shadow_pairs=30, canary_feedback=0, poll_s=0.01)


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
