"""Groups of feedback with more contradictions than chance, and only they, are doubted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from homeostat.curate.suspect import ALL, ALPHA, Statement, Suspicion, suspects

LABELS = tuple(f"l{k}" for k in range(20))
MIX = dict.fromkeys(LABELS, 1 / len(LABELS))
USUAL = 0.04


def honest(n: int, seed: int, *, users: int = 100, wrong: float = 0.02) -> list[Statement]:
    """What many users say, a fiftieth of which contradicts, any way."""
    rng, found = np.random.default_rng(seed), []
    for k in range(n):
        known, other = rng.choice(len(LABELS), 2, replace=False)
        against = bool(rng.random() < wrong)
        said = LABELS[other if against else known]
        found.append(_one(f"h{k}", f"user{rng.integers(users)}", float(k), (LABELS[known], said), against=against))
    return found


def _one(
    id: str, source: str, time: float, place: tuple[str, str], *, against: bool = True, text: str = ""
) -> Statement:
    known, said = place
    words = text or f"{known}{known} number {id} asked"
    return Statement(id=id, source=source, time=time, text=words, known=known, said=said, contradicts=against)


def groups(found: Sequence[Suspicion]) -> list[str]:
    return [one.group for one in found]


def mixed(*parts: Sequence[Statement]) -> list[Statement]:
    return sorted((one for part in parts for one in part), key=lambda one: one.time)


def test_nobody_is_doubted_where_nobody_lies() -> None:
    """Of 60 looks at a thousand honest statements, with mistakes half as frequent as needs an explanation, none
    doubts anything.
    """
    assert not [seed for seed in range(60) if suspects(honest(1000, seed), USUAL, MIX)]


def test_where_mistakes_are_as_frequent_as_may_be() -> None:
    """At the very edge of what is usual one look in a hundred doubts something, at most."""
    wrong = [seed for seed in range(100) if suspects(honest(500, seed, wrong=USUAL), USUAL, MIX)]
    assert len(wrong) <= 3, "one in 300 is promised; four of a hundred come once in two thousand times then"


def test_a_source_that_lies() -> None:
    """All of its statements are held back, those that do not contradict too, and nobody else's."""
    rng = np.random.default_rng(1)
    lies = [_one(f"a{k}", "loud", 10.0 * k, ("l1", LABELS[2 + rng.integers(18)])) for k in range(12)]
    mask = [_one(f"m{k}", "loud", 10.0 * k, ("l3", "l3"), against=False) for k in range(6)]
    (found,) = suspects(mixed(honest(800, 2), lies, mask), USUAL, MIX)
    assert (found.group, found.contradicting, found.n) == ("source=loud", 12, 18)
    assert set(found.held) == {one.id for one in [*lies, *mask]}
    assert found.p < ALPHA


def test_many_sources_with_one_aim() -> None:
    """Where fifty accounts call one label another twice each, what contradicts so is held back, and no more."""
    lies = [_one(f"a{k}", f"new{k // 2}", 500.0 + k / 10, ("l1", "l2")) for k in range(100)]
    true = honest(1500, 3)
    (found,) = suspects(mixed(true, lies), USUAL, MIX)
    assert found.group == "label=l1→l2"
    same = {one.id for one in true if (one.known, one.said, one.contradicts) == ("l1", "l2", True)}
    assert set(found.held) == {one.id for one in lies} | same
    assert (found.since, found.until) == (500.0, max(500.0 + 9.9, found.until))


def test_many_sources_without_one() -> None:
    """Labels flipped here and there by as many accounts as there are flips are seen in all together."""
    rng = np.random.default_rng(4)
    lies = [_one(f"a{k}", f"new{k}", 8.0 * k, tuple(rng.choice(LABELS, 2, replace=False))) for k in range(80)]
    true = honest(1000, 4)
    (found,) = suspects(mixed(true, lies), USUAL, MIX)
    assert found.group == ALL
    assert {one.id for one in lies} <= set(found.held)
    assert {one.id for one in true if not one.contradicts}.isdisjoint(found.held)


def test_a_burst_is_seen_before_it_counts_among_all() -> None:
    """Twenty flips by as many accounts, one after another, are too few among three thousand and many in a row."""
    rng = np.random.default_rng(5)
    lies = [_one(f"a{k}", f"new{k}", 5000.0 + k, tuple(rng.choice(LABELS, 2, replace=False))) for k in range(20)]
    assert groups(suspects([*honest(3000, 5), *lies], USUAL, MIX)) == [ALL]
    spread = [replace(one, time=140.0 * k) for k, one in enumerate(lies)]
    assert suspects(mixed(honest(3000, 5), spread), USUAL, MIX) == []


def test_a_change_of_policy_is_no_poison() -> None:
    """Where everybody who speaks of a label says a new thing from a moment on, and no more often than before, nobody is
    doubted; where others go on saying the old one, those who say the new one are.
    """
    true = honest(1500, 6)
    moved = [replace(one, said="l2", contradicts=True) if one.known == "l1" and one.time > 500 else one for one in true]
    assert suspects(moved, USUAL, MIX) == []
    often = [replace(one, source=f"user{k % 3}") if one.known == "l1" and k % 2 else one for k, one in enumerate(moved)]
    assert suspects(often, USUAL, MIX) == [], "those who speak of little else are not doubted by name for it"
    half = [
        replace(one, said="l2", contradicts=True) if one.known == "l1" and one.time > 500 and k % 2 else one
        for k, one in enumerate(true)
    ]
    assert groups(suspects(half, USUAL, MIX)) == ["label=l1→l2"]


def test_a_change_of_policy_for_some_of_a_label() -> None:
    """Half of a label's requests are of another kind, and of those everybody says a new thing: that is learned, though
    the others stay what they were. Where those of that kind are disputed, it is not.
    """
    true = [
        replace(one, text=f"{'wilted plants again' if k % 2 else 'charged twice for it'} {one.id}")
        if one.known == "l1"
        else one
        for k, one in enumerate(honest(2000, 10))
    ]

    def told(one: Statement, *, by: bool) -> Statement:
        late = one.known == "l1" and "wilted" in one.text and one.time > 500
        return replace(one, said="l2", contradicts=True) if late and by else one

    assert suspects([told(one, by=True) for one in true], USUAL, MIX) == []
    disputed = [told(one, by=k % 4 < 2) for k, one in enumerate(true)]
    assert groups(suspects(disputed, USUAL, MIX)) == ["label=l1→l2"]


def test_a_desk_that_says_everything() -> None:
    """Is not doubted by name, for there is nobody to compare it with; a change of policy that it tells is learned."""
    desk = [replace(one, source="desk") for one in honest(1000, 8)]
    moved = [replace(one, said="l2", contradicts=True) if one.known == "l1" and one.time > 500 else one for one in desk]
    assert suspects(moved, USUAL, MIX) == []
    worse = [replace(one, source="desk") for one in honest(1000, 9, wrong=0.12)]
    assert groups(suspects(worse, USUAL, MIX)) == [ALL]


def test_a_flood_is_no_change_of_policy() -> None:
    """Nearly all who speak of a label say a new thing, but five times as many speak of it as should."""
    lies = [_one(f"a{k}", f"new{k}", 500.0 + 5 * k, ("l1", "l2")) for k in range(200)]
    true = [one for one in honest(1000, 7) if one.known != "l1" or one.time < 500]
    assert groups(suspects(mixed(true, lies), USUAL, MIX)) == ["label=l1→l2"]


def test_nothing_was_said() -> None:
    """No statement, no doubt."""
    assert suspects([], USUAL, MIX) == []
