"""LLaMA-Factory's side of bar train.3: one run, in an environment of its own, for it pins its libraries.

    PYTHON bench/factory.py ASKED.json

`train_3.py --factory PYTHON` runs it; nothing of ours is imported. The file holds the tokens of the rows, which of them
are learned, and the settings of the run; printed are the seconds of its training loop, as its trainer counts them, and
the most memory the process has held before and after.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

IGNORED = -100


def run(asked: dict[str, Any], folder: Path) -> dict[str, float]:
    """Supervised fine-tuning on rows that are tokens already."""
    from datasets import Dataset, DatasetDict
    from llamafactory.train.tuner import run_exp

    rows = [
        {
            "input_ids": prompt + completion,
            "attention_mask": [1] * (len(prompt) + len(completion)),
            "labels": [IGNORED] * len(prompt) + completion,
        }
        for prompt, completion in asked["rows"]
    ]
    DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(folder / "rows")
    lora = {"finetuning_type": "lora", "lora_rank": 16, "lora_alpha": 32, "lora_target": "all"}
    before = _memory()
    run_exp(
        {
            "stage": "sft",
            "do_train": True,
            "model_name_or_path": asked["base"],
            "template": "empty",
            "dataset": "rows",  # asked for, and not looked at where there are tokens
            "tokenized_path": str(folder / "rows"),
            "cutoff_len": asked["longest"],
            "per_device_train_batch_size": asked["batch"],
            "gradient_accumulation_steps": 1,
            "num_train_epochs": 1,
            "learning_rate": asked["lr"],
            "bf16": asked["bfloat16"],
            "disable_gradient_checkpointing": True,
            "output_dir": str(folder / "left"),
            "save_strategy": "no",
            "report_to": "none",
            "use_cpu": True,
            **(lora if asked["lora"] else {"finetuning_type": "full"}),
        }
    )
    told = json.loads((folder / "left" / "train_results.json").read_text(encoding="utf-8"))
    return {"seconds": told["train_runtime"], "memory_mb": _memory(), "before_mb": before}


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run what is asked for and print what it took, as the last line."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as left:
        print(json.dumps(run(asked, Path(left))))


if __name__ == "__main__":
    main()
