"""The gate's second word on a candidate: on later rows alone, with what the first look left it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.account import charged, due, standing
from homeostat.evaluate.again import PAIRS, Stand, among, concluded, opened, stand
from homeostat.evaluate.asked import Asked, Ground, Later
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.stats.planned import Plan, Planned
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Task

TASK, SETTINGS, LIVE = Task(name="routing"), Evaluate(), 0.05


def rows(n: int, wins: int, losses: int, group: str = "known labels") -> list[PairedRow]:
    """Rows of which the candidate alone has `wins` right and the champion alone `losses`."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return [PairedRow(id=str(k), group=group, candidate=a, champion=b) for k, (a, b) in enumerate(outcomes)]


def first(seen: Sequence[PairedRow], before: Sequence[Verdict] = ()) -> tuple[Report, Verdict]:
    """What the gate says at its first look, with the account's level."""
    report = compare(TASK, "ver_new", "ver_old", seen, SETTINGS, now=7.0)
    return report, charged(gate(report, seen, SETTINGS), report, due(before, SETTINGS.alpha))


def live(win: float, lose: float, seed: int = 0, group: str = "known labels") -> Iterator[Later]:
    """Labeled pairs, without end."""
    rng, k = np.random.default_rng(seed), 0
    while True:
        luck, k = rng.random(), k + 1
        mine, theirs = float(luck < win), float(win <= luck < win + lose)
        row = PairedRow(id=f"int_{k}", group=group, candidate=mine, champion=theirs)
        yield Later(row=row, differ=mine != theirs)


def some(n: int, win: float, lose: float, seed: int = 0) -> list[Later]:
    """So many of them."""
    stream = live(win, lose, seed)
    return [next(stream) for _ in range(n)]


def test_a_good_candidate_is_passed_by_later_labels_and_spends_nothing() -> None:
    """+2 points on 1,000 rows are too few at the account's level; live labels do, and only the gain is asked again."""
    seen = rows(1000, 62, 40)
    report, unsure = first(seen)
    assert unsure.outcome is Outcome.UNSURE
    asked, left = opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))
    assert ([claim.name for claim in asked], left) == (["overall"], [])
    pairs = some(1500, 0.08, 0.04)
    words = [concluded(unsure, [stand(asked[0], pairs[:n], None, 0.05)], left, n, now=9.0) for n in (100, 1500)]
    assert [one.outcome for one in words] == [Outcome.UNSURE, Outcome.PASS]
    assert words[0].because.startswith("undecided on looking again, after 100 more labels: overall (better): ")
    assert words[0].because.endswith("more labels of requests on which they differ would decide")
    assert words[1].spent is not None
    assert words[1].spent.again <= words[1].spent.asked == asked[0].level < 0.05
    account = standing([unsure, words[1]], 0.05)
    assert (account.tried, account.passed, account.replays) == (1, 1, True)
    assert due([unsure, words[1]], 0.05).place == 2
    assert due([unsure, words[1]], 0.05).found == 1


def test_a_second_word_that_does_not_follow_is_seen() -> None:
    """A pass at a level that nobody kept, or after a refusal, is none."""
    seen = rows(1000, 62, 40)
    report, unsure = first(seen)
    (claim,), left = opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))
    again = concluded(unsure, [stand(claim, some(1500, 0.08, 0.04), None, 0.05)], left, 1500, now=9.0)
    assert again.spent is not None
    for forged in ({"asked": 0.05, "again": 0.04}, {"again": 2 * again.spent.asked}, {"level": 0.05}):
        assert not standing([unsure, replace(again, spent=replace(again.spent, **forged))], 0.05).replays
    assert not standing([replace(unsure, outcome=Outcome.FAIL), again], 0.05).replays


def test_the_less_the_first_look_found_the_more_is_asked() -> None:
    """A candidate that was nearly passed has to show less than one that gained nothing; worn rows show nothing."""
    levels = []
    for wins, losses in ((62, 40), (58, 42), (50, 50)):
        seen = rows(1000, wins, losses)
        report, unsure = first(seen)
        levels.append(opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))[0][0].level)
    assert levels == sorted(levels, reverse=True)
    seen = rows(1000, 150, 50)
    report, passed = first(seen)
    assert passed.spent is not None
    worn = replace(passed, outcome=Outcome.UNSURE, spent=replace(passed.spent, worn=12))
    assert opened(worn, report, seen, SETTINGS, Ground(live=LIVE))[0][0].level < levels[-1]


