"""The line between the champion and a refused candidate; the whole of it, with its release, is in test_turn."""

from __future__ import annotations

from dataclasses import replace

from small_project import TASK

from homeostat.loop.making.between import NAME, between
from homeostat.loop.making.lost import losses
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.tried import tried
from homeostat.loop.workshop import Workshop
from loop.refused import NOW, right


def test_a_version_before_the_refused_one_is_found_once(after: Workshop) -> None:
    """It continues the champion, knows the candidate's labels, says where it lies, and is better at what is known; done
    again it is the same, and no folder of a run is left.
    """
    attempts = tried(after, NOW)
    found = [between(after, NOW, attempts) for _ in range(2)]
    assert found[0] == found[1] != ""
    version, (end,) = after.store.versions.get(found[0]), [one.candidate for one in attempts]
    champion = after.champion(TASK)
    assert (version.parent, version.labels, version.dataset) == (champion.id, end.labels, end.dataset)
    assert version.recipe["name"] == NAME
    assert version.cost["flops"] > 0
    assert ("steps back from", end.id) in after.store.lineage.parents(version.id)
    assert not list((after.run_folder("any").parent).glob("ver_*"))
    assert right(after, version) > right(after, end) + 0.5


def test_the_same_point_is_found_again(after: Workshop) -> None:
    """From its two ends, what both knew, and where it lies: byte by byte the same, whatever answers meanwhile; a point
    elsewhere on the line is another version.
    """
    version = after.store.versions.get(between(after, NOW, tried(after, NOW)))
    found = reproduce(after, version)
    assert found.same, found
    share = float(str(version.recipe["share"]))
    elsewhere = replace(version, recipe={**version.recipe, "share": 1.0 - share / 2})
    assert not reproduce(after, elsewhere).same
    assert not list((after.run_folder("any").parent).glob("again_*"))


def test_a_search_in_vain_is_written_down(after: Workshop) -> None:
    """Where every point has lost too much there is no version, and the turn has taken what looking took."""
    shop = replace(after, config=replace(after.config, evaluate=replace(after.config.evaluate, margin=-0.99)))
    now = replace(NOW, turn="trn_in_vain")
    assert between(shop, now, tried(after, NOW)) == ""
    (cost,) = losses(after.store, now.turn)
    assert cost["flops"] > 0
    assert cost["cpu_seconds"] > 0
    assert not list((after.run_folder("any").parent).glob("ver_*"))


def test_nothing_lies_between_versions_that_are_no_ends_of_a_line(after: Workshop) -> None:
    """One that began at the bare base, or is of another kind than the champion, has no line to it."""
    (one,) = tried(after, NOW)
    cold = replace(one, recipe=replace(one.recipe, warm_start=False))
    other = replace(one, candidate=replace(one.candidate, kind="full"))
    assert between(after, NOW, [cold, other]) == ""
