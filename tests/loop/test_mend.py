"""What is looked for when every candidate was refused; the whole of it, with its release, is in test_turn."""

from __future__ import annotations

from dataclasses import replace

from small_project import ONSET, TASK

from homeostat.loop import steps
from homeostat.loop.mend import NAME, acceptable, mend
from homeostat.loop.steps import Now, once
from homeostat.loop.workshop import Workshop, use
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import State

NOW = Now("trn_1", TASK, ONSET + 1000.0)


def refused(shop: Workshop) -> str:
    """A candidate trained on new rows alone, and refused."""
    dataset = once(NOW, "curate.naive", steps.curate, "naive")
    candidate = once(NOW, "train.naive", steps.train, "naive", dataset)
    shop.store.versions.set_state(candidate, State.REFUSED)
    return candidate


def test_a_version_before_the_refused_one_is_found_once(shop: Workshop) -> None:
    """It continues the champion, knows the candidate's labels, says where it lies, and is better at what is known; done
    again it is the same, and no folder of a run is left.
    """
    candidate = refused(shop)
    found = [mend(shop, NOW) for _ in range(2)]
    assert found[0] == found[1] != ""
    version, end = shop.store.versions.get(found[0]), shop.store.versions.get(candidate)
    champion = shop.champion(TASK)
    assert (version.parent, version.labels, version.dataset) == (champion.id, end.labels, end.dataset)
    assert version.recipe["name"] == NAME
    assert version.cost["flops"] > 0
    assert ("steps back from", candidate) in shop.store.lineage.parents(version.id)
    assert not list((shop.run_folder("any").parent).glob("ver_*"))
    known = [row for row in shop.suite(TASK) if row.target in champion.labels]
    right = [
        sum(reply == row.target for reply, row in zip(replies, known, strict=True)) / len(known)
        for replies in (shop.replies(shop.config.task(TASK), v, [row.text for row in known]) for v in (version, end))
    ]
    assert right[0] > right[1] + 0.5


def test_nothing_is_looked_for_without_a_refused_candidate(shop: Workshop) -> None:
    """None was trained; or it is off; or the candidate is still on trial."""
    once(NOW, "watch", steps.watch)
    assert mend(shop, NOW) == ""
    candidate = refused(shop)
    off = replace(shop.config, train=replace(shop.config.train, mend=False))
    assert mend(Workshop(off, shop.store), NOW) == ""
    shop.store.versions.set_state(candidate, State.CANDIDATE)
    use(shop)
    assert mend(shop, NOW) == ""


def test_a_verdict_that_does_not_refuse_lets_it_be_tried(shop: Workshop) -> None:
    """Unsure and passed candidates are acceptable, refused ones are not."""
    said = {}
    for outcome in Outcome:
        verdict = Verdict(
            id=f"vdt_{outcome}", task=TASK, time=1.0, report="rep_1", candidate="ver_2", outcome=outcome, because="x"
        )
        shop.store.verdicts.put(verdict)
        said[outcome] = acceptable(shop, NOW, verdict.id)
    assert said == {Outcome.PASS: "ver_2", Outcome.UNSURE: "ver_2", Outcome.FAIL: ""}
