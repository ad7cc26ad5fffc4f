"""What it takes to ask several adapters of one base at once, beside one after another.

    python bench/together.py [--base builtin] [--members 3 5] [--rows 1 8 64] [--times 7]

Adapters of rank 16 with rows of their own for 64 labels, at random: what they say does not matter here. Prints a JSON
line per number of members and rows: milliseconds of one after another, of one pass, their ratio (the median of
`--times` pairs, taken in turn, with the least and the greatest), and how far apart the two are at most.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.train.adapt.lora import Lora
from homeostat.types.task import Task
from homeostat.types.version import Version

TASK = Task(name="routing", instruction="route")
LABELS = tuple(f"label {k}" for k in range(64))
TEXT = "I would like to know where my order is, because it should have come on Monday"


def loaded(base: str, members: int) -> tuple[LocalBackend, list[str]]:
    """A backend with so many adapters, and their names."""
    backend, names = LocalBackend(base), [f"ver_{k}" for k in range(members)]
    for seed, name in enumerate(names):
        opened, way = open_model(base), Lora(rank=16)
        draw = torch.Generator().manual_seed(seed)
        hidden = opened.model.config.hidden_size
        codes = opened.tokenizer.convert_tokens_to_ids([f"<|code_{k}|>" for k in range(len(LABELS))])
        rows = {code: 0.1 * torch.randn(hidden, generator=draw) for code in codes if code is not None}
        for tensor in way.attach(opened.model, rows=rows, seed=seed):
            tensor.data += 0.02 * torch.randn(tensor.shape, generator=draw)
        with tempfile.TemporaryDirectory() as folder:
            way.save(opened.model, Path(folder))
            backend.load(Version(id=name, task="routing", time=0.0, base="", labels=LABELS), Path(folder))
    return backend, names


def measured(backend: LocalBackend, names: list[str], rows: int, times: int) -> dict[str, object]:
    """Both ways, in turn."""
    requests = [Request(task=TASK, text=f"{TEXT} {k}", version="") for k in range(rows)]
    alone: list[float] = []
    together: list[float] = []
    apart = 0.0
    for _ in range(times + 1):
        began = time.process_time()
        one = [backend.score([Request(task=TASK, text=r.text, version=n) for r in requests]) for n in names]
        half = time.process_time()
        every = backend.score_each(requests, names)
        together.append(time.process_time() - half)
        alone.append(half - began)
        apart = max(apart, float(np.abs(np.array(every).swapaxes(0, 1) - np.array(one)).max()))
    ratios = np.array(together[1:]) / np.array(alone[1:])  # the first of each warms up
    return {
        "members": len(names),
        "rows": rows,
        "one_by_one_ms": round(1e3 * float(np.median(alone[1:])), 1),
        "together_ms": round(1e3 * float(np.median(together[1:])), 1),
        "ratio": [round(float(v), 2) for v in (np.median(ratios), ratios.min(), ratios.max())],
        "apart": apart,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="builtin")
    parser.add_argument("--members", type=int, nargs="+", default=[3, 5])
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--times", type=int, default=7)
    args = parser.parse_args()
    for members in args.members:
        backend, names = loaded(args.base, members)
        for rows in args.rows:
            print(json.dumps(measured(backend, names, rows, args.times)), flush=True)


if __name__ == "__main__":
    main()