def test_who_is_shown_to_be_worse_is_refused() -> None:
    """And who is the same stays undecided."""
    seen = rows(1000, 55, 45)
    report, unsure = first(seen)
    asked, left = opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))
    for lose, outcome in ((0.16, Outcome.FAIL), (0.05, Outcome.UNSURE)):
        stands = [stand(claim, some(600, 0.05, lose), None, 0.05) for claim in asked]
        assert concluded(unsure, stands, left, 600, now=9.0).outcome is outcome


def test_where_both_say_the_same_nobody_has_to_label() -> None:
    """A guard of 5 points with differing replies on one request in ten: told by labels of these alone, a third or less
    of those that it takes without knowing the share; and where they differ on fewer than may be lost, by none.
    """
    claim = Asked(name="replies", bound=-0.05, level=0.01, rows=80, gain=False, groups=("replies",), told=True)
    plain, took = replace(claim, told=False, rows=480), {True: 0, False: 0}
    for seed in range(3):
        drawn = [replace(pair, row=replace(pair.row, group="replies")) for pair in some(1000, 0.05, 0.05, seed)]
        for one, share, every in ((claim, (200, 2000), 200), (plain, None, 50)):
            looks = (stand(one, drawn[:n], share, 0.05) for n in range(every, 1001, every))
            took[one.told] += next(found.n for found in looks if found.shown)
    assert took[True] < took[False] / 3
    assert stand(claim, [], None, 0.05).p == 1.0  # the share is not known yet
    assert stand(claim, [], (10, 2 * PAIRS), 0.05).shown is False
    assert stand(claim, [], (5, 2 * PAIRS), 0.05).shown


def test_a_share_that_is_a_guess_lets_no_more_through() -> None:
    """4,000 candidates that lose exactly the margin, the share of differing replies told by 200 requests: shown at any
    label at most as often as the level says.
    """
    claim = Asked(name="replies", bound=-0.05, level=0.1, rows=60, gain=False, groups=("replies",), told=True)
    rng, count = np.random.default_rng(7), 4000
    differing = rng.binomial(PAIRS, 0.1, size=count)
    bounds = {int(k): among(claim, (int(k), PAIRS)) for k in set(differing)}
    game = Planned(np.array([bounds[int(k)] for k in differing]), Plan(rows=claim.rows, alpha=0.1, square=1.0))
    game.extend(np.where(rng.random((200, count)) < 0.25, 1.0, -1.0))  # on average a half is lost where they differ
    shown = float((game.p <= 0.9 * claim.level).mean())
    assert 0.0 < shown <= claim.level


def test_what_no_live_request_speaks_of_stays_open() -> None:
    """A suite that was not shown keeps the candidate undecided, and the sentence names it."""
    seen = rows(1000, 62, 40)
    report, unsure = first(seen)
    unsure = replace(unsure, tests={**unsure.tests, "suite golden": 0.3})
    asked, left = opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))
    assert left == ["suite golden"]
    again = concluded(unsure, [stand(asked[0], some(1500, 0.08, 0.04), None, 0.05)], left, 1500, now=9.0)
    assert again.outcome is Outcome.UNSURE
    assert "no live request speaks of suite golden" in again.because


def test_labels_asked_for_a_difference_say_nothing_of_other_requests() -> None:
    """They count for the gain, and not for a group whose requests only a label tells."""
    claim = Asked(name="known labels", bound=-0.05, level=0.01, rows=500, gain=False, groups=("known labels",))
    asked_for = [replace(pair, lot=True) for pair in some(300, 0.3, 0.0)]
    assert stand(claim, asked_for, None, 0.05).n == 0
    better = replace(claim, name="overall", bound=0.0, gain=True, groups=(), told=True)
    assert stand(better, asked_for, None, 0.05).n == sum(pair.differ for pair in asked_for)


