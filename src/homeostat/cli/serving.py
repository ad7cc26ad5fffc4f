"""What `doctor` asks of what answers in place of the base here: a server (reached, the same base, long enough, and open
to adapters), and an embedding backend.

The rooms that do the work are imported when they are asked about, as in `parts`.
"""

from __future__ import annotations

import importlib
import os
from contextlib import closing
from pathlib import Path

from homeostat.cli.check import Check, Level
from homeostat.config.schema import Config

PATIENCE_S = 2.0
"""Seconds for which a server that does not answer is asked again."""


def server(config: Config) -> Check:
    """Whether the server can answer with what is trained here; nothing is loaded there.

    Raises:
        NotServed: it is out of reach, has another base, or takes shorter prompts.
    """
    llm = "homeostat.llm"
    rooms = {name: importlib.import_module(f"{llm}.{name}") for name in ("server", "served", "load", "fingerprint")}
    model, prints = config.model, rooms["fingerprint"]
    known = prints.fingerprint(rooms["load"].open_model(model.weights))
    key = os.environ.get(rooms["server"].KEY, "")
    with closing(rooms["server"].ModelServer(model.server, key=key, patience_s=PATIENCE_S)) as asked:
        backend = rooms["served"].ServedBackend(asked, model.weights, Path(config.blobs), known=lambda: known)
        distance, allowed = backend.apart(known), asked.allows_adapters()
    found = f"{model.server}: has {model.weights}, {distance:.4f} nats a token from the weights here"
    if not allowed:
        fix = rooms["server"].RUNTIME
        return Check(name="server", level=Level.FAIL, found=f"{found}; lets no adapters be loaded", fix=fix)
    if distance > prints.NEAR:
        fix = "serve it in the precision that it is trained in, or look at candidates' quality there"
        return Check(name="server", level=Level.WARN, found=f"{found}, more than rounding makes", fix=fix)
    return Check(name="server", found=f"{found}; adapters may be loaded")


def embedding(config: Config) -> Check:
    """Whether the embedding backend opens and gives vectors; a server is sent sentences of ours and no request."""
    name = config.monitor.embedding
    opened = importlib.import_module("homeostat.llm.embedding.embedder").opened(name)
    steady = importlib.import_module("homeostat.llm.embedding.steady").Steady(opened)
    steady.look()
    return Check(name="embedding", found=f"{name}: vectors of {steady.width} numbers")
