"""Answers through a vLLM server: a version's adapter is loaded there while it runs, and asked by the version's id.

Prompts are made into tokens here, by the same code as in training, and sent as tokens: a server that renders a chat
itself may put in another template, another system message or a second mark at the beginning, and would then answer
something that was never trained on. What comes back is read by tokens too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from homeostat.errors import CorruptWeights, HomeostatError, NotFound, NotServed, UnsuitedModel, did_you_mean
from homeostat.llm.backend import Reply, Request
from homeostat.llm.choosing import PLAIN, TOP, Ask, chosen, entropy_of, label_logs, tops
from homeostat.llm.fingerprint import NEAR, Fingerprint, apart, refuse_other
from homeostat.llm.labels import LabelCodes
from homeostat.llm.load import open_tokenizer
from homeostat.llm.offsets import NOTHING, Offsets, read_offsets
from homeostat.llm.portable import portable
from homeostat.llm.preface import Preface, read_preface
from homeostat.llm.reading import codes_for, earlier, labels_of
from homeostat.llm.render import LABEL_ROOM, Renderer
from homeostat.llm.server import ModelServer, Refused
from homeostat.types.task import Kind
from homeostat.types.version import Version

T = TypeVar("T")
_log = logging.getLogger(__name__)
_NOTHING = Preface()
_AT_ONCE = 16
"""Requests of one call that are under way together."""
_TRIES = 3
"""Times that a request is put to a server which has forgotten its adapters."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A version that can answer."""

    version: Version
    adapter: Path | None
    """Folder that the server loads; None where the bare base answers."""
    rank: int = 0
    preface: Preface = _NOTHING
    offsets: Offsets = NOTHING


