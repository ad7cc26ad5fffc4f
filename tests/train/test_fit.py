"""The loop: it learns, keeps the best, clips, tells when it diverges, and goes on after kill −9 as if nothing was."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import tiny
from homeostat.errors import Diverged, NothingToTrainOn, OutOfMemory
from homeostat.llm.forward import Predicted
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.way import Way
from homeostat.train.budget import Budget
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.plan import Plan
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.scale import SCALE
from homeostat.train.step import Ground, Step, Term

RECIPE = Recipe(lr=1e-2, epochs=6, batch_rows=12, looks=6, patience=6, warm_up=0.1)
Watch = Callable[[dict[str, float]], None]


def samples(each: int = 20, seed: int = 0) -> list[Sample]:
    renderer = Renderer(tiny.chat_tokenizer())
    codes = dict(zip(tiny.LABELS, encode_labels(renderer.tokenizer, tiny.LABELS).sequences, strict=True))
    rows = tiny.examples(each=each, seed=seed)
    return [Sample(renderer.example(tiny.ROUTING, row.text, codes[row.target])) for row in rows]


WAYS: dict[str, Way] = {"lora": Lora(), "full": Full()}


def ground(base: Path, **changes: Any) -> Ground:
    """60 rows and 30 held out, on the tiny decoder."""
    opened = open_model(str(base))
    settings: dict[str, Any] = {
        "opened": opened,
        "train": samples(),
        "held_out": samples(each=10, seed=1),
        "allowed": torch.tensor([s[0] for s in encode_labels(opened.tokenizer, tiny.LABELS).sequences]),
        "bfloat16": False,
    }
    return Ground(**{**settings, **changes})


def job(base: Path, recipe: Recipe = RECIPE, *, on: Ground | None = None, **changes: Any) -> Job:
    """A run on the ground given, or on the plain one."""
    stands = on or ground(base)
    parameters = recipe.adapt.attach(stands.opened.model, seed=recipe.seed)
    return Job(ground=stands, parameters=parameters, recipe=recipe, **changes)


def held_out(job: Job) -> tuple[float, float]:
    """Loss and accuracy of the job's model on its held-out rows, each alone."""
    losses, hits = [], []
    with torch.no_grad():
        for sample in job.ground.held_out:
            step = Step(job.ground, [sample])
            losses.append(float(Completion()(step)))
            hits.append(float(step.scores.argmax() == step.right))
    return sum(losses) / len(losses), sum(hits) / len(hits)


def by_label(job: Job) -> list[float]:
    """Share of each label's held-out rows that the job's model tells right."""
    with torch.no_grad():
        step = Step(job.ground, job.ground.held_out)
        hit = (step.scores.argmax(1) == step.right).float()
        return [float(hit[step.right == k].mean()) for k in range(len(tiny.LABELS))]


@torch.no_grad()
def right(job: Job, rows: Sequence[Sample]) -> float:
    """Share of rows that the job's model tells right."""
    step = Step(job.ground, rows)
    return float((step.scores.argmax(1) == step.right).float().mean())


def tensors(job: Job) -> list[Tensor]:
    return [p.detach().clone() for p in job.parameters]


