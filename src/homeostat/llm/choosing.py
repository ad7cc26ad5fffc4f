"""How likely a server finds each label, from what its completions tell of tokens' log-probabilities.

A server tells the likeliest tokens of a place, twenty as a rule, and a newer one those that it is asked for. A token
that is not among them and could matter is asked for alone: as the only one allowed, it is drawn, and what is told of it
is its log-probability among all. `prompt_logprobs`, which would tell as much in one request, is never asked for: a vLLM
server that was started with adapters ends by it (seen with 0.32 on a CPU), whichever model is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import NotServed
from homeostat.llm.labels import LabelCodes
from homeostat.llm.server import Refused

Floats = NDArray[np.float64]
Ask = Callable[[Mapping[str, Any]], list[dict[str, Any]]]
"""From the body of a completion to its choices."""

TOP = 20
"""Alternatives to a token that are asked for: what a server tells if it is not started otherwise (`--max-logprobs`)."""
SLIGHT = 1e-3
"""Probability that labels of which not all is told may have together before the rest is asked for."""
PROMPTS = 64
"""Prompts of one request, at most."""
TOKENS = 100
"""Tokens that one request asks for, at most; a server takes 128."""
PLAIN: dict[str, Any] = {
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "return_tokens_as_token_ids": True,
}
"""Said in every request: a server takes what is not said from the settings that a base model brings along."""
_ID = "token_id:"


def label_logs(ask: Ask, prompt: Sequence[int], codes: LabelCodes, prior: Sequence[float] = ()) -> Floats:
    """float64[labels]: log-probabilities over the labels, `prior` subtracted, normalized.

    Raises:
        NotServed: the server tells no log-probabilities.
    """
    known = _behind(ask, prompt, codes)
    logs, unsure = _sums(codes, known, prior)
    while np.exp(logs[unsure]).sum() > SLIGHT:
        # What one label has at most falls when it is asked for, and what the others have at most rises by it.
        likeliest = codes.sequences[int(np.where(unsure, logs, -np.inf).argmax())]
        for k, token in enumerate(likeliest):
            if not known[likeliest[:k]][token].exact:
                known[likeliest[:k]][token] = _Told(_forced(ask, (*prompt, *likeliest[:k]), token))
        logs, unsure = _sums(codes, known, prior)
    return logs


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of a token at a place."""

    log: float
    """Its log-probability, or what it is at most."""
    exact: bool = True


_Known = dict[tuple[int, ...], dict[int, _Told]]
"""Tokens of a label that stand before a place -> token -> what is known of it there."""


def _behind(ask: Ask, prompt: Sequence[int], codes: LabelCodes) -> _Known:
    """What is told, wherever labels part, of the tokens that they go on with."""
    known: _Known = {}
    for sequence in codes.sequences:
        for k, token in enumerate(sequence):
            known.setdefault(sequence[:k], {})[token] = _Told(0.0)
    starts = list(known)
    wanted = sorted({token for place in known.values() for token in place})
    for start, place in zip(starts, places(ask, [(*prompt, *start) for start in starts], wanted), strict=True):
        # Of what is left out, each is at most as likely as the least of those told, and all together at most the rest.
        rest = max(1e-30, 1.0 - float(np.exp(list(place.values())).sum()))
        most = min(min(place.values()), float(np.log(rest)))
        known[start] = {t: _Told(place[t]) if t in place else _Told(most, exact=False) for t in known[start]}
    return known


def _sums(codes: LabelCodes, known: _Known, prior: Sequence[float]) -> tuple[Floats, NDArray[np.bool_]]:
    """float64[labels] log-probabilities by what is known, and bool[labels]: of which something is only bounded."""
    paths = [[known[sequence[:k]][token] for k, token in enumerate(sequence)] for sequence in codes.sequences]
    raw = np.array([sum(told.log for told in path) for path in paths])
    logs = normal(normal(raw) - np.asarray(prior)) if prior else normal(raw)
    return logs, np.array([not all(told.exact for told in path) for path in paths])


def places(ask: Ask, prompts: Sequence[tuple[int, ...]], tokens: Sequence[int] = ()) -> list[dict[int, float]]:
    """Behind each prompt the log-probabilities that are told, by token: of these tokens, or else of the likeliest.

    Raises:
        NotServed: none are told.
    """
    if len(tokens) > TOKENS:
        parts = [places(ask, prompts, tokens[k : k + TOKENS]) for k in range(0, len(tokens), TOKENS)]
        return [{t: log for told in each for t, log in told.items()} for each in zip(*parts, strict=True)]
    found: list[dict[int, float]] = []
    for k in range(0, len(prompts), PROMPTS):
        some = [list(prompt) for prompt in prompts[k : k + PROMPTS]]
        body = {**PLAIN, "prompt": some, "max_tokens": 1, "temperature": 0.0, "logprobs": TOP}
        try:
            choices = ask({**body, "logprob_token_ids": list(tokens)} if tokens else body)
        except Refused as refused:
            if refused.status != 400 or not tokens:
                raise
            choices = ask(body)
        found += [tops(choice)[0] for choice in choices]
    return found


def _forced(ask: Ask, prompt: tuple[int, ...], token: int) -> float:
    """Log-probability of one token behind a prompt."""
    more = {"max_tokens": 1, "temperature": 0.0, "logprobs": 1, "allowed_token_ids": [token]}
    tokens, logs = chosen(ask({**PLAIN, "prompt": list(prompt), **more})[0])
    if tokens != [token]:
        raise NotServed(
            "the server draws tokens that are not allowed", fix="take a vLLM server of version 0.10 or later"
        )
    return logs[0]


def tops(choice: Mapping[str, Any]) -> list[dict[int, float]]:
    """For every token of a reply the log-probabilities that are told of its place, by token.

    Raises:
        NotServed: none are told.
    """
    try:
        places = choice["logprobs"]["top_logprobs"]
        return [{int(name.removeprefix(_ID)): float(log) for name, log in place.items()} for place in places]
    except (LookupError, TypeError, ValueError, AttributeError) as wrong:
        fix = "take a vLLM server of version 0.10 or later"
        raise NotServed("the server tells no log-probabilities by token", fix=fix) from wrong


def chosen(choice: Mapping[str, Any]) -> tuple[list[int], list[float]]:
    """The tokens of a reply, and the log-probability of each.

    Raises:
        NotServed: they are not told.
    """
    try:
        told = choice["logprobs"]
        ids = [int(str(name).removeprefix(_ID)) for name in told["tokens"]]
        return ids, [float(log) for log in told["token_logprobs"]]
    except (LookupError, TypeError, ValueError) as wrong:
        fix = "take a vLLM server of version 0.10 or later"
        raise NotServed("the server tells no log-probabilities by token", fix=fix) from wrong


def entropy_of(place: Mapping[int, float]) -> float:
    """Entropy in nats of what may stand at a place, by its likeliest tokens, all others together as one: at most as
    much as that over the whole vocabulary.
    """
    logs = np.array(list(place.values()))
    rest = max(0.0, 1.0 - float(np.exp(logs).sum()))
    return float(-(np.exp(logs) * logs).sum()) - (rest * float(np.log(rest)) if rest > 0 else 0.0)


def normal(logs: Floats) -> Floats:
    """The same as log-probabilities that sum to one."""
    highest = logs.max()
    return np.asarray(logs - highest - np.log(np.exp(logs - highest).sum()), np.float64)
