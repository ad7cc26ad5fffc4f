"""One allowance of false alarms for all games together, and power in each of them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from homeostat.release.games import ERRORS, FAILING, LATENCY, SLACK, STAKES, Game, Games, Judged, Tried, much, played

SLICES = {"segment=home": 0.45, "segment=shop": 0.3, "segment=bank": 0.25}


def drawn(rng: np.random.Generator, n: int, *, slow: float, failing: float, worse: dict[str, float]) -> Tried:
    """Requests of three slices of which the candidate does worse by so much, discordant in a fifth of them."""
    where = rng.choice(list(SLICES), n, p=list(SLICES.values()))
    judged = []
    for name in where:
        lost, won = 0.1 + worse.get(name, 0.0) / 2, 0.1 - worse.get(name, 0.0) / 2
        d = rng.choice([-1.0, 1.0, 0.0], p=[lost, won, 1 - lost - won])
        judged.append(Judged(candidate=0.5 + d / 2, champion=0.5 - d / 2, slices=(name,)))
    failed = int(rng.binomial(n, failing))
    times = np.exp(rng.normal(4.0, 0.5, (n // 4, 2)))
    times[rng.random(n // 4) < slow, 0] *= 20.0
    return Tried(judged=judged, pairs=n, answered=n - failed, failed=(failed, 0, 0), raced=list(map(tuple, times)))


def share(n: int, runs: int, slices: dict[str, float], **how: object) -> float:
    """Share of runs in which harm is shown at 5 % at one of ten looks."""
    shown = 0
    for seed in range(runs):
        tried = drawn(np.random.default_rng(seed), n, **how)  # type: ignore[arg-type]
        looks = [_until(tried, n * k // 10) for k in range(1, 11)]
        shown += any(played(look, slices, 0.05).harm >= math.log(20) for look in looks)
    return shown / runs


def _until(tried: Tried, n: int) -> Tried:
    failed = round(tried.failed[0] * n / tried.pairs)
    return Tried(
        judged=tried.judged[:n],
        pairs=n,
        answered=n - failed,
        failed=(failed, 0, 0),
        raced=tried.raced[: n // 4],
    )


@pytest.mark.slow
def test_at_the_boundary_of_every_game_false_alarms_are_rare() -> None:
    """Worse by exactly the margin everywhere, and failing as often as is borne, is rarely called harmful."""
    margin = dict.fromkeys(SLICES, 0.05)
    assert share(600, 40, SLICES, slow=SLACK / 2, failing=FAILING, worse=margin) <= 0.05


def test_each_game_finds_its_harm() -> None:
    """Slowness, failures, and a slice that lost, each with everything else in order."""
    assert share(400, 8, SLICES, slow=0.6, failing=0.0, worse={}) == 1.0
    assert share(400, 8, SLICES, slow=0.0, failing=0.1, worse={}) == 1.0
    assert share(1200, 8, SLICES, slow=0.0, failing=0.0, worse={"segment=bank": 0.2}) == 1.0
    assert share(400, 8, {}, slow=0.0, failing=0.0, worse=dict.fromkeys(SLICES, 0.2)) == 1.0


def test_a_slice_that_lost_is_found_sooner_by_itself() -> None:
    """What one slice lost is diluted in the whole: without slices the same rows hardly ever show it."""
    lost = {"segment=bank": 0.2}
    alone = share(1000, 8, SLICES, slow=0.0, failing=0.0, worse=lost)
    whole = share(1000, 8, {}, slow=0.0, failing=0.0, worse=lost)
    assert whole <= 0.25 < 0.75 <= alone


def test_the_stake_is_spent_once() -> None:
    """However many slices there are; without any, theirs goes to the whole."""
    assert sum(STAKES.values()) == pytest.approx(1.0)
    for slices in ((), ("a=1",), tuple(f"a={k}" for k in range(12))):
        games = played(Tried(), slices, 0.05)
        assert sum(game.stake for game in games.all) == pytest.approx(1.0)
        assert len(games.all) == 4 + len(slices)
        assert games.harm == pytest.approx(0.0)
    assert Games().harm == pytest.approx(0.0)


def test_much_is_much() -> None:
    """Twice as long and noticeably longer, whichever side it is; else nothing."""
    both = [(300.0, 100.0), (100.0, 300.0), (190.0, 100.0), (30.0, 5.0), (100.0, 100.0)]
    assert much(both, 50.0).tolist() == [-1.0, 1.0, 0.0, 0.0, 0.0]
    assert much([], 50.0).tolist() == []


def test_a_margin_of_one_bets_on_nothing() -> None:
    """Where nothing counts as harm, rows move next to no wealth."""
    assert Game.of("quality", 0.5, 1.0, [-1.0] * 20).harm < 0.1
    names = [game.name for game in played(Tried(), ("a=1",), 1.0).all]
    assert names[1] == "a=1"
    assert {ERRORS, LATENCY} < set(names)


def asking(seed: int, users: int, each: int, worse: float) -> Tried:
    """Pairs of users who ask so often and fare alike each time, one user after the other."""
    rng = np.random.default_rng(seed)
    fates = rng.choice([-1.0, 1.0, 0.0], users, p=[0.1 + worse / 2, 0.1 - worse / 2, 0.8])
    return Tried(
        judged=[
            Judged(candidate=0.5 + d / 2, champion=0.5 - d / 2, slices=("a=1",) if k % 2 else (), whose=f"user {k}")
            for k, d in enumerate(fates.tolist())
            for _ in range(each)
        ]
    )


def nobodys(tried: Tried) -> Tried:
    """The same, of which nobody says whose they are."""
    return replace(tried, judged=[replace(one, whose="") for one in tried.judged])


def test_who_asks_often_is_no_crowd() -> None:
    """Ten rows of each user, worse by just the margin: rows alone call that harm, and call it safe, far too often."""
    found = {"harm": [0, 0], "safe": [0, 0]}
    for seed in range(40):
        tried = asking(seed, 60, 10, 0.05)
        for way, each in enumerate((tried, nobodys(tried))):
            games = played(each, ("a=1",), 0.05)
            found["harm"][way] += games.harm >= math.log(20)
            found["safe"][way] += games.safe >= math.log(20)
    assert found["harm"][0] <= 3
    assert found["safe"][0] <= 3
    assert found["harm"][1] >= 8


def test_who_asks_once_counts_as_before_but_for_a_tenth() -> None:
    """Users who ask once each are bet on as rows alone, with nine tenths of the allowance; figures are of all rows."""
    tried = asking(1, 400, 1, 0.2)
    users, alone = played(tried, ("a=1",), 0.05), played(nobodys(tried), ("a=1",), 0.05)
    assert users.harm == pytest.approx(alone.harm + math.log(0.9))
    assert users.safe == pytest.approx(alone.safe + math.log(0.9))
    assert [game.n for game in users.telling] == [game.n for game in alone.telling] == [400, 200, 0, 0, 0]
    assert not alone.deeper
    assert set(users.deeper) == {3, 9}


def test_harm_that_begins_with_the_second_request_is_found() -> None:
    """Every first request is answered alike and the later ones worse: the means of three and nine show it."""
    judged = [
        Judged(candidate=float(k == 0 or (u + k) % 3 > 0), champion=1.0, whose=f"user {u}")
        for u in range(120)
        for k in range(9)
    ]
    games = played(Tried(judged=judged), (), 0.05)
    assert games.harm >= math.log(100)
    assert played(Tried(judged=judged[::9]), (), 0.05).harm < 0.0
    assert games.telling is games.deeper[9]


def test_time_and_length_count_who_asks_often_once() -> None:
    """One user whose requests are always slow, and long, is not a slow version."""
    tried = Tried(
        raced=[(900.0, 100.0)] * 60, racers=["user a"] * 60, lengths=[(900.0, 100.0)] * 60, readers=["a"] * 60
    )
    assert played(tried, (), 0.05).harm < math.log(5)
    assert played(replace(tried, racers=(), readers=()), (), 0.05).harm > math.log(100)
