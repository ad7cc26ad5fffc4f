"""Tests of what replies that are the same say of a candidate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.alike import PART, Replied, alike, either
from homeostat.release.evidence import Evidence, weigh
from homeostat.release.games import Judged, Tried
from homeostat.release.ramp import next_share
from release.test_guard import SETTINGS

SHOWN = math.log(20)


def replied(n: int, differing: float, *, each: int = 1, slices: tuple[str, ...] = (), seed: int = 0) -> list[Replied]:
    """Pairs of n users, `each` of everyone; the replies to so many of the users differ."""
    fates = np.random.default_rng(seed).random(n) < differing
    rows = [Replied(same=not fate, slices=slices, whose=f"user {k}") for k, fate in enumerate(fates)]
    return [row for row in rows for _ in range(each)]


def seen(pairs: list[Replied], judged: list[Judged] | None = None, slices: dict[str, float] | None = None) -> Evidence:
    """What is known of such pairs."""
    return weigh(Tried(replied=pairs, pairs=len(pairs), judged=judged or []), slices or {}, SETTINGS)


def test_nothing_is_known_of_nothing() -> None:
    """Without pairs the wealth is what it was, in all and in each slice."""
    assert alike([], ("a=1", "a=2"), 0.05) == (0.0, 0.0, 0.0)
    assert either(0.0, 0.0) == pytest.approx(0.0)


def test_the_same_replies_show_that_nothing_is_lost() -> None:
    """Four hundred pairs of which one in a hundred differs show it without a label; where one in ten does, nothing
    shows it however many there are.
    """
    (few,) = alike(replied(400, 0.01), (), 0.05)
    (many,) = alike(replied(20_000, 0.1), (), 0.05)
    assert few + math.log(PART) > SHOWN
    assert many < 0.0


@pytest.mark.parametrize("each", [1, 10])
def test_false_words_are_as_rare_as_promised(each: int) -> None:
    """At the boundary, looked at after every fortieth pair, it is shown in at most one of twenty; users who ask ten
    times each are no crowd.
    """
    shown = 0
    for seed in range(100):
        rows = replied(600 // each, 0.05, each=each, seed=seed)
        shown += any(alike(rows[:n], (), 0.05)[0] >= SHOWN for n in range(40, 601, 40))
    assert shown <= 9  # of at most 5 in the mean; more than 9 has a probability of 3 %


def test_a_slice_where_replies_differ_is_not_hidden() -> None:
    """In all traffic 2 % differ, and all of these in a slice of a fifth: there nothing is shown."""
    here, there = replied(800, 0.0, slices=("a=1",)), replied(200, 0.1, slices=("a=2",))
    whole, same, other = alike([*here, *there], ("a=1", "a=2"), 0.05)
    assert whole > SHOWN < same
    assert other < 0.0
    assert seen([*here, *there]).alike_shown(SETTINGS)
    assert not seen([*here, *there], slices={"a=1": 0.8, "a=2": 0.2}).alike_shown(SETTINGS)


def test_it_is_never_more_than_the_scores_allow() -> None:
    """Whatever is right: the wealth by replies is at most that by scores of all pairs, of which it bets on a bound."""
    rng = np.random.default_rng(3)
    ours, theirs, truth = (rng.integers(0, 3, 300).astype(str) for _ in range(3))
    rows = [Replied(same=bool(a == b)) for a, b in zip(ours, theirs, strict=True)]
    scores = [(float(a == t), float(b == t)) for a, b, t in zip(ours, theirs, truth, strict=True)]
    judged = weigh(Tried(judged=[Judged(candidate=a, champion=b) for a, b in scores]), {}, SETTINGS)
    (game,) = (game for game in judged.games if game.name == "quality")
    assert alike(rows, (), SETTINGS.harm_margin)[0] <= game.safe


def test_a_canary_that_replies_as_the_champion_waits_for_no_label() -> None:
    """It goes from share to share and to all, passed or not, once as many pairs as are judged at most are known: fewer
    say too little of time and failures.
    """
    known = seen(replied(SETTINGS.most_feedback, 0.01))
    assert (known.judged, known.alike_shown(SETTINGS), known.safety_shown(SETTINGS)) == (0, True, True)
    assert known.fit(SETTINGS, passed=False) is True
    assert next_share(SETTINGS, SETTINGS.ramp[0], known) == SETTINGS.ramp[1]
    fewer = replied(SETTINGS.most_feedback, 0.01)[:-1]
    assert seen(fewer).fit(SETTINGS, passed=True) is None
    assert next_share(SETTINGS, SETTINGS.ramp[0], seen(fewer)) is None


def test_labels_that_speak_against_it_hold_it_back() -> None:
    """Where it looks worse on what is judged it does not go on, however few its replies are others."""
    worse = [Judged(candidate=0.0, champion=1.0), *[Judged(candidate=1.0, champion=1.0)] * 9]
    known = seen(replied(1000, 0.01), worse)
    assert known.alike_shown(SETTINGS)
    assert known.fit(SETTINGS, passed=True) is None
    assert next_share(SETTINGS, SETTINGS.ramp[0], known) is None


def test_no_margin_shows_nothing() -> None:
    """Where nothing may be lost, replies prove nothing; where all may, everything is safe."""
    assert not weigh(Tried(replied=replied(1000, 0.0), pairs=1000), {}, Settings(harm_margin=0.0)).alike_shown(SETTINGS)
    assert weigh(Tried(replied=replied(1000, 0.9), pairs=1000), {}, Settings(harm_margin=1.0)).alike_shown(SETTINGS)


def test_labels_lose_little_to_it() -> None:
    """Labels that show it need a tenth more wealth, and no more."""
    judged = [Judged(candidate=1.0, champion=float(k % 4 > 0)) for k in range(200)]
    pairs = [Replied(same=k % 4 > 0) for k in range(200)]
    alone, both = (weigh(Tried(judged=judged, replied=known), {}, SETTINGS) for known in ((), pairs))
    assert both.safe == pytest.approx(alone.safe + math.log(0.9), abs=0.01)
    assert both.differing == 0.25
