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
