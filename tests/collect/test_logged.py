"""Interactions of another log are read as they are, or the line that does not fit is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from homeostat.collect.logged import read_logged
from homeostat.errors import BadStream, EmptyStream, NotText

ROW = {
    "id": "r1",
    "text": "where is my parcel",
    "reply": "delivery",
    "time": "2026-01-31T12:00:00+00:00",
    "tags": {"segment": "home"},
    "confidence": 0.75,
    "entropy": 0.5,
    "latency_ms": 12.5,
    "prompt_tokens": 30,
    "reply_tokens": 2,
    "version": "v7",
    "embedding": [0.5, -1.0],
}


def written(path: Path, *rows: object) -> Path:
    """A file with these rows, one a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_everything_that_a_row_says_is_kept(tmp_path: Path) -> None:
    """Each key in its field, the embedding as the log keeps it."""
    (row,) = read_logged(written(tmp_path / "a.jsonl", ROW))
    assert (row.id, row.text, row.reply, row.version) == ("r1", "where is my parcel", "delivery", "v7")
    assert row.time == 1_769_860_800.0
    assert (row.confidence, row.entropy, row.latency_ms) == (0.75, 0.5, 12.5)
    assert (row.prompt_tokens, row.reply_tokens, row.tags) == (30, 2, {"segment": "home"})
    assert np.frombuffer(row.embedding, np.float16).tolist() == [0.5, -1.0]


def test_a_text_alone_is_a_row(tmp_path: Path) -> None:
    """What is not said is unknown; ids name file and line, so that rows of two files are never the same."""
    rows = read_logged(written(tmp_path / "a.jsonl", {"text": "one"}, {"text": "two", "note": "passed over"}))
    assert [row.text for row in rows] == ["one", "two"]
    assert [row.id.rpartition("/")[2] for row in rows] == ["a.jsonl:1", "a.jsonl:2"]
    assert (rows[0].time, rows[0].confidence, rows[0].embedding, rows[0].reply) == (0.0, 0.0, b"", "")


def test_a_label_stands_for_the_reply_or_is_a_tag_beside_it(tmp_path: Path) -> None:
    """As in a labeled stream, where the reply is a text and the label what is learned."""
    rows = read_logged(
        written(tmp_path / "a.jsonl", {"text": "a", "label": "x"}, {"text": "b", "label": "x", "reply": "hello"})
    )
    assert (rows[0].reply, rows[0].tags) == ("x", {})
    assert (rows[1].reply, rows[1].tags) == ("hello", {"label": "x"})


def test_the_model_that_answered_elsewhere_is_a_tag(tmp_path: Path) -> None:
    """With its fingerprint where there is one, as the OpenAI API calls them; a tag of that name stays as it is."""
    path = tmp_path / "a.jsonl"
    said = ({"system_fingerprint": "fp_2"}, {"system_fingerprint": None}, {"tags": {"upstream": "x"}})
    rows = read_logged(written(path, *({"text": "a", "model": "m-1", **more} for more in said)))
    assert [row.tags["upstream"] for row in rows] == ["m-1 fp_2", "m-1", "x"]


def test_rows_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    """Rows of the same time stay as they stand; packed files are read too."""
    times = [5, 1, 3, 1]
    path = tmp_path / "a.jsonl.gz"
    lines = "\n".join(json.dumps({"text": f"{k}", "time": time}) for k, time in enumerate(times)) + "\n\n"
    path.write_bytes(gzip.compress(lines.encode()))
    assert [row.text for row in read_logged(path)] == ["1", "3", "2", "0"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "not a JSON object with a 'text'"),
        ('{"txt": "a"}', "not a JSON object with a 'text'"),
        ('{"text": 3}', "'text' is 3, not a text"),
        ('{"text": "a", "reply": null}', "'reply' is None, not a text"),
        ('{"text": "half \\ud83d"}', "'text' holds half of a surrogate pair"),
        ('{"text": "a", "confidence": "high"}', "'confidence' is 'high', not a number"),
        ('{"text": "a", "latency_ms": -1}', "'latency_ms' is -1, not a number from 0 on"),
        ('{"text": "a", "entropy": NaN}', "'entropy' is nan"),
        ('{"text": "a", "prompt_tokens": true}', "'prompt_tokens' is True"),
        ('{"text": "a", "time": "yesterday"}', "'time' is 'yesterday'"),
        ('{"text": "a", "tags": {"n": 1}}', "'tags' is {'n': 1}"),
        ('{"text": "a", "tags": {"n": "\\ud83d"}}', "'tags' holds half"),
        ('{"text": "a", "embedding": "0.5"}', "'embedding' is '0.5'"),
        ('{"text": "a", "confidense": 0.5}', "did you mean 'confidence'?"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, line: str, told: str) -> None:
    """One error that says which line and what is wrong with it."""
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "fine"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(BadStream) as caught:
        read_logged(path)
    assert told in caught.value.what
    assert caught.value.where == f"{path} line 2"
    assert caught.value.fix


def test_files_that_are_none(tmp_path: Path) -> None:
    """Not there, empty, or no text: an error each."""
    with pytest.raises(BadStream, match="cannot be read"):
        read_logged(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n \n")
    with pytest.raises(EmptyStream, match="no rows"):
        read_logged(tmp_path / "empty.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b'{"text": "\xff"}\n')
    with pytest.raises(NotText):
        read_logged(tmp_path / "bytes.jsonl")
