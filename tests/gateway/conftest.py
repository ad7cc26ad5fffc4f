"""A gateway over HTTP in this process, its store, and the ordinary client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from homeostat.gateway.server import served
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import KeywordBackend, add_version, configured, release


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    yield opened
    opened.close()


@pytest.fixture
def champions(store: Store, tmp_path: Path) -> dict[str, Version]:
    """A released version of each task."""
    made = {
        "routing": add_version(store, tmp_path, refund="money back", delivery="parcel late"),
        "replies": add_version(store, tmp_path, "replies", phrase="We have read:"),
    }
    for version in made.values():
        release(store, Stage.FULL, version)
    return made


@pytest.fixture
def answerer(store: Store, champions: dict[str, Version]) -> Iterator[Answerer]:
    made = Answerer(KeywordBackend(), store, configured())
    yield made
    made.close()


@pytest.fixture
def address(answerer: Answerer) -> Iterator[str]:
    with served(answerer, answerer.gateway) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as made:
        yield made
