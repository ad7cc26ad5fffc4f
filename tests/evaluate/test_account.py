"""The account of a task: what every verdict spent, which pass is none, and that all of it follows from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.account import charged, due, standing
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.stats.online import granted
from homeostat.stats.paired import mcnemar_superiority
from homeostat.types.report import Outcome, Report, Verdict
from homeostat.types.task import Task

TASK, SETTINGS = Task(name="routing"), Evaluate()
ALPHA = SETTINGS.alpha


def counted(group: str, n: int, wins: int, losses: int) -> tuple[PairedRow, ...]:
    """Rows of which the candidate alone has `wins` right and the champion alone `losses`."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return tuple(PairedRow(group=group, candidate=mine, champion=theirs) for mine, theirs in outcomes)


def judge(rows: tuple[PairedRow, ...], target: tuple[str, ...] = ()) -> tuple[Report, Verdict]:
    """The gate's verdict, which knows no account."""
    report = compare(TASK, "ver_new", "ver_old", rows, SETTINGS, now=7.0, target=target)
    return report, gate(report, rows, SETTINGS, target=target)


def asked(before: Sequence[Verdict], wins: int, losses: int, *, worn: int = 0) -> Verdict:
    """The next verdict, on 1,000 rows."""
    report, verdict = judge(counted("all", 1000, wins, losses))
    verdict = replace(verdict, id=f"vdt_{len(before)}")
    return charged(verdict, report, replace(due(before, ALPHA), worn=worn))


def program(results: Sequence[tuple[int, int]]) -> list[Verdict]:
    """The verdicts on candidates with these wins and losses, one after another."""
    verdicts: list[Verdict] = []
    for wins, losses in results:
        verdicts.append(asked(verdicts, wins, losses))
    return verdicts


def test_a_gain_of_ten_points_passes_however_many_were_before() -> None:
    """On 1,000 rows as the first candidate and after 300 that were no better; on 300 rows after 19."""
    (none,) = program([(50, 50)])
    before = [replace(none, id=f"vdt_{k}") for k in range(300)]
    assert asked([], 150, 50).outcome is Outcome.PASS
    assert asked(before, 150, 50).outcome is Outcome.PASS
    report, verdict = judge(counted("all", 300, 45, 15))
    assert charged(verdict, report, due(before[:19], ALPHA)).outcome is Outcome.PASS


def test_what_passes_alone_and_not_here_is_undecided() -> None:
    """The sentence says what it showed, what it had to, and how many rows would decide; with a discovery before it the
    same candidate may pass.
    """
    before = program([(50, 50)] * 19)
    weak = asked(before, 76, 40)
    assert judge(counted("all", 1000, 76, 40))[1].outcome is Outcome.PASS
    assert weak.outcome is Outcome.UNSURE
    assert weak.spent is not None
    assert weak.spent.level < weak.spent.p <= ALPHA
    assert weak.because.startswith("undecided: +3.6 points (")
    said = "but as candidate 20 of its task, none having passed, it has to show a gain at p = "
    assert f"{said}{0.9 * granted(20, 0, ALPHA):.2g}, and does so at {weak.spent.p:.2g}; about " in weak.because
    assert weak.because.endswith("such rows would decide")
    after = program([(150, 50)] * 15 + [(50, 50)] * 4)
    assert asked(after, 76, 40).outcome is Outcome.PASS


def test_the_number_of_rows_it_names_would_decide() -> None:
    """A candidate with that gain passes on as many rows in about four of five draws."""
    before = program([(50, 50)] * 19)
    because = asked(before, 76, 40).because
    n = int(because.rpartition("about ")[2].partition(" ")[0].replace(",", ""))
    draws = np.random.default_rng(3).multinomial(n, [0.076, 0.04, 0.884], size=1000)
    level = due(before, ALPHA).level
    passed = np.mean([mcnemar_superiority(int(wins), int(losses)) <= level for wins, losses, _ in draws])
    assert 0.75 < passed < 0.88  # the number is rounded up to hundreds


def test_a_candidate_that_fails_spends_and_stays_refused() -> None:
    """Its place is gone; it is none of those that passed."""
    (worse,) = program([(20, 80)])
    assert worse.outcome is Outcome.FAIL
    assert due([worse], ALPHA).place == 2
    assert due([worse], ALPHA).found == 0


