"""Who answers changes while requests are under way: the same with the model in this process and behind a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Config, Gateway, Tasks
from homeostat.config.schema import Release as Settings
from homeostat.errors import NotServed
from homeostat.llm.backend import Backend, Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.served import ServedBackend
from homeostat.llm.server import ModelServer
from homeostat.release.guard import gather
from homeostat.release.registry import promote, rollback
from homeostat.release.rollout import open_canary, open_shadow
from homeostat.release.route import route
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.version import State, Version
from vllm_like import Running, VllmLike, running

TEXTS = [text for label in tiny.LABELS for text in tiny.texts(label, 2, 5)]
SLACK_S = 2.0
"""How long after a release row the one before may still route."""
CONFIG = Config(
    tasks={"routing": Tasks(instruction="route", labels=tiny.LABELS)},
    gateway=Gateway(port=0, batch=4),
    release=Settings(poll_s=0.05),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("base"))


@pytest.fixture
def versions(base: Path, store: Store, tmp_path: Path) -> list[Version]:
    """Four adapters that answer differently."""
    made = []
    for seed in range(4):
        blob = store.blobs.put_folder(tiny.adapter(tmp_path / f"adapter{seed}", base, seed))
        fields = {"task": "routing", "time": float(seed), "base": str(base), "kind": "lora", "labels": tiny.LABELS}
        made.append(Version(id=ids.new("ver"), blob=blob, state=State.CANDIDATE, **fields))  # type: ignore[arg-type]
        store.versions.put(made[-1])
    return made


@pytest.fixture
def server(base: Path) -> Iterator[Running]:
    with running(VllmLike(str(base))) as up:
        yield up


def through(server: Running, base: Path, store: Store, timeout_s: float = 10.0) -> ServedBackend:
    """A backend on a server, as the gateway makes it."""
    asked = ModelServer(server.url, timeout_s=timeout_s, patience_s=20.0)
    return ServedBackend(asked, str(base), store.blobs.served)


@pytest.mark.parametrize("where", [pytest.param("here", marks=pytest.mark.slow), "served"])
def test_nothing_is_dropped_and_nobody_answers_out_of_turn(
    store: Store, base: Path, versions: list[Version], server: Running, where: str
) -> None:
    """Shadow, canary, promotion and rollback pass while four callers ask without pause, and the server, where there is
    one, restarts in between and comes back with nothing: every request has the reply that its version gives in this
    process, and the version is one that a row in force routes its episode to.
    """
    said = dict(zip([v.id for v in versions], replies(base, store, versions), strict=True))
    assert len({tuple(each.values()) for each in said.values()}) == len(versions)
    change(promote, store, versions[0])
    backend: Backend = through(server, base, store) if where == "served" else LocalBackend(str(base))
    answerer = Answerer(backend, store, CONFIG)
    stop, got = threading.Event(), list[tuple[float, float, str, Interaction]]()

    def caller(k: int) -> None:
        for turn, text in enumerate(cycle(TEXTS)):
            if stop.is_set():
                return
            episode, sent = f"e{k}-{turn}", time.time()
            row = answerer.answer("routing", [{"role": "user", "content": text}], episode=episode)
            got.append((sent, time.time(), episode, row))

    threads = [threading.Thread(target=caller, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for candidate in versions[1:3]:
        open_shadow(store, "routing", candidate.id, now=time.time())
        time.sleep(0.4)
        tried(store, candidate)
        time.sleep(0.4)
        if where == "served" and candidate is versions[1]:
            server.stop()
            time.sleep(0.3)
            server.start()
        change(promote, store, candidate)
        time.sleep(0.4)
        rollback(store, "routing", "back", now=time.time())
        time.sleep(0.4)
    stop.set()
    for thread in threads:
        thread.join()
    answerer.close()
    rows = sorted(store.releases.list("routing"), key=lambda row: row.time)
    assert len(got) > 40
    assert {row.version for *_, row in got} >= {v.id for v in versions[:3]}
    for sent, ended, episode, row in got:
        assert row.reply == said[row.version][row.text]
        assert row.version in answering(rows, sent - SLACK_S, ended, episode)
    assert {r.id for r in store.interactions.list("routing")} == {row.id for *_, row in got}


def test_a_version_that_the_server_loses_is_blamed_alone(
    store: Store, base: Path, versions: list[Version], server: Running
) -> None:
    """A candidate that takes too long there is answered for by the champion, and the failures are counted against it;
    the champion's requests do not wait for it.
    """
    old, new = versions[:2]
    change(promote, store, old)
    answerer = Answerer(through(server, base, store, timeout_s=2.0), store, CONFIG)
    tried(store, new)
    answerer.routes.refresh()
    release = answerer.routes.current("routing")
    assert release is not None
    assert release.stage is Stage.CANARY
    server.like.slow_s[new.id] = 60.0
    drawn = [episode for k in range(99) if route(release, episode := f"e{k}")[0] == new.id][:2]
    rows = [answerer.answer("routing", [{"role": "user", "content": TEXTS[0]}], episode=episode) for episode in drawn]
    assert {row.version for row in rows} == {old.id}
    assert answerer.settle(20)
    seen = gather(store, release, CONFIG.release)
    assert seen.errors == 2
    assert store.interactions.count("routing", role=Role.SHADOW) == 0
    answerer.close()


def test_a_release_that_the_server_does_not_take_is_not_in_force(
    store: Store, base: Path, versions: list[Version], server: Running
) -> None:
    """The champion goes on answering, `problems` says how the server is to be started, and once it is, the row is in
    force.
    """
    old, new = versions[:2]
    change(promote, store, old)
    answerer = Answerer(through(server, base, store), store, CONFIG)
    server.like.max_lora_rank = 1
    change(promote, store, new)
    answerer.routes.refresh()
    assert "--max-lora-rank" in answerer.routes.problems["routing"]
    asked = [{"role": "user", "content": TEXTS[0]}]
    assert answerer.answer("routing", asked).version == old.id
    server.like.max_lora_rank = 16
    answerer.routes.refresh()
    assert answerer.routes.problems == {}
    assert answerer.answer("routing", asked).version == new.id
    answerer.close()


def test_a_server_that_stays_away_is_an_error(store: Store, base: Path, versions: list[Version]) -> None:
    """The caller is told where it should be, and no row is written."""
    change(promote, store, versions[0])
    with running(VllmLike(str(base))) as up:
        asked = ModelServer(up.url, patience_s=0.3)
        answerer = Answerer(ServedBackend(asked, str(base), store.blobs.served), store, CONFIG)
    with pytest.raises(NotServed, match="out of reach"):
        answerer.answer("routing", [{"role": "user", "content": "x"}])
    assert store.interactions.count("routing") == 0
    answerer.close()


def change(how: Callable[..., Release], store: Store, version: Version) -> None:
    """Release a version."""
    how(store, "routing", version.id, "a test", now=time.time())


def tried(store: Store, candidate: Version) -> None:
    """Put a candidate before half of the users."""
    settings = replace(CONFIG.release, canary_share=(0.5,))
    open_canary(store, "routing", candidate.id, settings, "a test", now=time.time())


def replies(base: Path, store: Store, versions: list[Version]) -> list[dict[str, str]]:
    """Of each version what it replies to every text, in this process."""
    backend, task = LocalBackend(str(base)), CONFIG.task("routing")
    said = []
    for version in versions:
        backend.load(version, store.blobs.folder(version.blob))
        requests = [Request(task=task, text=text, version=version.id) for text in TEXTS]
        said.append({r.text: reply.text for r, reply in zip(requests, backend.reply(requests), strict=True)})
    return said


def answering(rows: list[Release], since: float, until: float, episode: str) -> set[str]:
    """Versions that the rows which were the newest at some moment between give an episode to."""
    ends = [*(row.time for row in rows[1:]), float("inf")]
    return {route(row, episode)[0] for row, end in zip(rows, ends, strict=True) if row.time <= until and end >= since}
