"""The bench of bar loop.2 keeps its schedule, remembers what it trained, and measures what it says."""

from __future__ import annotations

import gzip
import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.collect.stream import Split

BENCH = Path(__file__).parents[2] / "bench"
NAME = "clinc150_domains"
WORDS = {
    "bills": "pay invoice",
    "travel": "plane ticket",
    "music": "play song",
    "food": "cook rice",
    "cars": "fuel tire",
}


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of the bench."""
    sys.path.insert(0, str(BENCH))
    names = ("courses", "lab", "ledger", "arms", "figures", "rivals", "picture")
    modules = {name: importlib.import_module(f"adaptation.{name}") for name in names}
    bars = {name: importlib.import_module(name) for name in ("loop_2", "train_1")}
    yield SimpleNamespace(**modules, **bars)
    sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one stream of 200 rows: three labels known, one more in each of two phases."""
    folder, rng, labels = tmp_path_factory.mktemp("streams"), np.random.default_rng(0), list(WORDS)
    start = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    plan = [("history", 0, 3)] * 60 + [("live", 0, 3)] * 20 + [("live", 1, 4)] * 40 + [("live", 2, 5)] * 40
    rows = []
    for at, (split, phase, known) in enumerate(plan):
        label = labels[known - 1] if phase and at % 2 else labels[at % known]
        rows.append((split, phase, label, start + 60 * at))
    begins = {phase: start + 60 * (79 + 40 * phase - 40) for phase in (1, 2)} | {0: start + 60 * 60}
    for at in range(40):
        label = labels[at % 5]
        phase = max(0, at % 5 - 2)
        rows.append(("test", phase, label, begins[phase]))
    with gzip.open(folder / f"{NAME}.jsonl.gz", "wt") as out:
        for split, phase, label, time in rows:
            filler = " ".join(str(n) for n in rng.integers(0, 900, 3))
            row = {"text": f"{WORDS[label]} {filler}", "label": label, "time": time, "split": split}
            out.write(json.dumps({**row, "truth": {"phase": phase}}) + "\n")
    return folder


@pytest.fixture
def course(bench: SimpleNamespace, streams: Path) -> Any:
    """That stream with its turns."""
    return bench.courses.open_course(NAME, streams, None)


def test_a_turn_sees_its_own_phase_and_no_later_one(course: Any) -> None:
    """The turn at the end of a phase has that phase's test rows, though the next phase's begin the same moment."""
    assert [len(course.seen(turn)) for turn in (0, *course.turns)] == [24, 32, 40]
    assert {row.label for row in course.seen(1)} == {"bills", "travel", "music", "food"}
    assert course.known_before(2) == course.seen(1)


def test_nobody_is_measured_on_what_chose_him(course: Any) -> None:
    """A gate sees live rows up to its turn that no arm learns from, at most as many as there are test rows."""
    learned = {row.index for row in course.labeled(0.3, 0)}
    for turn in course.turns:
        judges = course.judging(turn, 0.3, 0)
        assert 0 < len(judges) <= len(course.seen(turn))
        assert all(row.split is Split.LIVE and row.time <= course.moments[turn] for row in judges)
        assert not learned & {row.index for row in judges}
    assert {row.label for row in course.judging(2, 0.3, 0)} == {row.label for row in course.seen(2)}
    assert course.judging(2, 1.0, 0) == []


def test_the_built_in_traffic_has_six_turns(bench: SimpleNamespace, tmp_path: Path) -> None:
    """Each of its three phases is split in two, and what is wrong by now is not asked any more."""
    course = bench.courses.open_course("support", tmp_path, None, every=4)
    assert len(course.turns) == 6
    assert list(course.moments) == sorted(course.moments)
    assert any(row not in course.seen(6) for row in course.seen(1))


def test_a_stream_that_is_not_here_is_skipped(bench: SimpleNamespace, tmp_path: Path) -> None:
    """With the reason."""
    with pytest.raises(bench.courses.Skipped, match="no file arxiv_years"):
        bench.courses.open_course("arxiv_years", tmp_path, None)


