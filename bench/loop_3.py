"""Bar loop.3: what every run of the story ends with: nothing dropped or lost, a refusal, a rollback, a promotion.

    python bench/loop_3.py [--seeds 3] [--stream FILE ...] [--keep FOLDER] [--quick]
    python bench/loop_3.py --from DOCUMENT.json [DOCUMENT.json ...]

Each run is `homeostat demo --json` on the built-in traffic, or on each `--stream`, with a seed of its own; `--from`
judges documents that were written before. `value` is the share of runs in which a turn's candidate came to answer
everybody; a run without one has to say why in its last turn. A refusal is a candidate with the verdict `fail`, a
rollback is that of the drill. `--quick` runs one seed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from homeostat.stats.intervals import proportion

GOAL = 0.9
NONE = -1
"""A count that a run which broke off could not give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What counts of one run."""

    stream: str
    dropped: int
    lost: int
    refused: int
    """Candidates with the verdict `fail`."""
    rollback_s: float | None
    promoted: bool
    because: str
    """The reason for which its last turn ended, or for which it broke off."""
    wall_s: float | None = None

    @property
    def sound(self) -> bool:
        """Whether it has all that every run must have; a promotion is not among it, a reason for none is."""
        whole = self.dropped == 0 and self.lost == 0
        return whole and self.refused > 0 and self.rollback_s is not None and (self.promoted or bool(self.because))


def judged(document: dict[str, Any]) -> Run:
    """What counts of the document of a run."""
    turns = document["turns"]
    tried = [candidate for turn in turns for candidate in turn["candidates"]]
    return Run(
        stream=document["stream"],
        dropped=document["dropped_requests"],
        lost=document["lost_records"],
        refused=sum(candidate["verdict"] == "fail" for candidate in tried),
        rollback_s=document["rollback"]["seconds"],
        promoted=any(promoted(turn) for turn in turns),
        because=turns[-1].get("because", "") if turns else "",
        wall_s=document["wall_s"],
    )


def promoted(turn: dict[str, Any]) -> bool:
    """Whether a candidate of the turn came to answer everybody."""
    release = turn["release"] or {}
    return release.get("stage") == "full" and release["champion"] in {one["version"] for one in turn["candidates"]}


def told(stream: str, seed: int, folder: Path) -> Run:
    """Run the story and judge its document, which is left in `folder`; a run that breaks off is judged too."""
    command = [
        sys.executable,
        "-m",
        "homeostat",
        "demo",
        "--json",
        "--seed",
        str(seed),
        "--folder",
        str(folder / "demo"),
    ]
    command += ["--stream", stream] if stream else []
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        name = Path(stream).name or "built-in"
        because = f"broke off with {done.returncode}, its messages are above"
        return Run(stream=name, dropped=NONE, lost=NONE, refused=0, rollback_s=None, promoted=False, because=because)
    (folder / "document.json").write_text(done.stdout, encoding="utf-8")
    return judged(json.loads(done.stdout))


def runs(streams: Sequence[str], seeds: int, folder: Path) -> Iterator[Run]:
    """Every stream with every seed, each told on standard error as it ends."""
    for stream in streams or [""]:
        for seed in range(seeds):
            place = folder / f"{Path(stream).name or 'built-in'}-{seed}"
            place.mkdir(parents=True, exist_ok=True)
            run = told(stream, seed, place)
            print(f"seed {seed}: {run}", file=sys.stderr)
            yield run


def line(found: Sequence[Run], seconds: float, *, quick: bool) -> dict[str, object]:
    """The bar's line."""
    share = proportion(sum(run.promoted for run in found), len(found))
    return {
        "bar": "loop.3",
        "value": round(share.mean, 4),
        "interval": [round(share.low, 4), round(share.high, 4)],
        "n": len(found),
        "goal": GOAL,
        "met": share.mean >= GOAL and all(run.sound for run in found),
        "seconds": round(seconds, 1),
        "quick": quick,
        "runs": [asdict(run) | {"sound": run.sound} for run in found],
    }


def main() -> None:
    """Run the bar, or judge what was run before, and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--stream", action="append", default=[], help="instead of the built-in traffic")
    parser.add_argument("--from", dest="documents", nargs="+", type=Path, default=[], help="documents of earlier runs")
    parser.add_argument("--keep", type=Path, help="where projects and documents are left")
    parser.add_argument("--quick", action="store_true", help="one seed")
    args = parser.parse_args()
    began = time.perf_counter()
    if args.documents:
        found = [judged(json.loads(path.read_text(encoding="utf-8"))) for path in args.documents]
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = list(runs(args.stream, 1 if args.quick else args.seeds, args.keep or Path(folder)))
    print(json.dumps(line(found, time.perf_counter() - began, quick=args.quick), ensure_ascii=False))


if __name__ == "__main__":
    main()
