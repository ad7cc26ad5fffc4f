"""A server that answers `POST /v1/embeddings` as OpenAI's API does: texts go there, vectors come back.

Asked again while it is away or too busy, as a server that answers requests is. What users wrote leaves this machine.
"""

from __future__ import annotations

import os

import numpy as np

from homeostat.errors import NotServed
from homeostat.llm.embedding.embedder import KEY, NoVectors, Vectors
from homeostat.llm.server import ModelServer

ROWS = 64
"""Texts of one request."""
LONGEST = 8_000
"""Characters of a text that are sent, at most: servers refuse what is longer than their model takes."""
TIMEOUT_S, PATIENCE_S = 30.0, 5.0
"""Seconds after which a request is given up, and for which a server that is away is asked again."""


class Endpoint:
    """One model of one server."""

    def __init__(self, name: str, *, timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S) -> None:
        """`name` is `https://HOST/v1#MODEL`. The key is that of OPENAI_API_KEY; without one none is sent."""
        address, _, self._model = name.partition("#")
        key = os.environ.get(KEY, "")
        url = address.rstrip("/").removesuffix("/v1")
        self._server = ModelServer(url, key=key, timeout_s=timeout_s, patience_s=patience_s, key_from=KEY)

    def embed(self, texts: list[str]) -> Vectors:
        """float32[texts, width], as the server gives them.

        Raises:
            NoVectors: it cannot be asked, refuses, or answers with something else.
        """
        parts = [self._asked(texts[first : first + ROWS]) for first in range(0, len(texts), ROWS)]
        if len({part.shape[1] for part in parts}) > 1:
            raise NoVectors("the server gives vectors of several widths", where=self._server.url)
        return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)

    def _asked(self, texts: list[str]) -> Vectors:
        # An empty text is refused by most servers.
        sent = [text[:LONGEST] if text.strip() else "-" for text in texts]
        try:
            found = np.array(self._server.embed(self._model, sent), dtype=np.float32)
        except NotServed as away:
            raise NoVectors(away.what, where=away.where, fix=away.fix) from away
        except ValueError as ragged:
            raise NoVectors("the server gives vectors of several widths", where=self._server.url) from ragged
        if found.ndim != 2 or not found.shape[1] or not np.isfinite(found).all():
            raise NoVectors("the server gives vectors that are empty or not finite", where=self._server.url)
        return found
