"""Bar loop.5: what the gateway adds to calling the model directly, idle and while a model is trained beside it.

    python bench/loop_5.py [--requests 400] [--quick] [--base builtin] [--seed 0]

The same label requests go to the model in this process and, over HTTP with a connection kept open, to a gateway in a
process of its own with a durable store: one after the other, and from eight callers at once. Direct calls and calls
through the gateway take turns in small rounds, so that a machine that slows down slows both. Then all of it again
while a process of nice 10 trains a copy of the same model. The overhead is a percentile of one latency minus the same
percentile of the other, in milliseconds, with a 95 % bootstrap interval; a negative one means that the gateway's
batches save more than its work costs. `value` is the median's for one caller on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import torch

from homeostat.config.schema import Config, Gateway, Model, Tasks
from homeostat.gateway.run import serve
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.version import Version

GOAL_MS = 10.0
CALLERS, ROUNDS, RESAMPLES = 8, 8, 1000
LABELS = (
    *("refund", "delivery", "invoice", "login", "address", "cancel", "pause", "swap", "leak", "noise", "wifi", "light"),
    *("mold", "pairing", "refill", "gift", "praise", "complaint", "discount", "missing", "damaged", "return", "card"),
)
OPENINGS = ("hi,", "hello there, I hope you can help me:", "", "URGENT!!", "good morning,", "pls", "so this is odd,")
MATTERS = (
    "where is my parcel",
    "the pump has been making a grinding noise since yesterday evening and it will not stop",
    "I want my money back",
    "cannot log in any more",
    "please send the invoice for order 4411 again, our accounting lost it and needs it by friday",
    "the leaves are turning yellow",
)
ENDINGS = ("", "thanks", "please answer soon, I have written twice already", "cheers, jo", "!!!")

Call = Callable[[str], None]


def texts(n: int, seed: int) -> list[str]:
    """`n` messages of a few to some forty words."""
    rng = np.random.default_rng(seed)
    return [f"{rng.choice(OPENINGS)} {rng.choice(MATTERS)} {rng.choice(ENDINGS)} {k}".strip() for k in range(n)]


def configuration(folder: str, base: str) -> Config:
    """A project with one task, in `folder`, on any free port."""
    return Config(
        folder=folder,
        model=Model(base=base),
        tasks={"bench": Tasks(instruction="What is this about?", labels=LABELS)},
        gateway=Gateway(port=0),
    )


def prepare(config: Config) -> Version:
    """Release the bare base model, with the labels, as champion."""
    version = Version(id="ver_bench", task="bench", time=0.0, base=config.model.base, kind="base", labels=LABELS)
    store = Store.open(config.database, config.blobs)
    store.versions.put(version)
    store.releases.put(Release(id="rel_bench", task="bench", time=0.0, stage=Stage.FULL, champion=version.id))
    store.close()
    return version


def timed(call: Call, messages: list[str]) -> list[float]:
    """Milliseconds of each call, one after the other."""
    took = []
    for text in messages:
        started = time.perf_counter()
        call(text)
        took.append(1e3 * (time.perf_counter() - started))
    return took


def timed_at_once(call: Call, messages: list[str]) -> list[float]:
    """Milliseconds of each call, from eight threads."""
    took: list[float] = []
    threads = [
        threading.Thread(target=lambda part=messages[k::CALLERS]: took.extend(timed(call, part)))
        for k in range(CALLERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


@contextmanager
def part(name: str, config: Config, nice: int = 0) -> Iterator[str]:
    """Another process of this script, until the block ends; gives the first line it prints."""
    command = [sys.executable, __file__, "--part", name, "--folder", config.folder, "--base", config.model.base]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=lambda: os.nice(nice) and None
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def train(base: str) -> None:
    """Train a copy of the model on noise until killed; the load of a fine-tuning, not its result."""
    torch.set_num_threads(1)
    model = open_model(base).model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    ids = torch.randint(10, model.config.vocab_size, (32, 48))
    while True:
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        print("trained a step", flush=True)


def measure(direct: Call, gateway: Call, messages: list[str]) -> dict[str, dict[str, list[float]]]:
    """Latencies by number of callers and way, taken in turns."""
    found: dict[str, dict[str, list[float]]] = {}
    for callers, run in (("one", timed), ("eight", timed_at_once)):
        found[callers] = {"direct": [], "gateway": []}
        for k in range(ROUNDS):
            for way, call in (("direct", direct), ("gateway", gateway)):
                found[callers][way] += run(call, messages[k::ROUNDS])
    return found


def overhead(took: dict[str, list[float]], percentile: int, seed: int) -> dict[str, float]:
    """A percentile of both ways, their difference, and its interval, in milliseconds."""
    rng = np.random.default_rng(seed)
    direct, gateway = (np.asarray(took[way]) for way in ("direct", "gateway"))
    drawn = [
        np.percentile(rng.choice(gateway, gateway.size), percentile)
        - np.percentile(rng.choice(direct, direct.size), percentile)
        for _ in range(RESAMPLES)
    ]
    of_gateway, of_direct = np.percentile(gateway, percentile), np.percentile(direct, percentile)
    low, high = np.percentile(drawn, [2.5, 97.5])
    numbers = {"direct": of_direct, "gateway": of_gateway, "overhead": of_gateway - of_direct, "low": low, "high": high}
    return {name: round(float(value), 2) for name, value in numbers.items()}


def report(took: dict[str, dict[str, list[float]]], seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Overheads by number of callers and percentile."""
    return {n: {f"p{p}_ms": overhead(took[n], p, seed) for p in (50, 99)} for n in took}


def run(config: Config, requests: int, seed: int) -> dict[str, object]:
    """Measure idle, then during training."""
    version = prepare(config)
    backend = LocalBackend(config.model.base)
    backend.load(version, None)
    task, messages = config.task("bench"), texts(requests, seed)

    def direct(text: str) -> None:
        backend.reply([Request(task=task, text=text, version=version.id)])

    with part("gateway", config) as url, httpx.Client(base_url=url, timeout=120) as client:

        def gateway(text: str) -> None:
            body = {"model": "bench", "messages": [{"role": "user", "content": text}]}
            client.post("/v1/chat/completions", json=body).raise_for_status()

        measure(direct, gateway, messages[: 2 * ROUNDS])  # the first calls of everything are slow
        idle = report(measure(direct, gateway, messages), seed)
        with part("train", config, nice=10):
            training = report(measure(direct, gateway, messages), seed)
    return {"idle": idle, "training": training}


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=800)
    parser.add_argument("--quick", action="store_true", help="200 requests of each kind")
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=("gateway", "train"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part == "gateway":
        serve(configuration(args.folder, args.base), lambda url: print(url, flush=True))
    elif args.part == "train":
        train(args.base)
    else:
        began, n = time.perf_counter(), 200 if args.quick else args.requests
        with tempfile.TemporaryDirectory() as folder:
            found = run(configuration(folder, args.base), n, args.seed)
        median = found["idle"]["one"]["p50_ms"]  # type: ignore[index]
        line = {
            "bar": "loop.5",
            "value": median["overhead"],
            "interval": [median["low"], median["high"]],
            "n": n,
            "goal": GOAL_MS,
            "met": bool(median["overhead"] <= GOAL_MS),
            "seconds": round(time.perf_counter() - began, 1),
            "quick": args.quick,
            **found,
        }
        print(json.dumps(line))


if __name__ == "__main__":
    main()
