"""The last stage of pretraining: the model learns to tell what a message wants.

    python recipes/builtin/sense.py --data ../shared/data --work build/builtin --steps 2000

Goes on from the checkpoint that pretrain.py left. Every step adds up three losses: the next token of prose and chat, as
before; the *intent* of messages of our own writing, told from the hidden state where the reply begins by a linear
layer that is thrown away afterwards, while the reply names the intent or answers; and *pairs*, where of all texts of
the batch the one about the same thing has to be found (InfoNCE, van den Oord et al. 2018, 1807.03748) from the same
hidden states. A task of labels begins from this state of the model, so it should hold the gist of the message.

Seeded and resumable like pretrain.py; the learning rate rises again and falls to zero.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

import corpus
from messages import ASKS, Messages, Row, pairs
from pretrain import DECAY, architecture, held_out, next_token_loss, optimizers, rows, save

PROSE_ROWS, MESSAGES, PAIRS = 1, 128, 24
PAIRS_EVERY = 2  # steps
KEPT_OUT = 1  # messages of each intent by which the stage is judged
WARM_UP = 50
HEAD_LR = 3.0  # times the model's
SHARPNESS = 20.0  # of the softmax over pairs


@dataclass(frozen=True)
class Batch:
    """Padded on the right; `target` is -100 where no token is to be told."""

    ids: Tensor  # int64[rows, tokens]
    target: Tensor  # int64[rows, tokens]
    begins: Tensor  # int64[rows], where the reply begins
    intent: Tensor  # int64[rows]


class Encoder:
    """Rows to tensors, in the chat format."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.words = tokenizer.backend_tokenizer
        self.end, self.user, self.assistant, self.system = tokenizer.convert_tokens_to_ids(
            [corpus.END, corpus.USER, corpus.ASSISTANT, "<|system|>"]
        )
        self.pad = tokenizer.pad_token_id

    def __call__(self, drawn: Sequence[Row], room: int = 72) -> Batch:
        """The batch of these rows, each cut to `room` tokens of message and 24 of reply."""
        prompts, replies = [], []
        for row in drawn:
            system = [self.system, *self._ids(row.system), self.end] if row.system else []
            prompts.append([*system, self.user, *self._ids(row.user)[:room], self.end, self.assistant])
            replies.append([*self._ids(row.reply)[:24], self.end] if row.reply else [])
        longest = max(len(p) + len(r) for p, r in zip(prompts, replies, strict=True))
        ids = torch.full((len(drawn), longest), self.pad)
        target = torch.full((len(drawn), longest), -100)
        for k, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
            whole = torch.tensor(prompt + reply)
            ids[k, : len(whole)] = whole
            if reply:
                target[k, len(prompt) - 1 : len(whole) - 1] = torch.tensor(reply)
        begins = torch.tensor([len(p) - 1 for p in prompts])
        return Batch(ids, target, begins, torch.tensor([row.intent for row in drawn]))

    def _ids(self, text: str) -> list[int]:
        return list(self.words.encode(text, add_special_tokens=False).ids)


def gist(model: LlamaForCausalLM, batch: Batch) -> tuple[Tensor, Tensor]:
    """Hidden states float[rows, tokens, width] and those where the replies begin, float[rows, width]."""
    hidden = model.model(input_ids=batch.ids).last_hidden_state
    return hidden, hidden[torch.arange(len(batch.ids)), batch.begins]


def message_loss(model: LlamaForCausalLM, head: nn.Linear, batch: Batch) -> Tensor:
    """The intent, and the words of the reply."""
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel([SDPBackend.MATH]):
        hidden, begin = gist(model, batch)
        told = batch.target >= 0
        words = model.lm_head(hidden[told])
        intent = head(begin)
    said = F.cross_entropy(words.float(), batch.target[told])
    return F.cross_entropy(intent.float(), batch.intent, label_smoothing=0.1) + 0.5 * said


def pair_loss(model: LlamaForCausalLM, batch: Batch) -> Tensor:
    """Rows k and k + n/2 belong together; every other row of the other half is wrong."""
    with torch.autocast("cpu", torch.bfloat16), sdpa_kernel([SDPBackend.MATH]):
        begin = gist(model, batch)[1]
    left, right = F.normalize(begin.float(), dim=1).chunk(2)
    likeness = SHARPNESS * left @ right.T
    same = torch.arange(len(left))
    return 0.5 * (F.cross_entropy(likeness, same) + F.cross_entropy(likeness.T, same))


