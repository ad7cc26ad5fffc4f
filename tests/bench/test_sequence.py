"""The bench of five tasks draws what it says, measures what it says, and remembers what it trained."""

from __future__ import annotations

import csv
import gzip
import importlib
import json
import lzma
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeostat.builtin.resources import traffic_path
from homeostat.config.schema import Train
from homeostat.types.dataset import Origin

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of the bench."""
    sys.path.insert(0, str(BENCH))
    modules = {name: importlib.import_module(f"adaptation.{name}") for name in ("relay", "transfers")}
    yield SimpleNamespace(
        **modules,
        course=importlib.import_module("adaptation.sequence"),
        desk=importlib.import_module("adaptation.answering"),
        command=importlib.import_module("sequence"),
        courses=importlib.import_module("adaptation.courses"),
    )
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def data(bench: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few rows of each public set, as they lie in its own files."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("clinc150", "arxiv_temporal", "sentence_classification", "e2e_nlg"):
        (folder / name).mkdir()
    wanted = list(enumerate(bench.course._INTENTS))
    intents = [[f"call {k} about matter {number}", label] for k in range(9) for number, label in wanted]
    with gzip.open(folder / "clinc150" / "data_full.json.gz", "wt") as out:
        out.write(json.dumps({"train": intents[:60], "test": intents[60:]}))
    with lzma.open(folder / "arxiv_temporal" / "arxiv_2000_2019_15cat.jsonl.xz", "wt") as out:
        for k in range(120):
            label = bench.course.TOPICS[k // 2 % 5]
            out.write(json.dumps({"title": f"The matter of {k}{k} and {label}", "label": label}) + "\n")
    with lzma.open(folder / "sentence_classification" / "sentcls.jsonl.xz", "wt") as out:
        for k in range(80):
            text = f"{('a dreadful', 'a wonderful')[k % 2]} film of {k} hours and {k + 7} scenes"
            row = {"ds": ("sst2/train", "sst2/test")[k // 2 % 2], "label": k % 2, "text": text}
            out.write(json.dumps(row) + "\n")
    for name in ("devset", "testset_w_refs"):
        with lzma.open(folder / "e2e_nlg" / f"{name}.csv.xz", "wt") as out:
            written = csv.writer(out)
            written.writerow(["mr", "ref"])
            for k in range(60):
                about = f"name[{name} {k // 2}], food[kind {k // 2}], area[place {k // 2}]"
                written.writerow([about, f"{name} {k // 2} in place {k // 2} has food {k}."])
    return folder


@pytest.fixture(scope="module")
def stages(bench: SimpleNamespace, data: Path) -> Any:
    """The stages of seed 0, a quarter of the rows."""
    return bench.course.open_sequence(data, 0, every=4)


def test_five_tasks_of_different_kinds(bench: SimpleNamespace, stages: Any) -> None:
    """In their order, with as many rows of each label as of the others, none of which is asked later."""
    assert [stage.task.name for stage in stages] == list(bench.course.SIZES)
    for stage in stages:
        learned, asked = {row.text for row in stage.new}, {item.text for item in (*stage.suite, *stage.test)}
        assert learned
        assert not learned & asked
        assert {row.task for row in stage.new} == {stage.task.name}
    counts = Counter(item.targets[0] for item in (*stages[2].suite, *stages[2].test))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert [stage.compares for stage in stages] == [False] * 4 + [True]
    assert min(len(item.targets) for item in stages[3].test) == 2


def test_the_worse_reply_was_sent_to_another_intent_in_the_same_register(stages: Any) -> None:
    """By the built-in traffic's own labels and tags."""
    with gzip.open(traffic_path(), "rt") as lines:
        sent = [json.loads(line) for line in lines]
    label = {row["reply"]: row["label"] for row in sent}
    formal = {row["reply"]: row["tags"]["register"] == "formal" for row in sent}
    for row in stages[4].new:
        assert label[row.target] != label[row.rejected]
        assert formal[row.target] == formal[row.rejected]


def test_seeds_draw_otherwise(bench: SimpleNamespace, data: Path, stages: Any) -> None:
    """One seed draws the same rows again, another seed others."""
    again, other = (bench.course.open_sequence(data, seed, every=4) for seed in (0, 1))
    assert again == stages
    assert other != stages


def test_what_the_desk_says_phase_by_phase(bench: SimpleNamespace) -> None:
    """A stage for each phase, whose rows are of it; what is asked is not learned, and holds to the end."""
    with gzip.open(traffic_path(), "rt") as lines:
        sent = [json.loads(line) for line in lines]
    phase = {row["text"]: row["truth"]["phase"] for row in sent}
    label = {row["text"]: row["label"] for row in sent}
    last = {(row["label"], row["reply"]) for row in sent if row["truth"]["phase"] == 3}
    stages = bench.desk.open_answering(0, every=4)
    assert [stage.task.name for stage in stages] == ["replies_0", "replies_1", "replies_2", "replies_3"]
    for number, stage in enumerate(stages):
        asked = [*stage.suite, *stage.test]
        assert (len(asked), not stage.labels, not stage.compares) == (30, True, True)
        assert {phase[row.text] for row in stage.new} == {phase[item.text] for item in asked} == {number}
        assert not {row.text for row in stage.new} & {item.text for item in asked}
        assert all((label[item.text], item.targets[0]) in last for item in asked)
    assert bench.desk.open_answering(0, every=4) == stages
    assert bench.desk.open_answering(1, every=4) != stages