def sliced(n: int, wins: int, losses: int, name: str) -> list[PairedRow]:
    """Rows of which the first half lies in a slice, where candidate and champion differ as often as elsewhere."""
    found = rows(n, wins, losses)
    spread = np.random.default_rng(0).permutation(n)
    return [replace(row, slices=(name,) if at < n // 2 else ()) for at, row in zip(spread, found, strict=True)]


def test_a_slice_that_was_left_open_is_asked_again_at_its_own_level() -> None:
    """A slice by tag is seen before its label, so that differing requests alone decide it; a slice by label is not, nor
    any where some rows are of a label that is new.
    """
    for name, told in (("channel=web", True), ("label refund", False)):
        seen = sliced(1000, 62, 40, name)
        report, unsure = first(seen)
        assert name in unsure.tests
        unsure = replace(unsure, tests={**unsure.tests, name: 0.2})
        claims = {claim.name: claim for claim in opened(unsure, report, seen, SETTINGS, Ground(live=LIVE))[0]}
        assert (claims[name].told, claims[name].slice, claims[name].gain) == (told, name, False)
        assert claims[name].level == pytest.approx(LIVE / 10 / (0.2 * np.log(1 / SETTINGS.alpha)))
        mixed = opened(unsure, report, seen, SETTINGS, Ground(live=LIVE, target=("new labels",)))[0]
        assert not any(claim.told for claim in mixed if claim.slice)


def test_a_row_speaks_of_the_claims_that_it_is_in() -> None:
    """By group, by slice, and not where its group is left out of the slice."""
    row = PairedRow(id="int_1", group="new labels", candidate=1.0, champion=0.0, slices=("channel=web",))
    every = Asked(name="overall", bound=0.0, level=0.01, rows=50, gain=True)
    for claim, about in (
        (every, True),
        (replace(every, groups=("new labels",)), True),
        (replace(every, groups=("known labels",)), False),
        (replace(every, slice="channel=web"), True),
        (replace(every, slice="channel=mail"), False),
        (replace(every, slice="channel=web", without=("new labels",)), False),
    ):
        assert claim.about(row) is about


def test_a_gain_that_has_to_be_larger_is_divided_by_the_least_share() -> None:
    """Whoever has to win two points overall has to win more than twenty where they differ on one in ten, for that share
    is not known exactly; and one that cannot be won at that share is never shown.
    """
    claim = Asked(name="overall", bound=0.02, level=0.05, rows=100, gain=True, told=True)
    assert 0.2 < among(claim, (100, 1000)) < among(claim, (20, 200)) < 1.0
    assert among(claim, (0, 200)) == float("inf")
    assert among(replace(claim, bound=-0.02), (100, 1000)) > -0.2
    always = some(800, 0.1, 0.0)
    assert stand(claim, always, (100, 1000), 0.05).shown
    assert not stand(claim, always, (2, 200), 0.05).shown


def test_once_the_plan_is_over_as_many_labels_again_are_wanted() -> None:
    """And none where the claim is shown."""
    claim = Asked(name="overall", bound=0.0, level=0.01, rows=50, gain=True, told=True)
    even = [pair for pair in some(4000, 0.05, 0.05, seed=2) if pair.differ]
    assert stand(claim, even[:30], None, 0.05).wanted == 20
    assert stand(claim, even[:80], None, 0.05).wanted == 80
    assert stand(claim, some(800, 0.1, 0.0), None, 0.05).wanted == 0


def test_what_spent_nothing_is_not_looked_at_again() -> None:
    """A verdict from before there was an account kept nothing."""
    seen = rows(1000, 62, 40)
    report, unsure = first(seen)
    with pytest.raises(ValueError, match="has spent nothing"):
        opened(replace(unsure, spent=None), report, seen, SETTINGS, Ground(live=LIVE))


def test_of_a_user_the_first_label_is_played() -> None:
    """Whoever labels ten more requests of a user who was heard adds nothing; of others each adds."""
    claim = Asked(name="overall", bound=0.0, level=0.05, rows=100, gain=True)
    pairs = some(120, 0.6, 0.2)

    def of(each: int) -> Stand:
        named = [replace(one, row=replace(one.row, cluster=f"user {k // each}")) for k, one in enumerate(pairs)]
        return stand(claim, named, None, 0.05)

    one, many = of(20), of(1)
    assert one.n <= 6 < many.n
    assert one.p > 0.05 >= many.p
    assert many.p == stand(claim, pairs, None, 0.05).p
