"""Rows of interactions: what is put where, for what the user got and for its copy."""

from __future__ import annotations

from dataclasses import replace

from homeostat.collect.record import Asked, interaction, shadow, unanswered
from homeostat.llm.backend import Reply
from homeostat.types.interaction import Interaction, Role
from homeostat.types.task import Kind, Task

ASKED = Asked(
    id="int_1",
    task=Task(name="routing"),
    time=5.0,
    text="where is my parcel",
    history=(("system", "be brief"),),
    episode="e1",
    tags={"segment": "business"},
    config="c0ffee",
)
REPLY = Reply(
    text="delivery",
    confidence=0.9,
    entropy=0.2,
    prompt_tokens=7,
    reply_tokens=1,
    embedding=b"\x00\x3c",
    disagreement=0.3,
)


def test_a_row_holds_what_was_asked_replied_and_how_it_was_routed() -> None:
    """Nothing of the request or the reply is lost, and the routing's probability is on the row."""
    assert interaction(ASKED, REPLY, version="ver_1", probability=0.8, latency_ms=12.0) == Interaction(
        id="int_1",
        task="routing",
        time=5.0,
        text="where is my parcel",
        reply="delivery",
        version="ver_1",
        episode="e1",
        probability=0.8,
        confidence=0.9,
        entropy=0.2,
        disagreement=0.3,
        prompt_tokens=7,
        reply_tokens=1,
        latency_ms=12.0,
        tags={"segment": "business"},
        embedding=b"\x00\x3c",
        config="c0ffee",
    )


def test_a_copy_points_at_its_primary_and_has_the_same_id_every_time() -> None:
    """Making a copy twice gives one row; another version's copy is another row."""
    one = shadow(ASKED, REPLY, version="ver_2", latency_ms=3.0)
    assert (one.role, one.of, one.version, one.time) == (Role.SHADOW, "int_1", "ver_2", 5.0)
    assert one.id == shadow(ASKED, REPLY, version="ver_2", latency_ms=9.0).id != "int_1"
    assert one.id != shadow(ASKED, REPLY, version="ver_3", latency_ms=3.0).id


def test_a_request_without_a_reply_is_a_row_too() -> None:
    """With all that it came with, whose version could not answer, and no reply, also where a task has one for doubt."""
    careful = replace(ASKED, task=Task(name="routing", unsure_below=0.5, unsure_reply="people"))
    row = unanswered(careful, version="ver_1", probability=0.8, latency_ms=12.0)
    assert (row.id, row.text, row.reply, row.role, row.of) == ("int_1", ASKED.text, "", Role.FAILED, "")
    assert (row.tags, row.episode, row.version, row.latency_ms) == (ASKED.tags, "e1", "ver_1", 12.0)


def test_a_label_that_the_version_is_not_sure_of_is_not_given() -> None:
    """Below the task's line the user and the copy alike get the other reply; confidence and texts stay as they are."""
    careful = replace(ASKED, task=Task(name="routing", unsure_below=0.91, unsure_reply="people"))
    row = interaction(careful, REPLY, version="ver_1", probability=0.8, latency_ms=12.0)
    assert (row.reply, row.confidence) == ("people", 0.9)
    assert shadow(careful, REPLY, version="ver_2", latency_ms=3.0).reply == "people"
    at_the_line = replace(ASKED, task=Task(name="routing", unsure_below=0.9))
    assert interaction(at_the_line, REPLY, version="ver_1", probability=1.0, latency_ms=1.0).reply == "delivery"
    words = replace(ASKED, task=Task(name="replies", kind=Kind.TEXT, unsure_below=0.95))
    assert interaction(words, REPLY, version="ver_1", probability=1.0, latency_ms=1.0).reply == "delivery"
