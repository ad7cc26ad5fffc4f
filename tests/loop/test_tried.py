"""What a turn has tried, from its diary."""

from __future__ import annotations

from homeostat.loop.steps import once
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Workshop
from loop.refused import NOW


def test_attempts_are_those_that_were_trained(after: Workshop) -> None:
    """Each with its recipe, version and report; what was mended, and what has not been trained yet, is none."""
    once(NOW, "train.between", lambda shop, now: "ver_mended")
    once(NOW, "curate.careful", lambda shop, now: "dst_x")
    (one,) = tried(after, NOW)
    diary = after.store.turns.get(NOW.turn).diary
    assert (one.recipe.name, one.candidate.id) == ("naive", diary["train.naive"])
    assert after.store.reports.get(one.report).candidate == one.candidate.id
