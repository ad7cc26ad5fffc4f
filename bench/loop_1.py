"""Bar loop.1: from a clean clone, on two cores and without a GPU, how long the story takes, and the tests.

    python bench/loop_1.py [--python python3.12] [--keep FILE] [--quick [--limit 1500]]

Clones what is committed into a new folder and runs `make setup`, `make demo` and `make test` there, each timed apart;
the package cache should be warm. `value` is the seconds of the story by its own clock. The bar: setup and demo together
at most 15 minutes, the story at most 8 of them, the tests at most 8. `--quick` runs the story alone, with this Python
on this checkout, and replays `--limit` requests. `--keep` leaves the story's document, which `loop_3.py --from` judges.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORY_S, DEMO_S, TEST_S = 480.0, 900.0, 480.0
CORES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command that was run."""

    code: int
    seconds: float
    printed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What was measured; None for what was not."""

    story_s: float | None
    setup_s: float | None = None
    demo_s: float | None = None
    test_s: float | None = None
    failed: str = ""
    """The command that failed."""

    @property
    def met(self) -> bool:
        """Whether nothing failed and everything that was measured is within its limit."""
        whole = (self.setup_s or 0.0) + (self.demo_s or 0.0)
        story = self.story_s is not None and self.story_s <= STORY_S
        return not self.failed and story and whole <= DEMO_S and (self.test_s or 0.0) <= TEST_S


def step(command: list[str], folder: Path) -> Step:
    """Run a command on two cores and without a GPU; its messages go to standard error as they come."""
    print(f"$ {' '.join(command)}", file=sys.stderr, flush=True)
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "MAKEFLAGS", "MAKELEVEL"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["CUDA_VISIBLE_DEVICES"] = ""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False, env=environment, preexec_fn=two_cores
    )
    return Step(code=done.returncode, seconds=round(time.perf_counter() - began, 1), printed=done.stdout)


def two_cores() -> None:
    """Keep this process and its children to two cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def story_s(printed: str) -> float | None:
    """Seconds of the story by the document it printed, among whatever `make` printed beside it."""
    try:
        return float(json.loads(document(printed))["wall_s"])
    except (ValueError, KeyError):
        return None


def document(printed: str) -> str:
    """The document that a story printed; empty if it printed none."""
    at = printed.find("{\n")
    return printed[at:] if at >= 0 else ""


def from_a_clone(python: str, keep: Path | None = None) -> Timed:
    """Clone, set up, tell the story, test; ends with what fails. The story's document goes to `keep`."""
    with tempfile.TemporaryDirectory() as folder:
        clone, make = Path(folder) / "homeostat", ["make", "-s", f"PYTHON={python}"]
        commands = {
            "clone": ["git", "clone", "--quiet", str(ROOT), str(clone)],
            "setup": [*make, "setup"],
            "demo": [*make, "demo", "ARGS=--json"],
            "test": [*make, "test"],
        }
        done: dict[str, Step] = {}
        for name, command in commands.items():
            done[name] = step(command, ROOT if name == "clone" else clone)
            if done[name].code:
                print(done[name].printed[-4000:], file=sys.stderr)
                break
            if name == "demo" and keep:
                keep.write_text(document(done[name].printed), encoding="utf-8")
    seconds = {name: one.seconds for name, one in done.items()}
    failed = [name for name, one in done.items() if one.code]
    return Timed(
        story_s=story_s(done["demo"].printed) if "demo" in done else None,
        setup_s=seconds.get("setup"),
        demo_s=seconds.get("demo"),
        test_s=seconds.get("test"),
        failed=" ".join(failed),
    )


def here(limit: int) -> Timed:
    """The story alone, with this Python."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "homeostat", "demo", "--json", "--limit", str(limit)]
        done = step([*command, "--folder", f"{folder}/demo"], ROOT)
    return Timed(story_s=story_s(done.printed), demo_s=done.seconds, failed="demo" if done.code else "")


def line(found: Timed, seconds: float, *, limit: int) -> dict[str, object]:
    """The bar's line; `limit` is that of a quick run, else 0."""
    return {
        "bar": "loop.1",
        "value": found.story_s,
        "interval": None,
        "n": 1,
        "goal": STORY_S,
        "met": found.met,
        "seconds": round(seconds, 1),
        "quick": bool(limit),
        "setup_s": found.setup_s,
        "demo_s": found.demo_s,
        "test_s": found.test_s,
        "limits": {"setup and demo": DEMO_S, "story": STORY_S, "test": TEST_S},
        "failed": found.failed,
        "cores": min(CORES, os.cpu_count() or 1),
        "requests": limit or "all",
    }


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=f"{sys.base_prefix}/bin/python3", help="makes the clone's environment")
    parser.add_argument("--keep", type=Path, help="where the story's document is left")
    parser.add_argument("--quick", action="store_true", help="the story alone, in this checkout")
    parser.add_argument("--limit", type=int, default=1500, help="requests that a quick run replays")
    args = parser.parse_args()
    began = time.perf_counter()
    found = here(args.limit) if args.quick else from_a_clone(args.python, args.keep)
    print(json.dumps(line(found, time.perf_counter() - began, limit=args.limit if args.quick else 0)))


if __name__ == "__main__":
    main()
