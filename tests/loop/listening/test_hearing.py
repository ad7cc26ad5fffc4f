"""Feedback beside what is known: lies are told from mistakes and from what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from small_project import NEW

from homeostat.loop.listening.hearing import Hearing
from homeostat.loop.listening.witness import Witness
from loop.liars import Pair, at_random, honest, in_time, lies, pair, remembered, rows, unnamed


def doubted(pairs: Sequence[Pair], *, known: bool = True) -> dict[str, set[str]]:
    """Group -> ids of the feedback that is held back for it, heard twenty statements at a time."""
    hearing, found = Hearing(Witness.of(remembered()) if known else None), dict[str, set[str]]()
    for start in range(0, len(pairs), 20):
        hearing.take(pairs[start : start + 20])
        for one in hearing.doubts():
            found.setdefault(one.group, set()).update(one.held)
    return found


def ids(pairs: Sequence[Pair]) -> set[str]:
    return {said.id for _, said in pairs}


def test_honest_people_are_believed() -> None:
    """So are those who label what nobody knew yet."""
    new = [
        pair(f"n{k}", (text, "refund"), label, f"user{k % 9}", 5.0 * k)
        for k, (text, label) in enumerate(rows(list(NEW), 80, 7))
    ]
    assert doubted(in_time(honest(400), new)) == {}


def test_one_liar() -> None:
    """Is doubted by name, with everything it said, what nobody can judge too."""
    said = [*lies(12, source="loud"), pair("n", ("water leak wet floor", "refund"), "leak", "loud", 700.0)]
    assert doubted(in_time(honest(), said)) == {"source=loud": ids(said)}


def test_many_liars_with_one_aim() -> None:
    """Are doubted for what they say, named or not."""
    said = lies(30)
    for of in (in_time(honest(), said), unnamed(in_time(honest(), said))):
        (group,) = (found := doubted(of))
        assert group == "label=refund→login"
        assert len(found[group] & ids(said)) >= 25
        assert not found[group] - ids(said)


def test_labels_flipped_here_and_there() -> None:
    """Are seen in all together."""
    said = at_random(50)
    found = doubted(in_time(honest(400), said))
    held = set().union(*found.values())
    assert len(held & ids(said)) >= 20
    assert len(held - ids(said)) <= 8


def test_what_the_version_itself_replied_is_no_contradiction() -> None:
    """Whoever says that the reply was right is not doubted, whatever the witness thinks."""
    said = [(replace(request, reply=told.value), told) for request, told in lies(30)]
    assert doubted(in_time(honest(), said)) == {}


def test_bad_ratings_of_good_replies() -> None:
    """A burst of them is doubted, by one source and by many; a few among many, as people grumble, are not."""
    calm = honest(200, rated=True)
    for source in ("loud", ""):
        said = lies(40, source=source, said="0.0")
        held = set().union(*doubted(in_time(calm, said)).values())
        assert len(held & ids(said)) >= (40 if source else 15)
        assert len(held - ids(said)) == 0
    grumbling = [
        (request, replace(told, value="0.0")) if k % 14 == 0 else (request, told)
        for k, (request, told) in enumerate(calm)
    ]
    assert doubted(grumbling) == {}


def test_good_ratings_of_replies_that_can_hardly_be_right() -> None:
    """A source that praises wrong replies is doubted."""
    said = [(replace(request, reply="login"), told) for request, told in lies(12, source="loud", said="1.0")]
    assert doubted(in_time(honest(rated=True), said)) == {"source=loud": ids(said)}


def test_a_task_of_text() -> None:
    """Nothing is known of replies: who calls all bad where others do not is told, and a fall of everybody's is none."""
    said = lies(30, source="loud", said="0.0")
    assert doubted(in_time(honest(rated=True), said), known=False) == {"source=loud": ids(said)}
    worse = [
        (request, replace(told, value="0.0")) if told.time > 1_700_000_600.0 else (request, told)
        for request, told in honest(rated=True)
    ]
    assert doubted(worse, known=False) == {}


def test_what_was_released_is_not_doubted_again() -> None:
    """Nor does it make others doubted."""
    hearing, said = Hearing(Witness.of(remembered())), lies(30)
    hearing.take(in_time(honest(), said))
    assert hearing.doubts()
    assert hearing.doubts(released=ids(said)) == []


def test_who_is_alone_waits() -> None:
    """Labels flipped here and there, too few to be seen together; hardly an honest one; none that is released."""
    said = at_random(12)
    pairs = in_time(honest(400), said)
    assert doubted(pairs) == {}
    hearing = Hearing(Witness.of(remembered()))
    hearing.take(pairs)
    waiting, others = hearing.alone()
    assert len(waiting & ids(said)) >= 9
    assert len(waiting - ids(said)) <= 4
    assert not waiting & others
    assert waiting | others == ids(pairs)
    assert hearing.alone(released=waiting)[0] == frozenset()
