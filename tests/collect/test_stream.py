"""Streams of recorded requests: what is read, how rows are split, and what is refused with which words."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from pathlib import Path

import pytest

from homeostat.collect.stream import Split, StreamRow, default_split, read_stream
from homeostat.errors import BadStream, EmptyStream, NotText


def row(k: int, **more: object) -> dict[str, object]:
    return {"text": f"message {k}", "label": f"label_{k % 3}", "time": 1000.0 + k, **more}


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_a_stream_without_splits_is_a_quarter_history_and_every_fifth_row_is_test(tmp_path: Path) -> None:
    """Where no row names a split, the first quarter is history, every fifth row test, the rest traffic."""
    rows, _ = read_stream(written(tmp_path / "s.jsonl", [row(k) for k in range(40)]))
    assert [r.split for r in rows] == [default_split(k, 40) for k in range(40)]
    assert [r.index for r in rows if r.split is Split.TEST] == list(range(4, 40, 5))
    assert [r.index for r in rows if r.split is Split.HISTORY] == [0, 1, 2, 3, 5, 6, 7, 8]


def test_named_splits_tags_and_both_spellings_of_time_are_kept(tmp_path: Path) -> None:
    """A row's own split and tags stand; ISO times without a zone are UTC, numbers are seconds."""
    entries = [
        row(0, time="2000-01-01T00:00:00+01:00", split="history", tags={"segment": "business"}),
        row(1, time="2000-01-01T00:00:00", split="live"),
        row(2, time=946684801, split="test", tags=None),
    ]
    rows, _ = read_stream(written(tmp_path / "s.jsonl", entries))
    assert [r.time for r in rows] == [946681200.0, 946684800.0, 946684801.0]
    assert [r.split for r in rows] == [Split.HISTORY, Split.LIVE, Split.TEST]
    assert rows[0].tags == {"segment": "business"}
    assert rows[2].tags == {}


def test_truth_is_handed_back_apart_and_follows_its_row_when_rows_are_put_in_order(tmp_path: Path) -> None:
    """No field of a row holds the truth, and `truth[row.index]` is that row's even where the file was out of order."""
    entries = [row(k, truth={"k": k}) for k in reversed(range(20))]
    rows, truth = read_stream(written(tmp_path / "s.jsonl", entries))
    assert "truth" not in {f.name for f in fields(StreamRow)}
    assert [r.text for r in rows] == [f"message {k}" for k in range(20)]
    assert [truth[r.index]["k"] for r in rows] == list(range(20))


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.jsonl"])
def test_gzip_is_known_by_its_content_not_by_the_name(tmp_path: Path, name: str) -> None:
    """A packed stream reads the same as a plain one, whatever the file is called."""
    plain = written(tmp_path / "plain", [row(k) for k in range(20)])
    (tmp_path / name).write_bytes(gzip.compress(plain.read_bytes()))
    assert read_stream(tmp_path / name) == read_stream(plain)


