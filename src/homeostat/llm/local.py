"""Answers in this process with a transformers model: batched, many adapters on one base, swapped without restart.

Knows versions and requests; knows nothing of routing, stores or HTTP. One lock around the model makes it thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.backend import Reply, Request
from homeostat.llm.forward import predict, trie_scores
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.types.task import Kind
from homeostat.types.version import Version

ROWS = 64
"""Rows in one forward pass; longer batches are cut, rows of like length together."""


class LocalBackend:
    """A base model and any number of versions on it."""

    def __init__(self, base: str, *, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        self.base = base
        self._lock = threading.RLock()
        self._opened = open_model(base)
        self._full: dict[str, Opened] = {}
        self._versions: dict[str, Version] = {}
        self._codes: dict[str, LabelCodes] = {}
        self.renderer = Renderer(self._opened.tokenizer)

    def loaded(self) -> tuple[str, ...]:
        """Ids of the versions that can answer now."""
        return tuple(self._versions)

    def load(self, version: Version, folder: Path | None) -> None:
        """Make `version` ready to answer, beside the others.

        Raises:
            CorruptWeights: the adapter is damaged or does not fit the base.
        """
        codes = encode_labels(self._opened.tokenizer, version.labels) if version.labels else LabelCodes((), ())
        with self._lock:
            if version.id in self._versions:
                return
            if version.kind == "full":
                self._full[version.id] = open_model(self.base, folder)
            elif version.kind == "lora":
                self._load_adapter(version, folder)
            self._versions[version.id] = version
            self._codes[version.id] = codes

    def _load_adapter(self, version: Version, folder: Path | None) -> None:
        try:
            self._opened.model.load_adapter(str(folder), adapter_name=version.id)
        except (RuntimeError, ValueError, OSError, KeyError) as damaged:
            raise CorruptWeights(
                f"the adapter of {version.id} does not load on {self.base}: {damaged}", where=str(folder)
            ) from damaged
        except Exception as damaged:  # safetensors raises its own class, which shares no parent with the above
            if type(damaged).__name__ != "SafetensorError":
                raise
            raise CorruptWeights(f"the adapter of {version.id} is damaged: {damaged}", where=str(folder)) from damaged

    def unload(self, version: str) -> None:
        """Forget a version; a no-op if it is not loaded."""
        with self._lock:
            known = self._versions.pop(version, None)
            self._codes.pop(version, None)
            self._full.pop(version, None)
            if known is not None and known.kind == "lora":
                self._opened.model.delete_adapter(version)

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request with its own version; order is kept.

        Raises:
            UnsuitedModel: the model cannot do the task (an encoder asked for text).
        """
        replies: list[Reply | None] = [None] * len(requests)
        with self._lock, torch.inference_mode():
            for rows in self._groups(requests):
                group = [requests[k] for k in rows]
                answer = self._choose if group[0].task.kind is Kind.LABEL else self._generate
                for k, reply in zip(rows, answer(group), strict=True):
                    replies[k] = reply
        return [r for r in replies if r is not None]

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """float64[labels] per request: log-probabilities over its version's labels, prior subtracted, normalized."""
        scores: list[np.ndarray] = [np.zeros(0)] * len(requests)
        with self._lock, torch.inference_mode():
            for rows in self._groups(requests):
                table, _ = self._label_scores([requests[k] for k in rows])
                for k, row in zip(rows, table.numpy().astype(np.float64), strict=True):
                    scores[k] = row
        return scores

    def embed(self, requests: Sequence[Request]) -> np.ndarray:
        """float32[requests, hidden]: mean last hidden state over the prompt, under each request's version."""
        with self._lock, torch.inference_mode():
            out: dict[int, np.ndarray] = {}
            for rows in self._groups(requests):
                pooled = self._next([requests[k] for k in rows])[1]
                out.update(zip(rows, pooled.float().cpu().numpy(), strict=True))
        return np.stack([out[k] for k in range(len(requests))])

    def surprise(self, requests: Sequence[Request], replies: Sequence[str]) -> float:
        """Mean negative log-probability, in nats a token, of these replies to these requests."""
        total = tokens = 0.0
        with self._lock, torch.inference_mode():
            for rows in self._groups(requests):
                opened = self._activate(requests[rows[0]].version)
                prompts = self._prompts([requests[k] for k in rows])
                rendered = [
                    Rendered(p, self.renderer.target(replies[k])) for p, k in zip(prompts, rows, strict=True)
                ]
                predicted = predict(opened, rendered)
                logs = predicted.logits.float().log_softmax(-1)
                total -= float(logs.gather(-1, predicted.target[:, None]).sum())
                tokens += len(predicted.target)
        return total / max(tokens, 1.0)

    def _groups(self, requests: Sequence[Request]) -> Iterable[list[int]]:
        """Positions of requests that can share a forward pass: same version and task, like lengths together."""
        together: dict[tuple[str, str], list[int]] = {}
        for k, request in enumerate(requests):
            together.setdefault((request.version, request.task.name), []).append(k)
        for rows in together.values():
            rows.sort(key=lambda k: len(requests[k].text))
            yield from (rows[start : start + ROWS] for start in range(0, len(rows), ROWS))

    def _activate(self, version: str) -> Opened:
        """The model that answers for a version, with its adapter and no other switched on."""
        if version in self._full:
            return self._full[version]
        if getattr(self._opened.model, "_hf_peft_config_loaded", False):
            kind = self._versions[version].kind if version else "base"
            if kind == "lora":
                self._opened.model.enable_adapters()
                self._opened.model.set_adapter(version)
            else:
                self._opened.model.disable_adapters()
        return self._opened

    def _prompts(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        return [self.renderer.prompt(r.task, r.text, r.history) for r in requests]

    def _next(self, requests: Sequence[Request]) -> tuple[Tensor, Tensor]:
        """(float[rows, vocabulary] logits of the first reply token, float[rows, hidden] pooled states)."""
        opened = self._activate(requests[0].version)
        predicted = predict(opened, [Rendered(p, (0,)) for p in self._prompts(requests)])
        return predicted.logits, predicted.pooled

    def _label_scores(self, requests: Sequence[Request]) -> tuple[Tensor, Tensor]:
        version = self._versions.get(requests[0].version)
        labels = version.labels if version else requests[0].task.labels
        codes = self._codes.get(requests[0].version) or encode_labels(self._opened.tokenizer, labels)
        if codes.single:
            logits, pooled = self._next(requests)
            raw = logits[:, torch.tensor([s[0] for s in codes.sequences], device=logits.device)].float()
        elif self._opened.family != "decoder":
            raise UnsuitedModel("labels of several tokens need a decoder", fix="let the labels be aliased to codes")
        else:
            opened, root = self._activate(requests[0].version), codes.trie()
            raw = torch.stack([trie_scores(opened, p, root, len(labels)) for p in self._prompts(requests)])
            pooled = self._next(requests)[1]
        if version and version.prior:
            raw = raw.log_softmax(-1) - torch.tensor(version.prior, device=raw.device)
        return raw.log_softmax(-1).cpu(), pooled.cpu()

    def _choose(self, requests: Sequence[Request]) -> list[Reply]:
        scores, pooled = self._label_scores(requests)
        version = self._versions.get(requests[0].version)
        labels = version.labels if version else requests[0].task.labels
        entropy = -(scores.exp() * scores.clamp(min=-1e4)).sum(-1)
        vectors = pooled.to(torch.float16).numpy()
        replies = []
        for k, (prompt, best) in enumerate(zip(self._prompts(requests), scores.argmax(-1).tolist(), strict=True)):
            confidence = float(scores[k, best].exp())
            replies.append(
                Reply(
                    text=labels[best],
                    confidence=confidence,
                    entropy=float(entropy[k]),
                    prompt_tokens=len(prompt),
                    reply_tokens=1,
                    embedding=vectors[k].tobytes(),
                )
            )
        return replies

    def _generate(self, requests: Sequence[Request]) -> list[Reply]:
        if self._opened.family == "encoder":
            raise UnsuitedModel("an encoder cannot write replies", fix="use a decoder or sequence-to-sequence base")
        opened, prompts = self._activate(requests[0].version), self._prompts(requests)
        tokenizer, model = opened.tokenizer, opened.model
        longest = max(map(len, prompts))
        ids = torch.tensor([[tokenizer.pad_token_id] * (longest - len(p)) + list(p) for p in prompts])
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
        hot = requests[0].temperature > 0
        out = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=max(r.max_tokens for r in requests),
            do_sample=hot,
            temperature=requests[0].temperature if hot else None,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            output_logits=True,
            return_dict_in_generate=True,
        )
        logs = torch.stack(out.logits, 1).float().log_softmax(-1)
        new = out.sequences[:, -logs.shape[1] :]
        pooled = self._next([replace(r) for r in requests])[1].to(torch.float16).cpu().numpy()
        return [
            self._read(tokenizer, new[k], logs[k], len(prompts[k]), pooled[k].tobytes()) for k in range(len(requests))
        ]

    def _read(self, tokenizer: Any, ids: Tensor, logs: Tensor, prompt_tokens: int, embedding: bytes) -> Reply:
        """One generated row: its text up to the end mark and how sure the model was of each token."""
        ended = (ids == tokenizer.eos_token_id).nonzero()
        length = int(ended[0]) + 1 if len(ended) else len(ids)
        ids, logs = ids[:length], logs[:length]
        chosen = logs.gather(-1, ids[:, None])[:, 0]
        entropy = -(logs.exp() * logs.clamp(min=-1e4)).sum(-1)
        return Reply(
            text=tokenizer.decode(ids, skip_special_tokens=True).strip(),
            confidence=float(chosen.mean().exp()),
            entropy=float(entropy.mean()),
            prompt_tokens=prompt_tokens,
            reply_tokens=length,
            embedding=embedding,
        )
