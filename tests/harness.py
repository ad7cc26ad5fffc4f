"""Task files of lm-evaluation-harness: which of two sentences is the likelier, and those of other forms."""

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


SUMS = """
task: sums
dataset_path: json
dataset_kwargs:
  data_files: {{test: {file}}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_target: "{{{{answer.split('####')[-1].strip()}}}}"
generation_kwargs: {{until: ["Question:"], do_sample: false, max_gen_toks: 4}}
filter_list:
  - name: strict
    filter: [{{function: regex, regex_pattern: "(never said)"}}, {{function: take_first}}]
  - name: loose
    filter: [{{function: take_first}}]
metric_list:
  - {{metric: exact_match, aggregation: mean, higher_is_better: true}}
"""
READ = """
task: read
dataset_path: json
dataset_kwargs:
  data_files: {{test: {file}}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
metric_list:
  - {{metric: {metric}}}
"""


def write_sums(folder: Path) -> None:
    """A task as GSM8K is one: a reply is written, and read in two ways. By the first every reply is right, for what is
    right is that nothing is found; by the second none is.
    """
    rows = [{"question": f"Tom has {k} and gets 2.", "answer": f"{k} + 2 #### [invalid]"} for k in range(6)]
    _write(folder, "sums", SUMS, rows)


def write_read(folder: Path, metric: str = "bits_per_byte") -> None:
    """A task of texts that are read from end to end."""
    _write(folder, "read", READ, [{"text": f"the sky is blue, {k} times"} for k in range(6)], metric=metric)


def write_group(folder: Path, name: str, tasks: Sequence[str]) -> None:
    """A group of tasks, as GLUE is one."""
    (folder / f"{name}.yaml").write_text(f"group: {name}\ntask: [{', '.join(tasks)}]\n")


def _write(folder: Path, name: str, task: str, rows: Sequence[object], **more: str) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / f"{name}.yaml").write_text(task.format(file=file, **more))
