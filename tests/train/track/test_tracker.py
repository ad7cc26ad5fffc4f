"""Trackers outside are told of every run, and cannot end one; what they keep is read back with their own readers."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from homeostat.errors import UnknownPlugin
from homeostat.train.track.tracker import TRACKERS, Run, Told, tracking

RECIPE = {"lr": 0.001, "adapt": {"lora": {"rank": 8}}}


def run(folder: Path, version: str = "ver_1") -> Run:
    return Run(project="shop", task="routing", version=version, folder=folder, recipe=RECIPE)


def tell(name: str, run: Run, steps: range, *, ends: bool = True) -> None:
    """A run of a few looks, told to one tracker."""
    with tracking([name], run) as told:
        for step in steps:
            told.look({"step": step, "steps": 4, "loss": 1.0 / step, "held_out": float("inf")})
        told.summary = {"flops": 1e9} if ends else {}


def test_a_recipe_as_parameters(tmp_path: Path) -> None:
    """Flat names, the parts' after those of what they are part of."""
    assert run(tmp_path).parameters == {"lr": "0.001", "adapt.lora.rank": "8"}


def test_tensorboard_reads_the_run(tmp_path: Path) -> None:
    """A run that was killed and went on is one curve; the recipe is a text, the cost a number."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tell("tensorboard", run(tmp_path), range(1, 3), ends=False)
    tell("tensorboard", run(tmp_path), range(3, 5))
    read = EventAccumulator(str(tmp_path / "tensorboard" / "routing" / "ver_1")).Reload()
    assert [(e.step, round(e.value, 4)) for e in read.Scalars("train/loss")] == [
        (1, 1.0),
        (2, 0.5),
        (3, 0.3333),
        (4, 0.25),
    ]
    assert [e.value for e in read.Scalars("cost/flops")] == [1e9]
    assert "train/held_out" not in read.Tags()["scalars"]
    assert b"adapt.lora.rank | 8" in read.Tensors("recipe/text_summary")[0].tensor_proto.string_val[0]


def test_mlflow_has_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One run has both halves of what was killed, its recipe as parameters, and is finished; one broken off failed."""
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    tell("mlflow", run(tmp_path), range(1, 3), ends=False)
    tell("mlflow", run(tmp_path), range(3, 5))
    tell("mlflow", run(tmp_path, "ver_2"), range(1, 2), ends=False)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    found = {each.data.tags["homeostat.version"]: each for each in runs}
    assert sorted(found) == ["ver_1", "ver_2"]
    assert {version: each.info.status for version, each in found.items()} == {"ver_1": "FINISHED", "ver_2": "FAILED"}
    first = found["ver_1"]
    assert first.data.params == {"lr": "0.001", "adapt.lora.rank": "8"}
    assert first.data.metrics["cost.flops"] == 1e9
    history = client.get_metric_history(first.info.run_id, "loss")
    assert [(m.step, round(m.value, 4)) for m in history] == [(1, 1.0), (2, 0.5), (3, 0.3333), (4, 0.25)]


@pytest.mark.slow
def test_wandb_keeps_the_run_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key it writes offline, and its own reader finds looks, recipe and cost in the file."""
    wandb = pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    tell("wandb", run(tmp_path), range(1, 4))
    wandb.teardown()  # `finish` only asks its process to write the rest; this waits for it, as the end of ours does
    (file,) = tmp_path.glob("wandb/offline-run-*/run-ver_1.wandb")
    records = [wandb_internal_pb2.Record.FromString(data) for data in _logged(file.read_bytes())]
    looks = [{_key(i): json.loads(i.value_json) for i in r.history.item} for r in records if r.history.item]
    assert [(look["_step"], look["train/loss"]) for look in looks] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    summary = {_key(i): json.loads(i.value_json) for r in records for i in r.summary.update}
    assert summary["cost/flops"] == 1e9
    assert any("rank" in i.value_json for r in records for i in r.run.config.update)


def _logged(data: bytes) -> list[bytes]:
    """The records of a log of one block: after a head of seven bytes, each with its checksum, length and kind."""
    found, at = [], 7
    assert len(data) < 1 << 15
    while at < len(data):
        _, length, kind = struct.unpack_from("<IHB", data, at)
        assert kind == 1
        found.append(data[at + 7 : at + 7 + length])
        at += 7 + length
    return found


def _key(item: object) -> str:
    return item.key or ".".join(item.nested_key)  # type: ignore[attr-defined]


class Failing:
    """A tracker whose server is gone after the first look."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self, values: Mapping[str, float]) -> None:
        """Answer once."""
        self.looks += 1
        if self.looks > 1:
            raise ConnectionError("the server is gone")

    def end(self, summary: Mapping[str, float]) -> None:
        """Never be called."""
        raise AssertionError("told of the end after it had failed")


def test_a_tracker_that_fails_is_told_no_more(tmp_path: Path) -> None:
    """The run goes on, the others are told of it, and a warning says who is not."""
    failing, told = Failing(), Told({})
    told.trackers = {"gone": failing, "there": TRACKERS.get("tensorboard")(run(tmp_path))}
    with pytest.warns(UserWarning, match="gone is told no more of this run: the server is gone"):
        [told.look({"step": step, "loss": 1.0}) for step in (1, 2, 3)]
    told.end()
    assert (failing.looks, list(told.trackers)) == (2, ["there"])


def test_a_tracker_that_cannot_begin_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is not there costs a warning, and not the run."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://at-all")
    with (
        pytest.warns(UserWarning, match="mlflow is told nothing of this run"),
        tracking(["mlflow"], run(tmp_path)) as t,
    ):
        assert not t.trackers


def test_a_misspelled_tracker_is_refused(tmp_path: Path) -> None:
    """Before anything is trained, with the right name."""
    with pytest.raises(UnknownPlugin, match="mlfow") as raised, tracking(["mlfow"], run(tmp_path)):
        pass
    assert "mlflow" in str(raised.value.fix)