class ServedBackend:
    """Versions on the base of one server."""

    concurrent = True
    """The server gathers its batches itself."""

    def __init__(
        self,
        server: ModelServer,
        base: str,
        place: Path,
        *,
        known: Callable[[], Fingerprint | None] = lambda: None,
    ) -> None:
        """`base` is what is trained on, of which only the tokenizer is opened; `place` a folder that the server sees,
        for adapters that have to be written in its form. `known` is what `base` says of the fingerprint's sentences,
        once it has been taken.

        Raises:
            NotServed: the server is out of reach, takes less than the base does, or has another base.
            ModelNotFound, CorruptWeights, UnsafeWeights, UnsuitedModel: as `open_tokenizer`.
        """
        self.server, self.base, self._place, self._known = server, base, place, known
        self.renderer = Renderer(open_tokenizer(base))
        self._loaded: dict[str, _Loaded] = {}
        self._codes: dict[tuple[str, tuple[str, ...]], LabelCodes] = {}
        self._lock = threading.RLock()
        """Held while the server is asked what it has."""
        self._name = ""
        """What the server calls the bare base."""
        self.look()

    def loaded(self) -> tuple[str, ...]:
        """Ids of the versions that can answer now."""
        return tuple(self._loaded)

    def look(self) -> None:
        """See what the server has, and hold that its base is the one that versions are trained on.

        Raises:
            NotServed: it is not, as far as that is known, or takes shorter prompts.
        """
        card = self.server.cards()[0]
        if 0 < card.places < self.renderer.max_tokens:
            raise NotServed(
                f"the server takes {card.places} tokens, and versions are trained on {self.renderer.max_tokens}",
                where=self.server.url,
                fix=f"start it with --max-model-len {self.renderer.max_tokens}",
            )
        self._name = card.name
        if (known := self._known()) is None:
            _log.warning("whether %s serves %s is not known yet; the worker will look", self.server.url, self.base)
            return
        distance = self.apart(known)
        refuse_other(distance, self.base, self.server.url)
        if distance > NEAR:
            _log.warning("%s differs from %s by %.3f nats a token: fewer bits?", self.server.url, self.base, distance)

    def apart(self, known: Fingerprint) -> float:
        """Mean difference, in nats a token, between a fingerprint and the server's base. Raises NotServed."""
        return apart(known, partial(self.server.complete, self._name))

    def load(self, version: Version, folder: Path | None) -> None:
        """Have the server load what the version adds to the base.

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: the folder holds no adapter that can be loaded.
            UnsuitedModel: the version is no adapter, or one in a form that servers do not read.
            NotServed: the server does not take it.
        """
        if version.id in self._loaded:
            return
        if version.kind not in ("base", "lora"):
            raise UnsuitedModel(
                f"a server answers with adapters, and {version.id} is of kind {version.kind}",
                fix="train with a recipe that adapts by `lora`, or leave the address out of model.base",
            )
        if version.kind == "lora" and folder is None:
            raise CorruptWeights(f"version {version.id} is of kind lora and came without a folder")
        preface = read_preface(folder) if folder is not None else None
        if preface is not None and preface.by_states:
            raise UnsuitedModel(
                f"{version.id} finds its examples by hidden states, which a server does not tell",
                fix="make one that finds them by words, or leave the address out of model.base",
            )
        made = _Loaded(version, None, 0, preface or _NOTHING, read_offsets(folder))
        if version.kind == "lora" and folder is not None:
            adapter, rank = portable(folder, self.base, self._place / folder.name / version.id)
            self.server.load(version.id, str(adapter.resolve()), rank)
            made = replace(made, adapter=adapter.resolve(), rank=rank)
        self._loaded[version.id] = made

    def unload(self, version: str) -> None:
        """Have the server forget a version; a server that cannot be asked keeps it, which is no error here."""
        made = self._loaded.pop(version, None)
        with self._lock:
            self._codes = {key: codes for key, codes in self._codes.items() if key[0] != version}
        if made is None or made.adapter is None:
            return
        try:
            self.server.unload(version)
        except NotServed as kept:
            _log.warning("%s stays on the server: %s", version, kept)

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request with its own version; order is kept.

        Raises:
            NotFound: a version is not loaded.
            UnknownLabel: a label task without labels.
            NotServed: the server does not answer.
        """
        return self._each(self._reply, requests)

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """float64[labels] per request: log-probabilities over its version's labels, prior subtracted, normalized.

        Raises:
            As `reply`.
        """
        return self._each(self._scores, requests)

    def close(self) -> None:
        """Close the connections; the server keeps what it has."""
        self.server.close()

    def _each(self, do: Callable[[Request], T], requests: Sequence[Request]) -> list[T]:
        for request in requests:
            if request.version and request.version not in self._loaded:
                raise NotFound(
                    f"version '{request.version}' is not loaded", fix=did_you_mean(request.version, self._loaded)
                )
        if len(requests) < 2:
            return [do(request) for request in requests]
        with ThreadPoolExecutor(min(_AT_ONCE, len(requests))) as pool:
            return list(pool.map(do, requests))

    def _reply(self, request: Request) -> Reply:
        prompt = self._prompt(request)
        if request.task.kind is Kind.TEXT:
            return self._written(request, prompt)
        logs = self._label_logs(request, prompt)
        best = int(logs.argmax())
        return Reply(
            text=self._codes_of(request).labels[best],
            confidence=float(np.exp(logs[best])),
            entropy=float(-(np.exp(logs) * logs.clip(min=-1e4)).sum()),
            prompt_tokens=len(prompt),
            reply_tokens=1,
            embedding=b"",
        )

    def _scores(self, request: Request) -> np.ndarray:
        return self._label_logs(request, self._prompt(request))

    def _label_logs(self, request: Request, prompt: Sequence[int]) -> np.ndarray:
        made = self._loaded.get(request.version)
        prior, codes = made.version.prior if made else (), self._codes_of(request)
        if made and made.offsets.deciding:  # as a part of the prior, so that it counts when it is asked what may matter
            prior = tuple(np.array(prior or 0.0) - made.offsets.added(codes.labels, [request.tags])[0])
        return label_logs(self._asker(request.version), prompt, codes, prior)

    def _written(self, request: Request, prompt: Sequence[int]) -> Reply:
        """A text, drawn as in this process: one mark ends it, and nothing but the temperature bends the draw."""
        tokenizer = self.renderer.tokenizer
        body = {
            **PLAIN,
            "prompt": list(prompt),
            "max_tokens": max(1, min(request.max_tokens, self.renderer.room(request.task))),
            "temperature": request.temperature,
            "logprobs": TOP,
            "ignore_eos": True,
            "stop_token_ids": [tokenizer.eos_token_id],
        }
        (choice,) = self._asker(request.version)(body)
        tokens, logs = chosen(choice)
        places = tops(choice)
        return Reply(
            text=tokenizer.decode(tokens, skip_special_tokens=True).strip(),
            confidence=float(np.exp(np.mean(logs))) if logs else 0.0,
            entropy=float(np.mean([entropy_of(place) for place in places])) if places else 0.0,
            prompt_tokens=len(prompt),
            reply_tokens=len(tokens),
            embedding=b"",
        )

    def _prompt(self, request: Request) -> tuple[int, ...]:
        made = self._loaded.get(request.version)
        preface = made.preface if made else _NOTHING
        codes = self._codes_of(request) if request.task.kind is Kind.LABEL else None
        before = earlier(request, preface, codes, self.renderer.tokenizer.eos_token_id)
        # A server takes no token more than its model does, so labels that are spelled out need room of their own.
        more = max(len(s) for s in codes.sequences) - LABEL_ROOM if codes else 0
        renderer = Renderer(self.renderer.tokenizer, lead=more) if more > 0 else self.renderer
        return renderer.prompt(preface.task(request.task), request.text, before)

    def _codes_of(self, request: Request) -> LabelCodes:
        made = self._loaded.get(request.version)
        version = made.version if made else None
        labels = labels_of(version, request.task)
        key = (request.version, labels)
        if key not in self._codes:
            self._codes[key] = codes_for(self.renderer.tokenizer, version, labels, decoder=True)
        return self._codes[key]

    def _asker(self, version: str) -> Ask:
        return partial(self._asked, version)

    def _asked(self, version: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The choices of a completion by a version; where the server has forgotten it, it is told again."""
        for tried in range(_TRIES):
            made = self._loaded.get(version)
            try:
                return self.server.complete(version if made and made.adapter else self._name, body)
            except Refused as refused:
                if refused.status != 404 or tried == _TRIES - 1:
                    raise
                self._remind()
        raise AssertionError("unreachable")

    def _remind(self) -> None:
        """Have the server load again what it has lost, as after a restart; its base is looked at first, for it may
        have come back with another.

        Raises:
            NotServed: it has another base, or does not take an adapter that it had.
        """
        with self._lock:
            has = {card.name for card in self.server.cards()}
            lost = [made for made in list(self._loaded.values()) if made.adapter and made.version.id not in has]
            if self._name in has and not lost:
                return
            self.look()
            for made in lost:
                try:
                    self.server.load(made.version.id, str(made.adapter), made.rank)
                except HomeostatError as failed:  # the others shall answer
                    _log.error("%s is not on the server any more: %s", made.version.id, failed)
