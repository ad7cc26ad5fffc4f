"""`POST /v1/chat/completions`: the body of the OpenAI API in, a completion or a stream of chunks out.

What a request says and this gateway cannot do is refused, not passed over; a parameter at its neutral value is no
such request. Extra: `metadata.episode`, `metadata.time` and tags; the field `homeostat` of the reply.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from homeostat.collect.moment import seconds
from homeostat.collect.text import fault_of
from homeostat.errors import BadRequest, did_you_mean
from homeostat.gateway.body import json_object
from homeostat.serve.answer import Answered, Answerer, Options
from homeostat.types.task import Kind

READ = (
    *("model", "messages", "max_tokens", "max_completion_tokens", "temperature"),
    *("stream", "stream_options", "user", "metadata"),
)
"""Parameters that are honored."""
NEUTRAL: dict[str, tuple[object, ...]] = {
    "n": (1,),
    "top_p": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "stop": ([],),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
}
"""Parameters that would change the reply in a way this gateway cannot, and the values at which they do not."""
HARMLESS = ("seed", "store", "service_tier", "parallel_tool_calls", "safety_identifier", "prompt_cache_key")
"""Parameters that change nothing that is promised here."""
ROLES = ("system", "developer", "user", "assistant")
MOST_TOKENS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """A decoded body."""

    model: str
    task: str
    messages: list[dict[str, str]]
    options: Options
    stream: bool
    usage: bool
    """Whether a stream ends with a chunk that counts tokens."""


async def chat_completions(request: Request) -> Response:
    """Answer one chat; the reply leaves when its row is durable, a release's copy is made after that."""
    answerer: Answerer = request.app.state.answerer
    chat = decode(json_object(await request.body()), trust_time=answerer.gateway.trust_client_time)
    request.state.task = chat.task  # for whoever counts what gets no reply
    started = time.perf_counter()
    if chat.options.version:  # its weights may have to be read first
        asked = await asyncio.to_thread(answerer.ask, chat.task, chat.messages, chat.options)
    else:
        asked = answerer.ask(chat.task, chat.messages, chat.options)
    answered = await asyncio.wrap_future(asked)
    request.app.state.metrics.answered(answered, time.perf_counter() - started)

    async def afterwards() -> None:
        answerer.copy(answered)

    after = BackgroundTask(afterwards)
    if chat.stream:
        return StreamingResponse(chunks(chat, answered), media_type="text/event-stream", background=after)
    return JSONResponse(completion(chat, answered), background=after)


def decode(body: Mapping[str, object], *, trust_time: bool) -> Chat:
    """What a body asks for.

    Raises:
        BadRequest: a parameter that does not exist, does not fit or cannot be honored.
    """
    _check_parameters(body)
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest('\'model\' names a task, e.g. "support" or "support@champion"', where="model")
    task, _, version = model.partition("@")
    if body.get("stream") not in (None, True, False):
        raise BadRequest("'stream' is true or false", where="stream")
    stream_options = body.get("stream_options") or {}
    return Chat(
        model=model,
        task=task,
        messages=_messages(body.get("messages")),
        options=_options(body, version, trust_time),
        stream=bool(body.get("stream")),
        usage=isinstance(stream_options, dict) and bool(stream_options.get("include_usage")),
    )


def completion(chat: Chat, answered: Answered) -> dict[str, object]:
    """The body of a reply."""
    message = {"role": "assistant", "content": answered.interaction.reply, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answered), "logprobs": None}
    return {
        **_head(chat, answered, "chat.completion"),
        "choices": [choice],
        "usage": _usage(answered),
        "homeostat": _extra(answered),
    }


