"""When what is known suffices: harm, safety, and users who are counted once."""

from dataclasses import replace

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.evidence import Evidence, weigh
from homeostat.release.games import ERRORS, LATENCY, Judged, Tried
from homeostat.release.ramp import next_share

SETTINGS = Settings(harm_alpha=0.01, alpha=0.05, harm_margin=0.05)


def test_a_safe_whole_does_not_hide_a_slice() -> None:
    """Who has to show that it is safe has to show it in every slice: better elsewhere does not make up for one."""
    here, there = frozenset({"segment=home"}), frozenset({"segment=shop"})
    better = [Judged(candidate=1.0, champion=float(k % 4 > 0), slices=here) for k in range(600)]
    worse = [Judged(candidate=float(k % 20 > 2), champion=float(k % 20 > 1), slices=there) for k in range(150)]
    slices = {"segment=home": 0.8, "segment=shop": 0.2}
    whole = weigh(Tried(judged=[*better, *worse]), {}, SETTINGS)
    both = weigh(Tried(judged=[*better, *worse]), slices, SETTINGS)
    assert whole.fit(SETTINGS, passed=False) is True
    assert both.difference == whole.difference > 0.1
    assert both.fit(SETTINGS, passed=False) is None
    assert both.enough == 2000


def test_when_a_canary_has_shown_enough() -> None:
    """Blessed by the gate it must only not be worse; without, it must prove that; undecided for long is unfit."""
    better, same, worse = [(1.0, 0.0)] * 40, [(1.0, 1.0)] * 40, [(0.0, 1.0)] * 40
    settings = replace(SETTINGS, canary_feedback=40, most_feedback=60)
    assert Evidence.of(same[:39], settings).fit(settings, passed=True) is None
    assert Evidence.of(same, settings).fit(settings, passed=True) is True
    assert Evidence.of(same, settings).fit(settings, passed=False) is None
    assert Evidence.of(better, settings).fit(settings, passed=False) is True
    assert Evidence.of(worse, settings).fit(settings, passed=True) is False
    undecided = [(1.0, 0.0), (0.0, 1.0)] * 30
    assert Evidence.of([*undecided[:-2], (1.0, 1.0)], settings).fit(settings, passed=False) is None
    assert Evidence.of(undecided, settings).fit(settings, passed=False) is False


@pytest.mark.parametrize(("theirs", "ends"), [(1.0, True), (0.0, False)])
def test_one_user_alone_does_not_hold_a_canary_up(*, theirs: float, ends: bool) -> None:
    """What is enough is counted in users, what is too much in labels: where one user asks everything, he decides."""
    settings = replace(SETTINGS, canary_feedback=40, most_feedback=60)
    mixed = [(1.0, 1.0), (theirs, 1.0)] * 30
    judged = [Judged(candidate=mine, champion=other, whose="user ann") for mine, other in mixed]
    assert weigh(Tried(judged=judged[:59]), {}, settings).fit(settings, passed=True) is None
    assert weigh(Tried(judged=judged), {}, settings).fit(settings, passed=True) is ends


def test_one_user_lets_nobody_through() -> None:
    """Forty judged pairs of one user are not forty judged pairs, whatever they say."""
    better = [Judged(candidate=1.0, champion=0.0, whose="user ann")] * 60
    alone = [replace(one, whose="") for one in better]
    assert weigh(Tried(judged=better), {}, SETTINGS).fit(SETTINGS, passed=True) is None
    assert weigh(Tried(judged=alone), {}, SETTINGS).fit(SETTINGS, passed=True) is True
    assert next_share(SETTINGS, SETTINGS.ramp[0], weigh(Tried(judged=better), {}, SETTINGS)) is None
    assert next_share(SETTINGS, SETTINGS.ramp[0], weigh(Tried(judged=alone), {}, SETTINGS)) == SETTINGS.ramp[1]


def test_what_is_to_blame_is_told_in_words() -> None:
    """The game that shows most harm, with its size; failures hold it up, shown or not."""
    failing = weigh(Tried(answered=100, failed=(30, 0, 0)), {}, SETTINGS)
    assert failing.blamed() == "failures, 30 of 130 requests"
    assert failing.failing
    assert max(failing.games, key=lambda game: game.weighed).name == ERRORS
    slow = weigh(Tried(answered=60, raced=[(900.0, 100.0)] * 60), {}, SETTINGS)
    assert slow.blamed() == "time, much slower in 100 % more of 60 requests"
    assert next(game for game in slow.games if game.name == LATENCY).n == 60
    assert not slow.failing


def test_no_error_allowed_means_nothing_is_shown() -> None:
    """An alpha of zero asks for endless wealth."""
    seen = Evidence.of([(0.0, 1.0)] * 200, SETTINGS)
    assert seen.harm_shown(SETTINGS)
    assert not seen.harm_shown(replace(SETTINGS, harm_alpha=0.0))
