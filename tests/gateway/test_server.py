"""The server: its socket, swaps of versions under load, and a kill that loses nothing that was acknowledged."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx
import openai
import pytest

from homeostat.config.schema import Gateway
from homeostat.errors import PortInUse
from homeostat.gateway.server import address, listen
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.version import Version
from keywords import add_version, release


def test_small_packets_are_not_held_back() -> None:
    """Connections inherit TCP_NODELAY, without which each reply of two packets would wait 40 ms."""
    with listen(Gateway(port=0)) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        connection.close()


def test_port_zero_takes_a_free_port_and_says_which() -> None:
    """Two gateways on port 0 have different addresses; a host that is not this machine's is refused."""
    with listen(Gateway(port=0)) as one, listen(Gateway(port=0)) as two, listen(Gateway(host="::1", port=0)) as six:
        assert address(one) != address(two)
        assert address(six).startswith("http://[::1]:")
    with pytest.raises(PortInUse, match="cannot listen"):
        listen(Gateway(host="192.0.2.1", port=0))


SERVE = """
import sys, time
from keywords import KeywordBackend, configured
from homeostat.gateway.server import served
from homeostat.serve.answer import Answerer
from homeostat.store import Store

answerer = Answerer(KeywordBackend(seconds_per_batch=0.005), Store.open(*sys.argv[1:]), configured())
with served(answerer, answerer.gateway) as url:
    print(url, flush=True)
    sys.stdin.read()
answerer.close()
"""
"""A gateway of its own process; ends when its standard input does."""


def started(url: str, blobs: str) -> tuple[subprocess.Popen[str], str]:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SERVE, url, blobs]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


class Traffic:
    """Clients that ask and give feedback without pause, and remember every id that came back."""

    def __init__(self, address: str, threads: int) -> None:
        self.address = address
        self.replies: list[str] = []
        self.feedback: list[str] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(k,)) for k in range(threads)]
        for thread in self.threads:
            thread.start()

    def _ask(self, k: int) -> None:
        client = openai.OpenAI(base_url=f"{self.address}/v1", api_key="none", max_retries=0, timeout=10)
        plain = httpx.Client(base_url=self.address, timeout=10)
        while not self.stop.is_set():
            try:
                got = client.chat.completions.create(
                    model="routing", messages=[{"role": "user", "content": "parcel"}], stream=bool(k % 2), user=f"u{k}"
                )
                id = next(iter(got)).id if k % 2 else got.id
                self.replies.append(id)
                body = {"interaction": id, "kind": "label", "value": "delivery"}
                said = plain.post("/v1/feedback", json=body)
                self.feedback += said.json()["ids"] if said.status_code == 201 else []
            except (openai.APIError, httpx.HTTPError):
                return  # the gateway was killed under this request: nothing was acknowledged

    def end(self) -> None:
        """Let every client finish what it is at."""
        self.stop.set()
        for thread in self.threads:
            thread.join(20)


def wait_for(traffic: Traffic, replies: int) -> None:
    until = time.monotonic() + 30
    while len(traffic.replies) < replies and time.monotonic() < until:
        time.sleep(0.01)


def test_kill_9_under_load_loses_no_acknowledged_reply_and_no_acknowledged_feedback(tmp_path: Path) -> None:
    """Three times in a row on one store: every id that a client has got is in the store afterwards."""
    url, blobs = f"sqlite:///{tmp_path / 'store.db'}", str(tmp_path / "blobs")
    store = Store.open(url, blobs)
    release(store, Stage.FULL, add_version(store, tmp_path, refund="money", delivery="parcel"))
    replies: set[str] = set()
    feedback: set[str] = set()
    for _ in range(3):
        process, gateway = started(url, blobs)
        traffic = Traffic(gateway, threads=6)
        wait_for(traffic, 60)
        process.send_signal(signal.SIGKILL)
        process.wait()
        traffic.end()
        assert len(traffic.replies) >= 60
        replies.update(traffic.replies)
        feedback.update(traffic.feedback)
    stored = {row.id for row in store.interactions.list("routing")}
    said = {row.id for row in store.feedback.of(sorted(stored))}
    store.close()
    assert replies <= stored
    assert feedback
    assert feedback <= said


def test_a_hot_swap_over_http_drops_nothing(tmp_path: Path) -> None:
    """Releases written by another process while six clients ask: no error, and each reply is its version's."""
    url, blobs = f"sqlite:///{tmp_path / 'store.db'}", str(tmp_path / "blobs")
    store = Store.open(url, blobs)
    names = [f"v{k}" for k in range(5)]
    versions: list[Version] = [add_version(store, tmp_path, **{name: "x"}) for name in names]
    release(store, Stage.FULL, versions[0])
    process, gateway = started(url, blobs)
    traffic = Traffic(gateway, threads=6)
    for before, after in pairwise(versions):
        wait_for(traffic, len(traffic.replies) + 20)
        release(store, Stage.CANARY, before, after, share=0.5)
        wait_for(traffic, len(traffic.replies) + 40)
        release(store, Stage.FULL, after)
    wait_for(traffic, len(traffic.replies) + 40)
    traffic.end()
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(20) == 0
    said = dict(zip((v.id for v in versions), names, strict=True))
    rows = store.interactions.list("routing")
    store.close()
    assert sorted(r.id for r in rows) == sorted(traffic.replies)
    assert len(traffic.feedback) == len(traffic.replies)
    assert all(r.reply == said[r.version] for r in rows)
    assert {r.version for r in rows} == set(said)
