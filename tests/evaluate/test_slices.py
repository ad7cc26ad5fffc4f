"""A loss in a slice is not hidden by the mean: not of a tag's value, and not of one label among a hundred."""

from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow, from_lines, to_lines
from homeostat.evaluate.slices import FEWEST, MOST_GATED, common, gated, labeled, lost, slices, tagged
from homeostat.types.report import Outcome, Verdict
from homeostat.types.task import Task

SETTINGS = Evaluate()


def rows(slice: str, n: int, wins: int, losses: int, group: str = "known") -> list[PairedRow]:
    """Rows of a slice of which the candidate alone has `wins` right and the champion alone `losses`."""
    outcomes = [(1.0, 0.0)] * wins + [(0.0, 1.0)] * losses + [(1.0, 1.0)] * (n - wins - losses)
    return [PairedRow(group=group, candidate=mine, champion=theirs, slices=(slice,)) for mine, theirs in outcomes]


def judged(given: list[PairedRow], target: tuple[str, ...] = ()) -> Verdict:
    report = compare(Task(name="routing"), "ver_new", "ver_old", given, SETTINGS, now=7.0, target=target)
    return gate(report, given, SETTINGS, target=target)


def blind(given: list[PairedRow]) -> list[PairedRow]:
    """The same rows, of which nobody knows the slices."""
    return [replace(row, slices=()) for row in given]


def test_which_slices_there_are_hangs_on_the_rows_alone() -> None:
    """Neither those of hardly any rows nor one that is nearly everything; rows of the target belong to none."""
    given = [
        *rows("a", 100, 5, 5),
        *rows("b", FEWEST, 1, 1),
        *rows("c", FEWEST - 1, 0, 11),
        *rows("new", 90, 80, 0, "t"),
    ]
    given = [replace(row, slices=(*row.slices, "all")) for row in given]
    assert {name: len(values) for name, values in slices(given, ("t",)).items()} == {"a": 100, "b": FEWEST}
    assert "new" in slices(given)


def test_a_slice_with_rows_enough_is_asked_for_a_proof() -> None:
    """A tag's value that lost 10 points passes where nobody looks, and is refused by name where slices are known."""
    given = [*rows("language=en", 1500, 150, 30), *rows("language=de", 300, 6, 36)]
    assert judged(blind(given)).outcome is Outcome.PASS
    verdict = judged(given)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("refused: it forgot — language=de -10.0 points")
    assert "where at most 5.0 may be lost" in verdict.because


def test_a_slice_that_does_not_decide_leaves_the_gate_unsure() -> None:
    """Three points lost in 300 rows may be five: that is not excluded."""
    given = [*rows("language=en", 1500, 150, 30), *rows("language=de", 300, 6, 15)]
    verdict = judged(given)
    assert verdict.outcome is Outcome.UNSURE
    assert "a loss of 5.0 points is not excluded in language=de" in verdict.because


def test_one_broken_label_among_a_hundred_is_seen() -> None:
    """Fifteen rows are too few for a proof, but all of them lost is no chance; a label that lost three may be."""
    healthy = [row for k in range(99) for row in rows(f"label {k}", 15, 2, 0)]
    broken = [*healthy, *rows("label refund", 15, 0, 15)]
    assert judged(blind(broken)).outcome is Outcome.PASS
    verdict = judged(broken)
    assert verdict.outcome is Outcome.FAIL
    assert "label refund -100.0 points" in verdict.because
    assert judged([*healthy, *rows("label refund", 15, 0, 3)]).outcome is Outcome.PASS


def test_a_gain_on_the_target_does_not_cover_a_loss_in_a_slice() -> None:
    """German rows of new labels gain 200, those of known labels lose 12 points."""
    given = [
        *rows("language=de", 250, 200, 0, "new"),
        *rows("language=de", 250, 0, 30),
        *rows("language=en", 1300, 100, 20),
    ]
    assert judged(given, ("new",)).because.startswith("refused: it forgot — language=de -12.0 points")


def test_at_most_so_many_slices_are_asked() -> None:
    """The largest ones: each that is asked is once more that a good candidate must be lucky."""
    given = [row for k in range(20) for row in rows(f"city={k:02}", 300 + k, 15, 15)]
    asked = gated(slices(given), SETTINGS)
    assert [guard.name for guard in asked] == [f"city={k:02}" for k in range(19, 19 - MOST_GATED, -1)]
    assert all(guard.margin == SETTINGS.small_margin for guard in asked)


@pytest.mark.slow
def test_nothing_is_called_lost_by_chance() -> None:
    """A candidate that differs on every fifth row and is worse nowhere: at most alpha of 2,000 runs over 60 labels."""
    generator = np.random.default_rng(3)
    drawn = generator.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=(2000, 60, 20))
    called = [bool(lost({str(k): Sample(one[k]) for k in range(60)}, SETTINGS)) for one in drawn]
    assert np.mean(called) <= SETTINGS.alpha
    drawn[:, 7] = generator.choice([-1.0, 0.0], p=[0.9, 0.1], size=(2000, 20))
    seen = [{guard.name for guard in lost({str(k): Sample(one[k]) for k in range(60)}, SETTINGS)} for one in drawn]
    assert np.mean(["7" in names for names in seen]) >= 0.95
    assert np.mean([bool(names - {"7"}) for names in seen]) <= SETTINGS.alpha


def test_texts_are_tested_by_their_means() -> None:
    """Numbers between 0 and 1 get Student's t; where none differs there is nothing to show."""
    worse = np.linspace(-0.6, -0.2, 20)
    assert [guard.name for guard in lost({"a": Sample(worse), "b": Sample(np.zeros(20))}, SETTINGS)] == ["a"]


def test_slices_are_written_down_with_the_rows() -> None:
    """And read again; a row without slices is written as ever, so that what was kept has the hash that it had."""
    given = [*rows("a", 2, 1, 0), PairedRow(id="x", candidate=1.0, champion=0.0)]
    assert from_lines(to_lines(given)) == tuple(given)
    assert to_lines(given[2:]) == '{"id": "x", "group": "", "candidate": 1.0, "champion": 0.0}\n'


@pytest.mark.parametrize("alpha", [0.0, 1e-6])
def test_where_no_error_is_allowed_nothing_small_is_called_lost(alpha: float) -> None:
    """Fifteen rows lost have a chance of 1 in 32,768."""
    assert not lost({"a": Sample(-np.ones(15))}, replace(SETTINGS, alpha=alpha))


def test_a_value_of_a_tag_is_a_slice_where_many_carry_it() -> None:
    """Neither a twentieth and less, such as a user's name, nor nearly all."""
    carried = [{"user": f"u{k // 4}", "language": "de" if k < 30 else "en", "plan": "free"} for k in range(100)]
    assert common(carried) == {"language=de", "language=en"}
    assert common([]) == set()
    assert (tagged(carried[0]), labeled("refund")) == (["language=de", "plan=free", "user=u0"], "label refund")
