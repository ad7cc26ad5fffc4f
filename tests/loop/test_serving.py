"""The worker and a server: is it the base that is trained on, and the hidden states that a server does not tell."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.errors import NotServed
from homeostat.llm.fingerprint import fingerprint_of
from homeostat.loop.serving import tie, with_states
from homeostat.loop.workshop import Workshop
from homeostat.types import ids
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version
from vllm_like import VllmLike, running


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("base"))


def shop_of(address: str, base: Path, folder: Path) -> Workshop:
    tasks = {"routing": Tasks(instruction="route", labels=tiny.LABELS)}
    model = Model(base=f"{address}#{base}" if address else str(base))
    return Workshop.open(Config(folder=str(folder), tasks=tasks, model=model))


@pytest.fixture
def shop(base: Path, tmp_path: Path) -> Iterator[Workshop]:
    opened = shop_of("http://127.0.0.1:9", base, tmp_path / "project")
    yield opened
    opened.close()


def row(text: str, embedding: bytes = b"") -> Interaction:
    fields = {"task": "routing", "time": 1.0, "reply": "x", "version": "ver_1"}
    return Interaction(id=ids.new("int"), text=text, embedding=embedding, **fields)  # type: ignore[arg-type]


def test_the_worker_knows_its_base_again(base: Path, tmp_path: Path) -> None:
    """With the same base it goes on and has written down what the base says, with another one it ends."""
    other = tiny.llama(tmp_path / "other", seed=3)
    with running(VllmLike(str(base))) as up:
        shop = shop_of(up.url, base, tmp_path / "project")
        tie(shop)
        assert fingerprint_of(shop.store, str(base)) is not None
        shop.close()
        mistaken = shop_of(up.url, other, tmp_path / "mistaken")
        with pytest.raises(NotServed, match=r"is not .*nats a token"):
            tie(mistaken)
        mistaken.close()


def test_a_server_that_is_away_keeps_no_worker_from_working(
    shop: Workshop, base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said that nothing is known, and what the base says is kept for the gateway."""
    with caplog.at_level(logging.WARNING):
        tie(shop, patience_s=0.2)
    assert "is not known" in caplog.text
    assert fingerprint_of(shop.store, str(base)) is not None


def test_without_a_server_nothing_is_asked(base: Path, tmp_path: Path) -> None:
    """A base in this process needs no looking at, and its rows come with their states."""
    shop = shop_of("", base, tmp_path / "project")
    tie(shop)
    assert fingerprint_of(shop.store, str(base)) is None
    champion = Version(id="ver_1", task="routing", time=0.0, base="", kind="base")
    assert with_states(shop, champion, [row("x")])[0].embedding == b""
    shop.close()


def test_rows_get_the_states_that_the_version_has_for_them(shop: Workshop, base: Path) -> None:
    """Those without are given what the same version says of them here; those that have some keep them; ids and order
    stay.
    """
    champion = Version(id="ver_1", task="routing", time=0.0, base=str(base), kind="base")
    shop.store.versions.put(champion)
    own = np.ones(48, np.float16).tobytes()
    rows = [row("my parcel is late"), row("the pump leaks", own), row("money back")]
    filled = with_states(shop, champion, rows)
    assert [replace(one, embedding=b"") for one in filled] == [replace(one, embedding=b"") for one in rows]
    assert filled[1].embedding == own
    task = shop.config.task("routing")
    wanted = shop.embeddings(task, champion, [rows[0].text, rows[2].text]).astype(np.float16)
    for one, vector in zip((filled[0], filled[2]), wanted, strict=True):
        np.testing.assert_array_equal(np.frombuffer(one.embedding, np.float16), vector)
