"""Trains in a process whose memory may not grow enough for a whole batch, and says what came of it as JSON.

Not a bar: a recovery of `bad_training.py`. The limit is the operating system's (RLIMIT_DATA), so what fails is a real
allocation. `apart` is the greatest difference of a trained number from the same run with all the memory it wants.
"""

from __future__ import annotations

import gc
import json
import resource
from pathlib import Path

import torch
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


def trained(most_mb: int | None) -> tuple[list[Tensor], int]:
    """The tensors of a run that may take so many MB more than it holds as it begins, and the rows of its passes."""
    opened = open_model(str(Path("base")))
    parameters = RECIPE.adapt.attach(opened.model)
    draw = torch.Generator().manual_seed(0)
    drawn = torch.randint(10, 400, (2 * ROWS, TOKENS), generator=draw).tolist()
    rows = [Sample(Rendered(tuple(ids[:-8]), tuple(ids[-8:]))) for ids in drawn]
    ground = Ground(opened=opened, train=rows, held_out=rows[:1], bfloat16=False)
    if most_mb is not None:
        gc.collect()
        resource.setrlimit(resource.RLIMIT_DATA, (held() + most_mb * 1024 * 1024,) * 2)
    left = fit(Job(ground=ground, parameters=parameters, recipe=RECIPE))
    return [p.detach().clone() for p in parameters], left.progress.part_rows


def held() -> int:
    """Bytes of data that this process holds."""
    status = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmData"))


def main() -> None:
    """Train with and without the limit, and print."""
    disable_progress_bar()
    whole, _ = trained(None)
    parts, rows = trained(40)
    apart = max(float((one - other).abs().max()) for one, other in zip(whole, parts, strict=True))
    print(json.dumps({"part_rows": rows, "batch_rows": ROWS, "apart": apart}))


if __name__ == "__main__":
    main()
