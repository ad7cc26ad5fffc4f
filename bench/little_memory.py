"""Trains in a process whose memory may not grow enough for a whole batch, and says what came of it as JSON.

Not a bar: a recovery of `bad_training.py`. The limit is the operating system's (RLIMIT_DATA), so what fails is a real
allocation. `apart` is the greatest difference of a trained number from the same run with all the memory it wants.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.utils.logging import disable_progress_bar

from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.lora import Lora
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground

ROWS, TOKENS = 128, 240
RECIPE = Recipe(adapt=Lora(rank=4), batch_rows=ROWS, epochs=1, looks=1, schedule="constant", warm_up=0.0)


def train(most_mb: int, file: Path) -> int:
    """Write the tensors of a run that may take so many MB more than it holds as it begins (0: any); rows of a pass."""
    opened = open_model(str(Path("base")))
    parameters = RECIPE.adapt.attach(opened.model)
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randint(10, 400, (2 * ROWS, TOKENS), generator=draw).tolist()
    rows = [Sample(Rendered(tuple(ids[:-8]), tuple(ids[-8:]))) for ids in drawn]
    ground = Ground(opened=opened, train=rows, held_out=rows[:1], bfloat16=False)
    if most_mb:
        resource.setrlimit(resource.RLIMIT_DATA, (held() + most_mb * 1024 * 1024, resource.RLIM_INFINITY))
    left = fit(Job(ground=ground, parameters=parameters, recipe=RECIPE))
    if most_mb:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    save_file({str(number): p.detach().contiguous() for number, p in enumerate(parameters)}, file)
    return left.progress.part_rows


def held() -> int:
    """Bytes of data that this process holds."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmData"))


def alone(most_mb: int, folder: Path) -> tuple[list[Tensor], int]:
    """The tensors of a run in a process of its own, and the rows of its passes.

    Of its own, because memory that an earlier run has given back is used again and no limit is felt.
    """
    file = folder / f"{most_mb}.safetensors"
    command = [sys.executable, __file__, "--most-mb", str(most_mb), "--save", str(file)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    tensors = load_file(file)
    return [tensors[str(number)] for number in range(len(tensors))], int(done.stdout)


def compare() -> None:
    """Train with and without the limit, and print."""
    with tempfile.TemporaryDirectory() as folder:
        whole, _ = alone(0, Path(folder))
        parts, rows = alone(40, Path(folder))
    apart = max(float((one - other).abs().max()) for one, other in zip(whole, parts, strict=True))
    print(json.dumps({"part_rows": rows, "batch_rows": ROWS, "apart": apart}))


def main() -> None:
    """Compare two runs, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", type=Path, help="train once and write the trained tensors here")
    parser.add_argument("--most-mb", type=int, default=0, help="MB that this run may take; 0 for any")
    args = parser.parse_args()
    disable_progress_bar()
    if args.save:
        print(train(args.most_mb, args.save))
    else:
        compare()


if __name__ == "__main__":
    main()
