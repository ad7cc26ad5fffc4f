"""Bar watch.8: alerts arrive exactly once although their receiver fails twice; Prometheus sees one fire and resolve.

    python bench/watch_8.py [--times 200] [--quick]

So many alerts are handed to the outbox of a real store and sent to a real HTTP receiver on this machine, which answers
the first try of each with a 500, tears the connection of the second, and takes the third. An alert counts if it was
taken once, under one key, with one body, and every try's signature holds. `value` is the share that counts, `interval`
its exact 95 % interval. The rules, the dashboard and a real Prometheus that scrapes a real gateway are tests
(`tests/gateway/test_observing.py`), run here, and skipped where Debian's package `prometheus` is not installed. The
bar: every alert counts, and every one of those tests passes. `--quick` is a tenth of the alerts.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from loop_8 import counted

from homeostat.alert.channels.webhook import Webhook
from homeostat.alert.courier import Courier
from homeostat.alert.message import deliveries
from homeostat.alert.signature import verify
from homeostat.config.schema import Channel
from homeostat.stats.intervals import proportion
from homeostat.store import Store
from homeostat.types.alert import Alert, Severity
from homeostat.types.delivery import Post
from receiver import RESET, Met, receiving

ROOT = Path(__file__).resolve().parents[1]
SECRET = b"of this bench"
PATIENCE_S = 120.0
SEEN_BY_PROMETHEUS = "tests/gateway/test_observing.py"


def sent(folder: Path, times: int) -> tuple[list[str], list[Met]]:
    """The keys of so many alerts, and every request that the receiver has met."""
    channels = {"ops": Channel()}
    with (
        Store.open(f"sqlite:///{folder / 'store.db'}", folder / "blobs") as store,
        receiving(500, RESET, each=True) as at,
    ):
        for k in range(times):
            says, key = f"number {k}", str(k)
            alert = Alert(id=f"alr_{k}", task="t", time=1.0, kind="mix", severity=Severity.CRITICAL, says=says, key=key)
            told = deliveries(alert, "1", channels, project="bench", now=1.0)
            store.alerts.tell([alert], lambda before, cause, told=told: (cause, told))  # type: ignore[misc]
        way = Webhook(url=at.address, timeout_s=10.0, secret=SECRET)
        courier = Courier(store, {"ops": way}, tries=12, timeout_s=10.0, first_s=0.05, poll_s=0.01)
        courier.start()
        until = time.monotonic() + PATIENCE_S
        while store.deliveries.counts() != {("ops", Post.SENT): times} and time.monotonic() < until:
            time.sleep(0.05)
        courier.stop(10.0)
        return [one.id for one in store.deliveries.list()], at.met


def exactly_once(key: str, met: Sequence[Met]) -> bool:
    """Whether an alert failed twice, was then taken once, and was the same and rightly signed throughout."""
    mine = [one for one in met if one.key == key]
    answers = [one.answered for one in mine]
    signed = all(verify(SECRET, one.body, one.headers["homeostat-signature"], one.time) for one in mine)
    return answers == [500, RESET, 200] and signed and len({one.body for one in mine}) == 1


def line(good: int, times: int, tests: dict[str, int]) -> dict[str, object]:
    """The bar's line, but for `seconds`."""
    score = proportion(good, times)
    green = tests.get("passed", 0) > 0 and set(tests) == {"passed"}
    return {
        "bar": "watch.8",
        "value": score.mean,
        "interval": [round(score.low, 4), round(score.high, 4)],
        "n": times,
        "goal": 1.0,
        "met": good == times and green,
        "prometheus": tests,
    }


def observed() -> dict[str, int]:
    """How many of the tests with promtool and Prometheus passed, failed, were skipped."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", SEEN_BY_PROMETHEUS]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        print(done.stdout[-6000:], file=sys.stderr)
    return counted(done.stdout)


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200, help="alerts that are sent")
    parser.add_argument("--quick", action="store_true", help="a tenth of the alerts")
    args = parser.parse_args()
    times, began = max(1, args.times // 10 if args.quick else args.times), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        keys, met = sent(Path(folder), times)
    good = sum(exactly_once(key, met) for key in keys)
    print(json.dumps(line(good, times, observed()) | {"seconds": round(time.perf_counter() - began, 1)}))


if __name__ == "__main__":
    main()
