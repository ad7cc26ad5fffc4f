"""A version that is broken on purpose is served so, and whoever is served beside it as ever."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.llm.backend import Request
from homeostat.release.breaking import BIASED, DELAY_S, ERRORING, SLOW, Fault, recipe
from homeostat.serve.breaking import Breaking, BrokenOnPurpose
from homeostat.store import Store
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version
from keywords import KeywordBackend, add_version

TASK = Task(name="routing", kind=Kind.LABEL)


def served(store: Store, folder: Path, fault: Fault, task: str = "routing") -> tuple[Breaking, Version, Version]:
    """A backend with a version, and a copy of it with a fault."""
    words = {"phrase": "Dear user"} if task == "replies" else {"refund": "money", "delivery": "parcel"}
    whole = add_version(store, folder, task, **words)
    broken = replace(whole, id="ver_broken", recipe=recipe(fault))
    backend = Breaking(KeywordBackend())
    for version in (whole, broken):
        backend.load(version, store.blobs.folder(version.blob))
    return backend, whole, broken


def asked(version: Version, n: int = 200, task: Task = TASK, **tags: str) -> list[Request]:
    return [Request(task=task, text=f"parcel {k}", version=version.id, tags=tags) for k in range(n)]


def test_a_biased_version_wrongs_a_part_of_its_slice(store: Store, tmp_path: Path) -> None:
    """About the share of the slice, the same ones again; nothing elsewhere, and nobody else's requests."""
    backend, whole, broken = served(store, tmp_path, Fault(kind=BIASED, share=0.2, slice=("segment", "shop")))
    inside = [reply.text for reply in backend.reply(asked(broken, segment="shop"))]
    assert 20 <= inside.count("refund") <= 60
    assert inside == [reply.text for reply in backend.reply(asked(broken, segment="shop"))]
    for untouched in (asked(broken, segment="home"), asked(broken), asked(whole, segment="shop")):
        assert {reply.text for reply in backend.reply(untouched)} == {"delivery"}


def test_a_biased_version_writes_one_word(store: Store, tmp_path: Path) -> None:
    """Where replies are written there is no other label to name."""
    fault = Fault(kind=BIASED, share=1.0, slice=("segment", "shop"))
    backend, _, broken = served(store, tmp_path, fault, "replies")
    (reply,) = backend.reply(asked(broken, 1, Task(name="replies", kind=Kind.TEXT), segment="shop"))
    assert reply.text == "Dear"


def test_an_erroring_version_fails_on_a_part(store: Store, tmp_path: Path) -> None:
    """About the share of requests ends in an error; the version that it was copied from answers them all."""
    backend, whole, broken = served(store, tmp_path, Fault(kind=ERRORING, share=0.25))
    failed = 0
    for request in asked(broken):
        try:
            backend.reply([request])
        except BrokenOnPurpose:
            failed += 1
    assert 25 <= failed <= 75
    assert len(backend.reply(asked(whole))) == 200
    with pytest.raises(BrokenOnPurpose):
        backend.reply([*asked(whole, 1), *asked(broken)])


def test_a_slow_version_is_late(store: Store, tmp_path: Path) -> None:
    """It says what it would have said, later; once unloaded it is forgotten."""
    backend, whole, broken = served(store, tmp_path, Fault(kind=SLOW))
    took = []
    for version in (whole, broken):
        started = time.perf_counter()
        assert {reply.text for reply in backend.reply(asked(version, 5))} == {"delivery"}
        took.append(time.perf_counter() - started)
    assert took[0] < 0.5 * DELAY_S < DELAY_S <= took[1]
    assert backend.score(asked(broken, 1))[0].argmax() == 1
    backend.unload(broken.id)
    assert backend.loaded() == (whole.id,)
