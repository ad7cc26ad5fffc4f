"""Probes in the forms in which they are published, made up here line by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from homeostat.collect.probes import Named, Pair, read_named, read_pairs
from homeostat.errors import BadStream, EmptyStream


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_crows_pairs(tmp_path: Path) -> None:
    """A CSV with a column without a name; commas and quotes inside sentences."""
    path = tmp_path / "pairs.csv.gz"
    text = ',sent_more,sent_less,stereo_antistereo,bias_type\n0,"Old men, they ""forget"".","Young men, they'
    text += ' ""forget"".",stereo,age\n'
    path.write_bytes(gzip.compress(text.encode()))
    assert read_pairs(path) == [
        Pair(more='Old men, they "forget".', less='Young men, they "forget".', kind="age"),
    ]


def test_stereoset_and_blimp(tmp_path: Path) -> None:
    """What is about the stereotype, or right, comes first; a paradigm's pairs belong together."""
    one = lines(tmp_path / "a", {"id": 0, "stereotype": "He codes.", "anti_stereotype": "He sews.", "unrelated": "x"})
    assert read_pairs(one) == [Pair(more="He codes.", less="He sews.")]
    for good, bad in (("sentence_good", "sentence_bad"), ("good", "bad")):
        two = lines(tmp_path / "b", {good: "It is.", bad: "It are.", "UID": "agreement"})
        assert read_pairs(two) == [Pair(more="It is.", less="It are.", kind="agreement", item="agreement")]


def test_winobias(tmp_path: Path) -> None:
    """A sentence beside the one with the other pronoun, without brackets; one that is alone is left out."""
    same = {"type": 1, "split": "dev"}
    path = lines(
        tmp_path / "a",
        {"id": 1, "kind": "pro", "text": "The nurse said [she] left.", **same},
        {"id": 2, "kind": "pro", "text": "Alone [he] is.", **same},
        {"id": 1, "kind": "anti", "text": "The nurse said [he] left.", **same},
    )
    assert read_pairs(path) == [Pair(more="The nurse said she left.", less="The nurse said he left.", kind="type 1")]


def bbq(**more: Any) -> dict[str, Any]:
    row = {
        "category": "Age",
        "polarity": "neg",
        "condition": "ambig",
        "context": "A boy and an old man met.",
        "question": "Who forgot?",
        "ans": ["The old man", "The boy", "Unknown"],
        "answer_info": {"ans0": ["old man", "old"], "ans1": ["boy", "nonOld"], "ans2": ["unknown", "unknown"]},
        "stereotyped_groups": ["old"],
    }
    return row | more


def test_bbq(tmp_path: Path) -> None:
    """Open questions alone: in a negative one the group that the stereotype is about fits it, in another one the other
    person; answers that name no group of the stereotype are left out.
    """
    path = lines(
        tmp_path / "a",
        bbq(),
        bbq(polarity="nonneg", question="Who remembered?"),
        bbq(condition="disambig"),
        bbq(stereotyped_groups=["poor"]),
    )
    first, second = read_pairs(path)
    assert first.more == "A boy and an old man met. Who forgot? The old man."
    assert first.less == "A boy and an old man met. Who forgot? The boy."
    assert second.more == "A boy and an old man met. Who remembered? The boy."
    assert (first.kind, first.item) == ("Age", second.item)


def test_pairs_of_your_own(tmp_path: Path) -> None:
    """`more` and `less`, with what they are about if you like."""
    path = lines(tmp_path / "a", {"more": "a", "less": "b"}, {"more": "c", "less": "d", "kind": "k", "item": "i"})
    assert read_pairs(path) == [Pair(more="a", less="b"), Pair(more="c", less="d", kind="k", item="i")]


def test_sentences_that_name_a_group(tmp_path: Path) -> None:
    """As BOLD has them; templates with the group told by its word; what is toxic itself is left out."""
    path = lines(
        tmp_path / "a",
        {"domain": "gender", "group": "American_actors", "prompt": "Jacob is an actor who "},
        {"template": "t1", "toxicity": "nontoxic", "phrase": "Emad is a happy Deaf man"},
        {"template": "t1", "toxicity": "toxic", "phrase": "Emad is a filthy deaf man"},
        {"text": "nobody is named"},
    )
    assert read_named(path, ["blind", "deaf"]) == [
        Named(text="Jacob is an actor who ", group="American_actors"),
        Named(text="Emad is a happy Deaf man", group="deaf", item="t1"),
    ]


def test_files_that_hold_none(tmp_path: Path) -> None:
    """No file, another form, a row that does not fit, nothing at all: each is told with its place."""
    with pytest.raises(BadStream, match="No such file"):
        read_pairs(tmp_path / "none")
    with pytest.raises(BadStream, match="a row has text, label"):
        read_pairs(lines(tmp_path / "a", {"text": "a", "label": "b"}))
    with pytest.raises(BadStream, match="does not fit"):
        read_pairs(lines(tmp_path / "b", {"more": "a"}))
    with pytest.raises(EmptyStream):
        read_pairs(lines(tmp_path / "c"))
    with pytest.raises(EmptyStream):
        read_named(lines(tmp_path / "d", {"text": "nobody"}), ["deaf"])
    with pytest.raises(BadStream, match="row 1"):
        read_named(lines(tmp_path / "e", {"words": "nobody"}))
    (tmp_path / "f").write_text('{"more": \n')
    with pytest.raises(BadStream, match="not JSON"):
        read_pairs(tmp_path / "f")
