"""The losses equal those of TRL, a development dependency, on the same batch and the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.preference.dpo import Dpo
from homeostat.train.objectives.preference.kto import Kto
from homeostat.train.objectives.preference.orpo import Orpo
from homeostat.train.objectives.reward.grpo import Grpo, _Trying, advantages
from homeostat.train.objectives.written import written
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Objective, Step

trl = pytest.importorskip("trl", reason="TRL is a development dependency")
orpo = pytest.importorskip("trl.experimental.orpo", reason="TRL is a development dependency")
datasets = pytest.importorskip("datasets", reason="it comes with TRL")

PAIRS = [
    {"prompt": "where is my parcel", "chosen": " it is lost", "rejected": " the pump is broken"},
    {"prompt": "refund please now", "chosen": " card charged twice", "rejected": " no"},
    {"prompt": "the lamp is dark again", "chosen": " bulb", "rejected": " water and more water in the motor"},
]
THUMBS = [{"prompt": p["prompt"], "completion": p["chosen"], "label": k != 1} for k, p in enumerate(PAIRS)]
PLAIN = {
    "use_cpu": True,
    "bf16": False,
    "report_to": [],
    "per_device_train_batch_size": 3,
    "dataloader_drop_last": False,
    "disable_tqdm": True,
}


def moved(opened: Opened) -> Opened:
    """The model after something was learned."""
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in opened.model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.05)
    return opened


def rendered(ids: Tensor, completion: Tensor) -> Rendered:
    """A row of a padded batch whose completion is marked."""
    at = completion.bool()
    first = int(at.nonzero()[0])
    return Rendered(tuple(ids[:first].tolist()), tuple(ids[at].tolist()))


def ours(base: Path, objective: Objective, rows: list[Sample]) -> float:
    """Our loss of rows: begun with the model as it was, asked after it has moved."""
    ground = Ground(opened=open_model(str(base)), train=rows, bfloat16=False)
    lesson = objective.begin(ground)
    moved(ground.opened)
    return float(lesson(Step(ground, rows)).detach())


def theirs(make: Callable[..., Any], config: Any, base: Path, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
    """A trainer of TRL on a model that has moved, and its first batch."""
    opened = open_model(str(base))
    data = datasets.Dataset.from_list(rows)
    trainer = make(model=opened.model, args=config, train_dataset=data, processing_class=opened.tokenizer)
    batch = next(iter(trainer.get_train_dataloader()))
    moved(opened)
    return trainer, batch


def pairs(batch: dict[str, Tensor]) -> list[Sample]:
    """Rows of a batch that holds the better replies, then the worse."""
    rows = [rendered(*row) for row in zip(batch["input_ids"], batch["completion_mask"], strict=True)]
    half = len(rows) // 2
    return [Sample(better, rejected=worse) for better, worse in zip(rows[:half], rows[half:], strict=True)]


@pytest.mark.parametrize(
    ("spec", "settings"),
    [
        (Dpo(beta=0.3, sft=0.0), {"loss_type": "sigmoid"}),
        (Dpo(beta=0.3, sft=0.0, flipped=0.1), {"loss_type": "robust", "label_smoothing": 0.1}),
    ],
)
def test_direct_preference(llama: Path, tmp_path: Path, spec: Dpo, settings: dict[str, Any]) -> None:
    """Sigmoid and robust DPO."""
    config = trl.DPOConfig(output_dir=str(tmp_path), beta=0.3, activation_checkpointing=False, **settings, **PLAIN)
    reference = open_model(str(llama)).model
    trainer, batch = theirs(lambda **kwargs: trl.DPOTrainer(ref_model=reference, **kwargs), config, llama, PAIRS)
    wanted = float(trainer.compute_loss(trainer.model, batch).detach())
    assert ours(llama, spec, pairs(batch)) == pytest.approx(wanted, abs=1e-5)


def test_prospects(llama: Path, tmp_path: Path) -> None:
    """KTO, its estimate of how far the model has moved included, with unequal weights."""
    config = trl.KTOConfig(
        output_dir=str(tmp_path),
        beta=0.3,
        desirable_weight=1.5,
        undesirable_weight=0.7,
        activation_checkpointing=False,
        **PLAIN,
    )
    reference = open_model(str(llama)).model
    trainer, batch = theirs(lambda **kwargs: trl.KTOTrainer(ref_model=reference, **kwargs), config, llama, THUMBS)
    wanted = float(trainer.compute_loss(trainer.model, batch).detach())
    rows = [rendered(*row) for row in zip(batch["input_ids"], batch["completion_mask"], strict=True)]
    samples = [Sample(row, value=float(liked)) for row, liked in zip(rows, batch["label"], strict=True)]
    # The replies that requests are paired with go by the order of the data, which the batch need not have.
    told = [open_model(str(llama)).tokenizer.decode(s.rendered.prompt) for s in samples]
    samples = [samples[told.index(row["prompt"])] for row in THUMBS]
    assert trainer._metrics["eval"]["kl"][0] > 0
    assert ours(llama, Kto(beta=0.3, liked=1.5, disliked=0.7), samples) == pytest.approx(wanted, abs=1e-5)


def test_odds(llama: Path, tmp_path: Path) -> None:
    """The odds of ORPO. What it adds to them, TRL takes over prompt and reply, we over the reply as in fine-tuning."""
    config = orpo.ORPOConfig(output_dir=str(tmp_path), beta=0.3, max_length=64, **PLAIN)
    trainer, batch = theirs(orpo.ORPOTrainer, config, llama, PAIRS)
    chosen, rejected, *_ = trainer.concatenated_forward(trainer.model, batch)
    wanted = float(-trainer.odds_ratio_loss(chosen, rejected)[0].mean().detach())

    def row(kind: str, k: int) -> Rendered:
        ids, labels, seen = (batch[f"{kind}_{n}"][k] for n in ("input_ids", "labels", "attention_mask"))
        return rendered(ids, (labels != -100) & seen.bool())

    samples = [Sample(row("chosen", k), rejected=row("rejected", k)) for k in range(3)]
    odds = ours(llama, Orpo(ratio=0.3), samples) - ours(llama, Orpo(ratio=0.0), samples)
    assert odds == pytest.approx(wanted, abs=1e-5)
    assert ours(llama, Orpo(ratio=0.0), samples) == pytest.approx(ours(llama, Completion(), samples), abs=1e-5)


def test_supervised(llama: Path, tmp_path: Path) -> None:
    """Completion-only fine-tuning."""
    config = trl.SFTConfig(output_dir=str(tmp_path), max_length=64, activation_checkpointing=False, **PLAIN)
    rows = [{k: row[k] for k in ("prompt", "completion")} for row in THUMBS]
    trainer, batch = theirs(trl.SFTTrainer, config, llama, rows)
    wanted = float(trainer.compute_loss(trainer.model, dict(batch)).detach())
    marked = batch["labels"] != -100
    samples = [Sample(rendered(*row)) for row in zip(batch["input_ids"], marked, strict=True)]
    assert ours(llama, Completion(), samples) == pytest.approx(wanted, abs=1e-5)


def test_tries(llama: Path, tmp_path: Path) -> None:
    """GRPO without division by the group's spread or the reply's length (`dr_grpo`), on the same tries, in value
    and gradient.
    """
    config = trl.GRPOConfig(
        output_dir=str(tmp_path),
        loss_type="dr_grpo",
        scale_rewards="none",
        beta=0.0,
        num_generations=4,
        per_device_train_batch_size=4,
        max_completion_length=6,
        use_cpu=True,
        bf16=False,
        report_to=[],
        disable_tqdm=True,
    )
    opened = moved(open_model(str(llama)))
    judge = lambda tokenizer, sample, reply: float(sum(reply) % 5)  # noqa: E731 — any worth will do
    rows = [Sample(Rendered(tuple(opened.tokenizer(row["prompt"])["input_ids"]), ())) for row in PAIRS]
    step = Step(Ground(opened=opened, train=rows, bfloat16=False), rows)
    table = opened.model.get_input_embeddings().weight
    torch.manual_seed(5)
    loss = _Trying(Grpo(group=4, most=6), judge)(step)
    (given,) = torch.autograd.grad(loss, table)
    torch.manual_seed(5)
    tries = written(step, [row for row in rows for _ in range(4)], most=6)
    worth = torch.tensor([judge(None, None, one.completion) for one in tries])
    data = datasets.Dataset.from_list([{"prompt": row["prompt"]} for row in PAIRS])
    trainer = trl.GRPOTrainer(
        model=opened.model,
        reward_funcs=lambda completions, **more: [0.0 for _ in completions],
        args=config,
        train_dataset=data,
        processing_class=opened.tokenizer,
    )
    trainer.model.eval()
    batch = {"advantages": advantages(worth, 4), **padded(tries, opened.tokenizer.pad_token_id or 0)}
    theirs_loss = trainer.compute_loss(trainer.model, batch)
    (wanted,) = torch.autograd.grad(theirs_loss, table)
    assert float(loss.detach()) == pytest.approx(float(theirs_loss.detach()), abs=1e-5)
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-5)
    assert float(wanted.abs().max()) > 1e-3


def padded(tries: list[Rendered], pad: int) -> dict[str, Tensor]:
    """Prompts padded before, completions after, each with its mask."""
    before, after = max(len(one.prompt) for one in tries), max(len(one.completion) for one in tries)
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask")
    rows: dict[str, list[list[int]]] = {name: [] for name in names}
    for one in tries:
        left, right = before - len(one.prompt), after - len(one.completion)
        rows["prompt_ids"].append([pad] * left + list(one.prompt))
        rows["prompt_mask"].append([0] * left + [1] * len(one.prompt))
        rows["completion_ids"].append(list(one.completion) + [pad] * right)
        rows["completion_mask"].append([1] * len(one.completion) + [0] * right)
    return {name: torch.tensor(values) for name, values in rows.items()}