def chunks(chat: Chat, answered: Answered) -> Iterator[bytes]:
    """The same reply as server-sent events, word by word; it is complete and durable before the first leaves."""
    head = _head(chat, answered, "chat.completion.chunk")

    def event(delta: dict[str, str], finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event({**head, "choices": [choice], **more})

    yield event({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*|\s+", answered.interaction.reply):
        yield event({"content": word})
    yield event({}, _finish_reason(answered), homeostat=_extra(answered))
    if chat.usage:
        yield _event({**head, "choices": [], "usage": _usage(answered)})
    yield b"data: [DONE]\n\n"


def _check_parameters(body: Mapping[str, object]) -> None:
    for name, value in body.items():
        if name in READ or name in HARMLESS or value is None:
            continue
        if name not in NEUTRAL:
            raise BadRequest(f"unknown parameter '{name}'", where=name, fix=did_you_mean(name, (*READ, *NEUTRAL)))
        if value not in NEUTRAL[name]:
            raise BadRequest(f"this gateway cannot honor {name}={value!r:.60}", where=name, fix="leave it out")


def _messages(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise BadRequest("'messages' is a list of at least one message", where="messages")
    return [_message(message, f"messages[{k}]") for k, message in enumerate(value)]


def _message(message: object, where: str) -> dict[str, str]:
    if not isinstance(message, dict):
        raise BadRequest("a message is an object with a role and a content", where=where)
    role = message.get("role")
    if role not in ROLES:
        raise BadRequest(f"unknown role {role!r:.60}", where=f"{where}.role", fix=did_you_mean(str(role), ROLES))
    content = _content(message.get("content"), f"{where}.content")
    if fault := fault_of(content):
        raise BadRequest(f"the content {fault}", where=f"{where}.content", fix="send text without it")
    return {"role": "system" if role == "developer" else role, "content": content}


def _content(value: object, where: str) -> str:
    """The text of a message: a text, or the parts of one."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise BadRequest("the content of a message is text or a list of parts", where=where)
    texts = []
    for part in value:
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise BadRequest("this gateway reads parts of type 'text' only", where=where)
        texts.append(part["text"])
    return "".join(texts)


def _options(body: Mapping[str, object], version: str, trust_time: bool) -> Options:
    metadata = _metadata(body.get("metadata"))
    user = body.get("user") or ""
    if not isinstance(user, str) or fault_of(user):
        raise BadRequest("'user' is a text", where="user")
    if user and metadata.get("episode"):  # who it is stands in one place or in the other, so that it can be erased
        metadata.setdefault("user", user)
    when = metadata.pop("time", None)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return Options(
        episode=metadata.pop("episode", "") or user,
        tags=metadata,
        time=_time(when) if when is not None and trust_time else None,
        max_tokens=int(_number(limit, "max_tokens", 1, MOST_TOKENS)) if limit is not None else Options().max_tokens,
        temperature=_number(body.get("temperature") or 0.0, "temperature", 0, 2),
        version=version,
    )


def _metadata(value: object) -> dict[str, str]:
    """Metadata as texts; numbers are written out, as the API's clients may send them."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("'metadata' is an object of texts", where="metadata")
    texts = {}
    for name, entry in value.items():
        if not isinstance(entry, str | int | float) or fault_of(f"{name}{entry}"):
            raise BadRequest(f"the value {entry!r:.60} is not a text", where=f"metadata.{name}")
        texts[name] = str(entry)
    return texts


def _time(text: str) -> float:
    try:
        return seconds(float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text)
    except ValueError as broken:
        fix = "write it as 2026-01-31T12:00:00+00:00 or as seconds since 1970"
        raise BadRequest(f"'{text:.60}' is not a time", where="metadata.time", fix=fix) from broken


def _number(value: object, where: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise BadRequest(f"{value!r:.60} is not a number from {least} to {most}", where=where)
    return value


def _head(chat: Chat, answered: Answered, kind: str) -> dict[str, object]:
    return {"id": answered.interaction.id, "object": kind, "created": int(time.time()), "model": chat.model}


def _finish_reason(answered: Answered) -> str:
    cut = answered.interaction.reply_tokens >= answered.asked.max_tokens
    return "length" if answered.asked.task.kind is Kind.TEXT and cut else "stop"


def _usage(answered: Answered) -> dict[str, int]:
    row = answered.interaction
    total = row.prompt_tokens + row.reply_tokens
    return {"prompt_tokens": row.prompt_tokens, "completion_tokens": row.reply_tokens, "total_tokens": total}


def _extra(answered: Answered) -> dict[str, object]:
    row = answered.interaction
    sure = {"confidence": row.confidence, "entropy": row.entropy, "disagreement": row.disagreement}
    return {"version": row.version, **sure, "stage": answered.stage}


def _event(body: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"
