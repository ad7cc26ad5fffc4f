"""A small project, laid once, and a copy of it for each test: real model, real store, real worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from mortal import ANNOUNCED, Worker, through
from small_project import copy, lay

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Config
from homeostat.loop.durable import TurnQueue
from homeostat.loop.workshop import Workshop, use
from loop import domains
from loop.refused import refused
from obedient import obedient


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The project as it was laid; tests work on copies. It has a database of turns, without any in it."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    config = lay(tmp_path_factory.mktemp("laid"))
    # Had it looked at anything before it died, it might have left signals, or a turn of its own, in every copy.
    idle = Worker(config, ANNOUNCED)
    idle.process.join()
    assert idle.killed
    assert idle.watching
    return config


@pytest.fixture(scope="session")
def turned(laid: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, dict[str, Any]]:
    """The project after its turn, which nothing has disturbed, and what the turn has left."""
    config = copy(laid, tmp_path_factory.mktemp("turned") / "project")
    return config, through(config)


@pytest.fixture(scope="session")
def domains_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A project whose tasks are domains, with an adapter each. Tests register versions in it, and release none."""
    shop = domains.laid(tmp_path_factory.mktemp("domains"))
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def obedient_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A decoder that does as it is told."""
    return obedient(tmp_path_factory.mktemp("obedient"))


@pytest.fixture
def undisturbed(turned: tuple[Config, dict[str, Any]]) -> dict[str, Any]:
    """What the turn of the project leaves when nothing disturbs it."""
    return turned[1]


@pytest.fixture
def project(laid: Config, tmp_path: Path) -> Config:
    """A copy of the project."""
    return copy(laid, tmp_path / "project")


@pytest.fixture
def shop(project: Config) -> Iterator[Workshop]:
    """The workshop of the project, in this process."""
    with closing(Workshop.open(project)) as opened:
        use(opened)
        yield opened


@pytest.fixture(scope="session")
def refusal(laid: Config, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The project with a candidate that forgot, and that its gate has refused."""
    config = copy(laid, tmp_path_factory.mktemp("refusal") / "project")
    with closing(Workshop.open(config)) as opened:
        use(opened)
        refused(opened)
    return config


@pytest.fixture
def after(refusal: Config, tmp_path: Path) -> Iterator[Workshop]:
    """The workshop of a copy of it, in this process."""
    with closing(Workshop.open(copy(refusal, tmp_path / "after"))) as opened:
        use(opened)
        yield opened


@pytest.fixture
def queue(project: Config) -> Iterator[TurnQueue]:
    """The queue of the project, which no worker reads."""
    with closing(TurnQueue(Path(project.folder))) as opened:
        yield opened


@pytest.fixture
def workers(project: Config) -> Iterator[Callable[..., Worker]]:
    """Starts workers on the project, and kills those that are left."""
    started: list[Worker] = []

    def start(config: Config = project, **told: str) -> Worker:
        started.append(Worker(config, **told))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