def test_blank_lines_other_keys_a_byte_order_mark_and_line_separators_in_texts_do_no_harm(tmp_path: Path) -> None:
    """What ordinary tools leave in a file is read over; a U+2028 inside a text does not end its line."""
    entries = [json.dumps(row(k, text=f"a\u2028b{k}", id=k), ensure_ascii=False) for k in range(20)]
    (tmp_path / "s").write_text("\ufeff" + "\r\n\r\n".join(entries) + "\n", encoding="utf-8")
    rows, _ = read_stream(tmp_path / "s")
    assert len(rows) == 20
    assert rows[3].text == "a\u2028b3"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{not json", "not JSON"),
        ("7", "if you like, split, tags, truth, reply, until"),
        ("[1, 2]", "a JSON list"),
        ('{"lable": "x", "text": "y", "time": 1}', "rename 'lable' to 'label'"),
        ('{"text": "y", "label": 7, "time": 1}', "'label' is 7"),
        ('{"text": "  ", "label": "a", "time": 1}', "'text' is '  '"),
        ('{"text": "y", "label": "a"}', "no key 'time'"),
        ('{"text": "y", "label": "a", "time": "yesterday"}', "'time' is 'yesterday'"),
        ('{"text": "y", "label": "a", "time": 1700000000000}', "'time' is 1700000000000"),
        ('{"text": "y", "label": "a", "time": NaN}', "'time' is nan"),
        ('{"text": "y", "label": "a", "time": true}', "'time' is True"),
        ('{"text": "y", "label": "a", "time": 1, "split": "liv"}', "did you mean 'live'"),
        ('{"text": "y", "label": "a", "time": 1, "tags": {"n": 3}}', "'tags' is"),
        ('{"text": "y", "label": "a", "time": 1, "truth": 3}', "'truth' is 3"),
        ('{"text": "\\ud800", "label": "a", "time": 1}', "surrogate"),
        ('{"text": "y", "label": "a", "time": 1, "taggs": {"n": "x"}}', "'taggs' — did you mean 'tags'?"),
        ('{"text": "y", "label": "a", "time": 1, "replly": "hello"}', "did you mean 'reply'?"),
        ('{"text": "y", "label": "a", "time": 1, "Split": "test"}', "did you mean 'split'?"),
        ('{"text": "y", "label": "a", "time": 1, "spilt": "test"}', "rename it to 'split'"),
        ('{"text": "y", "label": "a", "time": 1, "untill": "2026-01-31"}', "did you mean 'until'?"),
        ('{"text": "y", "label": "a", "time": 1, "thruth": {"new": true}}', "did you mean 'truth'?"),
    ],
)
def test_a_bad_line_is_named_by_its_number_and_what_is_wrong(tmp_path: Path, line: str, said: str) -> None:
    """One clear error: file, line, what does not fit."""
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps(row(0)) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(BadStream) as caught:
        read_stream(path)
    assert said in str(caught.value)
    assert f"{path} line 3" in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    "more",
    [
        {"id": 7, "texts": ["a"], "source": "mail", "lang": "en", "title": "a", "unit": 3, "stage": "live"},
        {"tag": "vip", "replay": True, "trust": 0.5, "splits": 3, "untill": None},
        {"tags": {"n": "x"}, "taggs": {"n": "y"}},
    ],
    ids=["names of their own", "values that would not do", "beside the right key"],
)
def test_keys_that_are_nobodys_misspelling_are_passed_over(tmp_path: Path, more: dict[str, object]) -> None:
    """A key of one's own may stay, even one that looks a little like one of ours."""
    plain, _ = read_stream(written(tmp_path / "s", [row(k) for k in range(20)]))
    rows, _ = read_stream(written(tmp_path / "t", [row(k, **more) for k in range(20)]))
    assert [r.text for r in rows] == [r.text for r in plain]
    assert all(r.reply == "" for r in rows)
    assert {r.tags.get("n") for r in rows} <= {None, "x"}


def test_rows_for_a_task_of_text_need_no_label(tmp_path: Path) -> None:
    """Where no labels are asked for `reply` is enough, and a label that is there is read; else it is missed."""
    entries = [row(k, reply=f"reply {k}") for k in range(20)]
    del entries[3]["label"]
    path = written(tmp_path / "s.jsonl", entries)
    rows, _ = read_stream(path, labeled=False)
    assert [(r.label, r.reply) for r in rows[2:4]] == [("label_2", "reply 2"), ("", "reply 3")]
    with pytest.raises(BadStream, match="no key 'label'"):
        read_stream(path)


def test_a_split_on_some_rows_only_is_refused_at_the_first_row_without(tmp_path: Path) -> None:
    """Half-named splits are a mistake that would leak test rows into training."""
    entries = [row(0, split="history"), row(1, split="live"), row(2), row(3, split="test")]
    with pytest.raises(BadStream, match=r"others have one.*line 3"):
        read_stream(written(tmp_path / "s.jsonl", entries))


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    """The first byte that is no UTF-8 is shown with the line it stands in."""
    path = tmp_path / "s.jsonl"
    path.write_bytes(json.dumps(row(0)).encode() + b'\n{"text": "caf\xe9"}\n')
    with pytest.raises(NotText, match=r"0xe9.*line 2"):
        read_stream(path)


def test_empty_missing_and_damaged_files_have_errors_of_their_own(tmp_path: Path) -> None:
    """No rows is EmptyStream; no file, a folder and half a gzip are BadStream."""
    (tmp_path / "empty").write_text("\n\n")
    with pytest.raises(EmptyStream, match="no rows"):
        read_stream(tmp_path / "empty")
    with pytest.raises(BadStream, match="No such file"):
        read_stream(tmp_path / "nowhere")
    with pytest.raises(BadStream, match="directory"):
        read_stream(tmp_path)
    (tmp_path / "half.gz").write_bytes(gzip.compress(b"x" * 1000)[:-10])
    with pytest.raises(BadStream, match="gzip"):
        read_stream(tmp_path / "half.gz")


def test_a_stream_that_cannot_tell_the_story_says_which_split_it_lacks(tmp_path: Path) -> None:
    """Without history, traffic or test rows there is nothing to train on, to serve or to measure by."""
    with pytest.raises(EmptyStream, match="none of live and none of test"):
        read_stream(written(tmp_path / "s.jsonl", [row(k, split="history") for k in range(9)]))
    with pytest.raises(EmptyStream, match="none of test"):
        read_stream(written(tmp_path / "t.jsonl", [row(k) for k in range(4)]))