def test_thinning_keeps_order_and_labels(bench: SimpleNamespace, course: Any) -> None:
    """The thinned prefix is the prefix of the thinned, and no label is lost."""
    thinned = bench.courses.thinned
    few = thinned(course.rows, 4)
    assert len(course.rows) / 4 <= len(few) < len(course.rows) / 3
    assert thinned(course.rows[:120], 4) == few[: len(thinned(course.rows[:120], 4))]
    assert {(row.split, row.label) for row in few} == {(row.split, row.label) for row in course.rows}


def test_shares_of_labels_are_nested(course: Any) -> None:
    """Fewer labels are a part of more, exact in number, and another seed draws others."""
    some, more = course.labeled(0.2, 0), course.labeled(0.5, 0)
    assert (len(some), len(more)) == (20, 50)
    assert all(row in more for row in some)
    assert course.labeled(0.2, 1) != some
    assert all(row.split is Split.LIVE for row in course.labeled(1.0, 0))


def test_forgetting_counts_what_was_seen_before(bench: SimpleNamespace, course: Any) -> None:
    """Losing a quarter of the known rows at one of two turns is an eighth; a gain on new rows hides nothing."""

    def knowing(wrong: set[int]) -> Any:
        right = {row.index: row.index not in wrong for row in course.of(Split.TEST)}
        return bench.lab.Model(id="", folder=Path(), start=None, cost={}, rows=1, right=right)

    known = [row.index for row in course.known_before(2)]
    steps = [bench.arms.Step(model=knowing(set())), bench.arms.Step(model=knowing(set(known[:8])))]
    assert bench.figures.forgetting(course, knowing(set()), steps) == pytest.approx(0.125)


def test_intervals_are_over_seeds(bench: SimpleNamespace) -> None:
    """Student's t, and none at all for one seed."""
    assert bench.figures.interval([0.9]) == [0.9, None, None]
    assert bench.figures.interval([1.0, 1.0, 1.0]) == [1.0, 1.0, 1.0]
    mean, low, high = bench.figures.interval([0.8, 0.9, 1.0])
    assert (mean, round(high - low, 3)) == (0.9, 0.497)


