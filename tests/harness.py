"""Task files of lm-evaluation-harness: which of two sentences is the likelier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {file}}}
test_split: test
output_type: multiple_choice
doc_to_text: ""
doc_to_target: 0
doc_to_choice: "{{{{[good, bad]}}}}"
metric_list:
  - {{metric: acc, aggregation: mean, higher_is_better: true}}
"""


def write_task(folder: Path, name: str, pairs: Sequence[tuple[str, str]]) -> None:
    """A task of pairs, the right sentence first, with its data beside it."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps({"good": good, "bad": bad}) + "\n" for good, bad in pairs))
    (folder / f"{name}.yaml").write_text(TASK.format(name=name, file=file))
