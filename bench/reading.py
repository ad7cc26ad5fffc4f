"""How long the pages take to answer when the log is long: every page and its twin, asked over HTTP in this process.

    python bench/reading.py [--quick] [--rows 100000] [--looks 5] [--keep FOLDER]

A store on SQLite holds 100,000 requests to the built-in support desk (10,000 with `--quick`), a year of them, with
tags, latencies and embeddings of 256 numbers (hashed words, which stand for a model's states); one in ten has a label,
one in fifty a judge's rating. After 60 % of them other messages come in; a signal says so, what moved is named by the
worker's own code, and 200 alerts are on record. `value` is the median time of the slowest page; `pages` has the median
of each, as wall time and as processor time, which others on the machine do not stretch. Nothing is kept between two
looks. Goal: 1 second. Not a bar; `--keep` leaves the store in a folder, and takes it from there again.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.testclient import TestClient

from homeostat.builtin.resources import traffic_path
from homeostat.config.schema import Alerts, Channel, Config, Tasks
from homeostat.loop.noticing.naming import name_moves
from homeostat.monitor.features.text import wording
from homeostat.store import Store
from homeostat.types.alert import Alert, Remedy, Severity
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import State, Version
from homeostat.web.routes import routes

GOAL_S = 1.0
START, YEAR = 1_735_689_600.0, 31_536_000.0
TASK, VERSION, SIGNAL = "desk", "ver_reading00000000000", "sig_reading00000000000"
CHANGE = 0.6
"""Share of the rows before the change."""
PAGES = ("/ui", "/ui/traffic", "/ui/traffic?tag=segment%3Dhome", "/ui/drift", "/ui/quality", "/ui/alerts", "/ui/turns")
CONFIG = Config(
    project="brightwick",
    tasks={TASK: Tasks(labels=("a",), objective_at_least=0.85)},
    alerts=Alerts(channels={"ops": Channel(kind="slack", url="https://chat.example.com/hook")}),
)


def messages() -> tuple[list[dict[str, Any]], np.ndarray]:
    """The built-in traffic with an embedding each, float16[rows, 256]."""
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return rows, np.nan_to_num(wording((row["text"] for row in rows), 256)).astype(np.float16)


def fill(store: Store, n: int, seed: int = 0) -> None:
    """A version that answers, n requests, what people and a judge said of them, a signal and alerts."""
    rng = np.random.default_rng(seed)
    rows, states = messages()
    early = np.array([k for k, row in enumerate(rows) if row["truth"]["phase"] == 0])
    labels = tuple(sorted({row["label"] for row in rows}))
    store.versions.put(
        Version(id=VERSION, task=TASK, time=START - 1.0, base="builtin", state=State.LIVE, labels=labels)
    )
    store.aliases.set(TASK, "champion", VERSION)
    store.releases.put(Release(id="rel_reading", task=TASK, time=START, stage=Stage.FULL, champion=VERSION))
    times = START + np.sort(rng.uniform(0, YEAR, n))
    for start in range(0, n, 5_000):
        asked, said = [], []
        for k in range(start, min(n, start + 5_000)):
            late = k >= CHANGE * n
            place = int(rng.integers(len(rows)) if late else rng.choice(early))
            asked.append(request(k, float(times[k]), rows[place], states[place], rng))
            said += statements(k, float(times[k]), rows[place]["label"], asked[-1].reply, rng)
        store.interactions.add(asked)
        store.feedback.add(said)
    tell(store, n, times)


def request(k: int, when: float, row: dict[str, Any], state: np.ndarray, rng: np.random.Generator) -> Interaction:
    """The kth request: of what was never taught four in ten are wrong, and less sure."""
    known = row["truth"]["phase"] == 0
    right = rng.random() < (0.93 if known else 0.6)
    noisy = (state + 0.01 * rng.normal(size=256)).astype(np.float16)
    return Interaction(
        id=f"int_{k:020d}",
        task=TASK,
        time=when,
        text=row["text"],
        reply=row["label"] if right else "other",
        version=VERSION,
        confidence=float(np.clip(rng.beta(12, 1) if known else rng.beta(4, 2), 0.01, 1.0)),
        latency_ms=float(rng.lognormal(2.5, 0.5)),
        prompt_tokens=len(row["text"]) // 4,
        reply_tokens=2,
        tags=row["tags"],
        embedding=noisy.tobytes(),
    )


def statements(k: int, when: float, label: str, reply: str, rng: np.random.Generator) -> list[Feedback]:
    """A label of one in ten, a judge's rating of one in fifty."""
    found, about = [], f"int_{k:020d}"
    if rng.random() < 0.1:
        found.append(Feedback(id=f"fbk_l{k}", interaction=about, kind=FeedbackKind.LABEL, value=label, time=when + 60))
    if rng.random() < 0.02:
        value = float(np.clip((0.8 if reply == label else 0.3) + 0.1 * rng.normal(), 0, 1))
        kind = FeedbackKind.RATING
        found.append(
            Feedback(id=f"fbk_j{k}", interaction=about, kind=kind, value=f"{value:.3f}", time=when + 90, source="judge")
        )
    return found


