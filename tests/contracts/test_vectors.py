"""What every store does with vectors of an embedding backend: one in force, and none beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.store import Store
from homeostat.store.traces import CHUNK, Traces
from homeostat.store.vectors import InForce
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

FIRST = InForce(backend="aa", name="./encoder", width=4, since=10.0, before="served")
SECOND = InForce(backend="bb", name="ngrams", width=2, since=20.0, before="./encoder")


def row(number: int, **more: str) -> Interaction:
    """A request with the state of the model that answered it."""
    state = np.full(3, number, np.float16).tobytes()
    fields = {"task": "t", "text": f"text {number}", "reply": "a", "version": "ver_1", **more}
    return Interaction(id=f"int_{number:05}", time=float(number), embedding=state, **fields)  # type: ignore[arg-type]


def vector(number: int, width: int = 4) -> bytes:
    return np.full(width, -number, np.float16).tobytes()


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with rows, of which some have a vector of the backend in force."""
    store.interactions.add([row(k) for k in range(6)])
    store.vectors.enforce(FIRST)
    store.vectors.put("aa", {f"int_{k:05}": vector(k) for k in range(4)})
    return store


def test_without_a_backend_rows_are_as_they_are(store: Store) -> None:
    """Nothing is in force from the start, and rows keep the states of the model that answered."""
    assert store.vectors.in_force is None
    assert store.vectors.worn([row(1), row(2)]) == [row(1), row(2)]
    assert store.vectors.worn([]) == []


def test_rows_wear_vectors_of_the_backend_in_force_or_none(filled: Store) -> None:
    """A row that it has not come to has none at all: a state of the model beside vectors would be a mixture."""
    worn = filled.vectors.worn([row(k) for k in range(6)])
    assert [one.embedding for one in worn] == [*(vector(k) for k in range(4)), b"", b""]
    assert [replace(one, embedding=b"") for one in worn] == [replace(row(k), embedding=b"") for k in range(6)]
    assert filled.interactions.get("int_00003").embedding == row(3).embedding


def test_another_backend_forgets_the_vectors_of_the_one_before(filled: Store) -> None:
    """From the moment that it is in force none of theirs is given, and none is left."""
    filled.vectors.enforce(SECOND)
    assert filled.vectors.in_force == SECOND
    assert filled.vectors.count() == 0
    assert {one.embedding for one in filled.vectors.worn([row(k) for k in range(6)])} == {b""}
    filled.vectors.put("bb", {"int_00001": vector(1, 2)})
    assert filled.vectors.of("aa", ["int_00001"]) == {}
    assert filled.vectors.of("bb", ["int_00001"]) == {"int_00001": vector(1, 2)}


def test_back_to_the_model_that_answers(filled: Store) -> None:
    """Rows are as they were written, and no vector is left."""
    filled.vectors.enforce(None)
    assert filled.vectors.in_force is None
    assert filled.vectors.worn([row(1)]) == [row(1)]
    assert filled.vectors.count() == 0


def test_a_vector_is_kept_once(filled: Store) -> None:
    """The first one stays; how many were new is told."""
    assert filled.vectors.put("aa", {"int_00001": vector(9), "int_00005": vector(5)}) == 1
    assert filled.vectors.of("aa", ["int_00001", "int_00005"]) == {"int_00001": vector(1), "int_00005": vector(5)}
    assert filled.vectors.put("aa", {}) == 0


def test_no_vector_is_kept_of_a_row_that_is_not_there(filled: Store) -> None:
    """It may have been erased while its text was embedded, and nobody would find the vector again."""
    assert filled.vectors.put("aa", {"int_00777": vector(7)}) == 0
    assert filled.vectors.count() == 4


def test_many_at_once(filled: Store) -> None:
    """More than a statement can name."""
    n = CHUNK + 10
    assert filled.vectors.put("aa", {f"int_{k:05}": vector(4) for k in range(4, n)}) == 2
    assert len(filled.vectors.of("aa", [f"int_{k:05}" for k in range(n)])) == 6


def test_erased_rows_take_their_vectors_along(filled: Store) -> None:
    """A vector says much of a text; those of other rows stay."""
    gone = frozenset({"int_00001", "int_00002"})
    filled.versions.put(Version(id="ver_1", task="t", time=1.0, base="b"))
    filled.erasure.forget(Traces(user="", interactions=gone))
    assert set(filled.vectors.of("aa", [f"int_{k:05}" for k in range(6)])) == {"int_00000", "int_00003"}
    assert filled.vectors.count() == 2
    assert filled.verify() == []
