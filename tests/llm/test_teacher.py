"""Versions as teachers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.llm.backend import Request
from homeostat.llm.combine import mean, product
from homeostat.llm.ensemble import Ensemble
from homeostat.llm.local import LocalBackend
from homeostat.llm.teacher import Loaded
from homeostat.types.version import Version

TEXTS = tiny.texts(tiny.LABELS[0], 6, 3)


def version(name: str) -> Version:
    return Version(id=name, task="routing", time=0.0, base="", labels=tiny.LABELS)


@pytest.fixture
def backend(llama: Path, adapters: tuple[Path, Path]) -> LocalBackend:
    """The tiny decoder with two adapters."""
    made = LocalBackend(str(llama))
    for name, folder in zip(("ver_one", "ver_two"), adapters, strict=True):
        made.load(version(name), folder)
    return made


def asked(task: object = tiny.ROUTING) -> list[Request]:
    return [Request(task=task, text=text, version="", max_tokens=5) for text in TEXTS]  # type: ignore[arg-type]


def test_one_version_says_what_it_replies_and_how_likely_each_label_is(backend: LocalBackend) -> None:
    """Its scores are the chances, its reply the likeliest of them."""
    answers = Loaded(backend, [version("ver_one")]).answer(asked())
    own = [Request(task=tiny.ROUTING, text=text, version="ver_one") for text in TEXTS]
    assert np.array([a.chances for a in answers]) == pytest.approx(np.stack(backend.score(own)), abs=1e-5)
    assert [a.text for a in answers] == [reply.text for reply in backend.reply(own)]


def test_several_say_what_they_say_together(backend: LocalBackend) -> None:
    """As combined; the way is part of the name that answers are kept under."""
    versions = [version("ver_one"), version("ver_two")]
    each = Ensemble(backend, versions).each(asked())
    for how, way in (("mean", mean), ("product", product)):
        teacher = Loaded(backend, versions, how=how)
        assert np.array([a.chances for a in teacher.answer(asked())]) == pytest.approx(way(each), abs=1e-5)
        assert teacher.name == f"ver_one ver_two {how}"
    assert Loaded(backend, versions[:1]).name == "ver_one"
    assert Loaded(backend, versions).answer([]) == []


def test_in_words_the_first_one_answers(backend: LocalBackend) -> None:
    """A task of texts gets the version's own reply, and no chances."""
    answers = Loaded(backend, [version("ver_two")]).answer(asked(tiny.REPLIES))
    own = [Request(task=tiny.REPLIES, text=text, version="ver_two", max_tokens=5) for text in TEXTS]
    assert [a.text for a in answers] == [reply.text for reply in backend.reply(own)]
    assert {a.chances for a in answers} == {()}