def test_public_sets_that_are_not_here(bench: SimpleNamespace, tmp_path: Path) -> None:
    """Are named, with the flag that says where they are."""
    with pytest.raises(bench.courses.Skipped, match=r"data_full.json.gz.*--data"):
        bench.course.open_sequence(tmp_path, 0)


def test_old_rows_come_from_every_earlier_task(bench: SimpleNamespace, stages: Any) -> None:
    """Half as many replayed as new, the same number of each task but for rounding; the rest is recalled, once."""
    relay = bench.relay.Relay(lab=None, examiner=None, stages=stages, train=Train())
    drawn = relay.replayed(3, 0.5)
    counts = Counter(row.task for row in drawn)
    assert set(counts) == {"intent", "topic", "sentiment"}
    assert {row.origin for row in drawn} == {Origin.REPLAY}
    assert relay.replayed(3, 0.0) == []
    rest = relay.remembered(3, drawn, labels=True)
    assert len(drawn) + len(rest) == sum(len(stage.new) for stage in stages[:3])
    assert {row.task for row in relay.remembered(4, (), labels=False)} - {row.task for row in rest} == {"description"}
    assert relay.labels(4) == (*stages[0].labels, *stages[1].labels, *stages[2].labels)


def test_transfer_is_reckoned_as_defined(bench: SimpleNamespace) -> None:
    """Backward transfer against right after learning, excess forgetting against joint at the end, forward transfer over
    what could be answered unlearned, and the lead of ours.
    """
    never = [[0.8, None, 0.2], [0.8, 0.0, 0.2], [0.8, 0.0, 0.2]]
    joint = [[0.8, None, 0.2], [0.8, 0.8, 0.2], [0.7, 0.8, 0.6]]
    ours = [[0.8, None, 0.2], [0.7, 0.6, 0.3], [0.6, 0.5, 0.7]]
    costs = {"never": (0.0, 0.0), "joint": (8.0, 4.0), "ours": (2.0, 1.0)}
    found = bench.transfers.figures_of_a_seed({"never": never, "joint": joint, "ours": ours}, costs)
    assert found["average.ours"] == pytest.approx(0.6)
    assert found["learned.ours"] == pytest.approx(0.65)
    assert found["bwt.ours"] == pytest.approx((-0.2 - 0.1) / 2)
    assert found["fwt.ours"] == pytest.approx(0.1)
    assert found["excess_forgetting.ours"] == pytest.approx((0.1 + 0.3) / 2)
    assert found["lead.joint"] == pytest.approx(0.6 - 0.7)
    assert (found["flops.ours"], found["cpu_seconds.joint"]) == (2.0, 4.0)
    over = bench.transfers.over_seeds([found, found])
    assert over["average.ours"] == [0.6, 0.6, 0.6]
    assert bench.transfers.table(over).row_count == 3


@pytest.mark.slow
def test_the_command_prints_its_line_and_remembers(
    bench: SimpleNamespace, base: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Each arm has a score on each task after each stage, what has cost nothing has learned nothing, and run again
    nothing is trained.
    """
    given = ["--base", base, "--data", str(data), "--cache", str(tmp_path), "--arms", "replay_25", "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["sequence.py", "--quick", *given])
    bench.command.main()
    first = capsys.readouterr()
    line = json.loads(first.out.splitlines()[-1])
    assert list(line["scores"]) == ["never", "joint", "replay_25", "ours"]
    for arm, tasks in line["scores"].items():
        assert list(tasks) == list(bench.course.SIZES)
        for number, task in enumerate(tasks.values()):
            assert all(score is not None for score in task[number:])
            assert all(0 <= score[0] <= 1 for score in task if score)
        assert (line["figures"][f"flops.{arm}"][0] > 0) == (arm != "never")
        assert set(line["perplexity"][arm]) == {"description", "preference"}
        assert all(1.0 < unsure[0] < 1e6 for unsure in line["perplexity"][arm].values())
    assert line["scores"]["never"]["topic"][0] is None
    assert line["scores"]["never"]["preference"][3] is not None
    assert [stage["after"] for stage in line["gate"][0]] == list(bench.course.SIZES)
    assert "rows …" in first.err
    bench.command.main()
    again = capsys.readouterr()
    assert "rows …" not in again.err
    assert json.loads(again.out.splitlines()[-1])["scores"] == line["scores"]