def tell(store: Store, n: int, times: np.ndarray) -> None:
    """The signal with what moved, the course of the statistic, and alerts."""
    at = int(CHANGE * n)
    change, noticed = float(times[at]), float(times[min(n - 1, at + 120)])
    steps = np.linspace(0, n - 1, 500).astype(int)
    height = [min(6.2, 0.5 + 0.6 * np.sin(k / 900) + (max(0, k - at) / n * 60)) for k in steps]
    store.state.put(f"trace:{VERSION}", [[float(times[k]), h, 0.7 * h] for k, h in zip(steps, height, strict=True)])
    examples = tuple(f"int_{k:020d}" for k in range(at + 5, min(n, at + 10)))
    store.signals.put(
        Signal(
            id=SIGNAL, task=TASK, time=noticed, moved=Moved.NOVELTY, detector="shiryaev_roberts", statistic=612_000.0,
            threshold=500_000.0, n=at + 120, since=change, examples=examples,
        )
    )  # fmt: skip
    name_moves(store, TASK, VERSION)
    for k in range(200):
        moment = START + YEAR * k / 200
        over = {} if k > 196 else {"resolved": moment + 4_000.0, "because": "another version answers everybody"}
        severity = Severity.CRITICAL if k % 9 == 0 else Severity.WARNING
        one = Alert(
            id=f"alr_{k:020d}", task=TASK, time=moment, last=moment, kind="novelty", severity=severity, key=str(k),
            says=f"{TASK}: requests are unlike those before ({k})", about=SIGNAL if k == 199 else "",
            remedy=Remedy.LABEL, told=1, told_at=moment, **over,
        )  # fmt: skip
        store.alerts.tell([one], lambda before, cause: (cause, ()))


def looked_at(client: TestClient, path: str, looks: int) -> dict[str, float]:
    """Median seconds of a page, on the wall and of the processor, and how long it is."""
    wall, worked, size = [], [], 0
    for _ in range(looks):
        begun, used = time.perf_counter(), time.process_time()
        answer = client.get(path)
        wall.append(time.perf_counter() - begun)
        worked.append(time.process_time() - used)
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        size = len(answer.content)
    return {"wall_s": round(median(wall), 3), "cpu_s": round(median(worked), 3), "kb": round(size / 1000)}


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--looks", type=int, default=5)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    rows, begun = asked.rows or (10_000 if asked.quick else 100_000), time.perf_counter()
    with tempfile.TemporaryDirectory() as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        with Store.open(f"sqlite:///{folder / 'store.db'}", folder / "blobs") as store:
            if not store.interactions.count(TASK):
                fill(store, rows)
            client = TestClient(Starlette(routes=routes(store, CONFIG)))
            twins = tuple(path.replace("/ui", "/ui.json", 1) if path == "/ui" else _twin(path) for path in PAGES)
            found = {path: looked_at(client, path, asked.looks) for path in (*PAGES, *twins)}
    walls = [one["wall_s"] for one in found.values()]
    line = {"bar": "reading", "value": max(walls), "interval": [min(walls), max(walls)], "n": rows, "goal": GOAL_S}
    line |= {"met": max(walls) <= GOAL_S, "seconds": round(time.perf_counter() - begun, 1), "pages": found}
    print(json.dumps(line))


def _twin(path: str) -> str:
    address, mark, query = path.partition("?")
    return f"{address}.json{mark}{query}"


if __name__ == "__main__":
    main()
