"""Pretrains the built-in model: a small Llama, from random weights, on the corpora of corpus.py.

    python recipes/builtin/pretrain.py --data ../shared/data --work build/builtin --stable 14e6 --decay 6e6

Seeded and resumable: the rows of step n depend on (seed, n) alone, and the newest checkpoint in --work is picked up
by itself. Two stages: *stable* (prose, constant learning rate) and *decay* (chat in the majority, learning rate falling
to zero), so that the stable stage can be extended later without redoing it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import corpus

CONTEXT, ROWS = 512, 12  # tokens in a row, rows in a step
WARM_UP = 100
STABLE = {"books": 0.40, "arxiv": 0.38, "titles": 0.12, "small": 0.10}
DECAY = {"dialogues": 0.40, "titles": 0.20, "books": 0.20, "arxiv": 0.14, "small": 0.06}


@dataclass(frozen=True)
class Plan:
    """How long to train, in tokens, and how fast."""

    stable: float
    decay: float
    lr: float = 3e-3
    seed: int = 0

    @property
    def steps(self) -> tuple[int, int]:
        """Steps of the stable stage, steps in all."""
        first = int(self.stable // (CONTEXT * ROWS))
        return first, first + int(self.decay // (CONTEXT * ROWS))

    def rate(self, step: int) -> float:
        """Learning rate as a share of `lr`: warm-up, constant, then linear to zero."""
        first, last = self.steps
        if step < first:
            return min(1.0, (step + 1) / WARM_UP)
        return max(0.0, (last - step) / max(1, last - first))


def architecture(vocabulary: int) -> LlamaConfig:
    """6.9 M parameters: 6 layers of width 256, tied embeddings."""
    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=256,
        intermediate_size=704,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        rope_theta=10000.0,
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=4,
    )


def rows(sources: dict[str, np.ndarray], weights: dict[str, float], step: int, seed: int) -> Tensor:
    """int64[ROWS, CONTEXT + 1]: windows drawn from the sources in proportion to their weights."""
    rng = np.random.default_rng([seed, step])
    names = rng.choice(list(weights), size=ROWS, p=np.array(list(weights.values())))
    starts = [int(rng.integers(len(sources[n]) - CONTEXT - 1)) for n in names]
    windows = [sources[n][s : s + CONTEXT + 1].astype(np.int64) for n, s in zip(names, starts, strict=True)]
    return torch.from_numpy(np.stack(windows))


def next_token_loss(model: LlamaForCausalLM, ids: Tensor) -> Tensor:
    """Mean cross-entropy in nats of every next token; ids are int64[rows, tokens + 1]."""
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=ids[:, :-1]).logits
    return F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())


def optimizers(model: LlamaForCausalLM, lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings and norms."""
    hidden = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    other = [p for n, p in model.named_parameters() if p.ndim != 2 or "embed" in n]
    return [
        torch.optim.Muon(hidden, lr=lr, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(other, lr=lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


@torch.no_grad()
def held_out(model: LlamaForCausalLM, held: dict[str, np.ndarray], count: int = 24) -> dict[str, float]:
    """Loss per source in nats a token, on windows that training never saw."""
    losses = {}
    for name, ids in held.items():
        size = min(CONTEXT, len(ids) - 2)
        starts = np.linspace(0, len(ids) - size - 2, count).astype(int)
        windows = torch.from_numpy(np.stack([ids[s : s + size + 1].astype(np.int64) for s in starts]))
        losses[name] = round(float(next_token_loss(model, windows)), 4)
    return losses


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill leaves the old one or the new one."""
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def run(plan: Plan, data: Path, work: Path, save_every: int = 100) -> LlamaForCausalLM:
    """Train to the end of the plan, from the newest checkpoint if there is one."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
    first, last = plan.steps
    names = set(STABLE) | (set(DECAY) if plan.decay else set())
    pairs = {n: corpus.load(n, data, tokenizer.backend_tokenizer, work) for n in sorted(names)}
    sources, held = {n: p[0] for n, p in pairs.items()}, {n: p[1] for n, p in pairs.items()}
    torch.manual_seed(plan.seed)
    model = LlamaForCausalLM(architecture(len(tokenizer)))
    opts = optimizers(model, plan.lr)
    begin, checkpoint, log = 0, work / "checkpoint.pt", work / "log.jsonl"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for opt, saved in zip(opts, state["optimizers"], strict=True):
            opt.load_state_dict(saved)
        begin = state["step"]
    started = time.time()
    for step in range(begin, last):
        ids = rows(sources, STABLE if step < first else DECAY, step, plan.seed)
        for opt in opts:
            for group in opt.param_groups:
                group["lr"] = plan.lr * plan.rate(step)
        loss = next_token_loss(model, ids)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if not math.isfinite(float(norm)):
            raise SystemExit(f"gradient is not finite at step {step}; lower --lr and start from the last checkpoint")
        for opt in opts:
            opt.step()
            opt.zero_grad(set_to_none=True)
        if (step + 1) % save_every == 0 or step + 1 == last:
            save(
                checkpoint,
                {"model": model.state_dict(), "optimizers": [o.state_dict() for o in opts], "step": step + 1},
            )
            speed = (step + 1 - begin) * CONTEXT * ROWS / (time.time() - started)
            line = {
                "step": step + 1,
                "of": last,
                "loss": round(float(loss), 4),
                "tokens_per_s": round(speed),
                "held_out": held_out(model, held),
            }
            print(json.dumps(line), flush=True)
            with log.open("a") as out:
                out.write(json.dumps(line) + "\n")
    return model


def main() -> None:
    """Parse the command line, train, export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stable", type=float, default=14e6, help="tokens of the stable stage")
    parser.add_argument("--decay", type=float, default=6e6, help="tokens of the decay stage")
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    os.nice(10)
    torch.set_num_threads(args.threads)
    run(Plan(stable=args.stable, decay=args.decay, lr=args.lr), args.data, args.work)


if __name__ == "__main__":
    main()