def run(bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    """The command, in this process."""
    monkeypatch.setattr(sys, "argv", ["loop_2.py", "--seeds", "1", "--only", NAME, "--epochs", "2", *given])
    bench.loop_2.main()


@settings(max_examples=40, deadline=None)
@given(right=st.dictionaries(st.integers(0, 400), st.booleans(), max_size=60))
def test_answers_are_packed_without_loss(bench: SimpleNamespace, right: dict[int, bool]) -> None:
    """Whichever rows were asked."""
    assert bench.ledger.unpack(bench.ledger.pack(right)) == right


def test_two_who_write_a_ledger_lose_nothing(bench: SimpleNamespace, tmp_path: Path) -> None:
    """What the other wrote meanwhile stays; a record is replaced by its successor; lines have an order."""
    file = tmp_path / "results" / "stream.jsonl"
    one, other = bench.ledger.Ledger(file), bench.ledger.Ledger(file)

    def record(name: str, right: dict[int, bool]) -> Any:
        packed = bench.ledger.pack(right)
        return bench.ledger.Record(name=name, kind="adapter", rows=3, cost={"flops": 1.5}, code="c", right=packed)

    one.put("b", record("0 joint 1", {4: True}))
    other.put("a", record("0 joint 2", {4: False}))
    one.put("b", record("0 joint 1", {4: True, 7: False}))

    found = bench.ledger.Ledger(file)
    assert bench.ledger.unpack(found.get("b").right) == {4: True, 7: False}
    assert bench.ledger.unpack(found.get("a").right) == {4: False}
    assert found.get("c") is None
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == ["b", "a"]
    assert list(tmp_path.rglob("*")) == [file.parent, file]


def test_no_ledger_keeps_nothing(bench: SimpleNamespace) -> None:
    """And knows nothing."""
    none = bench.ledger.Ledger(None)
    none.put("a", bench.ledger.Record(name="", kind="", rows=0, cost={}, code="", right=""))
    assert none.get("a") is None


@pytest.mark.slow
def test_the_bar_prints_its_line_and_remembers(
    bench: SimpleNamespace, base: str, streams: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Every arm is measured; run again nothing is trained; another divergence trains ours alone again.
    What a ledger holds needs no models.
    """
    told = ("--base", base, "--streams", str(streams), "--cache", str(tmp_path), "--label-share", "0.6")
    monkeypatch.setattr(bench.loop_2, "SHARES", (0.3, 1.0))
    run(bench, monkeypatch, *told, "--frontier", "1")
    first = capsys.readouterr()
    line = json.loads(first.out.splitlines()[-1])
    assert {"bar", "value", "interval", "n", "goal", "met", "seconds", "streams", "skipped"} <= line.keys()
    figures = line["streams"][NAME]
    for arm in ("never", "naive", "joint", "ours", "joint_all"):
        assert 0 <= figures[f"accuracy_final.{arm}"][0] <= 1
    assert figures["new_final.never"][0] == 0
    assert figures["flops.never"][0] == 0 < figures["flops.ours"][0]
    assert figures["frontier.joint.1"][0] == 1
    points = {f"frontier.{arm}.{share}" for arm in ("ours", "joint") for share in ("0.3", "0.6", "1")}
    assert {name for name in figures if name.startswith("frontier.")} == points
    assert figures["frontier.ours.0.6"] == figures["ratio_to_all_labels"]
    assert figures["excess_forgetting.joint"][0] == figures["bwt.never"][0] == 0
    assert [figures[f"labels.{arm}"][0] for arm in ("never", "naive", "joint_all")] == [0, 60, 100]
    assert "rows …" in first.err

    run(bench, monkeypatch, *told)
    second = capsys.readouterr()
    assert "rows …" not in second.err
    again = json.loads(second.out)["streams"][NAME]
    del again["foreign"]  # the code of llm and train may be edited while the test runs
    assert {name: figures[name] for name in again} == again

    ledger = ("--ledger", str(tmp_path / "ledger"))
    run(bench, monkeypatch, *told, *ledger)
    kept = json.loads(capsys.readouterr().out)["streams"][NAME]
    empty = ("--base", base, "--streams", str(streams), "--cache", str(tmp_path / "empty"), "--label-share", "0.6")
    run(bench, monkeypatch, *empty, *ledger)
    third = capsys.readouterr()
    assert "rows …" not in third.err
    assert {**json.loads(third.out)["streams"][NAME], "foreign": 0} == {**kept, "foreign": 0}

    run(bench, monkeypatch, *told, "--kl", "0.5")
    fourth = capsys.readouterr()
    trained = [text for text in fourth.err.splitlines() if "rows …" in text]
    assert trained
    assert all(" ours-" in text for text in trained)

    run(bench, monkeypatch, *empty, *ledger, "--kl", "0.5")
    fifth = capsys.readouterr()
    trained = [text for text in fifth.err.splitlines() if "rows …" in text]
    assert " first turn 0" in trained[0]  # its weights are gone on from
    assert all(" ours-" in text for text in trained[1:])
    alike = [json.loads(run.out)["streams"][NAME] for run in (fourth, fifth)]
    for figures in alike:
        for name in [name for name in figures if name == "foreign" or name.startswith("cpu_")]:
            del figures[name]
    assert alike[0] == alike[1]


@pytest.mark.slow
def test_every_rival_is_measured_beside_ours(
    bench: SimpleNamespace, base: str, streams: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """Each arm answers at every turn and says what it took; replay and merging forget less than naive; a picture."""
    told = ["--seeds", "1", "--only", NAME, "--epochs", "4", "--frontier", "0", "--base", base, "--label-share", "0.6"]
    kept = ["--streams", str(streams), "--cache", str(tmp_path / "kept"), "--plot", str(tmp_path / "drawn.svg")]
    monkeypatch.setattr(sys, "argv", ["train_1.py", *told, *kept, "--lr", "0.007", "--warm-lr", "0.007"])
    bench.train_1.main()
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["bar"], line["goal"]) == ("train.1", 0.98)
    figures = line["streams"][NAME]
    for name in bench.rivals.NAMES:
        assert 0 <= figures[f"accuracy.{name}"][0] <= 1
        assert figures[f"flops.{name}"][0] > 0
        assert figures[f"lead.{name}"][0] == pytest.approx(
            figures["accuracy.ours"][0] - figures[f"accuracy.{name}"][0], abs=1e-4
        )
    assert figures["flops.replay_50"][0] > figures["flops.replay_05"][0] >= figures["flops.naive"][0] * 0.9
    assert {figures[f"labels.{name}"][0] for name in ("ours", *bench.rivals.NAMES)} == {60}
    assert all(figures[f"{name}.head"][0] is not None for name in ("excess_forgetting", "bwt"))
    assert figures["forgetting.merged"][0] < figures["forgetting.naive"][0]
    drawn = (tmp_path / f"drawn-{NAME}.svg").read_text()
    assert all(f">{name}</text>" in drawn for name in ("ours", "joint", *bench.rivals.NAMES))


def test_who_is_ahead_at_no_more_cost(bench: SimpleNamespace) -> None:
    """An arm that costs more, or is ahead within the noise, is not; nor is the head, which writes nothing."""
    figures = {"flops.ours": [9.5, 9.0, 10.0], "flops.joint": [100.0, 90.0, 110.0]}
    for name, cost, lead in (
        ("naive", 5.0, [0.2, 0.1, 0.3]),
        ("ewc", 9.9, [-0.02, -0.03, -0.01]),
        ("dora", 9.0, [-0.02, -0.05, 0.01]),
        ("l2_sp", 11.0, [-0.02, -0.03, -0.01]),
        ("head", 1.0, [-0.1, -0.2, -0.05]),
    ):
        figures |= {f"flops.{name}": [cost, cost, cost], f"lead.{name}": lead}
    assert bench.train_1.ahead(figures, ("ewc", "dora", "l2_sp", "head")) == ["ewc"]


def test_refused_candidates_are_paid_for(bench: SimpleNamespace, base: str, course: Any, tmp_path: Path) -> None:
    """A candidate that the gate refuses leaves the champion where it is, and its work counts."""
    lab = bench.lab.Lab(base, tmp_path, course.fingerprint, lambda text: None)
    settings = bench.arms.Settings(share=0.6, budget=1e6)
    hard = replace(settings, train=replace(settings.train, epochs=1, lr=1e-6, warm_lr=1e-6, refit=False))
    race = bench.arms.Race(lab=lab, course=course, settings=hard, seed=0)
    champion, learned = bench.arms.first(race)

    step = bench.arms.ours(race, champion, learned)[0]

    assert step.model is champion
    assert [verdict.outcome.value for verdict in step.verdicts] == ["unsure", "unsure"]
    assert step.flops > 0 < step.gate_flops
    assert step.labels == len(race.revealed(-np.inf, course.moments[1]))
    assert step.gate_labels == len(race.judges(1)) > 0


@pytest.mark.parametrize(
    ("candidate", "champion", "rows", "expected"),
    [
        (0.8, 0.8, 400, True),  # as good, and labels enough to show it
        (0.8, 0.8, 30, False),  # too few labels
        (0.78, 0.8, 400, False),  # not shown to be worse, but behind
        (0.4, 0.8, 400, False),  # harm
    ],
)
def test_the_labels_that_follow_decide_about_the_undecided(
    bench: SimpleNamespace, candidate: float, champion: float, rows: int, expected: bool
) -> None:
    """By the rules of the release: not behind by the mean, and shown not to be worse by the harm margin."""
    stream = [SimpleNamespace(index=k) for k in range(rows)]
    models = [
        SimpleNamespace(right={k: (k * 37 % 100) < 100 * share for k in range(rows)}) for share in (candidate, champion)
    ]
    lab = SimpleNamespace(score=lambda model, rows: None)
    assert bench.arms.released(lab, *models, stream) is expected


def test_a_second_attempt_stays_within_the_budget(
    bench: SimpleNamespace, base: str, course: Any, tmp_path: Path
) -> None:
    """Without budget there is one candidate a turn."""
    lab = bench.lab.Lab(base, tmp_path, course.fingerprint, lambda text: None)
    settings = bench.arms.Settings(share=0.6, budget=0.0)
    hard = replace(settings, train=replace(settings.train, epochs=1, lr=1e-6, warm_lr=1e-6, refit=False))
    race = bench.arms.Race(lab=lab, course=course, settings=hard, seed=0)

    steps = bench.arms.ours(race, *bench.arms.first(race))

    assert [len(step.verdicts) for step in steps] == [1, 1]
