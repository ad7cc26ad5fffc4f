"""Whether a server's base is the one that is trained on here: what both say of the same few sentences, token by token.

Equal weights in other precisions differ by rounding; another model, or the same one trained further, by more. So a
mistaken name, a later revision or a merged adapter is seen before it answers anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from homeostat.errors import NotServed
from homeostat.llm.choosing import Ask, token_logs
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
NEAR = 0.05
"""Nats a token, on average, up to which the same weights may differ by how they are computed."""
FAR = 0.25
"""Nats a token from which on it is another model; between the two it may be the same one in fewer bits."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a base says of the sentences."""

    prompts: tuple[tuple[int, ...], ...]
    """Token ids of each."""
    logs: tuple[tuple[float, ...], ...]
    """Of each the log-probability, in nats, of every token but the first."""


def keep(store: Store, base: str, found: Fingerprint) -> None:
    """Keep what a base says, for processes that have no weights."""
    rows = {"prompts": [list(p) for p in found.prompts], "logs": [list(row) for row in found.logs]}
    store.state.put(f"fingerprint:{base}", rows)


def fingerprint_of(store: Store, base: str) -> Fingerprint | None:
    """What a base says, as it was kept last; None where nobody has looked."""
    found = store.state.get(f"fingerprint:{base}")
    if not isinstance(found, dict):
        return None
    prompts = tuple(tuple(int(t) for t in row) for row in found["prompts"])
    return Fingerprint(prompts, tuple(tuple(float(v) for v in row) for row in found["logs"]))


def fingerprint(opened: Opened) -> Fingerprint:
    """What the bare base in this process says of the sentences."""
    words = [opened.tokenizer(text, add_special_tokens=False)["input_ids"][:LONGEST] for text in SENTENCES]
    rows = [Rendered((ids[0],), tuple(ids[1:])) for ids in words]
    with torch.inference_mode():
        said = predict(opened, rows)
        logs = said.logits.float().log_softmax(-1).gather(-1, said.target[:, None])[:, 0].cpu()
    each = torch.split(logs, [len(row.completion) for row in rows])
    return Fingerprint(tuple(row.ids for row in rows), tuple(tuple(part.tolist()) for part in each))


def apart(known: Fingerprint, ask: Ask) -> float:
    """Mean difference, in nats a token, between a fingerprint and what a server's base says of the same tokens.

    Raises:
        NotServed: it does not tell.
    """
    told = token_logs(ask, [(prompt[:1], prompt[1:]) for prompt in known.prompts])
    pairs = zip(known.logs, told, strict=True)
    return float(np.concatenate([np.abs(np.asarray(here) - there) for here, there in pairs]).mean())


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
