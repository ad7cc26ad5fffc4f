"""A vLLM server by its HTTP API: completions, adapters that come and go while it runs, and what went wrong, in words.

Its API is that of vLLM's OpenAI-compatible server (0.10 and later; bodies of errors have changed since, and both are
read). Asking twice for a completion changes nothing at the server, so whatever was not answered is asked again, but
for a request that took too long: asked again it would take as long, and hold up two places.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from homeostat.errors import NotServed

KEY = "VLLM_API_KEY"
"""Environment variable that holds the server's key: the one that the server itself reads it from."""
TIMEOUT_S = 120.0
"""Seconds after which a request that was sent is given up."""
PATIENCE_S = 30.0
"""Seconds for which a server that is away, or too busy, is asked again."""
_BUSY = (429, 502, 503, 504)
"""Statuses after which the same request may be answered."""
RUNTIME = "start it with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True in its environment"
"""How a server is started that takes adapters while it runs."""


class Refused(NotServed):
    """What the server does not do, with the status that it answers with; 404 where it does not know the model."""

    def __init__(self, what: str, *, where: str = "", fix: str = "", status: int = 0) -> None:
        super().__init__(what, where=where, fix=fix)
        self.status = status


@dataclass(frozen=True, slots=True)
class Card:
    """A model that the server has: the base under one of its names, or an adapter."""

    name: str
    root: str
    """Where its weights lie, as the server was told."""
    parent: str
    """Of an adapter its base; empty for the base."""
    places: int
    """Tokens that the base takes, reply included; 0 where that is not told."""