def equal(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_it_learns(llama: Path, adapt: str) -> None:
    """The loss falls, and rows never trained on are told apart far above chance."""
    seen: list[dict[str, float]] = []
    work = job(llama, replace(RECIPE, adapt=WAYS[adapt], lr=3e-3 if adapt == "full" else 1e-2), report=seen.append)
    before = held_out(work)
    fitted = fit(work)
    after = held_out(work)
    assert (fitted.progress.step, fitted.steps, len(seen)) == (30, 30, 6)
    assert seen[-1]["loss"] < 0.3 < seen[0]["loss"] + 0.2
    assert after[0] < before[0] - 0.3
    assert after[1] > 0.65 > before[1]


def test_what_is_not_trained_does_not_change(llama: Path) -> None:
    """With an adapter, every tensor of the base stays what it was, bit by bit."""
    work = job(llama)
    frozen = {n: p.detach().clone() for n, p in work.ground.opened.model.named_parameters() if not p.requires_grad}
    fit(work)
    assert all(torch.equal(p, frozen[n]) for n, p in work.ground.opened.model.named_parameters() if n in frozen)
    assert len(frozen) > 10


def test_the_same_run_twice_is_the_same(llama: Path) -> None:
    """Equal jobs leave equal tensors, bit by bit, and another seed leaves others."""
    works = [job(llama), job(llama), job(llama, replace(RECIPE, seed=1))]
    for work in works:
        fit(work)
    assert equal(tensors(works[0]), tensors(works[1]))
    assert not equal(tensors(works[0]), tensors(works[2]))


def test_the_best_tensors_are_kept(llama: Path) -> None:
    """A run that gets worse is stopped early, and the model holds the tensors of its best look."""
    seen: list[dict[str, float]] = []
    wild = replace(RECIPE, lr=6e-2, epochs=30, looks=30, patience=3, floor=1.0)
    work = job(llama, wild, report=seen.append)
    fitted = fit(work)
    assert fitted.progress.done
    assert fitted.progress.step < fitted.steps
    looks = [values["held_out"] for values in seen]
    assert looks.index(min(looks)) == len(looks) - 1 - wild.patience
    assert fitted.progress.best == min(looks) < looks[-1]
    assert fitted.progress.best_step == seen[looks.index(min(looks))]["step"]
    assert held_out(work)[0] == pytest.approx(fitted.progress.best, abs=1e-4)


def test_without_held_out_rows_the_training_rows_are_looked_at(llama: Path) -> None:
    """With nothing held out, the loss at a look is that of the training rows, and training goes on to the end."""
    work = job(llama, on=ground(llama, held_out=[]))
    fitted = fit(work)
    assert fitted.progress.step == fitted.steps
    on_training = replace(work, ground=replace(work.ground, held_out=work.ground.train))
    assert held_out(on_training)[0] == pytest.approx(fitted.progress.best, abs=1e-4)


@pytest.mark.parametrize("clip", [1e-3, 1e3])
def test_gradients_are_clipped(llama: Path, tmp_path: Path, clip: float) -> None:
    """After one step the optimizer has seen a gradient of at most the clip's length, and of its own if that is less."""
    seen: list[dict[str, float]] = []
    fit(job(llama, replace(RECIPE, max_steps=1, looks=1, clip=clip), workspace=tmp_path, report=seen.append))
    state = load_file(tmp_path / "state.safetensors")
    first = torch.cat([t.flatten() for n, t in state.items() if n.endswith("exp_avg")])
    assert float(first.norm()) * 10 == pytest.approx(min(clip, seen[0]["gradient_norm"]), rel=1e-3)
    assert {float(t) for n, t in state.items() if n.endswith(".step")} == {1.0}


def test_steps_are_capped(llama: Path) -> None:
    """`max_steps` ends a run inside a pass, and a fraction of a pass is a part of its batches."""
    assert fit(job(llama, replace(RECIPE, max_steps=7))).progress.step == 7
    assert fit(job(llama, replace(RECIPE, epochs=0.6))).progress.step == 3
    assert fit(job(llama, replace(RECIPE, epochs=1e-9))).progress.step == 1


def test_what_a_look_reports(llama: Path) -> None:
    """Every look reports where the run stands, in numbers that JSON can hold."""
    seen: list[dict[str, float]] = []
    fitted = fit(job(llama, report=seen.append))
    names = {"step", "steps", "loss", "held_out", "lr", "gradient_norm", "tokens_per_s", "mfu", "memory_bytes"}
    assert all(set(values) == names for values in seen)
    assert json.loads(json.dumps(seen)) == seen
    assert seen[-1]["step"] == seen[-1]["steps"] == 30
    assert seen[0]["lr"] > seen[-1]["lr"] >= 1e-2 * RECIPE.floor
    assert 0 <= fitted.padding < 1
    assert fitted.progress.flops > 0 < fitted.progress.cpu_seconds


def test_nothing_to_train_on(llama: Path) -> None:
    """No rows is an error, not a model."""
    with pytest.raises(NothingToTrainOn):
        fit(job(llama, on=ground(llama, train=[])))


def test_a_loss_that_is_no_number_stops_the_run(llama: Path) -> None:
    """A run that diverges says so, and the model holds the best tensors seen, ready to answer."""
    bad = samples()
    bad[25] = replace(bad[25], weight=float("nan"))
    seen: list[dict[str, float]] = []
    works = [
        job(llama, replace(RECIPE, looks=30), on=ground(llama, train=rows), report=seen.append)
        for rows in (bad, samples())
    ]
    with pytest.raises(Diverged, match="not a number at step"):
        fit(works[0])
    assert not works[0].ground.opened.model.training
    assert all(math.isfinite(values["held_out"]) for values in seen)
    best = min((values["held_out"] for values in seen), default=held_out(works[1])[0])
    assert held_out(works[0])[0] == pytest.approx(best, abs=1e-4)


@pytest.mark.parametrize("broken", ["every", "last"])
def test_a_run_that_is_never_well_is_none(llama: Path, broken: str) -> None:
    """Where no step had a loss there is nothing to keep, however few steps there were; where the last one alone had
    none, what it took is counted.
    """
    few = replace(RECIPE, max_steps=2, looks=2, back_offs=2)
    batch = next(iter(Plan.of(job(llama, few)).rest(0))).tolist()
    bad = [
        replace(s, weight=float("nan")) if broken == "every" or k not in batch else s for k, s in enumerate(samples())
    ]
    work = job(llama, few, on=ground(llama, train=bad))
    if broken == "every":
        with pytest.raises(Diverged, match="no step had a loss"):
            fit(work)
        return
    progress = fit(work).progress
    assert (progress.step, progress.back_offs, progress.best_step) == (2, 1, 1)
    assert progress.flops == work.ground.meter.flops


def test_making_ready_counts(llama: Path) -> None:
    """What a penalty does before the first step is time of the run."""

    @dataclass(frozen=True)
    class Busy(L2Pull):
        def begin(self, ground: Ground) -> Any:
            begun = time.process_time()
            while time.process_time() - begun < 0.5:
                pass
            return super().begin(ground)

    short = replace(RECIPE, max_steps=1, looks=1)
    plain, busy = (fit(job(llama, replace(short, penalties=(each,)))).progress for each in (L2Pull(), Busy()))
    assert busy.cpu_seconds > plain.cpu_seconds + 0.3
    assert busy.seconds > 0.5


def test_an_overflowing_step_stops_the_run(llama: Path) -> None:
    """A learning rate far too high ends in the error that names the knob to turn."""
    with pytest.raises(Diverged, match=r"train\.lr"):
        fit(job(llama, replace(RECIPE, lr=1e18, adapt=Full(), patience=99, warm_up=0.0)))


def replayed(each: int = 20) -> list[Sample]:
    """Rows of which every second one is an old one."""
    return [replace(row, replay=k % 2 == 0) for k, row in enumerate(samples(each))]


def test_divergence_of_weight_zero_changes_nothing(llama: Path) -> None:
    """A penalty of weight 0 gives the plain run, bit by bit."""
    held = replace(RECIPE, penalties=(Divergence(weight=0.0),))
    works = [job(llama, recipe, on=ground(llama, train=replayed(), known=3)) for recipe in (RECIPE, held)]
    for work in works:
        fit(work)
    assert equal(tensors(works[0]), tensors(works[1]))


@torch.no_grad()
def said_of(work: Job) -> Tensor:
    """Log-probabilities over the labels, on the replayed rows."""
    rows = [row for row in work.ground.train if row.replay]
    return Step(work.ground, rows).scores.log_softmax(-1)


def test_divergence_holds_the_model_to_what_it_was(llama: Path) -> None:
    """The larger the penalty's weight, the nearer the model stays to what it said of the replayed rows."""
    distances = []
    for weight in (0.0, 1.0, 10.0):
        recipe = replace(RECIPE, penalties=(Divergence(weight=weight),))
        work = job(llama, recipe, on=ground(llama, train=replayed(), known=3))
        said = said_of(work)
        fit(work)
        distances.append(float((said.exp() * (said - said_of(work))).sum(-1).mean()))
    assert distances[0] > 1.5 * distances[1] > 2 * distances[2]


@pytest.mark.parametrize("penalties", [(), (Divergence(weight=2.0),)])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(llama: Path, penalties: tuple[Term, ...]) -> None:
    """Rows of unequal weight, old and new ones, taken four at a time: the same step as all at once, within rounding."""
    rows = [replace(row, weight=1.0 + k % 3) for k, row in enumerate(replayed())]
    whole, parts = (
        job(
            llama, replace(RECIPE, max_steps=3, penalties=penalties, part_rows=n), on=ground(llama, train=rows, known=3)
        )
        for n in (0, 4)
    )
    seen: list[list[dict[str, float]]] = [[], []]
    for work, looks in zip((whole, parts), seen, strict=True):
        fit(replace(work, report=looks.append))
    for one, other in zip(tensors(whole), tensors(parts), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-4)
    assert [v["loss"] for v in seen[0]] == pytest.approx([v["loss"] for v in seen[1]], abs=1e-4)


def test_a_batch_that_does_not_fit_is_halved(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory is for five rows, batches of twelve are taken in parts of three, with the gradient of the whole; and
    where it is for none, the run says so.
    """
    plain = job(llama, replace(RECIPE, max_steps=4))
    fit(plain)
    work, predict = job(llama, replace(RECIPE, max_steps=4)), Ground.predict

    def short(self: Ground, rows: Sequence[Rendered], opened: Opened | None = None) -> Predicted:
        if torch.is_grad_enabled() and len(rows) > room:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory")
        return predict(self, rows, opened)

    room = 5
    monkeypatch.setattr(Ground, "predict", short)
    assert fit(work).progress.part_rows == 3
    for one, other in zip(tensors(plain), tensors(work), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-4)
    room = 0
    with pytest.raises(OutOfMemory, match="not even one row"):
        fit(job(llama))


def test_what_has_run_away_is_never_kept(llama: Path) -> None:
    """Where the very first look finds the run far off, the model is left as it was before the first step."""
    wild = replace(RECIPE, adapt=Full(), lr=3.0, warm_up=0.0, epochs=1, looks=1, back_offs=0)
    work = job(llama, wild)
    before = [p.detach().clone() for p in work.parameters]
    with pytest.raises(Diverged):
        fit(work)
    assert all(torch.equal(one, other) for one, other in zip(work.parameters, before, strict=True))


def test_a_run_that_runs_away_goes_back(llama: Path) -> None:
    """At a rate that blows the model up, the run goes back to its best tensors at half the rate until it holds, and it
    leaves no worse a model than it began with; if it may not go back, it gives up at once.
    """
    wild = replace(RECIPE, adapt=Full(), lr=3.0, warm_up=0.0, epochs=24, looks=120, patience=120, back_offs=20)
    work = job(llama, wild)
    progress = fit(work).progress
    assert 0 < progress.back_offs <= 20
    assert progress.slower == 0.5**progress.back_offs
    assert held_out(work)[0] == pytest.approx(progress.best, abs=1e-3)
    assert progress.best < progress.first
    with pytest.raises(Diverged):
        fit(job(llama, replace(wild, back_offs=0)))


@pytest.mark.parametrize("limit", ["seconds", "flops", "watt_hours", "money"])
def test_a_budget_ends_a_run_cleanly(llama: Path, limit: str) -> None:
    """A run that reaches what it may take ends there, with a look and its best tensors, and says what ended it."""
    small = {"seconds": 1e-3, "flops": 1e7, "watt_hours": 1e-6, "money": 1e-9}
    work = job(llama, replace(RECIPE, budget=Budget(**{limit: small[limit]})))
    fitted = fit(work)
    assert 0 < fitted.progress.step < fitted.steps
    assert (fitted.progress.ended, fitted.progress.best_step) == (f"budget.{limit}", fitted.progress.step)


def test_an_average_is_what_is_kept(llama: Path) -> None:
    """With noise in every step, the average of the steps has a lower held-out loss than the last of them."""
    noisy = replace(RECIPE, lr=2e-2, epochs=10, batch_rows=4, schedule="constant", looks=30, patience=30)
    losses = []
    for decay in (0.0, 0.95):
        seen: list[dict[str, float]] = []
        work = job(llama, replace(noisy, average=decay), report=seen.append)
        best = fit(work).progress.best
        assert held_out(work)[0] == pytest.approx(best, abs=1e-4)
        losses.append(sum(values["held_out"] for values in seen[-8:]) / 8)
    assert losses[1] < losses[0]


@pytest.mark.parametrize("narrow", [False, True])
def test_activations_computed_twice_are_the_same(llama: Path, narrow: bool) -> None:
    """Saving memory changes no tensor, bit by bit, also where attention is computed by another kernel than usual."""
    works = [
        job(llama, replace(RECIPE, save_memory=wanted, max_steps=6), on=ground(llama, bfloat16=narrow))
        for wanted in (False, True)
    ]
    for work in works:
        fit(work)
    assert equal(tensors(works[0]), tensors(works[1]))


@pytest.mark.slow
def test_bfloat16_learns_the_same_within_noise(llama: Path) -> None:
    """Matrix products in bfloat16 leave a model as good, and its tensors stay float32 and resume bit by bit."""
    works = [job(llama, replace(RECIPE, lr=5e-3), on=ground(llama, bfloat16=wide)) for wide in (False, True)]
    losses = []
    for work in works:
        fit(work)
        losses.append(held_out(work))
    assert losses[1][0] == pytest.approx(losses[0][0], abs=0.08)
    assert losses[1][1] == pytest.approx(losses[0][1], abs=0.08)
    assert {t.dtype for t in tensors(works[1])} == {torch.float32}


@pytest.mark.parametrize("adapt", ["lora", "full"])
def test_a_base_in_bfloat16_is_trained_in_float32(llama: Path, adapt: str) -> None:
    """Where a base is held in bfloat16, as on a GPU, what is trained is float32 and learns."""
    opened = open_model(str(llama))
    opened.model.to(torch.bfloat16)
    recipe = replace(RECIPE, adapt=WAYS[adapt], lr=3e-3 if adapt == "full" else 1e-2)
    work = job(llama, recipe, on=ground(llama, opened=opened, bfloat16=True))
    fit(work)
    assert {p.dtype for p in work.parameters} == {torch.float32}
    opened.model.float()
    assert held_out(work)[1] > 0.6


@pytest.mark.slow
def test_float16_learns_the_same_within_noise(llama: Path) -> None:
    """In float16 the gradient of a step is that of float32 to a hundredth, though it was scaled; the model gets as
    good, its tensors stay float32, and looks say the scale and how many steps were left out.
    """
    seen: dict[str, list[dict[str, float]]] = {"float32": [], "float16": []}
    losses = []
    for precision, looks in seen.items():
        work = job(llama, replace(RECIPE, epochs=3, precision=precision, looks=15), report=looks.append)
        before = held_out(work)
        fit(work)
        losses.append(held_out(replace(work, ground=replace(work.ground, float16=False))))
        assert {t.dtype for t in tensors(work)} == {torch.float32}
    assert losses[1][0] == pytest.approx(losses[0][0], abs=0.05)
    assert losses[1][0] < before[0] - 0.3
    assert seen["float16"][0]["gradient_norm"] == pytest.approx(seen["float32"][0]["gradient_norm"], rel=1e-2)
    last = seen["float16"][-1]
    assert last["skipped"] <= 2
    assert last["scale"] == SCALE / 2 ** last["skipped"]


def overflowing(base: Path, **changes: Any) -> Job:
    """A run of all weights in float16, whose first gradients are too large for it at the scale it begins with."""
    recipe = replace(RECIPE, adapt=Full(), lr=3e-3, precision="float16", epochs=4, looks=20, patience=20)
    return job(base, recipe, **changes)


def test_a_step_that_overflows_is_left_out(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gradient too large for float16 moves nothing; the scale is halved until gradients fit, the run goes on and
    learns, and how many steps it lacks is told. It has not gone back.
    """
    monkeypatch.setattr("homeostat.train.fit.SCALE", 2.0**26)
    seen: list[dict[str, float]] = []
    work = overflowing(llama, workspace=tmp_path, report=seen.append)
    before = held_out(work)
    progress = fit(work).progress
    assert 4 <= progress.skipped <= 13
    assert progress.scale == 2.0 ** (26 - progress.skipped)
    assert progress.back_offs == 0
    first = [values for values in seen if values["skipped"] == values["step"]]
    assert len({values["held_out"] for values in first}) == 1  # nothing moved
    assert {values["gradient_norm"] for values in first} == {0.0}
    assert held_out(work)[0] < before[0] - 0.3
    moments = load_file(tmp_path / "state.safetensors")
    assert {float(t) for n, t in moments.items() if n.endswith(".step")} == {float(20 - progress.skipped)}


def test_the_scale_outlives_the_process(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in float16 after its scale had fallen, and gone on with, a run leaves the tensors, the scale and the
    count of left-out steps of one that was not, bit by bit.
    """
    monkeypatch.setattr("homeostat.train.fit.SCALE", 2.0**26)
    undisturbed = overflowing(llama)
    fitted = fit(undisturbed)

    def stop(values: dict[str, float]) -> None:
        if values["step"] == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(overflowing(llama, workspace=tmp_path, report=stop))
    resumed = overflowing(llama, workspace=tmp_path)
    kept = {name: getattr(fitted.progress, name) for name in ("scale", "calm", "skipped", "best")}
    progress = fit(resumed).progress
    assert {name: getattr(progress, name) for name in kept} == kept
    assert kept["skipped"] > 0
    assert equal(tensors(undisturbed), tensors(resumed))


def test_float16_cannot_hide_a_run_that_diverges(llama: Path) -> None:
    """A loss that is no number is no matter of the scale: the run goes back and gives up as in float32."""
    bad = samples()
    bad[25] = replace(bad[25], weight=float("nan"))
    recipe = replace(RECIPE, precision="float16")
    with pytest.raises(Diverged, match="not a number at step"):
        fit(job(llama, recipe, on=ground(llama, train=bad)))


PROGRAM = """
import json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from train.test_fit import resumable
resumable(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), lambda values: print(json.dumps(values), flush=True))
"""


def resumable(kind: str, base: Path, workspace: Path, report: Watch) -> list[Tensor]:
    """Train to the end in a workspace; the tensors it leaves. Dropout is on where a model has any."""
    torch.manual_seed(0)
    way = WAYS["full" if kind == "bert" else "lora"]
    recipe = replace(RECIPE, epochs=8, looks=20, patience=20, adapt=way, lr=3e-3, average=0.9)
    opened = open_model(str(base))
    parameters = way.attach(opened.model, seed=recipe.seed)
    codes = encode_labels(opened.tokenizer, tiny.LABELS).sequences
    of, renderer = dict(zip(tiny.LABELS, codes, strict=True)), Renderer(opened.tokenizer)

    def rows(each: int, seed: int) -> list[Sample]:
        made = tiny.examples(each=each, seed=seed)
        return [Sample(renderer.example(tiny.ROUTING, row.text, of[row.target])) for row in made]

    stands = Ground(
        opened=opened,
        train=rows(20, 0),
        held_out=rows(10, 1),
        allowed=torch.tensor([s[0] for s in codes]),
    )
    work = Job(ground=stands, parameters=parameters, recipe=recipe, workspace=workspace, report=report)
    fit(work)
    return tensors(work)


def same(values: dict[str, float]) -> dict[str, float]:
    """What a look reports but for what depends on the machine's mood."""
    return {k: v for k, v in values.items() if k not in ("tokens_per_s", "mfu", "memory_bytes")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["llama", "bert"])
def test_a_killed_run_goes_on_as_if_it_had_not_been(kind: str, llama: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL twice at random moments and gone on with, a run shows the same losses and leaves the same
    tensors, bit by bit, as one that was never disturbed; with dropout (BERT) too.
    """
    base = llama if kind == "llama" else tiny.bert(tmp_path / "bert")
    whole: list[dict[str, float]] = []
    undisturbed = resumable(kind, base, tmp_path / "whole", whole.append)
    curve: list[dict[str, float]] = []
    chance = random.Random(kind)
    for _ in range(2):
        arguments = [PROGRAM, str(Path(tiny.__file__).parent), kind, str(base), str(tmp_path / "killed")]
        process = subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        for _ in range(chance.randint(2, 7)):
            curve.append(json.loads(process.stdout.readline()))
        os.kill(process.pid, signal.SIGKILL)
        curve += [json.loads(line) for line in process.stdout if line.endswith("\n")]
        assert process.wait() == -signal.SIGKILL
    assert curve[-1]["step"] < whole[-1]["step"]
    resumed = resumable(kind, base, tmp_path / "killed", curve.append)
    wanted = {values["step"]: same(values) for values in whole}
    assert all(same(values) == wanted[values["step"]] for values in curve)
    assert {values["step"] for values in curve} == set(wanted)
    assert equal(resumed, undisturbed)


def test_a_finished_run_is_not_repeated(llama: Path, tmp_path: Path) -> None:
    """Asked for again in the same workspace, a run that came to its end gives its tensors without a step."""
    first = job(llama, workspace=tmp_path)
    fitted = fit(first)
    seen: list[dict[str, float]] = []
    again = job(llama, workspace=tmp_path, report=seen.append)
    repeated = fit(again)
    assert seen == []
    assert equal(tensors(first), tensors(again))
    assert repeated.progress.flops == fitted.progress.flops
    assert (fitted.earlier, repeated.earlier) == (0.0, fitted.progress.seconds)


@pytest.mark.parametrize("change", ["rows", *(pytest.param(c, marks=pytest.mark.slow) for c in ("recipe", "start"))])
def test_a_checkpoint_of_another_run_is_passed_over(llama: Path, tmp_path: Path, change: str) -> None:
    """A workspace that holds the end of another run does not lend it: a run of other rows, another recipe or another
    start begins at its own beginning.
    """
    fit(job(llama, workspace=tmp_path))

    def other(**more: Any) -> Job:
        if change == "rows":
            return job(llama, on=ground(llama, train=samples(seed=5)), **more)
        if change == "recipe":
            return job(llama, replace(RECIPE, lr=2e-2), **more)
        work = job(llama, **more)
        with torch.no_grad():
            work.parameters[0].mul_(2.0)
        return work

    mixed, clean = other(workspace=tmp_path), other()
    fit(mixed)
    fit(clean)
    assert equal(tensors(mixed), tensors(clean))
