"""Ways in which a training can be given something bad, and what comes of each: one clear error, or a recorded recovery.

Not a bar: what bar train.8 and its tests share. Errors are cases as those of `bad_input.py`; a recovery is a command
that has to end well, to say in its figures what it did, and to leave all that was stored before as it was.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import bad_input
import small_project
from bad_input import SETTINGS, Case, called, contents
from safetensors.torch import load_file, save_file

from homeostat import errors
from homeostat.store import Store

STREAM = "train --stream other.jsonl --recipe joint"
MEMORY = Path(__file__).with_name("little_memory.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Something bad that a run gets over."""

    kind: str
    how: str
    damage: Callable[[Path], object]
    command: str
    """Of `homeostat`, printing one JSON document; or a script of this folder, by its path."""
    shows: Callable[[Mapping[str, float]], bool]
    """Whether the figures say that it was got over, and how."""

    def faults(self, laid: Path, folder: Path) -> list[str]:
        """Do it to a copy of the project; what is wrong with what came of it."""
        shutil.copytree(laid, folder)
        self.damage(folder)
        before = contents(folder)
        words = self.command.split()
        command = [sys.executable, *words] if words[0].endswith(".py") else [sys.executable, "-m", "homeostat", *words]
        done = called(command, folder)
        if done.returncode:
            return [f"ended with {done.returncode}: {done.stderr.strip()[-300:]}"]
        after = contents(folder)
        lost = [name for name, content in before.items() if after.get(name) != content]
        shown = self.shows(json.loads(done.stdout))
        return [f"changed: {', '.join(lost[:3])}"] * bool(lost) + ["its figures do not tell"] * (not shown)


def _stream(rows: list[tuple[str, str]], **more: str) -> Callable[[Path], object]:
    """A damage that writes a labeled stream of such rows."""
    start = small_project.START
    lines = [{"text": text, "label": label, "time": start + k, **more} for k, (text, label) in enumerate(rows)]
    content = "".join(json.dumps(line) + "\n" for line in lines)
    return lambda folder: (folder / "other.jsonl").write_text(content)


def _rows(n: int) -> list[tuple[str, str]]:
    return small_project.rows(list(small_project.WORDS), n, 11)


def _fresh(rows: list[tuple[str, str]]) -> Callable[[Path], object]:
    """A damage that leaves a project that has seen nothing yet, and a stream of such rows."""

    def damage(folder: Path) -> None:
        shutil.rmtree(folder / "project")
        Store.open(f"sqlite:///{folder / 'project' / 'homeostat.db'}", folder / "project" / "blobs").close()
        _stream(rows)(folder)

    return damage


def _foreign_tokenizer(folder: Path) -> None:
    """Halve the base's embeddings under its tokenizer."""
    path = folder / "base" / "model.safetensors"
    tensors = load_file(path)
    rows = tensors["model.embed_tokens.weight"].shape[0] // 2
    halved = {name: t[:rows].contiguous() if "embed_tokens" in name else t for name, t in tensors.items()}
    save_file(halved, path, metadata={"format": "pt"})
    config = json.loads((folder / "base" / "config.json").read_text())
    (folder / "base" / "config.json").write_text(json.dumps(config | {"vocab_size": rows}))
    _fresh(_rows(60))(folder)


def _rate(rate: str) -> Callable[[Path], object]:
    """A damage that trains at such a rate."""

    def damage(folder: Path) -> None:
        settings = SETTINGS.replace("train: {", f"train: {{lr: {rate}, warm_lr: {rate}, ")
        (folder / "homeostat.yaml").write_text(settings)
        _stream(_rows(120))(folder)

    return damage


CASES = (
    Case(
        kind="empty data",
        how="a stream of which all rows are for testing",
        error=errors.EmptyStream,
        damage=_stream(_rows(20), split="test"),
        command=STREAM,
    ),
    Case(
        kind="one class",
        how="a stream with one label",
        error=errors.NothingToTrainOn,
        damage=_fresh([(text, "refund") for text, _ in _rows(60)]),
        command=STREAM,
    ),
    *(case for case in bad_input.CASES if case.kind == "label never seen"),
    Case(
        kind="leaked answer",
        how="a template that writes the label into the request",
        error=errors.LeakedAnswer,
        damage=_fresh([(f"category: {label}. {text}", label) for text, label in _rows(90)]),
        command=STREAM,
    ),
    Case(
        kind="mismatched tokenizer",
        how="more tokens than the model has embeddings",
        error=errors.UnsuitedModel,
        damage=_foreign_tokenizer,
        command=STREAM,
        may_add=True,
    ),
    Case(
        kind="NaN loss",
        how="a rate that no run survives",
        error=errors.Diverged,
        damage=_rate("1.0e+30"),
        command=STREAM,
        may_add=True,
    ),
    *(case for case in bad_input.CASES if case.how == "a checkpoint"),
)
RECOVERIES = (
    Recovery(
        kind="longer than context",
        how="requests of more words than the base reads",
        damage=_fresh([(f"{text} " * 60, label) for text, label in _rows(60)]),
        command=f"{STREAM} --json",
        shows=lambda told: told["cut"] > 40,
    ),
    Recovery(
        kind="NaN loss",
        how="a rate that is half of it survives",
        damage=_rate("2.0"),
        command=f"{STREAM} --json",
        shows=lambda told: told["back_offs"] >= 1,
    ),
    Recovery(
        kind="out of memory",
        how="a batch of four times the memory that is left",
        damage=bad_input._nothing,
        command=str(MEMORY),
        shows=lambda told: 0 < told["part_rows"] < told["batch_rows"] and told["apart"] < 1e-4,
    ),
)
