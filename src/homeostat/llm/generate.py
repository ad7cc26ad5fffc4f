"""Writes replies token by token: one batch, one cache, and how sure the model was of every token.

Own code instead of the library's `generate`: nothing is taken from the generation settings that a base model brings
along (penalties, nucleus, several end marks), and the logits of a long reply are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import mean_over, pad, source_of
from homeostat.llm.lead import opening
from homeostat.llm.load import Opened
from homeostat.llm.network import source_states, vocabulary_logits


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written after every prompt."""

    tokens: list[list[int]]
    """Token ids per row, the end mark included where it was reached."""
    log_probability: list[float]
    """Mean log-probability of a row's tokens, in nats."""
    entropy: list[float]
    """Mean entropy over the vocabulary at a row's tokens, in nats."""
    pooled: Tensor
    """float[rows, hidden]: mean of the last hidden states over the prompt."""


def generate(opened: Opened, prompts: Sequence[Sequence[int]], *, most: int, temperature: float = 0.0) -> Generated:
    """At most `most` tokens after each prompt; temperature 0 takes the likeliest token each time.

    Raises:
        UnsuitedModel: the model is an encoder.
    """
    if opened.family == "encoder":
        raise UnsuitedModel("an encoder cannot write replies", fix="use a decoder or sequence-to-sequence base")
    end, filler = opened.tokenizer.eos_token_id, opened.tokenizer.pad_token_id
    steps = _Decoder(opened, prompts) if opened.family == "decoder" else _Seq2Seq(opened, prompts)
    going = torch.ones(len(prompts), dtype=torch.bool, device=opened.model.device)
    count = torch.zeros(len(prompts), device=opened.model.device)
    sure, open_to = torch.zeros_like(count), torch.zeros_like(count)
    written: list[Tensor] = []
    for hidden in steps.run(most):
        logits = vocabulary_logits(opened.model, hidden).float()
        logs = logits.log_softmax(-1)
        token = _choose(logits, temperature)
        count += going
        sure += going * logs.gather(-1, token[:, None])[:, 0]
        open_to -= going * (logs.exp() * logs.clamp(min=-1e4)).sum(-1)
        written.append(token.masked_fill(~going, filler))
        going = going & (token != end)
        if not going.any():
            break
        steps.token = written[-1]
    lengths = count.int().tolist()
    rows = torch.stack(written, 1).tolist()
    return Generated(
        tokens=[row[:length] for row, length in zip(rows, lengths, strict=True)],
        log_probability=(sure / count).tolist(),
        entropy=(open_to / count).tolist(),
        pooled=steps.pooled,
    )


def _choose(logits: Tensor, temperature: float) -> Tensor:
    """int64[rows]: the next token."""
    if temperature <= 0:
        return logits.argmax(-1)
    return torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0]


class _Decoder:
    """Prompts filled at the left, so that all rows go on at the same place."""

    token: Tensor

    def __init__(self, opened: Opened, prompts: Sequence[Sequence[int]]) -> None:
        self.model = opened.model
        self.ids, self.mask = pad(prompts, opened.tokenizer.pad_token_id, opened.model.device, left=True)
        self.pooled = torch.zeros(0)

    def run(self, most: int) -> Iterator[Tensor]:
        """float[rows, hidden] that predicts each next token; `token` is set in between."""
        start = opening(self.model, self.ids, self.mask, (self.mask.cumsum(1) - 1).clamp(min=0))
        given = start.given
        for k in range(most):
            out = self.model.base_model(**given, use_cache=True)
            if k == 0:
                self.pooled = mean_over(out.last_hidden_state[:, start.behind :], self.mask.bool())
            yield out.last_hidden_state[:, -1]
            mask = given["attention_mask"]
            given = {
                "input_ids": self.token[:, None],
                "attention_mask": torch.cat([mask, mask.new_ones(len(mask), 1)], 1),
                "position_ids": given["position_ids"][:, -1:] + 1,
                "past_key_values": out.past_key_values,
            }


class _Seq2Seq:
    """The prompts are read once; the decoder begins with the model's own start mark."""

    def __init__(self, opened: Opened, prompts: Sequence[Sequence[int]]) -> None:
        self.decoder: Any = opened.model.get_decoder()
        ids, mask = source_of(opened, prompts)
        self.source, self.mask, behind = source_states(opened.model, ids, mask)
        lengths = torch.tensor([len(p) for p in prompts], device=ids.device)
        inside = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        self.pooled = mean_over(self.source[:, behind:], inside)
        self.token = torch.full((len(prompts),), opened.model.config.decoder_start_token_id, device=ids.device)

    def run(self, most: int) -> Iterator[Tensor]:
        """float[rows, hidden] that predicts each next token; `token` is set in between."""
        cache = None
        for _ in range(most):
            out = self.decoder(
                input_ids=self.token[:, None],
                encoder_hidden_states=self.source,
                encoder_attention_mask=self.mask,
                past_key_values=cache,
                use_cache=True,
            )
            yield out.last_hidden_state[:, -1]
            cache = out.past_key_values
