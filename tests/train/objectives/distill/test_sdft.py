"""Self-distillation from demonstrations: what is shown goes into the weights, and less of the rest is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.stats.intervals import paired
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.averaging import Average, Trail
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.sdft import Sdft
from homeostat.train.run import Order, Start, train
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step
from homeostat.types.dataset import Example
from shown import Shown
from train.objectives.distill import context

SHOWN = Sdft(template=context.TEMPLATE, most=context.MOST)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


def some(count: int = 2) -> list[Sample]:
    return context.rows(context.NEW, count, 3, context.said(0), opening=1)


def ground(base: Path, rows: Sequence[Sample]) -> Ground:
    return Ground(opened=open_model(str(base)), train=rows, bfloat16=False)


def test_it_equals_trls(llama: Path, tmp_path: Path) -> None:
    """Reverse KL over the whole vocabulary, of TRL's own rollouts, its own teacher prompts and its own slow average
    after two steps: the same loss to 1e-5.
    """
    sdft = pytest.importorskip("trl.experimental.sdft", reason="TRL is a development dependency")
    datasets = pytest.importorskip("datasets", reason="it comes with TRL")
    data = [
        {"prompt": "where is my parcel", "privileged_context": "it is lost"},
        {"prompt": "refund please now", "privileged_context": "card charged twice"},
        {"prompt": "the lamp is dark again", "privileged_context": "bulb"},
    ]
    plain = {"use_cpu": True, "bf16": False, "report_to": [], "per_device_train_batch_size": 3, "disable_tqdm": True}
    settings = sdft.SDFTConfig(
        output_dir=str(tmp_path),
        distillation_alpha=1.0,
        distillation_mode="full_logits",
        distillation_is_clip=None,
        teacher_model_kind="ema",
        max_completion_length=6,
        num_generations=1,
        **plain,
    )
    opened = open_model(str(llama))
    trainer = sdft.SDFTTrainer(
        model=opened.model,
        args=settings,
        train_dataset=datasets.Dataset.from_list(data),
        processing_class=opened.tokenizer,
    )
    batch = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    moved(opened)
    opened.model.eval()
    theirs = float(trainer.compute_loss(opened.model, batch).detach())
    rows, own = taken(batch)
    work = ground(llama, rows)
    began = [p.detach().clone() for p in work.opened.model.parameters()]
    work.trail = Trail(Average(1.0, began), list(work.opened.model.parameters()))
    lesson: Any = SHOWN.begin(work)
    moved(work.opened)
    ours = float(lesson.divergence(Step(work, rows), rows, own).detach())
    assert theirs > 0.01
    assert ours == pytest.approx(theirs, rel=1e-5)


def moved(opened: Opened) -> None:
    """The model after something was learned."""
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in opened.model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.05)


def taken(batch: dict[str, torch.Tensor]) -> tuple[list[Sample], list[Rendered]]:
    """Rows and replies of a batch of TRL's."""
    rows, own = [], []
    length = batch["completion_ids"].shape[1]
    for k in range(len(batch["prompt_ids"])):
        prompt = tuple(batch["prompt_ids"][k][batch["prompt_mask"][k].bool()].tolist())
        reply = tuple(batch["completion_ids"][k][batch["completion_mask"][k].bool()].tolist())
        asked = batch["teacher_attention_mask"][k][:-length].bool()
        shown = tuple(batch["teacher_input_ids"][k][:-length][asked].tolist())
        assert len(shown) > len(prompt)
        rows.append(Sample(Rendered(prompt, reply), shown=shown))
        own.append(Rendered(prompt, reply))
    return rows, own


def test_a_teacher_that_sees_no_more_teaches_nothing(llama: Path) -> None:
    """Where what is shown is the bare request and the average has not moved, the divergence and its gradient are 0; it
    is above 0 where an answer is shown.
    """
    for shown in (False, True):
        rows = some() if shown else [replace(row, shown=row.rendered.prompt) for row in some()]
        work = ground(llama, rows)
        parameters = Full().attach(work.opened.model)
        lesson = SHOWN.begin(work)
        loss = lesson(Step(work, rows))
        loss.backward()  # type: ignore[no-untyped-call]
        slope = sum(float(p.grad.abs().sum()) for p in parameters if p.grad is not None)
        assert (float(loss.detach()) > 1e-3) is shown
        assert (slope > 1e-2) is shown


def test_the_teacher_is_the_student_on_a_slow_average(llama: Path) -> None:
    """After each step the average has taken in its share of the student and nothing else, from where the student began;
    at a rate of 0 it stays there, bit by bit.
    """
    for rate in (0.25, 0.0):
        work = ground(llama, some())
        parameters = Full().attach(work.opened.model)
        wanted = [p.detach().clone() for p in parameters]

        def follow(values: dict[str, float], wanted: Any = wanted, now: Any = parameters, rate: float = rate) -> None:
            for one, parameter in zip(wanted, now, strict=True):
                one.lerp_(parameter.detach(), rate)

        recipe = replace(context.RECIPE, objective=replace(SHOWN, rate=rate), epochs=4, batch_rows=4, looks=4)
        fitted = fit(Job(ground=work, parameters=parameters, recipe=recipe, report=follow))
        assert fitted.progress.step == 4
        assert work.trail is not None
        for one, other in zip(work.trail.average.tensors, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-6 if rate else 0)


