"""The account of a task: what every verdict spent, which pass is none, and that all of it follows from the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from evaluate.test_gate import SETTINGS, counted, judge
from homeostat.evaluate.account import charged, due, standing
from homeostat.stats.online import granted
from homeostat.types.report import Outcome, Verdict

ALPHA = SETTINGS.alpha


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
    """As the first candidate and after 300 that were no better, on as few as 300 rows."""
    none = program([(50, 50)] * 3) * 100
    none = [
        replace(one, id=f"vdt_{k}", spent=replace(one.spent, place=k + 1)) for k, one in enumerate(none) if one.spent
    ]
    assert asked([], 150, 50).outcome is Outcome.PASS
    assert asked(none, 150, 50).outcome is Outcome.PASS
    report, verdict = judge(counted("all", 300, 45, 15))
    assert charged(verdict, report, due(none, ALPHA)).outcome is Outcome.PASS


def test_what_passes_alone_and_not_here_is_undecided() -> None:
    """The sentence says what it showed, what it had to, and how many rows would decide; with a discovery before it the
    same candidate may pass.
    """
    before = program([(50, 50)] * 19)
    weak = asked(before, 72, 42)
    assert judge(counted("all", 1000, 72, 42))[1].outcome is Outcome.PASS
    assert weak.outcome is Outcome.UNSURE
    assert weak.spent is not None
    assert weak.spent.level < weak.spent.p <= ALPHA
    assert weak.because.startswith("undecided: +3.0 points (1.3 to 4.8, n=1,000) overall")
    level = f"{granted(20, 0, ALPHA):.2g}"
    assert (
        f"that is p = 0.0033, and candidate 20 of its task, none passed before it, has to show {level}" in weak.because
    )
    assert weak.because.endswith("such rows would decide")
    after = program([(150, 50)] * 15 + [(50, 50)] * 4)
    assert asked(after, 72, 42).outcome is Outcome.PASS


def test_the_number_of_rows_it_names_would_decide() -> None:
    """A candidate with that gain passes on as many rows in about four of five draws."""
    before = program([(50, 50)] * 19)
    because = asked(before, 72, 42).because
    n = int(because.rpartition("about ")[2].partition(" ")[0].replace(",", ""))
    rng, passed = np.random.default_rng(3), 0
    for wins, losses, _ in rng.multinomial(n, [0.072, 0.042, 0.886], size=200):
        report, verdict = judge(counted("all", n, int(wins), int(losses)))
        passed += charged(verdict, report, due(before, ALPHA)).outcome is Outcome.PASS
    assert 0.7 < passed / 200 < 0.9


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
        account.weak == sum(one.because.endswith("would decide") and "that is p" in one.because for one in verdicts) > 0
    )
    assert account.next_level == granted(21, account.passed, ALPHA)
    assert not standing(verdicts[1:], ALPHA).replays
    forged = [replace(one, outcome=Outcome.PASS) if one.outcome is Outcome.UNSURE else one for one in verdicts]
    assert not standing(forged, ALPHA).replays


def test_verdicts_before_the_account_are_no_part_of_it() -> None:
    """And its own verdict is not counted where a step is run again."""
    old = judge(counted("all", 1000, 150, 50))[1]
    assert due([old], ALPHA).place == 1
    one = asked([], 150, 50)
    assert due([one], ALPHA, but=one.id).place == 1
    assert standing([old], ALPHA).passed == 0
