"""Adapters of the tiny decoder, drawn or trained, and what it answers with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import tiny
from homeostat.llm.adapters import add_adapter
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import log_probabilities
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.train.transfer.product import Adapter, wearing
from homeostat.types.dataset import Example

DOMAINS = (("refund_request", "late_delivery"), ("wrong_bill", "light_out"))
EVERY = tuple(label for labels in DOMAINS for label in labels)
ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,))]


def drawn(base: Path, folder: Path, *, seed: int, rank: int = 4, tokens: Sequence[int] = (), rs: bool = False) -> Path:
    """An adapter that changes every layer, and the rows of these tokens."""
    opened = open_model(str(base))
    table = opened.model.get_input_embeddings().weight.detach()
    way = Lora(rank=rank, rs=rs)
    parameters = way.attach(opened.model, None, {token: table[token].clone() for token in tokens}, seed)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in parameters:
            tensor.copy_(0.2 * torch.randn(tensor.shape, generator=draw))
    way.save(opened.model, folder)
    return folder


def answers(base: Path, folder: Path | None = None) -> Tensor:
    """Logits of a few rows, of the base with the adapter in a folder."""
    opened = open_model(str(base))
    if folder is not None:
        add_adapter(opened.model, folder, "ver_1")
    return logits(opened)


def logits(opened: Opened) -> Tensor:
    """Logits of the same rows, of a model as it is."""
    with torch.no_grad():
        return predict(opened, ROWS).logits


def learned(base: Path, folder: Path, labels: Sequence[str], *, seed: int = 0, start: Path | None = None) -> Path:
    """An adapter that tells these labels apart, among the codes of both domains; gone on from `start`."""
    order = Order(
        task=tiny.ROUTING,
        start=Start(base=str(base), folder=start, kind="lora" if start else "base", labels=EVERY if start else ()),
        examples=tiny.examples(labels, each=40, seed=seed),
        labels=EVERY,
        recipe=Recipe(lr=5e-3, epochs=10, batch_rows=12, looks=5, patience=5, warm_up=0.1, refit=False, seed=seed),
        folder=folder,
    )
    return train(order).weights


def both(base: Path, folder: Path, draw: int = 0) -> list[Path]:
    """An adapter of each domain."""
    return [learned(base, folder / labels[0], labels, seed=10 * draw + k) for k, labels in enumerate(DOMAINS)]


@dataclass(frozen=True)
class Judge:
    """Asks the tiny decoder with an adapter about rows."""

    opened: Opened

    def said(self, adapter: Adapter | None, rows: Sequence[Example], among: Sequence[str]) -> Tensor:
        """float[rows, labels]: log-probabilities over these labels."""
        renderer = Renderer(self.opened.tokenizer)
        codes = dict(zip(EVERY, encode_labels(self.opened.tokenizer, EVERY).sequences, strict=True))
        prompts = [renderer.example(tiny.ROUTING, row.text, codes[row.target]) for row in rows]
        with wearing(self.opened.model, adapter):
            return log_probabilities(self.opened, prompts, torch.tensor([codes[x][0] for x in among]))[0]

    def loss(self, adapter: Adapter | None, rows: Sequence[Example], among: Sequence[str] = EVERY) -> float:
        """Mean loss in nats."""
        right = torch.tensor([among.index(row.target) for row in rows])
        return float(torch.nn.functional.nll_loss(self.said(adapter, rows, among), right))

    def right(self, adapter: Adapter | None, rows: Sequence[Example], among: Sequence[str] = EVERY) -> list[float]:
        """By row, 1 where the likeliest label is the right one, else 0."""
        wanted = torch.tensor([among.index(row.target) for row in rows])
        return (self.said(adapter, rows, among).argmax(1) == wanted).float().tolist()

    def accuracy(self, adapter: Adapter | None, rows: Sequence[Example], among: Sequence[str] = EVERY) -> float:
        """Share of the rows whose likeliest label is the right one."""
        right = torch.tensor([among.index(row.target) for row in rows])
        return float((self.said(adapter, rows, among).argmax(1) == right).float().mean())
