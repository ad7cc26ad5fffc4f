from __future__ import annotations

import math

import pytest

from homeostat.web import words

THIN = words.THIN


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (0.004, "0.004"),
        (0.0015, "0.0015"),
        (0.00412, "0.0041"),
        (-0.0123, "−0.012"),
        (0.5, "0.5"),
        (12.5, "12.5"),
        (7_214, "7,214"),
        (3.2e9, "3.2 × 10⁹"),
        (2e-5, "2.0 × 10⁻⁵"),
        (-9.99e10, "−1.0 × 10¹¹"),
        (-3.5, "−3.5"),
    ],
)
def test_amounts_have_no_false_precision(value: float, said: str) -> None:
    """A number of any size is said in a few characters."""
    assert words.amount(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.84, "0.84 s"), (41.2, "41 s"), (59.7, "1 min"), (200, "3 min 20 s"), (18_720, "5 h 12 min"), (86_400, "1 d")],
)
def test_durations_carry_two_units_at_most(seconds: float, said: str) -> None:
    """A span of time is said in its largest unit and the next."""
    assert words.duration(seconds).replace(THIN, " ") == said


def test_a_score_without_rows_has_no_interval() -> None:
    """A plain number is not given an interval that nobody measured."""
    assert words.scored(0.931, 0.931, 0.931, 0) == f"93.1{THIN}%"
    assert words.scored(0.931, None, None, 10) == f"93.1{THIN}%"
    assert words.scored(0.931, 0.902, 0.953, 120) == f"93.1{THIN}% (90.2 to 95.3, n = 120)"


def test_differences_carry_their_sign() -> None:
    """A loss is written with a real minus, a gain with a plus."""
    assert words.moved(-0.114, -0.132, -0.097, 1190) == "−11.4 points (−13.2 to −9.7, n = 1,190)"
    assert words.points(0.02) == "+2.0 points"


def test_times_are_utc_and_impossible_ones_stay_numbers() -> None:
    """A moment beyond the calendar is shown as it came instead of raising."""
    assert words.when(0.0) == "1 Jan 1970, 00:00"
    assert words.when(1e18) == "1e+18"
    assert words.when(math.nan) == "nan"


def test_counting_words() -> None:
    """Small numbers are words; one thing has no plural."""
    assert [words.several(n, "turn") for n in (0, 1, 3, 12)] == ["no turns", "one turn", "three turns", "12 turns"]


def test_long_ids_keep_their_noun_and_their_end() -> None:
    """An id is cut where ids differ least: in the middle."""
    assert words.short("ver_01jd8m3k7q9x5v2w0ab3") == "ver_…2w0ab3"
    assert words.short("rel_full") == "rel_full"


def test_flops_choose_their_unit() -> None:
    """Floating-point operations are told in thousands of thousands."""
    assert words.flops(1.24e12) == f"1.24{THIN}TFLOP"
    assert words.flops(5) == f"5{THIN}FLOP"


def test_a_logarithm_is_told_as_its_number() -> None:
    """The rounding of a logarithm does not show as odd digits."""
    assert words.about(math.log10(500_000) + 1e-5) == "500,000"
    assert words.about(5_000.0).endswith("10³⁰⁰")


def test_halves_of_a_time() -> None:
    """Whether what the first half chose was best in the second, and by how much it was not."""
    assert "least in the second too" in words.halves("3", 10.0, "3", 10.0)
    assert words.halves("3", 12.0, "5", 10.0).endswith("(20.0\u202f% more) in the second, where 5 cost 10")
    assert "more" not in words.halves("3", 12.0, "5", 0.0)


def test_memory_is_read_in_its_unit() -> None:
    """Three digits and the unit that fits; of several measurements with their interval, of one without."""
    assert [words.size(value).replace(words.THIN, " ") for value in (840, 27_412_000, 999_900, 1.312e9, 2.5e12)] == [
        "840 B",
        "27.4 MB",
        "1 MB",
        "1.31 GB",
        "2,500 GB",
    ]
    said = words.sizes(1e8, 9.9e7, 1.01e8, 3).replace(words.THIN, " ")
    assert said == "100 MB (99 MB to 101 MB, n = 3)"
    assert words.sizes(1e8, -math.inf, math.inf, 1).replace(words.THIN, " ") == "100 MB (n = 1)"
