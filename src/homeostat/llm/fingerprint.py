"""Whether a server's base is the one that is trained on here: how both go on with the beginnings of a few sentences.

Equal weights in other precisions differ by rounding; another model, or the same one trained further, by more. So a
mistaken name, a later revision or a merged adapter is seen before it answers anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from homeostat.errors import NotServed
from homeostat.llm.choosing import Ask, places
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.store import Store

SENTENCES = (
    "The pump was delivered on Tuesday, and by Friday it leaked at the seal.",
    "Please tell me where my parcel is; I have been waiting for nine days.",
    "In 1969 three people travelled to the moon, and two of them walked on it.",
    "def mean(values):\n    return sum(values) / len(values)",
    "Der Zug nach Hamburg fährt heute von Gleis sieben, nicht von Gleis acht.",
    "Water boils at 100 degrees at sea level, and at about 93 at two thousand meters.",
)
LONGEST = 48
"""Tokens of a sentence, at most."""
CUTS = (0.35, 0.7, 1.0)
"""Where a sentence is broken off, as parts of its tokens."""
LIKELIEST = 5
"""Tokens that are compared at each place: what a base finds likeliest."""
NEAR = 0.05
"""Nats a token, on average, up to which the same weights may differ by how they are computed."""
FAR = 0.25
"""Nats a token from which on it is another model; between the two it may be the same one in fewer bits."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How a base goes on with the sentences."""

    prompts: tuple[tuple[int, ...], ...]
    """Token ids of each beginning."""
    likeliest: tuple[tuple[int, ...], ...]
    """Behind each the likeliest tokens."""
    logs: tuple[tuple[float, ...], ...]
    """Their log-probabilities, in nats."""


def keep(store: Store, base: str, found: Fingerprint) -> None:
    """Keep what a base says, for processes that have no weights."""
    rows = {name: [list(row) for row in getattr(found, name)] for name in ("prompts", "likeliest", "logs")}
    store.state.put(f"fingerprint:{base}", rows)


def fingerprint_of(store: Store, base: str) -> Fingerprint | None:
    """What a base says, as it was kept last; None where nobody has looked."""
    found = store.state.get(f"fingerprint:{base}")
    if not isinstance(found, dict):
        return None
    prompts, likeliest = (tuple(tuple(int(t) for t in row) for row in found[name]) for name in ("prompts", "likeliest"))
    return Fingerprint(prompts, likeliest, tuple(tuple(float(log) for log in row) for row in found["logs"]))


def fingerprint(opened: Opened) -> Fingerprint:
    """What the bare base in this process says."""
    words = [opened.tokenizer(text, add_special_tokens=False)["input_ids"][:LONGEST] for text in SENTENCES]
    prompts = tuple(tuple(ids[: max(1, round(cut * len(ids)))]) for ids in words for cut in CUTS)
    with torch.inference_mode():
        said = predict(opened, [Rendered(prompt, (0,)) for prompt in prompts]).logits.float().log_softmax(-1)
        logs, tokens = (part.cpu().tolist() for part in said.topk(LIKELIEST))
    return Fingerprint(prompts, tuple(map(tuple, tokens)), tuple(map(tuple, logs)))


def apart(known: Fingerprint, ask: Ask) -> float:
    """Mean difference, in nats a token, between a fingerprint and what a server's base says of the same tokens; where
    that is not told, at least so much.

    Raises:
        NotServed: it does not tell.
    """
    told = places(ask, known.prompts)
    gaps = [
        abs(log - place.get(token, min(place.values())))
        for place, tokens, logs in zip(told, known.likeliest, known.logs, strict=True)
        for token, log in zip(tokens, logs, strict=True)
    ]
    return float(np.mean(gaps))


def refuse_other(distance: float, base: str, where: str) -> None:
    """Hold that so far apart it may be the same base.

    Raises:
        NotServed: it is another one.
    """
    if not distance < FAR:
        raise NotServed(
            f"the server's base is not {base}: they differ by {distance:.2f} nats a token, and the same weights in "
            f"other precisions by less than {NEAR}",
            where=where,
            fix="serve the base that is trained on, or name in model.base the one that is served",
        )
