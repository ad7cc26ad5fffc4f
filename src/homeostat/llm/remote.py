"""A model elsewhere, behind the OpenAI chat API, asked as a teacher: for replies, and how likely each label is.

The latter from the alternatives to the first token of its reply, where the server tells them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from homeostat.errors import NoTeacher
from homeostat.llm.backend import Request
from homeostat.llm.teacher import Answer
from homeostat.types.task import Kind

TRIES = 4
"""Times that a request is made which the server is too busy for, or which gets no answer."""
TOP = 20
"""Alternatives that are asked for: the most the API allows."""
REST = 1e-4
"""Probability that is shared out among labels which no alternative speaks for."""


class Remote:
    """One model of a server."""

    def __init__(
        self,
        url: str,
        model: str,
        labels: Sequence[str],
        *,
        key: str = "",
        timeout_s: float = 60.0,
        pause_s: float = 1.0,
    ) -> None:
        """`url` ends where `/chat/completions` follows; `labels` are what a label task can be answered with."""
        self.name, self.labels, self._model = f"{url.rstrip('/')} {model}", tuple(labels), model
        self._pause_s, self._url = pause_s, f"{url.rstrip('/')}/chat/completions"
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(headers=headers, timeout=timeout_s)

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request; of a label task its text is empty where the reply was none of the labels.

        Raises:
            NoTeacher: the server cannot be reached, refuses, or answers with something else.
        """
        return [self._one(request) for request in requests]

    def said(self, request: Request) -> str:
        """Its reply in words, drawn at the request's temperature.

        Raises:
            NoTeacher: the server cannot be reached, refuses, or answers with something else.
        """
        body = {"model": self._model, "messages": self._messages(request), "temperature": request.temperature}
        choice = self._choice(body | {"max_tokens": request.max_tokens})
        return str(choice["message"]["content"] or "")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _one(self, request: Request) -> Answer:
        label = request.task.kind is Kind.LABEL
        body: dict[str, Any] = {"model": self._model, "messages": self._messages(request), "temperature": 0}
        body |= {"logprobs": True, "top_logprobs": TOP} if label else {"max_tokens": request.max_tokens}
        choice = self._choice(body)
        text = str(choice["message"]["content"] or "").strip()
        with self._readable():
            places = (choice.get("logprobs") or {}).get("content") or []
            tops = {str(each["token"]): float(each["logprob"]) for each in places[0]["top_logprobs"]} if places else {}
        if not label:
            return Answer(text=text)
        return Answer(text=named(text, self.labels), chances=chances(tops, named(text, self.labels), self.labels))

    def _choice(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The server's first choice, which has a message with a content."""
        told = self._asked(body)
        with self._readable():
            choice: dict[str, Any] = told["choices"][0]
            str(choice["message"]["content"] or "")
        return choice

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """Hold that what is read here is a chat completion."""
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as wrong:
            fix = "is it the address of an OpenAI-compatible API, up to and with `/v1`?"
            raise NoTeacher("the server's answer is no chat completion", where=self._url, fix=fix) from wrong

    def _messages(self, request: Request) -> list[dict[str, str]]:
        told = [request.task.instruction] if request.task.instruction else []
        if request.task.kind is Kind.LABEL:
            told.append(f"Reply with one of these labels and nothing else: {', '.join(self.labels)}")
        system = [{"role": "system", "content": "\n".join(told)}] if told else []
        earlier = [{"role": role, "content": content} for role, content in request.history]
        return [*system, *earlier, {"role": "user", "content": request.text}]

    def _asked(self, body: Mapping[str, Any]) -> Any:
        """The server's answer, asked again where it may come yet."""
        why = ""
        for tried in range(TRIES):
            time.sleep(self._pause_s * (2**tried - 1))
            try:
                response = self._client.post(self._url, json=body)
            except httpx.HTTPError as failed:
                why = str(failed) or type(failed).__name__
                continue
            why = f"status {response.status_code}: {response.text[:200]}"
            if response.status_code == 429 or response.status_code >= 500:
                continue
            if response.is_success:
                try:
                    return response.json()
                except ValueError:
                    return None
            break
        raise NoTeacher(f"the teacher gives no answer: {why}", where=self._url, fix="check address, model and key")


def named(text: str, labels: Iterable[str]) -> str:
    """The label that a reply names, whatever its case and marks around it; empty where it names none."""
    said = text.strip().strip("`\"'*.").strip().casefold()
    return next((label for label in labels if label.casefold() == said), "")


def chances(tops: Mapping[str, float], reply: str, labels: Sequence[str]) -> tuple[float, ...]:
    """Log-probabilities of the labels, from those of what a reply may begin with; empty where nothing is known.

    An alternative speaks for the labels that begin with it: for the one replied if it is among them, else for all
    alike. Labels that none speaks for share a little. What the server leaves out is taken to lie like
    what it tells.
    """
    shares = dict.fromkeys(labels, REST / max(1, len(labels)))
    spoken = 0.0
    for token, logarithm in tops.items():
        begins = token.strip().casefold()
        meant = [label for label in labels if begins and label.casefold().startswith(begins)]
        for label in [reply] if reply in meant else meant:
            part = math.exp(logarithm) / (1 if reply in meant else len(meant))
            shares[label], spoken = shares[label] + part, spoken + part
    if not spoken:
        return ()
    total = math.fsum(shares.values())
    return tuple(math.log(shares[label] / total) for label in labels)
