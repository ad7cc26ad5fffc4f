"""Drills over HTTP: a gateway and a worker as `homeostat up` starts them, customers, and `homeostat drill`.

Not a bar: `bench/prove_3.py` runs it. The champion is an exact head on the built-in model, taught half of the history
of the built-in traffic; the customers send the other half, over and over, with its tags, and tell the right label of
three requests in five a few seconds later.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, StreamRow, read_stream
from homeostat.config.load import load
from homeostat.loop.found import found
from homeostat.loop.story.processes import Part
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.breaking import KINDS
from homeostat.stats.intervals import proportion
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.types.dataset import Example
from homeostat.types.release import Stage

TASK = "routing"
CUSTOMERS, PER_S, LABELED = 6, 8.0, 0.6
"""Customers at once, requests a second that they send together, and the share that they label."""
WITHIN, QUIET_S = "9min", 3.0
"""When a drill ends at the latest, and how long after its end no reply may be the broken version's."""
PROJECT = """\
project: drills
tasks: {routing: {kind: label}}
gateway: {port: 0}
decide: {min_labels: 1000000}
release: {poll_s: 0.2}
"""


@dataclass(frozen=True, slots=True)
class Got:
    """What a customer got: when, from whom, and whether it was an answer at all."""

    at: float
    version: str
    status: int


@dataclass(slots=True)
class Customers:
    """Threads that send requests and labels until they are told to stop."""

    url: str
    rows: Sequence[StreamRow]
    seed: int
    got: list[Got] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Customers:
        for k in range(CUSTOMERS):
            self._threads.append(threading.Thread(target=self._send, args=(k,), daemon=True))
            self._threads[-1].start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        lots, waiting, sent = random.Random(f"{self.seed}.{number}"), list[tuple[float, dict[str, str]]](), 0
        with httpx.Client(base_url=self.url, timeout=60.0) as client:
            while not self._stop.wait(lots.expovariate(PER_S / CUSTOMERS)):
                row, sent = lots.choice(self.rows), sent + 1
                if (said := self._ask(client, row, f"{number}-{sent // 2}")) and lots.random() < LABELED:
                    label = {"interaction": said, "kind": "label", "value": row.label}
                    waiting.append((time.time() + lots.uniform(0.5, 5.0), label))
                due = [body for at, body in waiting if at <= time.time()]
                waiting = [one for one in waiting if one[0] > time.time()]
                if due:
                    client.post("/v1/feedback", json=due).raise_for_status()

    def _ask(self, client: httpx.Client, row: StreamRow, episode: str) -> str:
        """Ask one request; the id of the answer, or nothing where there was none."""
        message = {"role": "user", "content": row.text}
        body = {"model": TASK, "messages": [message], "metadata": {**row.tags, "episode": episode}}
        try:
            answer = client.post("/v1/chat/completions", json=body)
        except httpx.HTTPError:
            self.got.append(Got(time.time(), "", 0))
            return ""
        told = answer.json() if answer.status_code == 200 else {}
        self.got.append(Got(time.time(), told.get("homeostat", {}).get("version", ""), answer.status_code))
        return str(told["id"]) if told else ""


def lay(folder: Path, base: str = "builtin") -> list[StreamRow]:
    """Make the project and its champion; the rows that customers send."""
    (folder / "homeostat.yaml").write_text(f"{PROJECT}model: {{base: {base}}}\n")
    rows = [row for row in read_stream(traffic_path())[0] if row.split is Split.HISTORY]
    known = rows[::2]
    lessons = [Example(text=row.text, target=row.label, task=TASK, time=row.time) for row in known]
    suite = [Exam(text=row.text, target=row.label, time=row.time) for row in rows[1::20]]
    with closing(Workshop.open(load(folder / "homeostat.yaml"))) as shop:
        found(shop, TASK, lessons, suite, now=time.time(), recipe=named("head", shop.config.train))
    return rows[1::2]


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Gateway and worker; gives the gateway's address."""
    parts = [Part(name, folder / "homeostat.yaml") for name in ("gateway", "worker")]
    try:
        for part in parts:
            part.launch()
        addresses = [part.ready() for part in parts]
        yield addresses[0]
    finally:
        for part in reversed(parts):
            part.stop()


def drill(folder: Path, kind: str) -> dict[str, Any]:
    """What `homeostat drill` says of one drill, and how it ended."""
    command = [sys.executable, "-m", "homeostat", "drill", TASK, "--kind", kind, "--within", WITHIN, "--json"]
    done = subprocess.run(
        [*command, "--config", str(folder / "homeostat.yaml")],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    if not done.stdout.strip():
        return {"kind": kind, "exit": done.returncode, "seen": False, "withdrawn": False, "because": done.stderr[-500:]}
    return json.loads(done.stdout) | {"exit": done.returncode}


def live(each: int, seed: int, *, quick: bool = False) -> dict[str, Any]:
    """The line of the live part."""
    began, told = time.perf_counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = lay(folder)
        kinds = [kind for _ in range(each) for kind in (KINDS[1:2] if quick else KINDS)]
        with running(folder) as url, Customers(url, rows, seed) as customers:
            time.sleep(20.0)  # requests by which slices are planned
            for kind in kinds:
                told.append(drill(folder, kind) | {"ended": time.time()})
                print({k: v for k, v in told[-1].items() if k != "evidence"}, file=sys.stderr, flush=True)
                time.sleep(QUIET_S + 2.0)
        with Store.open(
            f"sqlite:///{folder / '.homeostat' / 'homeostat.db'}", folder / ".homeostat" / "blobs"
        ) as store:
            champions = {row.champion for row in store.releases.list(TASK)}
            open_still = store.releases.current(TASK).stage not in (Stage.FULL, Stage.ROLLBACK)  # type: ignore[union-attr]
            problems = store.verify()
    late = [
        got
        for one in told
        for got in customers.got
        if got.version == one.get("version") and got.at > one["ended"] + QUIET_S
    ]
    dropped, seen = sum(got.status != 200 for got in customers.got), sum(one["seen"] for one in told)
    share = proportion(seen, len(told))
    return {
        "bar": "prove.3 live",
        "value": share.mean,
        "interval": [round(share.low, 3), round(share.high, 3)],
        "n": len(told),
        "goal": 1.0,
        "met": bool(seen == len(told) and not dropped and not late and len(champions) == 1 and not open_still),
        "requests": len(customers.got),
        "dropped": dropped,
        "late": len(late),
        "champions": len(champions),
        "problems": len(problems),
        "drills": [[one["kind"], one.get("seconds"), one.get("exposed_requests"), one["because"]] for one in told],
        "seconds": round(time.perf_counter() - began, 1),
    }
