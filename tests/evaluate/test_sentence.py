"""The sentence somebody reads who reads nothing else: every wording, with its numbers."""

from dataclasses import replace

from homeostat.config.schema import Evaluate
from homeostat.evaluate.sentence import Finding, sentence
from homeostat.types.report import Outcome, Score, Trial

SETTINGS = Evaluate()


def finding(name: str, mean: float, half: float, n: int, *, bound: float = 0.0, p: float = 0.001) -> Finding:
    return Finding(
        name=name,
        score=Score(mean=mean, low=mean - half, high=mean + half, n=n),
        bound=bound,
        guard=bound < 0,
        required=True,
        variance=0.1,
        p=p,
        alpha=0.05,
    )


OVERALL = finding("overall", 0.084, 0.023, 1500)
OLD = finding("old intents", -0.003, 0.008, 1200, bound=-0.02)


def test_passed() -> None:
    """A promotion names the gain, its interval and n, and what was kept."""
    assert sentence(Outcome.PASS, [OVERALL, OLD], SETTINGS) == (
        "+8.4 points (6.1 to 10.7, n=1,500) overall; nothing lost where it was good: old intents -0.3 (-1.1 to +0.5)"
    )


def test_passed_with_groups_too_small_to_gate() -> None:
    """Groups from which no proof was demanded are named as such."""
    small = replace(finding("small groups", -0.01, 0.04, 80, bound=-0.05), required=False)
    assert sentence(Outcome.PASS, [OVERALL, small], SETTINGS) == (
        "+8.4 points (6.1 to 10.7, n=1,500) overall; "
        "too few rows to demand a proof: small groups -1.0 (-5.0 to +3.0, n=80)"
    )


def test_many_groups_are_counted() -> None:
    """Of many groups the three lowest are named and the others counted."""
    groups = [finding(f"g{i}", i / 100, 0.005, 500, bound=-0.05) for i in range(8)]
    said = sentence(Outcome.PASS, [OVERALL, *reversed(groups)], SETTINGS)
    assert said.endswith(
        "g0 +0.0 (-0.5 to +0.5), g1 +1.0 (0.5 to 1.5), g2 +2.0 (1.5 to 2.5) and 5 more groups, none lower"
    )


def test_labels_without_test_rows_are_named_last() -> None:
    """Whatever the verdict, it says of which labels it says nothing; three are named and the others counted."""
    said = sentence(Outcome.PASS, [OVERALL, OLD], SETTINGS, untested=("x",))
    assert said == sentence(Outcome.PASS, [OVERALL, OLD], SETTINGS) + "; no test rows of: x"
    for outcome in (Outcome.FAIL, Outcome.UNSURE):
        worse = finding("overall", -0.1, 0.01, 500, p=1.0)
        said = sentence(outcome, [worse], SETTINGS, untested=tuple("abcdef"))
        assert said.endswith("; no test rows of: a, b, c and 3 more")


def test_refused_because_it_forgot() -> None:
    """Forgetting is named first, with the margin that was exceeded."""
    lost = finding("old intents", -0.312, 0.023, 1200, bound=-0.02, p=1.0)
    assert sentence(Outcome.FAIL, [OVERALL, lost], SETTINGS) == (
        "refused: it forgot — old intents -31.2 points (-33.5 to -28.9), where at most 2.0 may be lost; "
        "+8.4 points (6.1 to 10.7, n=1,500) overall"
    )


def test_refused_because_it_is_worse() -> None:
    """A candidate that is worse overall is refused for that."""
    worse = finding("overall", -0.04, 0.01, 900, p=1.0)
    assert sentence(Outcome.FAIL, [worse, OLD], SETTINGS) == (
        "refused: it is worse — -4.0 points (-5.0 to -3.0, n=900) overall"
    )


def test_refused_because_it_gains_too_little() -> None:
    """A gain that is surely below the least one asked for is a refusal, and not called a loss."""
    little = finding("overall", 0.01, 0.005, 5000, bound=0.03, p=1.0)
    assert sentence(Outcome.FAIL, [little], SETTINGS) == (
        "refused: it gains less than 3.0 points — +1.0 points (0.5 to 1.5, n=5,000) overall"
    )


def test_undecided_says_how_many_rows_would_decide() -> None:
    """An open verdict names what is open and how many rows like these would close it."""
    unclear = finding("overall", 0.02, 0.03, 400, p=0.2)
    loose = finding("old intents", 0.0, 0.06, 300, bound=-0.05, p=0.1)
    assert sentence(Outcome.UNSURE, [unclear, loose], SETTINGS) == (
        "undecided: +2.0 points (-1.0 to +5.0, n=400) overall does not prove a gain; "
        "a loss of 5.0 points is not excluded in old intents +0.0 (-6.0 to +6.0, n=300); "
        "about 1,600 such rows would decide"
    )


def test_undecided_without_a_way_out() -> None:
    """Where the measured gain itself is too small, no number of rows is promised."""
    flat = finding("overall", -0.001, 0.03, 400, p=0.6)
    assert sentence(Outcome.UNSURE, [flat], SETTINGS) == (
        "undecided: -0.1 points (-3.1 to +2.9, n=400) overall does not prove a gain"
    )


