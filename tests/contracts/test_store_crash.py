"""Kill −9 while writing: what was acknowledged is there, and what is there is sound."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind

WRITER = """
import os, sys
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

with Store.open(sys.argv[1], sys.argv[2]) as store:
    print("ready", flush=True)
    while True:
        rows = [
            Interaction(id=ids.new("int"), task="t", time=1.0, text="x" * 2000, reply="y", version="")
            for _ in range(5)
        ]
        store.interactions.add(rows)
        said = [Feedback(id=ids.new("fbk"), interaction=rows[0].id, kind=FeedbackKind.LABEL, value="z", time=2.0)]
        store.feedback.add(said)
        blob = store.blobs.put_bytes(os.urandom(5000))
        print(*(one.id for one in [*rows, *said]), blob, flush=True)
"""
ROUNDS = 8


def acknowledged(url: str, blobs: Path, lines: int, after_s: float) -> list[str]:
    """Start a writer, kill it so many seconds after so many lines, and give the ids it had acknowledged."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, url, str(blobs)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    printed = "".join(writer.stdout.readline() for _ in range(lines))
    time.sleep(after_s)
    writer.send_signal(signal.SIGKILL)
    printed += writer.communicate(timeout=30)[0]
    assert writer.returncode == -signal.SIGKILL
    # The last line may have been cut in the pipe; what has its end was acknowledged in full.
    return [id for line in printed.splitlines(keepends=True) if line.endswith("\n") for id in line.split()]


def test_kill_loses_nothing(tmp_path: Path) -> None:
    """Over several kills at random moments every acknowledged row and blob is there and verification finds nothing."""
    url, blobs = f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs"
    chance = random.Random(7)
    printed: list[str] = []
    for _ in range(ROUNDS):
        # Soon after an acknowledgment, when one that came too early would be found out; a write takes milliseconds.
        printed += acknowledged(url, blobs, chance.randint(1, 40), chance.choice([0.0, chance.uniform(0.0, 0.005)]))
    with Store.open(url, blobs) as store:
        there = {one.id for one in store.interactions.list("t")}
        there |= {one.id for one in store.feedback.list("t") if one.kind is FeedbackKind.LABEL}
        there |= set(store.blobs.hashes())
        assert len(printed) > 50
        assert set(printed) - there == set()
        assert store.verify() == []
