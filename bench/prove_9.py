"""Bar prove.9: who answers changes every second while requests come in, and nobody notices.

    python bench/prove_9.py [--quick] [--requests 10000] [--rate 30] [--base tiny] [--seed 9]

A gateway in a process of its own serves exact heads on a real model of 300,000 weights with the built-in model's
tokens (`--base builtin` for that itself, at a rate that the machine can bear). Requests come at random moments,
`--rate` a second, whether or not earlier ones were answered, in blocks: steady blocks of half of `--block`, in which
the champion answers everything, and blocks in which every second the next of three things is done by the product's
own functions: a new version goes into the canary for half of the episodes (`open_canary`), it becomes champion
(`promote`), and it is rolled back (`rollback`). Each version is new to the gateway, which reads its weights from
disk; copies for the canary are answered beside the requests. Steady and swapping blocks take turns, so that a machine
that slows down slows both.

`dropped` are requests without an answer of status 200; `astray` answers by a version that no release row gives the
episode to among those that were the newest at some time from a second before the request was sent until its answer
came; `late_s` how long after a row the last request was sent that an older row still routed (median and largest).
`value` is the 99th percentile of the time to an answer in swapping blocks over that in steady ones, `interval` its 95 %
bootstrap interval over pairs of blocks; the bar: 0 dropped, 0 astray, at most 1.5.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from drilled import TASK, lay
from small_project import tiny_base

from homeostat.collect.stream import StreamRow
from homeostat.config.schema import Release as Settings
from homeostat.loop.story.processes import Part
from homeostat.release.registry import promote, rollback
from homeostat.release.rollout import open_canary
from homeostat.release.route import route
from homeostat.store import Store
from homeostat.types.release import Release
from homeostat.types.version import State

GOAL, SLACK_S, EVERY_S, SHARE = 1.5, 1.0, 1.0, 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: when it was sent and answered, by whom, and in which block."""

    block: int
    episode: str
    sent: float
    took_s: float
    version: str
    status: int

    @property
    def swapping(self) -> bool:
        """Whether who answers was changed meanwhile."""
        return self.block % 2 == 1


async def ask(client: httpx.AsyncClient, row: StreamRow, block: int, episode: str) -> Answer:
    """Send one request."""
    metadata = {**row.tags, "episode": episode}
    body = {"model": TASK, "messages": [{"role": "user", "content": row.text}], "metadata": metadata}
    sent, began = time.time(), time.perf_counter()
    try:
        got = await client.post("/v1/chat/completions", json=body)
    except httpx.HTTPError as problem:
        print(f"dropped: {problem!r}", file=sys.stderr)
        return Answer(block, episode, sent, time.perf_counter() - began, "", 0)
    version = got.json()["homeostat"]["version"] if got.status_code == 200 else ""
    return Answer(block, episode, sent, time.perf_counter() - began, version, got.status_code)