def test_worn_rows_prove_no_gain() -> None:
    """Whatever is shown on them; and what they refute stays refuted."""
    worn = asked([], 150, 50, worn=40)
    assert worn.outcome is Outcome.UNSURE
    assert "its test rows have gated 40 candidates before" in worn.because
    assert asked([], 20, 80, worn=40).outcome is Outcome.FAIL


def test_the_target_has_to_be_shown_at_the_level_too() -> None:
    """Of overall and target, the weaker p-value counts."""
    rows = (*counted("old", 900, 140, 20), *counted("new", 100, 12, 4))
    report, verdict = judge(rows, target=("new",))
    assert verdict.outcome is Outcome.PASS
    spent = charged(verdict, report, due([], ALPHA), ("new",)).spent
    assert spent is not None
    assert spent.p == max(verdict.tests["new"], verdict.tests["overall"]) == verdict.tests["new"]


def test_an_account_follows_from_its_verdicts_and_says_so_if_not() -> None:
    """Every place, level and outcome again; a verdict that was kept out, or one let through, is noticed."""
    verdicts = program([(150, 50), (50, 50), (72, 42), (60, 50), (72, 42)] * 4)
    account = standing(verdicts, ALPHA)
    assert (account.tried, account.replays) == (20, True)
    assert account.passed == sum(one.outcome is Outcome.PASS for one in verdicts)
    assert account.false_at_most == ALPHA * account.passed
    assert (
        account.weak
        == sum(one.because.endswith("would decide") and "but as candidate" in one.because for one in verdicts)
        > 0
    )
    assert account.next_level == 0.9 * granted(21, account.passed, ALPHA)
    assert not standing(verdicts[1:], ALPHA).replays
    forged = [replace(one, outcome=Outcome.PASS) if one.outcome is Outcome.UNSURE else one for one in verdicts]
    assert not standing(forged, ALPHA).replays


def test_verdicts_before_the_account_are_no_part_of_it() -> None:
    """And its own verdict is not counted where a step is run again."""
    old = judge(counted("all", 1000, 150, 50))[1]
    assert due([old], ALPHA).place == 1
    one = asked([], 150, 50)
    assert due([one], ALPHA, own=one.id).place == 1
    assert standing([old], ALPHA).passed == 0


def test_a_step_that_is_run_again_spends_what_it_spent() -> None:
    """Where its verdict and later ones are there already, they change nothing: each entry comes out as it was."""
    verdicts = program([(50, 50), (150, 50), (60, 50), (150, 50)])
    assert verdicts[0].spent is not None
    for verdict in verdicts:
        assert verdict.spent is not None
        assert due(verdicts, ALPHA, own=verdict.id) == replace(verdict.spent, p=1.0)


def test_a_late_pass_raises_the_levels_after_it_and_none_before() -> None:
    """What was passed by a second look counts as found from then on; the account still follows from its verdicts."""
    verdicts = program([(62, 40), (50, 50)])
    assert verdicts[0].spent is not None
    level = verdicts[0].spent.level
    later = replace(verdicts[0].spent, asked=level / 9 / (verdicts[0].spent.p * np.log(1 / level)), again=1e-6)
    again = replace(verdicts[0], id="vdt_again", outcome=Outcome.PASS, spent=later)
    before, after = due(verdicts, ALPHA), due([*verdicts, again], ALPHA)
    assert (before.place, before.found) == (after.place, 0) == (3, 0)
    assert after.found == 1
    assert after.level > before.level
    third = replace(asked([*verdicts, again], 50, 50), id="vdt_third")
    account = standing([*verdicts, again, third], ALPHA)
    assert (account.tried, account.passed, account.replays) == (3, 1, True)
    assert standing([*verdicts, third, again], ALPHA).replays is False  # the third was granted what was not found yet


def test_two_second_words_count_as_one_candidate() -> None:
    """A look that was cut off and made again leaves the same entry; nobody is counted twice."""
    verdicts = program([(62, 40), (50, 50)])
    twice = [*verdicts, replace(verdicts[0], id="vdt_again"), replace(verdicts[0], id="vdt_once_more")]
    assert due(twice, ALPHA) == due(verdicts, ALPHA)
    assert standing(twice, ALPHA).tried == 2
    assert standing(twice, ALPHA).replays
