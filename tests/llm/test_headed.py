"""Versions that are heads: read by what lies in their folder, and held to the labels that they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from homeostat.errors import CorruptWeights, ModelNotFound, UnsuitedModel
from homeostat.llm.exact import ExactHead, save_exact
from homeostat.llm.features import Features
from homeostat.llm.head import Head, Shape, save_head
from homeostat.llm.headed import read_head
from homeostat.types.version import HEAD, Version


def version(*labels: str) -> Version:
    return Version(id="ver_head", task="routing", time=0.0, base="", kind=HEAD, labels=labels)


def test_both_kinds_are_read(tmp_path: Path) -> None:
    """A solved head and one that was trained by steps, each with what lies beneath it."""
    features = Features.fixed(np.zeros((1, 48)), width=4, buckets=4)
    save_exact(ExactHead(features=features, weights=np.zeros((8, 2)), labels=("a", "b")), tmp_path / "solved")
    save_head(Head(Shape(form="label", names=("a", "b"), kind="lora"), 48), tmp_path / "stepped")
    for name, below in (("solved", "base"), ("stepped", "lora")):
        head = read_head(version("a", "b"), tmp_path / name, 48)
        assert (head.labels, head.below) == (("a", "b"), below)
        with pytest.raises(CorruptWeights, match="other labels"):
            read_head(version("b", "a"), tmp_path / name, 48)


def test_what_replies_with_a_text_is_read(tmp_path: Path) -> None:
    """A head of one number, and one of tags, whose version names no labels."""
    for form, names in (("numbers", ("minutes",)), ("tags", ("a", "b"))):
        save_head(Head(Shape(form=form, names=names, kind="lora"), 48), tmp_path / form)
        head = read_head(version(), tmp_path / form, 48)
        assert isinstance(head, Head)
        assert (head.shape.form, head.below) == (form, "lora")


def test_what_is_no_such_head(tmp_path: Path) -> None:
    """A head of several numbers answers no task, and an empty place is no head."""
    save_head(Head(Shape(form="numbers", names=("a", "b")), 48), tmp_path / "two")
    with pytest.raises(UnsuitedModel, match="tells 2 numbers"):
        read_head(version(), tmp_path / "two", 48)
    with pytest.raises(ModelNotFound):
        read_head(version("a"), tmp_path / "gone", 48)
