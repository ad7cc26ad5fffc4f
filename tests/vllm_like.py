"""A server that follows vLLM's documented API and answers with real weights: a transformers model with peft's adapters.

Its routes, fields, statuses and the bodies of its errors are those of vLLM's OpenAI-compatible server (completions from
token ids, `/v1/load_lora_adapter`, `/v1/unload_lora_adapter`, `/v1/models`). What it computes shares no code with the
product's own backend. It takes the adapters that vLLM takes, and refuses what that refuses. One request at a time is
computed, in a thread; the others wait, as in a batch.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peft
import torch
import uvicorn
from safetensors import safe_open
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from transformers import AutoModelForCausalLM

ENDS = ("lora_A.weight", "lora_B.weight", "lora_embedding_A", "lora_embedding_B")


@dataclass
class VllmLike:
    """What the server was started with, what it has, and what is to go wrong."""

    base: str
    name: str = "the-base"
    runtime: bool = True
    """VLLM_ALLOW_RUNTIME_LORA_UPDATING"""
    max_lora_rank: int = 16
    max_logprobs: int = 20
    max_model_len: int = 128
    key: str = ""
    by_ids: bool = True
    """Whether it knows `logprob_token_ids`, as versions since 2026 do; an older one passes over the field."""
    nested: bool = True
    """Whether what went wrong stands in `error`, as since 2025."""
    slow_s: dict[str, float] = field(default_factory=dict)
    failing: dict[str, list[int]] = field(default_factory=dict)
    """Model -> statuses of its next answers."""
    asked: Counter[str] = field(default_factory=Counter)
    """Completions by model, whatever came of them."""
    served: Counter[str] = field(default_factory=Counter)
    """Completions that were answered."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.adapters: dict[str, str] = {}
        self._weights: Any = AutoModelForCausalLM.from_pretrained(self.base).eval()
        self._put: dict[str, str] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """What a restart leaves: the base."""
        self.adapters.clear()

    def app(self) -> Starlette:
        """Its routes."""
        routes = [
            Route("/v1/models", self.models),
            Route("/v1/completions", self.completions, methods=["POST"]),
            Route("/health", lambda request: Response()),
        ]
        if self.runtime:
            routes += [
                Route("/v1/load_lora_adapter", self.load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self.unload, methods=["POST"]),
            ]
        return Starlette(routes=routes, exception_handlers={404: self.no_route})

    async def no_route(self, request: Request, problem: Exception) -> Response:
        """As FastAPI says it."""
        return JSONResponse({"detail": "Not Found"}, 404)

    def wrong(self, message: str, kind: str, status: int) -> Response:
        """What vLLM answers with."""
        said = {"message": message, "type": kind, "param": None, "code": status}
        return JSONResponse({"error": said} if self.nested else {"object": "error", **said}, status)

    def shut(self, request: Request) -> Response | None:
        """The answer to whoever lacks the key."""
        self.headers.append(request.headers.get("authorization", ""))
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return JSONResponse({"error": "Unauthorized"}, 401)
        return None

    async def models(self, request: Request) -> Response:
        """The base, then the adapters."""
        if shut := self.shut(request):
            return shut
        card = {"object": "model", "owned_by": "vllm"}
        rows: list[dict[str, Any]] = [
            {**card, "id": self.name, "root": self.base, "parent": None, "max_model_len": self.max_model_len}
        ]
        for name, path in self.adapters.items():
            rows.append({**card, "id": name, "root": path, "parent": self.name, "max_model_len": None})
        return JSONResponse({"object": "list", "data": rows})

    async def load(self, request: Request) -> Response:
        """Load an adapter."""
        if shut := self.shut(request):
            return shut
        body = await request.json()
        name, path = body["lora_name"], body["lora_path"]
        if not name or not path:
            return self.wrong("Both 'lora_name' and 'lora_path' must be provided.", "InvalidUserInput", 400)
        if name in self.adapters and not body.get("load_inplace"):
            return self.wrong(f"The lora adapter '{name}' has already been loaded. ...", "InvalidUserInput", 400)
        if not (Path(path) / "adapter_config.json").exists():
            return self.wrong(f"Loading lora {name} failed: No adapter found for {path}", "NotFoundError", 404)
        if refused := self.illegal(Path(path)):
            return self.wrong(
                refused, "InternalServerError" if self.nested else "BadRequestError", 500 if self.nested else 400
            )
        self.adapters[name] = path
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    def illegal(self, folder: Path) -> str:
        """Why vLLM would not take an adapter; empty where it does."""
        told = json.loads((folder / "adapter_config.json").read_text())
        if told["r"] > self.max_lora_rank:
            return f"LoRA rank {told['r']} is greater than max_lora_rank {self.max_lora_rank}."
        if told.get("modules_to_save"):
            return "vLLM only supports modules_to_save being None."
        if told.get("use_dora"):
            return "vLLM does not yet support DoRA."
        with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
            unknown = [name for name in file.keys() if not name.endswith(ENDS)]  # noqa: SIM118
        return f"{unknown[0]} is unsupported LoRA weight" if unknown else ""

    async def unload(self, request: Request) -> Response:
        """Forget an adapter."""
        if shut := self.shut(request):
            return shut
        name = (await request.json())["lora_name"]
        if name not in self.adapters:
            return self.wrong(f"The lora adapter '{name}' cannot be found.", "NotFoundError", 404)
        del self.adapters[name]
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def completions(self, request: Request) -> Response:
        """Complete one prompt of token ids, or several."""
        if shut := self.shut(request):
            return shut
        body = await request.json()
        model = body["model"]
        self.bodies.append(body)
        self.asked[model] += 1
        if model != self.name and model not in self.adapters:
            return self.wrong(f"The model `{model}` does not exist.", "NotFoundError", 404)
        if (body.get("logprobs") or 0) > self.max_logprobs:
            said = f"Requested sample logprobs of {body['logprobs']}, which is greater than max allowed"
            return self.wrong(f"{said}: {self.max_logprobs}", "BadRequestError", 400)
        if body.get("prompt_logprobs") is not None:  # what 0.32 does that was started with adapters
            return self.wrong("EngineCore encountered an issue.", "InternalServerError", 500)
        if waiting := self.failing.get(model):
            return self.wrong("the engine has died", "InternalServerError", waiting.pop(0))
        path = self.adapters.get(model, "")
        if model in self.slow_s:
            await asyncio.sleep(self.slow_s[model])
        prompts = body["prompt"] if isinstance(body["prompt"][0], list) else [body["prompt"]]
        longest = max(len(prompt) for prompt in prompts) + body.get("max_tokens", 16)
        if longest > self.max_model_len:
            return self.wrong(f"maximum context length is {self.max_model_len} tokens", "BadRequestError", 400)
        choices = await asyncio.to_thread(self.computed, path, prompts, body)
        self.served[model] += 1
        written = sum(len(choice["token_ids"]) for choice in choices)
        usage = {"prompt_tokens": sum(map(len, prompts)), "completion_tokens": written}
        return JSONResponse({"object": "text_completion", "model": model, "choices": choices, "usage": usage})

    def computed(self, path: str, prompts: Sequence[list[int]], body: dict[str, Any]) -> list[dict[str, Any]]:
        """The choices, with the base alone or with the adapter in a folder."""
        with self._lock, torch.inference_mode(), self._switched(path) as model:
            return [{"index": k, **self._complete(model, prompt, body)} for k, prompt in enumerate(prompts)]

    @contextlib.contextmanager
    def _switched(self, path: str) -> Iterator[Any]:
        if not path:
            if isinstance(self._weights, peft.PeftModel):
                with self._weights.disable_adapter():
                    yield self._weights
            else:
                yield self._weights
            return
        if path not in self._put:
            self._put[path] = f"put{len(self._put)}"
            if isinstance(self._weights, peft.PeftModel):
                self._weights.load_adapter(path, self._put[path])
            else:
                self._weights = peft.PeftModel.from_pretrained(self._weights, path, adapter_name=self._put[path])
            self._weights.eval()
        self._weights.set_adapter(self._put[path])
        yield self._weights

    def _complete(self, model: Any, prompt: list[int], body: dict[str, Any]) -> dict[str, Any]:
        count, wanted = body.get("logprobs"), body.get("logprob_token_ids") if self.by_ids else None
        tokens: list[int] = []
        tops: list[dict[str, float]] = []
        own: list[float] = []
        reason = "length"
        for _ in range(body.get("max_tokens", 16)):
            logs = model(torch.tensor([[*prompt, *tokens]])).logits[0].float().log_softmax(-1)
            token = self._drawn(logs[-1], body.get("temperature", 1.0), body.get("allowed_token_ids") or [])
            listed = wanted or logs[-1].topk(count or 1).indices.tolist()
            tops.append({f"token_id:{t}": float(logs[-1, t]) for t in dict.fromkeys([*listed, token])})
            own.append(float(logs[-1, token]))
            tokens.append(token)
            if token in body.get("stop_token_ids", []):
                reason = "stop"
                break
        told = {"tokens": [f"token_id:{t}" for t in tokens], "token_logprobs": own, "top_logprobs": tops}
        return {
            "text": "",
            "token_ids": tokens,
            "logprobs": told if count is not None else None,
            "finish_reason": reason,
        }

    def _drawn(self, logs: torch.Tensor, temperature: float, allowed: list[int]) -> int:
        if allowed:  # what is told of a token is told of the whole vocabulary all the same, as by `raw_logprobs`
            logs = torch.full_like(logs, float("-inf")).index_copy(0, torch.tensor(allowed), logs[allowed])
        if temperature <= 0:
            return int(logs.argmax())
        return int(torch.multinomial((logs / temperature).softmax(-1), 1))


class Running:
    """The server on a port of its own, which it can leave and come back to."""

    def __init__(self, like: VllmLike) -> None:
        self.like = like
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: uvicorn.Server | None = None
        self.start()

    def start(self) -> None:
        """Listen."""
        config = uvicorn.Config(self.like.app(), host="127.0.0.1", port=self.port, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        """Be gone, with whatever was loaded."""
        assert self._server is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self.like.forget()


@contextlib.contextmanager
def running(like: VllmLike) -> Iterator[Running]:
    """The server, until the block ends."""
    server = Running(like)
    try:
        yield server
    finally:
        server.stop()