def draw_pairs(known: Sequence[tuple[Sequence[str], Sequence[str]]], rng: random.Random) -> list[Row]:
    """Both sides of some pairs, first all left ones, then all right ones."""
    drawn = [known[rng.randrange(len(known))] for _ in range(PAIRS)]
    return [Row("", rng.choice(side), "", 0) for k in (0, 1) for side in (pair[k] for pair in drawn)]


@torch.no_grad()
def told_apart(model: LlamaForCausalLM, head: nn.Linear, batches: Sequence[Batch]) -> float:
    """Share of the kept-out messages whose intent is told."""
    right = total = 0
    for batch in batches:
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel([SDPBackend.MATH]):
            right += int((head(gist(model, batch)[1]).argmax(1) == batch.intent).sum())
        total += len(batch.intent)
    return round(right / max(1, total), 4)


class Stage:
    """Model, head and optimizers, and where they are kept."""

    def __init__(self, work: Path, lr: float, steps: int) -> None:
        self.lr, self.steps, self.work = lr, steps, work
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(work / "tokenizer")
        self.encode, self.messages = Encoder(self.tokenizer), Messages(keep_out=KEPT_OUT)
        torch.manual_seed(0)
        self.model = LlamaForCausalLM(architecture(len(self.tokenizer)))
        self.head = nn.Linear(self.model.config.hidden_size, len(self.messages))
        self.opts = [*optimizers(self.model, lr), torch.optim.AdamW(self.head.parameters(), weight_decay=0.01)]
        self.begin = 0
        if (work / "sense.pt").exists():
            self._restore(torch.load(work / "sense.pt", weights_only=True))
        else:
            self.model.load_state_dict(torch.load(work / "checkpoint.pt", weights_only=True)["model"])

    def rate(self, step: int) -> float:
        """Learning rate as a share of the peak: warm-up, then linear to zero."""
        return min((step + 1) / WARM_UP, (self.steps - step) / self.steps)

    def step(self, step: int, loss: Tensor) -> None:
        """Descend."""
        loss.backward()
        norm = nn.utils.clip_grad_norm_([*self.model.parameters(), *self.head.parameters()], 1.0)
        if not math.isfinite(float(norm)):
            raise SystemExit(f"gradient is not finite at step {step}; lower --lr and start again")
        for opt, times in zip(self.opts, (1.0, 1.0, HEAD_LR), strict=True):
            for group in opt.param_groups:
                group["lr"] = times * self.lr * self.rate(step)
            opt.step()
            opt.zero_grad(set_to_none=True)

    def keep(self, step: int) -> None:
        """Write the checkpoint."""
        state = {"model": self.model.state_dict(), "head": self.head.state_dict(), "step": step}
        save(self.work / "sense.pt", {**state, "optimizers": [o.state_dict() for o in self.opts]})

    def _restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        for opt, saved in zip(self.opts, state["optimizers"], strict=True):
            opt.load_state_dict(saved)
        self.begin = state["step"]


def chunks(items: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Parts of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def run(stage: Stage, data: Path, every: int = 100) -> None:
    """Train to the last step, from the newest checkpoint if there is one."""
    loaded = {n: corpus.load(n, data, stage.tokenizer.backend_tokenizer, stage.work) for n in sorted(DECAY)}
    sources, held = ({n: arrays[k] for n, arrays in loaded.items()} for k in (0, 1))
    known = pairs(data)
    kept = [Row(ASKS[0], text, "", k) for k, text in stage.messages.kept_out]
    kept_out = [stage.encode(part) for part in chunks(kept, MESSAGES)]
    began = time.time()
    for step in range(stage.begin, stage.steps):
        rng = random.Random(step)
        drawn = sorted((stage.messages.draw(rng) for _ in range(MESSAGES)), key=lambda r: len(r.user) + len(r.reply))
        loss = next_token_loss(stage.model, rows(sources, DECAY, step, 1)[:PROSE_ROWS])
        for part in chunks(drawn, MESSAGES // 4):
            loss = loss + message_loss(stage.model, stage.head, stage.encode(part)) / 4
        if step % PAIRS_EVERY == 0:
            loss = loss + 0.5 * pair_loss(stage.model, stage.encode(draw_pairs(known, rng), room=56))
        stage.step(step, loss)
        if (step + 1) % every == 0 or step + 1 == stage.steps:
            stage.keep(step + 1)
            line = {
                "step": step + 1,
                "loss": round(float(loss.detach()), 3),
                "told_apart": told_apart(stage.model, stage.head, kept_out),
                "held_out": held_out(stage.model, held, 8),
                "seconds": round(time.time() - began),
            }
            print(json.dumps(line), flush=True)


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    os.nice(10)
    torch.set_num_threads(args.threads)
    run(Stage(args.work, args.lr, args.steps), args.data)


if __name__ == "__main__":
    main()
