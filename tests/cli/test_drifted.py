"""What is printed of a comparison says what moved, in its unit."""

from __future__ import annotations

import math

import pytest

from homeostat.cli.drifted import moved, show
from homeostat.monitor.compare import Line, Question, Verdict, compare
from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.features.feature import Shape
from monitor.desk import said, windows


def line(**fields: object) -> Line:
    """A line with these fields."""
    effect = float(str(fields.pop("effect", 0.0)))
    found = Comparison(name="t", feature="f", statistic=1.0, p_value=0.5, effect=effect, n_reference=9, n_current=9)
    return Line(comparison=found, **fields)  # type: ignore[arg-type]


def test_numbers_are_told_as_means_with_the_interval_of_the_change() -> None:
    """From what, to what, of what, and how sure."""
    given = line(shape=Shape.NUMBER, unit="words per request", before=12.14, after=15.8, low=3.2, high=4.12)
    assert moved(given) == "12.1 → 15.8 words per request (+3.2 to +4.1)"
    fewer = line(shape=Shape.NUMBER, unit="nats of entropy", before=0.5, after=0.25, low=-0.3, high=-0.2)
    assert moved(fewer) == "0.5 → 0.25 nats of entropy (−0.3 to −0.2)"
    one = line(shape=Shape.NUMBER, unit="ms per reply", before=1.0, after=2.0, low=-math.inf, high=math.inf)
    assert moved(one) == "1 → 2 ms per reply (no interval)"


def test_labels_are_told_by_the_one_that_moved_most() -> None:
    """Its share before and now."""
    given = line(shape=Shape.LABEL, unit="of the replies", value="refused", before=0.012, after=0.045)
    assert moved(given) == "1.2\u202f% → 4.5\u202f% of the replies are refused"


def test_vectors_are_told_by_their_test() -> None:
    """A share as one, a distance as a number."""
    given = line(shape=Shape.VECTOR, unit="of pairs told apart, where 50 % is chance", effect=0.62)
    assert moved(given) == "62.0\u202f% of pairs told apart, where 50 % is chance"
    assert moved(line(shape=Shape.VECTOR, unit="between the windows' means", effect=0.0812)).startswith("0.081 between")


def test_everything_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines with verdicts, a limit where there is no p-value, cautions, what is left out, slices, opinions,
    examples.
    """
    monkeypatch.setenv("COLUMNS", "200")
    reference, current = windows(0, 200)
    current = [
        said(900_000 + k, row.text + " [now]" * 9, tags=row.tags, version="ver_2") for k, row in enumerate(current)
    ]
    report = compare(reference, current, Question(tests=("ks", "psi", "chi_square", "classifier")))
    assert report.lines[0].verdict is Verdict.MOVED
    show("routing", report, reference, current)
    out = capsys.readouterr().out
    for part in (
        "routing: 200 requests",
        "usual limit 0.2",
        "moved",
        "caution: other versions answered (ver_1; then ver_2)",
        "left out, known of no row of a window: confidence",
        "slices whose share moved most",
        "since when, by classical detectors",
        "after ",
        "the most novel current texts",
    ):
        assert part in out
    assert all(len(row) <= 200 for row in out.splitlines() if not row.startswith(("left out", "caution")))


def test_what_is_not_there_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Without tags, known times and moved numbers there are no slices, no dates and no opinions."""
    texts = ["one two", "two three four", "five"]
    rows = [said(k, texts[k % 3], time=0.0) for k in range(120)]
    report = compare(rows[:60], rows[60:], Question(features=("words",)))
    show("a → b", report, rows[:60], rows[60:])
    out = capsys.readouterr().out
    assert out.startswith("a → b: 60 requests, then 60 requests\n")
    assert "slices" not in out
    assert "since when" not in out
    assert "caution" not in out