class ModelServer:
    """One server; safe to use from many threads."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "",
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        key_from: str = KEY,
    ) -> None:
        """`url` is its address, without `/v1`. The key goes into a header and nowhere else; `key_from` is the variable
        that whoever has none is told of.
        """
        self.url, self._patience_s, self._key_from = url, patience_s, key_from
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        timeout = httpx.Timeout(timeout_s, connect=min(5.0, timeout_s))
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout, limits=limits)
        self._loading = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def cards(self) -> list[Card]:
        """The models it has, the base first.

        Raises:
            NotServed: it cannot be asked, or lists no models.
        """
        told = self._asked("GET", "/v1/models")
        try:
            cards = [_card(model) for model in told["data"]]
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            raise self._no("lists no models", "is it a vLLM server?") from wrong
        if not any(not card.parent for card in cards):
            raise self._no("lists no base model", "is it a vLLM server?")
        return sorted(cards, key=lambda card: bool(card.parent))

    def allows_adapters(self) -> bool:
        """Whether adapters may be loaded while it runs; asks for one without a name, which is refused in any case.

        Raises:
            NotServed: it cannot be asked.
        """
        try:
            self._asked("POST", "/v1/load_lora_adapter", {"lora_name": "", "lora_path": ""})
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            return refused.status not in (404, 405)
        return True

    def load(self, name: str, path: str, rank: int) -> None:
        """Have it load an adapter under a name; one that it has under that name from that path stays.

        Args:
            name: what requests will call it.
            path: the adapter's folder, where the server finds it.
            rank: of the adapter, for what is said where that is too much.

        Raises:
            NotServed: it cannot be asked, allows no adapters, does not see the folder, or does not take this one.
        """
        with self._loading:
            try:
                self._load(name, path)
            except Refused as refused:
                if "already been loaded" not in refused.what:
                    raise self._why_not(refused, path, rank) from refused
                if any(card.name == name and card.root not in ("", path) for card in self.cards()):
                    self.unload(name)
                    self._load(name, path)

    def unload(self, name: str) -> None:
        """Have it forget an adapter; one that it does not have is no error.

        Raises:
            NotServed: it cannot be asked, or keeps the adapter.
        """
        try:
            self._asked("POST", "/v1/unload_lora_adapter", {"lora_name": name})
        except Refused as refused:
            if refused.status != 404:
                raise

    def complete(self, model: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The choices of a completion, in the order of the prompts.

        Raises:
            Refused: it does not know the model (status 404), or cannot do what is asked.
            NotServed: it cannot be asked, or answers with something else.
        """
        told = self._asked("POST", "/v1/completions", {"model": model, **body})
        try:
            return sorted((dict(choice) for choice in told["choices"]), key=lambda choice: int(choice["index"]))
        except (LookupError, TypeError, ValueError) as wrong:
            raise self._no("gives an answer that is no completion", "is it a vLLM server?") from wrong

    def embed(self, model: str, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of texts, in their order.

        Raises:
            Refused: it does not know the model (status 404), or cannot do what is asked.
            NotServed: it cannot be asked, or answers with something else than a vector for each text.
        """
        body = {"model": model, "input": list(texts), "encoding_format": "float"}
        told = self._asked("POST", "/v1/embeddings", body)
        try:
            rows = {int(one["index"]): [float(value) for value in one["embedding"]] for one in told["data"]}
            return [rows[k] for k in range(len(texts))]
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            fix = "is it the address of an OpenAI-compatible API, up to and with `/v1`?"
            raise self._no("gives an answer that is not a vector for each text", fix) from wrong

    def _load(self, name: str, path: str) -> None:
        self._asked("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": path})

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer, asked again while the server is away or too busy."""
        until, pause_s = time.monotonic() + self._patience_s, 0.1
        while True:
            try:
                response = self._client.request(method, path, json=body)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError) as away:
                problem: NotServed = self._no(f"is out of reach: {away or type(away).__name__}", "start it")
            except httpx.TimeoutException as slow:
                fix = "see what keeps it busy, or start more of it"
                raise self._no(f"has not answered in {self._client.timeout.read} s", fix) from slow
            except httpx.HTTPError as failed:
                raise self._no(f"cannot be asked: {failed or type(failed).__name__}", "see its log") from failed
            else:
                if response.is_success:
                    return _decoded(response)
                problem = self._refused(response)
                if response.status_code not in _BUSY:
                    raise problem
            if time.monotonic() + pause_s > until:
                raise problem
            time.sleep(pause_s)
            pause_s = min(2.0, 2 * pause_s)

    def _refused(self, response: httpx.Response) -> Refused:
        status = response.status_code
        fix = f"put its key into {self._key_from}" if status in (401, 403) else "see its log"
        what = f"the server answers with status {status}: {_message(response)}"
        return Refused(what, where=self.url, fix=fix, status=status)

    def _why_not(self, refused: Refused, path: str, rank: int) -> NotServed:
        """What to tell of an adapter that was not taken."""
        if refused.status in (401, 403):
            return refused
        said = refused.what.lower()
        if "max_lora_rank" in said or "lora rank" in said:
            what, fix = f"takes no adapter of rank {rank}", f"start it with --max-lora-rank {_rank_allowed(rank)}"
        elif refused.status == 405 or (refused.status == 404 and "adapter" not in said and path not in refused.what):
            what, fix = "lets no adapters be loaded while it runs", RUNTIME
        elif refused.status == 404 or "no such file" in said or "does not contain" in said:
            what, fix = f"finds no adapter at {path}", "let it read the project's blobs at the same path (store.blobs)"
        elif "lora is not enabled" in said or "lora not enabled" in said:
            what, fix = "was started without adapters", RUNTIME
        else:
            what, fix = f"does not take the adapter: {refused.what}", "see its log"
        return self._no(what, fix)

    def _no(self, what: str, fix: str) -> NotServed:
        return NotServed(f"the server {what}", where=self.url, fix=fix)


def _card(told: Mapping[str, Any]) -> Card:
    root, parent, places = (told.get(name) or "" for name in ("root", "parent", "max_model_len"))
    return Card(str(told["id"]), str(root), str(parent), int(places or 0))


def _rank_allowed(rank: int) -> int:
    """The least `--max-lora-rank` that vLLM knows and that is enough."""
    return next((allowed for allowed in (8, 16, 32, 64, 128, 256, 320, 512) if allowed >= rank), rank)


def _decoded(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:  # adapters are answered for in plain words
        return response.text


def _message(response: httpx.Response) -> str:
    """What an error says, in vLLM's present form, in the one before, in FastAPI's own, or as it is."""
    told = _decoded(response)
    if isinstance(told, dict):
        error = told.get("error")
        inner = error if isinstance(error, dict) else told
        told = inner.get("message") or inner.get("detail") or told
    return str(told)[:300]
