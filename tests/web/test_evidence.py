from __future__ import annotations

from homeostat.web.evidence import funnel, measured
from web import documents


def test_the_funnel_counts_what_each_step_dropped() -> None:
    """What memory adds and what the whole comes to are not told as drops."""
    rows = {row["name"]: row for row in funnel(documents.counts())}
    assert rows["deduplicated"]["dropped"] == "−147"
    assert (rows["remembered"]["dropped"], rows["superseded"]["dropped"], rows["total"]["dropped"]) == ("", "", "")
    assert rows["replayable"]["dropped"] == "−64"
    assert [name for name, row in rows.items() if row["begins"]] == ["remembered", "total"]


def test_the_funnel_takes_steps_that_it_does_not_know() -> None:
    """A new step has its number and its bar, and no explanation."""
    (row,) = funnel({"polished": 12, "spoiled": None})
    assert (row["n"], row["what"]) == ("12", "")
    assert funnel({}) == []


def test_scores_are_shares_and_differences_are_points() -> None:
    """The two accuracies come first, then the paired difference, then the groups with a strip each."""
    rows = measured(documents.turn()["candidates"][0]["scores"])
    assert [row["name"] for row in rows] == ["candidate", "champion", "overall, paired", "known labels", "new labels"]
    assert [bool(row["strip"]) for row in rows] == [False, False, True, True, True]
    assert "points" not in rows[0]["says"]
    assert rows[3]["says"].startswith("−11.4 points")


def test_a_report_of_the_store_is_read_too() -> None:
    """There `candidate` is an id and the score is named `candidate_score`."""
    rows = measured({"candidate": "ver_a", "candidate_score": documents.score(0.9, 100), "difference": None})
    assert [row["name"] for row in rows] == ["candidate"]
