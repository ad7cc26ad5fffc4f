"""The data of benchmarks, looked for without the harness."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.errors import NotText
from homeostat.loop.proving.documents import hold_documents


def task(folder: Path, name: str, says: str) -> Path:
    """A task file that names its data so."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(f"task: {name}\n{says}")
    return folder


def files(said: object) -> str:
    return f"dataset_path: json\ndataset_kwargs:\n  data_files: {said}\n"


def test_data_that_are_there(tmp_path: Path) -> None:
    """One file, several, by part, by a pattern, beneath a folder, or a folder: nothing is to be said."""
    data = tmp_path / "a.jsonl"
    data.write_text("{}\n")
    for k, said in enumerate((data, f"[{data}, {data}]", f"{{test: [{data}]}}", f"{tmp_path}/**.jsonl")):
        task(tmp_path / "tasks", f"t{k}", files(said) + "  data_dir: null\ncustom_dataset: ~\n")
    task(
        tmp_path / "tasks",
        "beneath",
        f"dataset_path: csv\ndataset_kwargs: {{data_dir: {tmp_path}, data_files: a.jsonl}}\n",
    )
    task(tmp_path / "tasks", "folder", f"dataset_path: {tmp_path}\n")
    task(tmp_path / "tasks", "made", "dataset_path: json\ncustom_dataset: !function utils.made\n")
    assert hold_documents(tmp_path / "tasks") == []


@pytest.mark.parametrize(
    ("says", "key"),
    [
        (files("{test: /nowhere/b.jsonl}"), "data_files"),
        (files("[/nowhere/*.jsonl]"), "data_files"),
        (files("nowhere/b.jsonl"), "data_files"),
        ("dataset_path: text\ndataset_kwargs: {data_dir: /nowhere, data_files: b.txt}\n", "data_files"),
        ("dataset_path: /nowhere\n", "dataset_path"),
        ("dataset_path: ./nowhere\n", "dataset_path"),
    ],
)
def test_data_that_are_not(says: str, key: str, tmp_path: Path) -> None:
    """The task, the place and what to mend."""
    with pytest.raises(NotText, match="the data of task 'short' are not there") as told:
        hold_documents(task(tmp_path / "tasks", "short", says))
    assert "nowhere" in told.value.where
    assert f"mend `{key}` in {tmp_path / 'tasks' / 'short.yaml'}" in told.value.fix


def test_what_cannot_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies on a hub, at an address, or is found from this folder alone: a sentence for each task."""
    (tmp_path / "here.jsonl").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    folder = task(
        tmp_path / "tasks", "a_hub", "dataset_path: somebody/something\ndataset_kwargs: {data_files: b.json}\n"
    )
    task(folder, "b_far", files("https://example.com/b.jsonl"))
    task(folder, "c_near", files("here.jsonl"))
    hub, far, near = hold_documents(folder)
    assert "'a_hub' are here shows when it is asked: 'somebody/something' is no file" in hub
    assert "'b_far' are here shows when it is asked: 'https://example.com/b.jsonl' is no file" in far
    assert near.startswith("task 'c_near' reads 'here.jsonl' from where homeostat is started")


def test_what_is_included_counts(tmp_path: Path) -> None:
    """Of several the last, and what the file says itself above all; a template, a group and a list of tasks; files that
    include each other end.
    """
    folder = task(tmp_path / "tasks", "whole", "include: [_first, _second]\n")
    (folder / "_first").write_text(files("/nowhere/first.jsonl") + "include: _first\n")
    (folder / "_second").write_text(files("/nowhere/second.jsonl"))
    (folder / "template.yaml").write_text(files("/nowhere/template.jsonl"))
    (folder / "_third").write_bytes(b"task: \xff")  # nothing that this could be told of: the harness does
    (folder / "group.yaml").write_text("group: both\ntask: [whole]\n")
    (folder / ".hidden.yaml").write_text("[")
    with pytest.raises(NotText) as told:
        hold_documents(folder)
    assert told.value.where == "/nowhere/second.jsonl"
    task(folder, "whole", "include: [_first, _second, _third, _none]\ndataset_path: somebody/else\n")
    assert len(hold_documents(folder)) == 1
    (folder / "many.yaml").write_text(files("/nowhere/many.jsonl") + "task_list: [{task: m1}, {task: m2}]\n")
    with pytest.raises(NotText, match="'m1'"):
        hold_documents(folder)
