"""Routing: sticky, uniform, weighted as the row says, and the recorded probability is the true one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from scipy import stats

from homeostat.release.route import chance, in_force, route, uniform
from homeostat.types.release import Release, Stage

EPISODES = [f"episode-{k}" for k in range(20_000)]


def released(stage: Stage = Stage.CANARY, share: float = 0.0, **more: object) -> Release:
    shares = more.get("shares", {})
    candidate = str(more.get("candidate", "ver_new"))
    assert isinstance(shares, dict)
    return Release(
        id="rel_1", task="t", time=0.0, stage=stage, champion="ver_old", candidate=candidate, share=share, shares=shares
    )


def test_draws_are_uniform_and_independent_between_salts() -> None:
    """Kolmogorov–Smirnov finds no departure from uniform; two candidates meet unrelated episodes first."""
    one = [uniform("ver_a", e) for e in EPISODES]
    other = [uniform("ver_b", e) for e in EPISODES]
    assert stats.kstest(one, "uniform").pvalue > 0.001
    assert abs(stats.spearmanr(one, other).statistic) < 0.03
    assert min(one) >= 0.0
    assert max(one) < 1.0


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5])
def test_the_candidate_gets_its_share_and_the_probability_is_recorded(share: float) -> None:
    """The number of episodes on the candidate is binomial with the row's share, which is what is recorded."""
    picks = [route(released(share=share), e) for e in EPISODES]
    taken = sum(version == "ver_new" for version, _ in picks)
    assert stats.binomtest(taken, len(EPISODES), share).pvalue > 0.001
    assert set(picks) == {("ver_new", share), ("ver_old", 1 - share)}


def test_an_episode_keeps_its_version_and_a_raised_share_takes_nobody_back() -> None:
    """Over rows with rising shares, an episode that is on the candidate stays there."""
    on: set[str] = set()
    for share in (0.05, 0.2, 0.5, 0.9, 1.0):
        now = {e for e in EPISODES if route(released(share=share), e)[0] == "ver_new"}
        assert on <= now
        on = now
    assert on == set(EPISODES)


def test_no_user_gets_a_candidate_in_shadow_or_after_a_rollback() -> None:
    """Whatever share such a row carries, the champion answers all with probability 1."""
    for stage in (Stage.SHADOW, Stage.ROLLBACK):
        assert {route(released(stage=stage, share=0.5), e) for e in EPISODES[:500]} == {("ver_old", 1.0)}
    assert {route(released(candidate="", share=0.5), e) for e in EPISODES[:500]} == {("ver_old", 1.0)}


def test_a_fixed_split_divides_what_the_candidate_leaves() -> None:
    """Further versions get their shares of the rest, all probabilities add up, and ramping moves nobody among them."""
    shares = {"ver_x": 0.3, "ver_y": 0.2}
    before = {e: route(released(share=0.1, shares=shares), e) for e in EPISODES}
    counts = Counter(before.values())
    assert {v: round(p, 9) for v, p in counts} == {"ver_new": 0.1, "ver_x": 0.27, "ver_y": 0.18, "ver_old": 0.45}
    for (_, p), n in counts.items():
        assert stats.binomtest(n, len(EPISODES), p).pvalue > 0.001
    after = {e: route(released(share=0.4, shares=shares), e)[0] for e in EPISODES}
    assert all(after[e] in (version, "ver_new") for e, (version, _) in before.items())


def test_who_leaves_a_split_moves_its_own_episodes_and_no_others() -> None:
    """Of four, one after the other leaves, the champion too: all else stay where they are, those that move are divided
    in proportion, and of two versions an episode always draws the same one first.
    """
    rows = [
        replace(released(Stage.SPLIT, candidate="", shares=shares), trial="spl_1")
        for shares in (
            {"ver_a": 0.4, "ver_b": 0.2, "ver_c": 0.1},
            {"ver_a": 4 / 9, "ver_b": 2 / 9},
            {"ver_a": 2 / 3, "ver_b": 1 / 3},
        )
    ]
    drawn = [{e: route(row, e) for e in EPISODES} for row in rows]
    for gone, before, after in (("ver_c", drawn[0], drawn[1]), ("ver_old", drawn[1], drawn[2])):
        assert all(after[e][0] == version for e, (version, _) in before.items() if version != gone)
        moved = Counter(after[e][0] for e, (version, _) in before.items() if version == gone)
        to_a = moved["ver_a"] / (moved["ver_a"] + moved["ver_b"])
        assert stats.binomtest(moved["ver_a"], moved["ver_a"] + moved["ver_b"], 2 / 3).pvalue > 0.001, to_a
    for row, picks in zip(rows, drawn, strict=True):
        for version in ("ver_old", *row.shares):
            taken = sum(pick[0] == version for pick in picks.values())
            p = chance(row, version)
            assert stats.binomtest(taken, len(EPISODES), p).pvalue > 0.001
            assert {pick[1] for pick in picks.values() if pick[0] == version} <= {p}
    other = replace(rows[0], trial="spl_2")
    same = sum(route(other, e)[0] == route(rows[0], e)[0] for e in EPISODES[:4000]) / 4000
    assert abs(same - (0.3**2 + 0.4**2 + 0.2**2 + 0.1**2)) < 0.03  # the next split draws anew


def test_the_chance_of_every_version_is_what_routing_records() -> None:
    """Of champion, candidate and further versions; they add up to 1, and one that is not named has none."""
    release = released(share=0.2, shares={"ver_b": 0.25, "ver_c": 0.125})
    recorded = dict(route(release, episode) for episode in EPISODES[:2000])
    assert recorded == {version: pytest.approx(chance(release, version)) for version in recorded}
    assert len(recorded) == 4
    assert sum(chance(release, version) for version in recorded) == pytest.approx(1.0)
    assert chance(release, "ver_unknown") == 0.0
    assert chance(released(Stage.SHADOW, share=0.2), "ver_new") == 0.0


def test_a_release_with_an_end_ends_by_itself() -> None:
    """Before its end it is what the row says; from then on the champion answers everybody, and no copy is wanted."""
    row = replace(released(share=1.0), until=100.0)
    assert in_force(row, 99.9) is row
    assert in_force(released(share=1.0), 1e12).share == 1.0
    split = replace(released(Stage.SPLIT, candidate="", shares={"ver_a": 0.6}), until=100.0)
    assert {route(in_force(split, 100.0), f"e{k}") for k in range(50)} == {("ver_old", 1.0)}
    over = in_force(row, 100.0)
    assert (over.stage, over.share, over.id) == (Stage.ROLLBACK, 0.0, row.id)
    assert {route(over, f"e{k}") for k in range(50)} == {(row.champion, 1.0)}
