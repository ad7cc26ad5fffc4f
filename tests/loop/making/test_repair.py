"""A refused candidate is taught by the champion; the whole of it, with its release, is in test_turn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_project import TASK

from homeostat.curate.snapshot import examples
from homeostat.errors import NotFound
from homeostat.loop.making.repair import NAME, as_it_is, repair
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Workshop
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.stacked import Stacked
from homeostat.types.dataset import Origin
from loop.refused import NOW, right


def test_a_candidate_that_forgot_is_repaired_once(after: Workshop) -> None:
    """It knows again what it had lost and most of what it had learned, goes by the champion as its parent, says from
    whom it comes, what it was made of and what it took; done again it is the same, and no folder of a run is left.
    """
    attempts = tried(after, NOW)
    found = [repair(after, NOW, attempts) for _ in range(2)]
    assert found[0] == found[1] != ""
    version, (before,) = after.store.versions.get(found[0]), [one.candidate for one in attempts]
    champion = after.champion(TASK)
    assert (version.parent, version.labels, version.kind) == (champion.id, before.labels, before.kind)
    assert version.recipe["name"] == NAME
    assert version.teachers == ()
    assert min(version.cost[name] for name in ("flops", "steps", "kl_new")) > 0
    assert {row.origin for row in examples(after.store, version.dataset)} >= {Origin.NEW, Origin.REPLAY}
    assert ("repairs", before.id) in after.store.lineage.parents(version.id)
    assert not list((after.run_folder("any").parent).glob("ver_*"))
    assert right(after, version) > right(after, before) + 0.5
    assert right(after, version, known=False) > 0.7 * right(after, before, known=False)


def test_it_is_repaired_again(after: Workshop) -> None:
    """From the candidate that it was repaired from, under the eyes of the champion of then: byte by byte the same.
    Where nothing says which candidate that was, this is told.
    """
    version = after.store.versions.get(repair(after, NOW, tried(after, NOW)))
    found = reproduce(after, version)
    assert found.same, found
    twin = replace(version, id="ver_twin")
    after.store.versions.put(twin)
    with pytest.raises(NotFound, match="repaired from"):
        reproduce(after, twin)


def test_nothing_is_repaired_where_no_loss_is_shown(after: Workshop) -> None:
    """Not a candidate that nobody has measured, nor one whose report shows no loss among what was known."""
    (one,) = tried(after, NOW)
    assert repair(after, NOW, [replace(one, report="")]) == ""
    report = after.store.reports.get(one.report)
    groups = {name: replace(score, high=0.01) for name, score in report.groups.items()}
    after.store.reports.put(replace(report, groups=groups))
    assert repair(after, NOW, [one]) == ""


def test_nothing_is_repaired_without_old_requests(after: Workshop) -> None:
    """Where no old row is replayed there is nothing to ask the champion about."""
    forgetful = Workshop(replace(after.config, curate=replace(after.config.curate, replay=0.0)), after.store)
    assert repair(forgetful, NOW, tried(after, NOW)) == ""


def test_a_repair_that_goes_astray_leaves_nothing(after: Workshop) -> None:
    """At a rate at which every step is no number, the turn goes on without it."""
    wild = Workshop(replace(after.config, train=replace(after.config.train, warm_lr=1e38)), after.store)
    assert repair(wild, NOW, tried(after, NOW)) == ""
    assert not list((after.run_folder("any").parent).glob("ver_*"))


def test_a_candidate_is_not_taken_back_again() -> None:
    """One that learned on a champion taken back toward the base is gone on from as it lies; other ways stay."""
    assert as_it_is(Stacked(rank=4, back=0.5)) == Stacked(rank=4)
    assert as_it_is(Lora(rank=4)) == Lora(rank=4)
