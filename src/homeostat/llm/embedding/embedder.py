"""What gives vectors of texts, chosen by name (`monitor.embedding`). Nothing is opened before it is asked for.

Knows nothing of rows or of a store. Whoever keeps vectors asks `steady` besides, which sees when they become others.
"""

from __future__ import annotations

import difflib
import os
from importlib import import_module
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import NotServed, WrongType
from homeostat.plugin import Registry

Vectors = NDArray[np.float32]

SERVED = "served"
"""The mean hidden state of the model that answers, as it lies in the log: no other backend."""
WHERE = "monitor.embedding"
KEY = "OPENAI_API_KEY"
"""Environment variable with the key of a server, as for models elsewhere that teach."""


class NoVectors(NotServed):
    """The backend gives no vectors now, or others than those that it gave before."""


class Changed(NoVectors):
    """It gives other vectors than it gave; asked what it gives now, it can be gone on with at once."""


class Embedder(Protocol):
    """Something that gives vectors of texts."""

    def embed(self, texts: list[str]) -> Vectors:
        """float32[texts, width], a row for each text, all finite. The same text has the same vector, but for rounding.

        Raises:
            NoVectors: it cannot be asked now.
        """
        ...


class Made(Protocol):
    """A class or function that makes one, without arguments: what a plugin is."""

    def __call__(self) -> Embedder:
        """One that is ready."""
        ...


EMBEDDERS: Registry[Made] = Registry(
    "embedding backend", "homeostat.embedders", {"ngrams": "homeostat.llm.embedding.ngrams:Ngrams"}
)
_OF_A_NAME = {"endpoint": "Endpoint", "encoder": "Encoder"}
"""Modules of this room that are imported when they are needed: they bring the libraries of models and of HTTP."""


def hold(name: str) -> None:
    """Hold that a backend may be called so; opens nothing.

    Raises:
        WrongType: an address without a model behind `#`, or with a password in it; or nearly the name of one that
            there is.
    """
    if not name:
        raise WrongType("no embedding backend", where=WHERE, fix=f"write {SERVED}, or leave it out")
    if is_address(name):
        address, _, model = name.partition("#")
        if not model or "@" in address:
            fix = f"write https://HOST/v1#MODEL; its key is read from {KEY}"
            raise WrongType("not an address and a model", where=WHERE, fix=fix)
        return
    known = (SERVED, "builtin", *EMBEDDERS.names())
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    if near and name not in known and not {"/", os.sep} & set(name):
        raise WrongType(f"no embedding backend is called '{name}'", where=WHERE, fix=f"did you mean {near[0]}?")


def opened(name: str) -> Embedder:
    """The backend of a name: an address, one of the registry, else a folder or hub name of a transformers model.

    Raises:
        WrongType: as `hold`.
        BrokenPlugin, MissingExtra: what offers it cannot be loaded.
        ModelNotFound, CorruptWeights, UnsafeWeights, UnsuitedModel: as `encoder.Encoder`.
    """
    hold(name)
    if is_address(name):
        return _of("endpoint", name)
    if name in EMBEDDERS.names():
        return EMBEDDERS.get(name)()
    return _of("encoder", name)


def is_address(name: str) -> bool:
    """Whether it names a server."""
    return name.startswith(("http://", "https://"))


def _of(module: str, name: str) -> Embedder:
    kind = getattr(import_module(f"homeostat.llm.embedding.{module}"), _OF_A_NAME[module])
    return cast("Embedder", kind(name))
