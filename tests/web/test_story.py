from __future__ import annotations

from typing import Any

from homeostat.web import story
from homeostat.web.words import THIN
from web import documents


def said(sentence: str) -> str:
    return sentence.replace(THIN, " ")


def test_the_headline_tells_the_fall_the_return_and_the_price() -> None:
    """Two sentences hold the figures that matter."""
    fall, beside = story.headline(documents.realistic())
    assert said(fall) == (
        "Accuracy fell from 93.1 % to 76.2 % when the traffic changed, and came back to 91.7 % after one turn."
    )
    assert (
        said(beside)
        == "That is 98.6 % of what retraining from scratch on the same labels reaches, for 14 % of its training."
    )


def test_the_headline_claims_nothing_that_was_not_measured() -> None:
    """Without a number there is no clause about it, and a fall is only called one if it is."""
    assert story.headline(documents.minimal()) == []
    accuracy = {"before_drift": 0.8, "after_drift": 0.85, "after_turn": 0.84}
    assert said(story.headline({"accuracy": accuracy})[0]) == (
        "Accuracy went from 80.0 % to 85.0 % when the traffic changed, and is 84.0 % at the end."
    )
    assert said(story.headline({"accuracy": {"after_turn": 0.84, "joint": 0.9}})[1]).endswith("reaches.")
    assert said(story.headline({"accuracy": {"before_drift": 0.9, "after_drift": 0.7}})[0]).endswith("changed.")


def test_facts_that_are_missing_are_left_out() -> None:
    """A document with a number of requests has one fact; a zero is a fact, null is none."""
    assert [fact["name"] for fact in story.facts(documents.minimal())] == ["requests"]
    assert story.facts({"feedback": 0, "lost_records": 0}) == [
        {"name": "feedback", "value": "0", "note": "0 records lost"}
    ]


def test_the_delay_of_detection_may_be_one_number_or_several() -> None:
    """A number, a list and a mapping of numbers are told; a change that was never noticed is a dash."""

    def delay(value: Any) -> str:
        return str(story.facts({"detection": {"delay_requests": value}})[0]["value"])

    assert (delay(212), delay([212, None]), delay({"intents": 212, "policy": 90})) == ("212", "212 / –", "212 / 90")


def test_every_arm_that_was_measured_has_a_row() -> None:
    """Ours is marked, and falls back to the accuracy after the turn; what was not counted is a dash, never is free."""
    rows = story.arms(documents.realistic())
    assert [row["name"] for row in rows] == [
        "never retrain",
        "naive fine-tuning",
        "Homeostat",
        "joint retraining",
        "joint, all labels",
    ]
    assert [row["ours"] for row in rows] == [False, False, True, False, False]
    assert [row["labels"] for row in rows] == ["none", "1,841", "1,841", "1,841", "4,602"]
    assert (rows[0]["flops"], rows[4]["flops"]) == ("none", "–")
    assert story.arms(documents.minimal()) == []


def test_what_was_known_and_what_is_new_are_told_apart() -> None:
    """The change on old slices is in points."""
    old, new = story.old_and_new(documents.realistic())
    assert said(old) == "What was known before: 93.2 % then, 92.9 % now (−0.3 points)."
    assert said(new) == "What is new: 87.1 % now."


def test_a_drill_without_rollback_is_not_hidden() -> None:
    """No drill is silence; a drill that nothing came of is said."""
    assert story.rollback({}) == ""
    assert story.rollback({"rollback": {"seconds": None}}).endswith("No rollback was seen.")
    assert said(story.rollback(documents.realistic())).endswith(
        "by itself in 2.3 s, after it had answered 14 requests."
    )


def test_a_turn_carries_its_steps() -> None:
    """Signal, decision, dataset, candidates and release are there; the gain has its interval."""
    (turn,) = story.turns(documents.realistic())
    assert turn["signals"][0]["says"] == "shiryaev–roberts, 1,204,551 over 500,000, after 2,214 requests"
    assert turn["decision"]["gain"] == "+12.1 points (+8.7 to +15.5 points)"
    assert [candidate["verdict"] for candidate in turn["candidates"]] == ["fail", "pass"]
    assert turn["releases"][0]["stage"] == "full"


def test_an_empty_turn_is_empty() -> None:
    """A turn that ended at its first step has nothing else."""
    (turn,) = story.turns({"turns": [{"signals": None, "release": {}, "dataset": None}]})
    assert not any(turn.values())


def test_a_turn_may_have_several_releases() -> None:
    """A list of release rows is told in order."""
    (turn,) = story.turns({"turns": [{"release": [{"stage": "shadow"}, {"stage": "full", "because": "not worse"}]}]})
    assert [release["stage"] for release in turn["releases"]] == ["shadow", "full"]


def test_replies_are_told_before_and_after() -> None:
    """A metric with one of both numbers has a dash for the other."""
    rows = story.replies({"replies": {"chrf_before": 41.2, "perplexity_after": None}})
    assert [(row["name"], row["before"], row["after"]) for row in rows] == [("chrF", "41.2", "–")]
    assert story.win_rate({"replies": None}) == ""