async def block(
    url: str, rows: Sequence[StreamRow], number: int, rate: float, rng: np.random.Generator
) -> list[Answer]:
    """One request for each row, at random moments."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=url, timeout=60.0, limits=limits) as client:
        moments, began = np.cumsum(rng.exponential(1 / rate, len(rows))), time.perf_counter()
        asked = []
        for k, (row, at) in enumerate(zip(rows, moments, strict=True)):
            await asyncio.sleep(max(0.0, began + at - time.perf_counter()))
            asked.append(asyncio.create_task(ask(client, row, number, f"{number}-{k}")))
        return list(await asyncio.gather(*asked))


def swap(store: Store, stop: threading.Event) -> None:
    """Canary, champion, rollback, a second each and a new version each time round, until told to stop."""
    home = store.releases.current(TASK)
    assert home is not None
    settings, known, number = Settings(canary_share=(SHARE,)), store.versions.get(home.champion), 0
    while not stop.is_set():
        number += 1
        new = replace(known, id=f"ver_{int(time.time())}_{number}", state=State.CANDIDATE, parent=known.id)
        store.versions.put(new)
        steps = (
            lambda: open_canary(store, TASK, new.id, settings, "canary", now=time.time()),  # noqa: B023
            lambda: promote(store, TASK, new.id, "champion", now=time.time()),  # noqa: B023
            lambda: rollback(store, TASK, "rolled back", now=time.time()),
        )
        for step in steps:
            began = time.perf_counter()
            step()
            time.sleep(max(0.0, EVERY_S - (time.perf_counter() - began)))


def measure(part: Part, store: Store, rows: Sequence[StreamRow], args: argparse.Namespace) -> list[Answer]:
    """Steady and swapping blocks in turn.

    Raises:
        RuntimeError: the gateway has ended.
    """
    url = part.start()
    rng, found = np.random.default_rng(args.seed), list[Answer]()
    asyncio.run(block(url, [rows[0]] * 50, -1, args.rate, rng))  # the first calls of everything are slow
    for number in range(2 * -(-args.requests // args.block)):
        some = [rows[k] for k in rng.integers(0, len(rows), args.block // (2 - number % 2))]
        if number % 2 == 0:
            found += asyncio.run(block(url, some, number, args.rate, rng))
            continue
        stop = threading.Event()
        swapper = threading.Thread(target=swap, args=(store, stop))
        swapper.start()
        try:
            found += asyncio.run(block(url, some, number, args.rate, rng))
        finally:
            stop.set()
            swapper.join()
        time.sleep(SLACK_S)
        if part.process.poll() is not None:
            raise part.failure(f"ended with {part.process.returncode}")
        p99 = [1e3 * float(np.percentile([a.took_s for a in found if a.swapping == way], 99)) for way in (False, True)]
        print(f"{len(found)} requests, p99 {p99[0]:.0f} ms steady, {p99[1]:.0f} ms swapping", file=sys.stderr)
    return found


def astray(answers: Sequence[Answer], releases: Sequence[Release]) -> tuple[int, list[float]]:
    """Answers that no row allowed, and for each row how long after it the last request was sent that an older one still
    routed.
    """
    begun = np.array([row.time for row in releases])
    wrong, late = 0, dict[int, float]()
    for got in answers:
        first = max(0, int(np.searchsorted(begun, got.sent - SLACK_S, "right")) - 1)
        last = int(np.searchsorted(begun, got.sent + got.took_s, "right"))
        at_sending = max(0, int(np.searchsorted(begun, got.sent, "right")) - 1)
        allowed = [k for k in range(first, last) if route(releases[k], got.episode)[0] == got.version]
        wrong += not allowed and got.status == 200
        if allowed and allowed[-1] < at_sending:
            late[at_sending] = max(late.get(at_sending, 0.0), got.sent - begun[at_sending])
    return wrong, list(late.values())


def ratio(answers: Sequence[Answer], seed: int) -> tuple[float, float, float, list[float]]:
    """p99 swapping over p99 steady, its bootstrap interval over pairs of blocks, and both in milliseconds."""
    pairs = max(got.block for got in answers) // 2 + 1
    took = [[np.array([g.took_s for g in answers if g.block == 2 * k + way]) for way in (0, 1)] for k in range(pairs)]

    def p99(chosen: Sequence[int]) -> list[float]:
        return [1e3 * float(np.percentile(np.concatenate([took[k][way] for k in chosen]), 99)) for way in (0, 1)]

    rng, whole = np.random.default_rng(seed), p99(range(pairs))
    drawn = [p99(rng.integers(0, pairs, pairs)) for _ in range(1000)]
    low, high = np.percentile([swapping / steady for steady, swapping in drawn], [2.5, 97.5])
    return whole[1] / whole[0], float(low), float(high), whole


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The bar's line."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = lay(folder, "builtin" if args.base == "builtin" else str(tiny_base(folder / "base")))
        part = Part("gateway", folder / "homeostat.yaml")
        data = folder / ".homeostat"
        with Store.open(f"sqlite:///{data / 'homeostat.db'}", data / "blobs") as store:
            try:
                answers = measure(part, store, rows, args)
            finally:
                part.stop()
            releases = store.releases.list(TASK)
    swapping = [got for got in answers if got.swapping]
    dropped = sum(got.status != 200 for got in answers)
    wrong, late = astray(answers, releases)
    value, low, high, p99_ms = ratio(answers, args.seed)
    return {
        "bar": "prove.9",
        "value": round(value, 3),
        "interval": [round(low, 3), round(high, 3)],
        "n": len(swapping),
        "goal": GOAL,
        "met": bool(value <= GOAL and not dropped and not wrong and len(swapping) >= args.requests),
        "dropped": dropped,
        "astray": wrong,
        "changes": len(releases) - 1,
        "answered_by": len({got.version for got in swapping}),
        "late_s": [round(float(np.median(late)), 2), round(max(late), 2)] if late else [0.0, 0.0],
        "p50_ms": [
            round(1e3 * float(np.median([g.took_s for g in answers if g.swapping == way])), 1) for way in (0, 1)
        ],
        "p99_ms": [round(x, 1) for x in p99_ms],
        "rate": args.rate,
        "base": args.base,
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="600 requests of each kind")
    parser.add_argument("--requests", type=int, default=10_000, help="requests while who answers changes")
    parser.add_argument("--block", type=int, default=500, help="requests of a block")
    parser.add_argument("--rate", type=float, default=30.0, help="requests a second")
    parser.add_argument("--base", choices=("tiny", "builtin"), default="tiny")
    parser.add_argument("--seed", type=int, default=9)
    args = parser.parse_args()
    if args.quick:
        args.requests, args.block = 600, 200
    print(json.dumps(run(args) | {"quick": args.quick}))


if __name__ == "__main__":
    main()
