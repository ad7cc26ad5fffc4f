"""Public benchmarks by the harness, on files of this disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from small_project import TASK

from harness import write_group, write_read, write_sums, write_task
from homeostat.errors import MissingExtra, NotFound, NotText, UnsuitedModel, WrongType
from homeostat.loop.proving import benchmarks
from homeostat.loop.proving.benchmarks import benchmark, tasks_of
from homeostat.loop.workshop import Workshop
from homeostat.types.version import HEAD, State


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tasks: which of two sentences is the likelier."""
    pytest.importorskip("lm_eval")
    made = tmp_path / "benchmarks"
    pairs = {"short": ("refund", "zzqj xkw vvq jjx"), "long": ("xq zzv kkj wwq jx pq", "refund")}
    for name, (good, bad) in pairs.items():
        write_task(made, name, [(f"{good} {k}", f"{bad} {k}") for k in range(12)])
    return made


def test_the_tasks_of_a_folder(folder: Path, tmp_path: Path) -> None:
    """Those whose files are there, and not the hundreds that the harness brings."""
    assert tasks_of(folder) == ["long", "short"]
    with pytest.raises(NotText, match="no folder"):
        tasks_of(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("task: broken\n  output_type: [multiple_choice\n", WrongType, "not YAML"),
        ("include: _template_yaml\ntask: broken\n", NotText, "includes one that is not there"),
        ("include: [long.yaml, none.yaml]\ntask: broken\n", NotText, "includes one that is not there"),
        (b"task: \xff\xfe\n", NotText, "cannot be read"),
    ],
)
def test_a_task_file_that_is_broken_is_not_passed_over(
    text: str | bytes, error: type[NotText | WrongType], said: str, folder: Path
) -> None:
    """The harness would ask the others and say nothing of it; here its file is named. Hidden files are none."""
    (folder / ".broken.yaml").write_text("[")
    assert tasks_of(folder) == ["long", "short"]
    (folder / "broken.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=said) as told:
        tasks_of(folder)
    assert "broken.yaml" in told.value.where


def test_what_a_task_file_includes_is_read(folder: Path) -> None:
    """A template beside it, as the harness's own tasks have them, with functions of Python."""
    (folder / "_template_yaml").write_text((folder / "long.yaml").read_text().replace("task: long\n", ""))
    (folder / "other.yaml").write_text("include: _template_yaml\ntask: other\nprocess_docs: !function utils.docs\n")
    (folder / "utils.py").write_text("def docs(rows):\n    return rows\n")
    assert tasks_of(folder) == ["long", "other", "short"]


def test_a_version_beside_the_champion(shop: Workshop, folder: Path) -> None:
    """Each task with its interval, and the paired difference; a copy of the champion differs nowhere."""
    champion = shop.champion(TASK)
    copy = replace(champion, id="ver_copy", state=State.CANDIDATE)
    shop.store.versions.put(copy)
    found = {one.task: one for one in benchmark(shop, copy, champion, folder, [], None)}
    assert set(found) == {"long", "short"}
    assert (found["short"].measure, found["short"].score.mean, found["short"].score.n) == ("acc", 1.0, 12)
    assert found["long"].score.mean == 0.0  # longer text is less likely, whatever it says
    for one in found.values():
        assert one.difference is not None
        assert (one.difference.mean, one.other) == (0.0, one.score)


def test_alone_and_in_part(shop: Workshop, folder: Path) -> None:
    """One task, its first documents, and nobody beside it."""
    (found,) = benchmark(shop, shop.champion(TASK), None, folder, ["short"], 5)
    assert (found.task, found.score.n, found.other, found.difference) == ("short", 5, None, None)


def test_a_group_is_asked_task_by_task(shop: Workshop, folder: Path) -> None:
    """Each task once, whether its group is named or everything is asked; both named is more than the harness runs."""
    write_group(folder, "both", ["long", "short"])
    assert tasks_of(folder) == ["long", "short"]
    for names in ([], ["both"]):
        assert {one.task for one in benchmark(shop, shop.champion(TASK), None, folder, names, 2)} == {"long", "short"}
    with pytest.raises(WrongType, match="cannot run"):
        benchmark(shop, shop.champion(TASK), None, folder, ["both", "short"], 2)


def test_replies_that_are_written_and_texts_that_are_read(shop: Workshop, folder: Path) -> None:
    """Replies by the first way in which they are read; texts in bits a byte, and a word."""
    write_sums(folder)
    write_read(folder)
    champion = shop.champion(TASK)
    sums, read = benchmark(shop, champion, champion, folder, ["sums", "read"], 4)
    assert (sums.measure, sums.score.mean, sums.score.n) == ("exact_match", 1.0, 4)
    assert (read.measure, read.score.n, read.difference.mean if read.difference else None) == ("bits a byte", 4, 0.0)
    assert 0.0 < read.score.low < read.score.high
    write_read(folder, metric="word_perplexity")
    (words,) = benchmark(shop, champion, None, folder, ["read"], 4)
    assert words.measure == "bits a word"
    assert words.score.mean > 3.0 * read.score.mean  # a word has more bytes than three


def test_a_task_without_a_number_for_a_document() -> None:
    """Is told with its measures."""
    with pytest.raises(WrongType, match="none of bleu is a number"):
        benchmarks._values([{"doc_id": 0, "metrics": ["bleu"], "bleu": ("a", "b")}], "task t")


def test_what_cannot_be_run(shop: Workshop, folder: Path) -> None:
    """A task that is not there, with the nearest; a head, which writes nothing."""
    with pytest.raises(NotFound, match="short"):
        benchmark(shop, shop.champion(TASK), None, folder, ["shorts"], None)
    head = replace(shop.champion(TASK), id="ver_head", kind=HEAD)
    with pytest.raises(UnsuitedModel, match="writes nothing"):
        benchmark(shop, head, None, folder, ["short"], None)


def test_data_that_are_not_there_are_told(shop: Workshop, folder: Path) -> None:
    """As where a task file names them from another folder than the one that homeostat was started in."""
    file = folder / "long.yaml"
    file.write_text(file.read_text().replace(str(folder / "long.jsonl"), "long.jsonl"))
    with pytest.raises(NotText, match=r"long\.jsonl") as told:
        benchmark(shop, shop.champion(TASK), None, folder, ["long"], None)
    assert "whole paths" in told.value.fix


def test_without_the_harness(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says how to install it."""

    def missing(package: str, reason: str, *, extra: str) -> None:
        raise MissingExtra(f"{package} is needed {reason}", fix=f"pip install 'homeostat[{extra}]'")

    monkeypatch.setattr(benchmarks, "require", missing)
    with pytest.raises(MissingExtra, match=r"homeostat\[eval\]"):
        tasks_of(tmp_path)
