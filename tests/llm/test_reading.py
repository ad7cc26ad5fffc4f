"""What versions read and reply with, without a model."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tiny
from homeostat.errors import UnknownLabel
from homeostat.llm.backend import Request
from homeostat.llm.labels import LabelCodes
from homeostat.llm.preface import Preface
from homeostat.llm.reading import codes_for, earlier, labels_of
from homeostat.types.version import Version

VERSION = Version(id="v", task="routing", time=0.0, base="", kind="lora", labels=("late", "wet"))
ASKED = Request(task=tiny.ROUTING, text="my parcel is late", version="v", history=(("user", "hello"),))
PREFACE = Preface("", (("where is my parcel", "late"), ("the pump leaks", "wet"), ("good day", "other")), 2)


def test_a_version_has_its_own_labels_and_the_base_those_of_the_task() -> None:
    """In this order; where there are none, that is said."""
    task = replace(tiny.ROUTING, labels=("other",))
    assert labels_of(VERSION, task) == ("late", "wet")
    assert labels_of(None, task) == ("other",)
    with pytest.raises(UnknownLabel, match="routing"):
        labels_of(None, replace(task, labels=()))


def test_only_a_trained_version_knows_codes() -> None:
    """The bare base, in a task of few labels, has them spelled out."""
    tokenizer, labels = tiny.chat_tokenizer(), ("late_delivery", "broken_pump")
    assert codes_for(tokenizer, VERSION, labels, decoder=True).single
    assert not codes_for(tokenizer, None, labels, decoder=True).single
    assert codes_for(tokenizer, None, labels, decoder=False).single
    assert codes_for(tokenizer, None, [f"label {k}" for k in range(30)], decoder=True).single


def test_examples_stand_before_the_history_with_the_codes_of_their_labels() -> None:
    """A code loses the mark that ends it; a reply that is no label stands in words; without one none stand."""
    codes = LabelCodes(("late", "wet"), ((7, 0), (8,)))
    turns = earlier(ASKED, PREFACE, codes, 0)
    assert turns[-1] == ("user", "hello")
    assert ("assistant", (7,)) in turns
    assert all(said != (7, 0) for _, said in turns)
    assert earlier(ASKED, PREFACE, None, 0)[1][1] in ("late", "wet", "other")
    assert earlier(ASKED, None, codes, 0) == earlier(ASKED, Preface("do it"), codes, 0) == ASKED.history
