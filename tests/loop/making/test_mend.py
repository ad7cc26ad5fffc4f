"""What is tried when every candidate was refused; the whole of it, with its release, is in test_turn."""

from __future__ import annotations

from dataclasses import replace

from homeostat.loop import steps
from homeostat.loop.making.mend import WAYS, acceptable, mend
from homeostat.loop.steps import once
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Workshop
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import State
from loop.refused import NOW


def test_ways_are_tried_from_the_cheapest() -> None:
    """The line between two versions, which trains nothing, comes before the repair, which does."""
    assert list(WAYS) == ["between", "repair"]


def test_nothing_is_looked_for_without_a_refused_candidate(after: Workshop) -> None:
    """It is off; or the candidate is still on trial."""
    off = replace(after.config, train=replace(after.config.train, mend=False))
    assert [mend(Workshop(off, after.store), NOW, way) for way in WAYS] == ["", ""]
    (one,) = tried(after, NOW)
    after.store.versions.set_state(one.candidate.id, State.CANDIDATE)
    assert [mend(after, NOW, way) for way in WAYS] == ["", ""]


def test_nothing_is_looked_for_where_nothing_was_trained(shop: Workshop) -> None:
    """A turn that has only watched."""
    once(NOW, "watch", steps.watch)
    assert [mend(shop, NOW, way) for way in WAYS] == ["", ""]


def test_a_verdict_that_does_not_refuse_lets_it_be_tried(shop: Workshop) -> None:
    """Unsure and passed candidates are acceptable, refused ones are not."""
    said = {}
    for outcome in Outcome:
        verdict = Verdict(
            id=f"vdt_{outcome}",
            task=NOW.task,
            time=1.0,
            report="rep_1",
            candidate="ver_2",
            outcome=outcome,
            because="x",
        )
        shop.store.verdicts.put(verdict)
        said[outcome] = acceptable(shop, NOW, verdict.id)
    assert said == {Outcome.PASS: "ver_2", Outcome.UNSURE: "ver_2", Outcome.FAIL: ""}
