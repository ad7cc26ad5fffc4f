"""Ties a server to the worker: it answers with the base that is trained on here, and what it does not tell is added.

The worker has the weights, so it says what the base makes of the fingerprint's sentences, keeps that for the gateway,
which has none, and looks itself whether the server says the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from homeostat.errors import NotServed
from homeostat.llm.fingerprint import NEAR, apart, fingerprint, fingerprint_of, keep, refuse_other
from homeostat.llm.load import open_model
from homeostat.llm.server import KEY, ModelServer
from homeostat.loop.workshop import Workshop
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

_log = logging.getLogger(__name__)
STATES = 2000
"""Rows, at most, for which the worker computes hidden states in one look; those before them are watched without."""


def tie(shop: Workshop, *, patience_s: float = 5.0) -> None:
    """Hold that the server, if one answers, has the base that is trained on here; a server that is out of reach is
    looked at by the gateway when it is back.

    Raises:
        NotServed: it has another base.
    """
    model = shop.config.model
    if not model.server:
        return
    known = fingerprint(open_model(model.weights))
    if fingerprint_of(shop.store, model.weights) != known:
        keep(shop.store, model.weights, known)
    server = ModelServer(model.server, key=os.environ.get(KEY, ""), patience_s=patience_s)
    try:
        name = server.cards()[0].name
        distance = apart(known, lambda body: server.complete(name, body))
    except NotServed as away:
        _log.warning("whether %s serves %s is not known: %s", model.server, model.weights, away)
        return
    finally:
        server.close()
    refuse_other(distance, model.weights, model.server)
    if distance > NEAR:
        _log.warning("%s differs from %s by %.3f nats a token: fewer bits?", model.server, model.weights, distance)


def with_states(shop: Workshop, champion: Version, rows: Sequence[Interaction]) -> list[Interaction]:
    """The rows with the hidden states of their prompts, which a server does not tell, computed here by the version
    that answered; the newest where there are many. Rows that have some stay as they are.
    """
    missing = [k for k, row in enumerate(rows) if not row.embedding][-STATES:]
    if not missing or not shop.config.model.server:
        return list(rows)
    task = shop.config.task(champion.task)
    states = shop.embeddings(task, champion, [rows[k].text for k in missing]).astype(np.float16)
    found = dict(zip(missing, states, strict=True))
    return [replace(row, embedding=found[k].tobytes()) if k in found else row for k, row in enumerate(rows)]