def test_parts_of_a_batch_are_the_batch(llama: Path) -> None:
    """A row that cannot be shown counts for nothing, and weights count as rows do."""
    rows = [*some(), replace(some(1)[0], shown=())]
    work = ground(llama, rows)
    lesson: Any = SHOWN.begin(work)
    assert lesson.weigh(rows) == 4.0
    assert lesson.weigh(rows[-1:]) == 0.0
    own = [row.rendered for row in rows[:4]]
    with torch.no_grad():
        each = [float(lesson.divergence(Step(work, [r]), [r], [o])) for r, o in zip(rows, own, strict=False)]
        heavy = [replace(rows[0], weight=3.0), *rows[1:4]]
        whole, weighed = (float(lesson.divergence(Step(work, x), x, own)) for x in (rows[:4], heavy))
    assert whole == pytest.approx(sum(each) / 4, rel=1e-5)
    assert weighed == pytest.approx((3 * each[0] + sum(each[1:])) / 6, rel=1e-5)


def test_what_it_cannot_learn_from(llama: Path) -> None:
    """Labels, and rows that do not fit into the context together with their replies, are refused before a step."""
    with pytest.raises(UnsuitedModel, match="not labels"):
        SHOWN.begin(replace(ground(llama, some()), allowed=torch.tensor([1, 2])))
    with pytest.raises(NothingToTrainOn, match="no request fits"):
        SHOWN.begin(ground(llama, [replace(row, shown=()) for row in some()]))


def test_a_version_is_trained_by_it(llama: Path, tmp_path: Path) -> None:
    """Asked for in a recipe, rows are rendered with their answers by the template, the student writes, an adapter is
    learned and saved; other objectives get no such rows.
    """
    rows = [Example(text=text, target="we send you money") for text in tiny.texts("refund_request", 20, 0)]
    recipe = replace(context.RECIPE, adapt=Lora(rank=2), objective=SHOWN, held_out=0.2, epochs=2, batch_rows=8)
    order = Order(
        task=tiny.REPLIES, start=Start(base=str(llama)), examples=rows, labels=(), recipe=recipe, folder=tmp_path
    )
    trained = train(order)
    assert (trained.weights / "adapter_model.safetensors").exists()
    assert trained.cost["steps"] > 0


PROGRAM = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from train.objectives.distill.test_sdft import resumable
resumable(Path(sys.argv[2]), Path(sys.argv[3]), lambda values: print(values["step"], flush=True))
"""


def resumable(base: Path, workspace: Path, report: Any = lambda values: None) -> list[torch.Tensor]:
    """A run whose teacher moves on; its tensors, and those of the teacher."""
    work = ground(base, some(12))
    recipe = replace(context.RECIPE, objective=replace(SHOWN, rate=0.1), epochs=10, batch_rows=8, lr=1e-3, looks=15)
    parameters = recipe.adapt.attach(work.opened.model)
    fit(Job(ground=work, parameters=parameters, recipe=recipe, workspace=workspace, report=report))
    assert work.trail is not None
    return [p.detach().clone() for p in (*parameters, *work.trail.average.tensors)]


@pytest.mark.slow
def test_a_killed_run_goes_on_with_its_teacher(llama: Path, tmp_path: Path) -> None:
    """Killed with SIGKILL and gone on with, it leaves the same student and the same teacher, bit by bit."""
    whole = resumable(llama, tmp_path / "whole")
    folder = str(Path(tiny.__file__).parent)
    program = [sys.executable, "-c", PROGRAM, folder, str(llama), str(tmp_path / "killed")]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(4):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    again = resumable(llama, tmp_path / "killed")
    assert all(torch.equal(one, other) for one, other in zip(whole, again, strict=True))


@pytest.mark.slow
def test_what_is_shown_is_learned_and_the_old_is_kept_better(tmp_path: Path, shown: Shown) -> None:
    """Two models that answer what they are shown, in words of their own. Of 160 replies that others wrote otherwise,
    both ways learn what there is to say to requests that nobody has seen, shown nothing, self-distillation no less than
    fine-tuning; of the old replies fine-tuning leaves next to none, and self-distillation more, by an interval over
    requests that excludes a tenth. Rate, rows and passes are the same for both, kept to their end: replies that are
    written otherwise would have a look too early taken for the best. The teacher stays where it began (on an average of
    the paper's rate it loses, in one model of three, what makes it a teacher), and what it would say is learned where
    the student would not say it yet (`beta` 0): the other way round as many passes leave much of it unlearned.
    """
    kept: dict[str, list[float]] = {"sdft": [], "fine-tuned": []}
    gained: dict[str, list[float]] = {"sdft": [], "fine-tuned": []}
    ways: dict[str, Objective] = {"sdft": replace(SHOWN, rate=0.0, beta=0.0), "fine-tuned": Completion()}
    recipe = replace(context.RECIPE, lr=2e-4, epochs=30, batch_rows=16, looks=1)
    for seed in shown.draws(2):
        taught = context.school(tmp_path / str(seed), seed)
        new, old = (context.rows(topics, 40, 9, taught.replies) for topics in (context.NEW, context.OLD))
        before = open_model(str(taught.folder))
        assert sum(context.right(before, old)) > 0.95 * len(old)
        assert sum(context.right(before, new, show=True)) > 0.95 * len(new)
        assert sum(context.right(before, new, whole=False)) < 0.05 * len(new)
        for name, objective in ways.items():
            opened = open_model(str(taught.folder))
            context.learned(opened, context.rows(context.NEW, 80, 3, taught.replies, opening=1), objective, recipe)
            gained[name] += context.right(opened, new, whole=False)
            kept[name] += context.right(opened, old)
    assert paired(gained["sdft"], gained["fine-tuned"]).low > -0.05
    assert sum(gained["sdft"]) > 0.8 * len(gained["sdft"])
    of = "share of old replies as they were, more than after fine-tuning"
    shown.within(of, paired(kept["sdft"], kept["fine-tuned"]), least=0.1)