def gap(name: str, mean: float, half: float, n: int, *, p: float = 0.001, required: bool = True) -> Finding:
    """A gap of so many shares, where 0.1 is allowed."""
    plain = finding(name, -mean, half, n, bound=-0.1, p=p)
    return replace(plain, score=replace(plain.score, high=min(0.0, half - mean)), gap=True, required=required)


ALIKE = gap("recall of 'refund' by language, en over de", 0.03, 0.04, 800)
APART = gap("recall of 'refund' by language, en over de", 0.35, 0.07, 800, p=1.0)


def test_passed_with_groups_alike() -> None:
    """What was proved of groups follows what was kept; what could not be is said last."""
    small = replace(gap("accuracy by plan, free over paid", 0.05, 0.2, 60), required=False)
    assert sentence(Outcome.PASS, [OVERALL, OLD, ALIKE, small], SETTINGS) == (
        "+8.4 points (6.1 to 10.7, n=1,500) overall; nothing lost where it was good: old intents -0.3 (-1.1 to +0.5); "
        "groups are treated alike: recall of 'refund' by language, en over de: 3.0 points apart (0.0 to 7.0, n=800); "
        "too few rows to say that groups are treated alike: "
        "accuracy by plan, free over paid: 5.0 points apart (0.0 to 25.0, n=60)"
    )


def test_refused_because_groups_are_treated_unlike() -> None:
    """The gap with its bounds, the margin, and what was gained all the same."""
    assert sentence(Outcome.FAIL, [OVERALL, OLD, APART], SETTINGS) == (
        "refused: it treats groups unlike — recall of 'refund' by language, en over de: 35.0 points apart "
        "(28.0 to 42.0, n=800), where at most 10.0 are allowed; +8.4 points (6.1 to 10.7, n=1,500) overall"
    )


def test_refused_for_two_reasons() -> None:
    """Forgetting first, groups after it; neither hides the other."""
    lost = finding("old intents", -0.312, 0.023, 1200, bound=-0.02, p=1.0)
    said = sentence(Outcome.FAIL, [OVERALL, lost, APART], SETTINGS)
    assert said.startswith(
        "refused: it forgot — old intents -31.2 points (-33.5 to -28.9), where at most 2.0 may be lost;"
    )
    assert "; it treats groups unlike — recall of 'refund' by language, en over de: 35.0 points apart" in said
    assert said.endswith("; +8.4 points (6.1 to 10.7, n=1,500) overall")


def test_undecided_about_groups() -> None:
    """A gap that is not excluded is open, with the rows that would close it; a tag that nobody carries is named."""
    loose = replace(gap("accuracy by plan, free over paid", 0.05, 0.08, 400, p=0.2), variance=0.5)
    said = sentence(Outcome.UNSURE, [OVERALL, loose], SETTINGS)
    assert said.startswith(
        "undecided: a gap of 10.0 points is not excluded in accuracy by plan, free over paid: 5.0 points apart "
        "(0.0 to 13.0, n=400); about 1,300 such rows would decide"
    )
    nobody = replace(loose, score=Score(mean=0.0, low=-1.0, high=0.0, n=0), required=False)
    assert "accuracy by plan, free over paid (no two groups with rows)" in sentence(
        Outcome.PASS, [OVERALL, nobody], SETTINGS
    )


def test_of_many_gaps_the_widest_are_named() -> None:
    """Three of them, and the others are counted."""
    gaps = [gap(f"g{k}", 0.01 * k, 0.01, 900) for k in range(6)]
    said = sentence(Outcome.PASS, [OVERALL, *gaps], SETTINGS)
    assert "alike: g5: 5.0 points" in said
    assert said.endswith("and 3 more, none wider")


def trial(mean: float, n: int, at_least: float) -> Trial:
    """A part of a suite on which the champion has everything right."""
    score, perfect = Score(mean=mean, low=0.0, high=1.0, n=n), Score(mean=1.0, low=1.0, high=1.0, n=n)
    return Trial(
        candidate=score, champion=perfect, difference=score, margin=0.05, gated=False, at_least=at_least
    )  # fmt: skip


def test_broken_suites_are_named_first() -> None:
    """The worst first, three by name and the others counted; whatever else is wrong comes after."""
    broken = {f"suite s{k}": trial(0.1 * k, 12, 1.0) for k in range(5)}
    assert all(part.broken for part in broken.values())
    said = sentence(Outcome.FAIL, [finding("overall", -0.2, 0.1, 90)], SETTINGS, broken=broken, untested=["refund"])
    assert said == (
        "refused: suite s0 demands 100.0 % and gets 0.0 % (n=12, the champion 100.0 %); "
        "suite s1 demands 100.0 % and gets 10.0 % (n=12, the champion 100.0 %); "
        "suite s2 demands 100.0 % and gets 20.0 % (n=12, the champion 100.0 %) and 2 more; no test rows of: refund"
    )


def test_what_a_suite_lost_is_not_called_forgetting() -> None:
    """Unless test rows lost something too."""
    suite = replace(finding("suite robust", -0.1, 0.02, 300, bound=-0.03), suite=True)
    lost = finding("old intents", -0.1, 0.02, 300, bound=-0.03)
    assert sentence(Outcome.FAIL, [OVERALL, suite], SETTINGS).startswith("refused: it lost — suite robust")
    assert sentence(Outcome.FAIL, [OVERALL, suite, lost], SETTINGS).startswith("refused: it forgot — ")
