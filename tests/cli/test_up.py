"""`homeostat up` ends as a whole, whoever tells it to, and says what it waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.conftest import Run


def started(project: Path, *more: str, ignore: bool = False) -> subprocess.Popen[str]:
    """The command in a process of its own; `ignore` starts it as a shell's `&` does, deaf to Ctrl-C."""
    return subprocess.Popen(
        [sys.executable, "-m", "homeostat", "up", "--config", str(project), "--set", "gateway.port=0", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignore else None,
    )


def said(process: subprocess.Popen[str], begin: str) -> str:
    """Its first line that begins so."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(begin):
            return line
    raise AssertionError(f"no line begins with {begin}")


def parts(project: Path) -> list[int]:
    """Processes that run on the project."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(project).encode() in words:
                found.append(int(folder.name))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_told_to_end_it_leaves_nobody_behind(small: Path, told: signal.Signals) -> None:
    """A supervisor signals the first process alone; gateway and worker end with it, and it ends well."""
    process = started(small, ignore=True)
    try:
        said(process, "starting:")
        said(process, "worker:")
        assert len(parts(small)) == 3
        assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text(), "who only waits holds a model library"
        process.send_signal(told)
        assert process.wait(40) == 0
        assert parts(small) == []
    finally:
        process.kill()


@pytest.mark.slow
def test_a_second_worker_says_what_it_waits_for(small: Path) -> None:
    """Two on one project: the second one names the reason, and begins when the first ends."""
    first = started(small, "--part", "worker")
    try:
        said(first, "ready:")
        second = started(small)
        try:
            assert "another worker has" in said(second, "waiting:")
            first.send_signal(signal.SIGTERM)
            began = time.monotonic()
            said(second, "worker:")
            assert time.monotonic() - began < 60
        finally:
            second.send_signal(signal.SIGTERM)
            second.wait(40)
    finally:
        first.kill()


def test_an_unknown_part(homeostat: Run, small: Path) -> None:
    """A part with a typing error starts nothing."""
    ran = homeostat("up", "--config", small, "--part", "gatway")
    assert ran.code == 2
    assert "gatway" in ran.err


@pytest.mark.parametrize(
    ("line", "wrong"),
    [("train: {attempts: [carefull]}", "did you mean 'careful'"), ("tasks: {routing: {metric: chrf}}", "accuracy")],
)
def test_what_no_turn_could_do_is_said_at_once(homeostat: Run, tmp_path: Path, line: str, wrong: str) -> None:
    """An unknown recipe or metric is found when the project is opened, not by the first turn, weeks later."""
    file = tmp_path / "homeostat.yaml"
    tasks = "" if line.startswith("tasks") else "tasks: {routing: {}}\n"
    file.write_text(f"project: p\n{tasks}{line}\n")
    ran = homeostat("train", "routing", "--stream", tmp_path / "s.jsonl", "--config", file)
    assert ran.code != 0
    assert wrong in ran.err
    looked = homeostat("doctor", "--config", file, "--json")
    assert looked.code == 1
    assert wrong in looked.out
    assert not (tmp_path / ".homeostat" / "homeostat.db").exists()
