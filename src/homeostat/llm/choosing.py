"""How likely a server finds each label, from what its completions tell of tokens' log-probabilities.

A server tells the likeliest tokens of a place, twenty as a rule, and a newer one those that it is asked for. Where a
label is not among them and could matter, the labels are laid behind the prompt one by one and read: exact always, and
as many prompts as labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
"""Probability that labels which nothing was told of may have together before they are asked for one by one."""
PROMPTS = 64
"""Prompts of one request, at most."""
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
    raw = _first(ask, prompt, [s[0] for s in codes.sequences], prior) if codes.single else None
    if raw is None:
        raw = sequence_logs(ask, [(tuple(prompt), s) for s in codes.sequences])
    if prior:
        raw = normal(raw) - np.asarray(prior)
    return normal(raw)


def sequence_logs(ask: Ask, rows: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> Floats:
    """float64[rows]: log-probability of the tokens of each row's second part behind its first."""
    return np.array([logs.sum() for logs in token_logs(ask, rows)])


def token_logs(ask: Ask, rows: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> list[Floats]:
    """Of each row float64[tokens]: log-probability of each token of its second part behind its first.

    Raises:
        NotServed: the server tells nothing of a prompt's tokens.
    """
    found: list[Floats] = []
    for k in range(0, len(rows), PROMPTS):
        some = rows[k : k + PROMPTS]
        body = {"prompt": [[*a, *b] for a, b in some], "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
        for choice, (before, behind) in zip(ask({**PLAIN, **body}), some, strict=True):
            told = choice.get("prompt_logprobs")
            if not isinstance(told, list) or len(told) != len(before) + len(behind):
                raise NotServed("the server tells no prompt_logprobs", fix="take a vLLM server of version 0.6 or later")
            places = zip(told[len(before) :], behind, strict=True)
            found.append(np.array([float(place[str(token)]["logprob"]) for place, token in places]))
    return found


def tops(choice: Mapping[str, Any]) -> list[dict[int, float]]:
    """For every token of a reply the log-probabilities that are told of its place, by token.

    Raises:
        NotServed: none are told.
    """
    try:
        places = choice["logprobs"]["top_logprobs"]
        return [{int(name.removeprefix(_ID)): float(log) for name, log in place.items()} for place in places]
    except (LookupError, TypeError, ValueError, AttributeError) as wrong:
        fix = "take a vLLM server of version 0.6 or later"
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
        fix = "take a vLLM server of version 0.6 or later"
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


def _first(ask: Ask, prompt: Sequence[int], tokens: Sequence[int], prior: Sequence[float]) -> Floats | None:
    """float64[labels] by the first place alone; None where what is not told could matter."""
    body = {**PLAIN, "prompt": list(prompt), "max_tokens": 1, "temperature": 0.0, "logprobs": TOP}
    try:
        choices = ask({**body, "logprob_token_ids": list(tokens)})
    except Refused as refused:
        if refused.status != 400:
            raise
        choices = ask(body)
    place = tops(choices[0])[0]
    missing = [k for k, token in enumerate(tokens) if token not in place]
    if not missing:
        return np.array([place[token] for token in tokens])
    # Of what is left out, each is at most as likely as the least of those told, and all together at most the rest.
    least = min(place.values())
    rest = max(0.0, 1.0 - float(np.exp(list(place.values())).sum()))
    logs = np.array([place.get(token, min(least, float(np.log(rest + 1e-30)))) for token in tokens])
    shares = np.exp(normal(logs - np.asarray(prior)) if prior else normal(logs))
    if len(missing) == len(tokens) or shares[missing].sum() > SLIGHT:
        return None
    return logs
