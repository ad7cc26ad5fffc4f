"""A model that lies in shares makes the steps of one that does not, in half the memory, and comes out whole."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import tiny
from homeostat.errors import LostProcess, UnsuitedModel
from homeostat.train.adapt.freeze import Freeze
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.gang import ALONE, Gang, gang
from homeostat.train.objectives.preference.dpo import Dpo
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.train.shares import Shares, laid, require_once, spread, whole
from homeostat.types.dataset import Origin
from train.divided import follow, held, share, work
from train.test_run import accuracy, served

Watch = Callable[[dict[str, float]], None]
CASES: Mapping[str, tuple[bool, dict[str, Any]]] = {
    "whole": (True, {}),
    "adapter": (False, {}),
    "adapter with directions": (False, {"adapt": Lora(rank=4, dora=True)}),
    "parts": (True, {"part_rows": 3}),
    "single rows": (True, {"batch_rows": 1, "epochs": 0.3}),
    "an average": (True, {"average": 0.9}),
    "activations twice": (True, {"save_memory": True}),
}
"""What is trained, and what else the recipe says."""


def test_every_process_has_as_many_parts() -> None:
    """All rows are taken once, in parts that are alike in number, though some of them may be empty."""
    for count in range(1, 12):
        for most in range(4):
            rows = list(range(count))
            parts = [Shares(rank, 3).parts(rows, most) for rank in range(3)]
            assert len({len(each) for each in parts}) == 1
            assert sorted(row for each in parts for part in each for row in part) == rows
            assert not most or max(len(part) for each in parts for part in each) <= most


def test_alone_nothing_is_shared(llama: Path) -> None:
    """A run of one process holds its model as it is, whatever the recipe says."""
    job = work(str(llama), True, ALONE, sharded=True)
    with spread(job) as here:
        assert here is job
    tensor = torch.arange(3.0)
    assert torch.equal(whole(tensor), tensor)
    assert torch.equal(laid(tensor, torch.zeros(5)), tensor)


@pytest.mark.parametrize(
    "changes",
    [{"adapt": Freeze(bottom=1)}, {"objective": Dpo()}, {"penalties": (L2Pull(),)}, {"optimizer": "schedule_free"}],
    ids=["adapt", "objective", "penalty", "optimizer"],
)
def test_what_cannot_be_shared_is_refused(changes: dict[str, Any]) -> None:
    """A method that runs the model more than once, or looks at its weights, is named, and so are those that do."""
    require_once(Recipe(sharded=True, adapt=Full(), penalties=(Divergence(),)))
    with pytest.raises(UnsuitedModel, match="cannot be trained in shares") as raised:
        require_once(Recipe(sharded=True, **changes))
    assert "Completion" in str(raised.value.fix)


def hold_equal(base: Path, cases: list[str]) -> None:
    """Hold that runs in two shares are the same as alone, to 1e-5, in half of the memory."""
    chosen = [CASES[name] for name in cases]
    with gang(2, partial(share, str(base), chosen)) as together:
        for whole_model, changes in chosen:
            seen: list[list[dict[str, float]]] = [[], []]
            alone = replace(work(str(base), whole_model, ALONE, **changes), report=seen[0].append)
            shared = work(str(base), whole_model, together, sharded=True, **changes)
            fitted, also = fit(alone), fit(replace(shared, report=seen[1].append))
            for name in ("loss", "held_out"):
                assert [v[name] for v in seen[1]] == pytest.approx([v[name] for v in seen[0]], abs=1e-5)
            assert also.progress.step == fitted.progress.step == seen[0][-1]["step"]
            for (name, one), other in zip(tensors(alone).items(), tensors(shared).values(), strict=True):
                torch.testing.assert_close(other, one, rtol=0, atol=3e-5, msg=name)
            share_of = held(work(str(base), whole_model, together, sharded=True, **changes))
            all_of = held(work(str(base), whole_model, ALONE, **changes))
            assert 0.5 <= share_of / all_of < 0.55


def tensors(job: Any) -> dict[str, Tensor]:
    """All tensors of a job's model, trained or not."""
    return {name: tensor.detach() for name, tensor in job.ground.opened.model.named_parameters()}


@pytest.mark.slow
def test_two_shares_make_the_steps_of_one(llama: Path) -> None:
    """All weights, the last batch not divided evenly: losses to 1e-5, every tensor that comes out whole likewise, and
    each process holds half of tensors, gradients and moments.
    """
    hold_equal(llama, ["whole"])


