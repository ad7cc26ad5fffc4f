from __future__ import annotations

from xml.etree import ElementTree

from homeostat.web import plots
from web import documents

DOCUMENT = documents.realistic()


def words_of(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_events_outside_the_time_shown_are_left_out() -> None:
    """A release has the clock of the wall; on a replayed year it does not stretch the axis."""
    document = {"timeline": [{"time": 5.0, "event": "signal", "text": "a"}, {"time": 1e9, "event": "release"}]}
    assert [event["event"] for event in plots.events(document, 0.0, 10.0)] == ["signal"]


def test_lines_without_time_or_of_other_events_are_not_marked() -> None:
    """Only what changes the course is marked."""
    timeline = [{"time": None, "event": "signal"}, {"time": 3.0, "event": "curate"}, {"time": 3.0, "event": ""}]
    assert plots.events({"timeline": timeline}, 0.0, 10.0) == []


def test_marks_that_would_overlap_are_drawn_as_one() -> None:
    """Neighbors share a label that names the first and the last."""
    found = [{"number": k + 1, "x": x, "event": "e", "text": str(x)} for k, x in enumerate((0.0, 50.0, 51.0, 52.0))]
    marks = plots.marks(found, 0.0, 100.0)
    assert [mark.label for mark in marks] == ["1", "2–4"]
    assert marks[1].says == "e: 50.0; e: 51.0; e: 52.0"


def test_what_was_estimated_stands_beside_what_was_measured() -> None:
    """Told in words too; without anything measured there is no chart."""
    points = [{"time": 100.0 * k, "mean": 0.8, "low": 0.7, "high": 0.9, "n": 50} for k in range(4)]
    others = [point | {"mean": 0.6} for point in points]
    svg = plots.accuracy(points, beside=others, target=0.75)
    assert "Dashed, told otherwise: last 60.0" in svg
    assert "target 75.0" in svg
    assert plots.accuracy([], beside=others) == ""


def test_looks_at_a_model_are_drawn_from_the_second_on() -> None:
    """Stairs against the threshold; one look has no course."""
    svg = plots.looks([[1e9, -1.0], [1e9 + 86_400, 1.5]], "large", 365)
    assert "threshold 365" in svg
    assert "2 looks; the highest is 31.6" in svg
    assert plots.looks([[1e9, 0.0]], "large", 365) == ""


def test_accuracy_names_the_versions_that_answered() -> None:
    """Below the line stands who answered from when to when."""
    said = words_of(plots.accuracy(DOCUMENT["series"]["accuracy"]))
    assert [word for word in said if word.startswith("ver_")] == ["ver_…2w0ab3", "ver_…3d5f0p"]


def test_nothing_measured_draws_nothing() -> None:
    """No points, or points without a mean or a time, give no chart."""
    assert plots.accuracy([]) == ""
    assert plots.accuracy([{"time": None, "mean": 0.9}, {"time": 1.0, "mean": None}]) == ""
    assert plots.drift([], ["confidence"], 5.7) == ""
    assert plots.drift([[1.0, None]], ["confidence"], 5.7) == ""
    assert plots.losses([{"version": "ver_a", "points": []}]) == []
    assert plots.slices([{"slice": "a", "before_drift": None}]) == []


def test_a_channel_may_be_missing() -> None:
    """A text task without embeddings has one line."""
    svg = plots.drift([[0.0, 1.0], [60.0, 2.0]], ["confidence", "neighbors"], 5.7)
    assert svg.count("<path") == 1


def test_an_endless_statistic_is_drawn() -> None:
    """A logarithm beyond all floats does not raise."""
    assert "<svg" in plots.drift([[0.0, 900.0], [1.0, 2.0]], ["confidence"], 5.7)


def test_slices_leave_out_what_was_not_there() -> None:
    """A slice that came with the drift has no bar before it."""
    cells = {cell["name"]: cell for cell in plots.slices(DOCUMENT["series"]["slices"])}
    assert "before drift" in words_of(cells["orders"]["svg"])
    assert "before drift" not in words_of(cells["aqua line"]["svg"])


def test_losses_share_one_scale() -> None:
    """Small multiples can be compared: all have the same ticks on the axis of the loss."""
    cells = plots.losses(DOCUMENT["series"]["losses"])
    assert len(cells) == 3
    assert len({tuple(word for word in words_of(cell["svg"]) if word in {"0", "1", "2", "3"}) for cell in cells}) == 1


def test_a_run_without_held_out_rows_has_one_curve() -> None:
    """The negative number that stands in for the held-out loss is not drawn."""
    (cell,) = plots.losses([{"version": "ver_a", "points": [{"step": 5, "loss": 1.0, "held_out": -5.0}]}])
    assert cell["says"] == "best training loss 1 at step 5"