@pytest.mark.slow
def test_other_ways_to_train_in_shares(llama: Path) -> None:
    """So it is with an adapter, in parts that one process has fewer of, with batches that leave one process idle, with
    an average, and with activations computed twice; one run after the other in the same processes.
    """
    hold_equal(llama, [name for name in CASES if name != "whole"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["full", "lora"])
def test_a_version_from_shares_answers(order: Order, champion: Start, kind: str) -> None:
    """A whole training in shares, of all weights from the base or of an adapter from the champion and held to it,
    leaves one file that loads and has learned, with what follows the steps: the labels' rows fitted, the distance from
    the champion measured. No process is left behind.
    """
    examples = [*order.examples, *tiny.examples(each=5, seed=3, origin=Origin.REPLAY)]
    recipe = replace(order.recipe, sharded=True, adapt=Full(), lr=3e-3)
    if kind == "lora":
        recipe = replace(recipe, adapt=Lora(), epochs=2, penalties=(Divergence(),))
    start = champion if kind == "lora" else order.start
    trained = train(replace(order, processes=2, recipe=recipe, start=start, examples=examples))
    assert len(list(trained.weights.glob("*.safetensors"))) == 1
    assert accuracy(served(Path(order.start.base), trained), order.examples) > 0.8
    assert (trained.cost["kl_new"] > 0) == (kind == "lora")
    assert not multiprocessing.active_children()


PROGRAM = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from train.test_shares import resumable
if __name__ == "__main__":
    resumable(sys.argv[2], Path(sys.argv[3]), lambda values: print(json.dumps(values), flush=True))
"""
LONG = {"epochs": 6, "looks": 24, "patience": 24, "average": 0.9}


def resumable(base: str, workspace: Path, report: Watch) -> list[Tensor]:
    """Train in two shares, to the end, in a workspace; the tensors it leaves."""
    with gang(2, partial(_follow, base, workspace)) as together:
        job = replace(work(base, True, together, sharded=True, **LONG), workspace=workspace, report=report)
        fit(job)
    return list(tensors(job).values())


def _follow(base: str, workspace: Path, place: Gang) -> None:
    fit(replace(work(base, True, place, sharded=True, **LONG), workspace=workspace))


@pytest.mark.slow
def test_a_killed_run_in_shares_goes_on(llama: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL in the middle, a run goes on from one file that holds all of its state, in two shares or in
    one process that holds everything, to the losses and tensors of one that was never disturbed.
    """
    whole_run: list[dict[str, float]] = []
    undisturbed = replace(work(str(llama), True, ALONE, **LONG), report=whole_run.append)
    fit(undisturbed)
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    arguments = [str(Path(tiny.__file__).parent), str(llama), str(tmp_path / "killed")]
    command = [sys.executable, str(tmp_path / "program.py"), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    curve = [json.loads(process.stdout.readline()) for _ in range(9)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    shutil.copytree(tmp_path / "killed", tmp_path / "copy")
    state = load_file(tmp_path / "copy" / "state.safetensors")
    wanted = dict(enumerate(undisturbed.parameters))
    assert {k: state[f"opt.{k}.exp_avg"].shape for k in wanted} == {k: p.shape for k, p in wanted.items()}
    begun = len(curve)
    resumed = resumable(str(llama), tmp_path / "killed", curve.append)
    alone = replace(work(str(llama), True, ALONE, **LONG), workspace=tmp_path / "copy", report=curve.append)
    fit(alone)
    assert curve[begun]["step"] > 8 < len(curve) - begun < 2 * len(whole_run) - 8
    expected = {values["step"]: values for values in whole_run}
    for values in curve:
        assert values["held_out"] == pytest.approx(expected[values["step"]]["held_out"], abs=1e-5)
    for one, other, third in zip(undisturbed.parameters, resumed, alone.parameters, strict=True):
        torch.testing.assert_close(other, one.detach(), rtol=0, atol=1e-4)
        torch.testing.assert_close(third.detach(), one.detach(), rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_shares_are_put_together_in_the_precision_of_the_run(llama: Path, precision: str) -> None:
    """In bfloat16 and float16 a run in shares learns as one alone but for rounding; its tensors are float32."""
    changes = {"precision": precision}
    with gang(2, partial(follow, str(llama), False, sharded=True, **changes)) as together:
        alone = work(str(llama), False, ALONE, **changes)
        shared = work(str(llama), False, together, sharded=True, **changes)
        fitted, also = fit(alone), fit(shared)
    assert also.progress.best == pytest.approx(fitted.progress.best, abs=0.02)
    assert also.progress.best < also.progress.first
    assert {p.dtype for p in shared.parameters} == {torch.float32}


@pytest.mark.slow
def test_a_share_that_is_lost_is_told_of(llama: Path) -> None:
    """Where another process ends before the run does, its share of the model is gone: an error with a way on."""
    with pytest.raises(LostProcess, match="is gone"), gang(2, repr) as together:
        fit(work(str(llama), True, together, sharded=True))
