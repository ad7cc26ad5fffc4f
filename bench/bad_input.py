"""Ways to give Homeostat something bad, each done to a copy of a small real project, and what comes of it.

Not a bar: what the bar of bad input and its tests share. A case damages the copy, runs one command in a process of its
own, and compares all that was stored before with what is there after.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import small_project
from safetensors.numpy import load_file, save_file

from homeostat import errors
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import HomeostatError
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.dataset import Example

BAD = "ver_bad"
"""Id of the version whose adapter is not what it should be."""
ADAPTER = "adapter_model.safetensors"
SETTINGS = """project: small
folder: project
model: {base: base}
tasks: {routing: {instruction: route}}
gateway: {port: 0}
train: {rank: 8, epochs: 2, batch_rows: 16, held_out: 0.15}
"""
DATASET = ids.derived("dst", "bad", "curate")
TRAP = "trap-sprang"
"""A file that appears beside the project if a pickle is run."""
UNDER_WAY = re.compile(r" *\d+\.\d s  \S+ +\S.*")
"""A line that said what was being done before anything went wrong."""
PATIENCE_S = 180
PASSING = ('"sqlite_sequence"', """INSERT INTO "state" VALUES('base:""")
"""What marks rows that come and go by themselves: SQLite's own counters, and what is remembered of bases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that is bad, and the error it should give."""

    kind: str
    """What is bad, as the list of the bar calls it."""
    how: str
    error: type[HomeostatError]
    damage: Callable[[Path], object]
    """Done to the project's folder beforehand; what it returns is kept alive while the command runs."""
    command: str
    most_bytes: int = 0
    """Size beyond which the operating system lets no file grow; 0 for none."""
    may_add: bool = False
    """Whether it comes so late that what was made before it, a dataset for one, may stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command left."""

    code: int
    said: str
    """What it printed on standard error."""
    lost: tuple[str, ...]
    """What was stored before and is gone, or is something else now."""
    new: tuple[str, ...]
    """What was not there before."""

    def faults(self, case: Case) -> list[str]:
        """What is wrong with it; nothing if it is one clear error, the right one, and everything is as it was."""
        lines = [line for line in self.said.splitlines() if line.strip() and not UNDER_WAY.fullmatch(line)]
        first = re.compile(rf"{case.error.code} \S.*  \(\S.*\)")
        held = {
            f"ended with {self.code} and not with {case.error.exit}": self.code == case.error.exit,
            "no line says what and where": bool(lines) and first.fullmatch(lines[0]) is not None,
            "no line says how to fix it": len(lines) > 1 and re.fullmatch(r"  fix: \S.*", lines[1]) is not None,
            "more is said than one error": len(lines) <= 2,
            f"changed: {', '.join(self.lost[:3])}": not self.lost,
            # What was written whole before the disk was full may stay.
            f"added: {', '.join(self.new[:3])}": not self.new or case.most_bytes > 0 or case.may_add,
        }
        return [fault for fault, holds in held.items() if not holds]


def lay(folder: Path) -> Path:
    """Make the project: a tiny real base, a champion trained on it, traffic, feedback, a stream, a file of labels."""
    small_project.lay(folder)
    (folder / "homeostat.yaml").write_text(SETTINGS)
    (folder / "labels.txt").write_text("".join(f"{label}\n" for label in small_project.KNOWN))
    rows = small_project.rows(list(small_project.WORDS), 240, 9)
    lines = [{"text": text, "label": label, "time": small_project.START + k} for k, (text, label) in enumerate(rows)]
    (folder / "stream.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def run(case: Case, laid: Path, folder: Path) -> Outcome:
    """Copy the project, damage the copy, run the command in it, and look."""
    shutil.copytree(laid, folder)
    kept = case.damage(folder)
    before = contents(folder)
    done = called([sys.executable, "-m", "homeostat", *case.command.split()], folder, case.most_bytes)
    after = contents(folder)
    if isinstance(kept, socket.socket):
        kept.close()
    lost = tuple(sorted(name for name, content in before.items() if after.get(name) != content))
    return Outcome(code=done.returncode, said=done.stderr, lost=lost, new=tuple(sorted(after.keys() - before.keys())))


def called(command: list[str], folder: Path, most_bytes: int = 0) -> subprocess.CompletedProcess[str]:
    """What a command leaves that runs in a folder, on one thread, without a model hub."""
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        preexec_fn=(lambda: limit(most_bytes)) if most_bytes else None,
    )


def limit(most_bytes: int) -> None:
    """Let no file of this process grow further: a write beyond fails as it does on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


def contents(folder: Path) -> dict[str, str]:
    """Name -> hash of every file, and of every row of a database: its pages may move while its rows stay.

    Stored folders that are laid out for use are no part of it: they are copies, looked at before every use. Nor is what
    the files of a base were seen to hash to: it is told anew wherever it is not remembered.
    """
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".db":
            found.update({f"{name} {_hash(row.encode())} {row[:80]}": "" for row in _rows(path)})
        elif not name.startswith("project/blobs/folders/") and not name.endswith(("-wal", "-shm")):
            found[name] = _hash(path.read_bytes())
    return found


def _rows(path: Path) -> list[str]:
    """The statements that would make the database again, but for what comes and goes by itself."""
    with closing(sqlite3.connect(path)) as database:
        return [row for row in database.iterdump() if not any(mark in row for mark in PASSING)]


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _opened(folder: Path) -> Store:
    return Store.open(f"sqlite:///{folder / 'project' / 'homeostat.db'}", folder / "project" / "blobs")


def _settings(old: str, new: str) -> Callable[[Path], object]:
    """A damage that changes words of the configuration."""
    return lambda folder: (folder / "homeostat.yaml").write_text(SETTINGS.replace(old, new))


def _written(name: str, content: bytes) -> Callable[[Path], object]:
    """A damage that writes a file."""
    return lambda folder: (folder / name).write_bytes(content)


class _Trap:
    """Creates a file where it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return open, (TRAP, "w")


def _pickled(name: str) -> Callable[[Path], object]:
    """A damage that puts a pickle in the place of the base's weights."""

    def damage(folder: Path) -> None:
        (folder / "base" / "model.safetensors").unlink()
        (folder / "base" / name).write_bytes(pickle.dumps(_Trap()))

    return damage


def _adapter(spoil: Callable[[Path], object]) -> Callable[[Path], object]:
    """A damage that keeps a version like the champion whose adapter's folder was spoiled before it was stored."""

    def damage(folder: Path) -> None:
        with _opened(folder) as store:
            champion = store.versions.list(small_project.TASK)[0]
            spoiled = folder / "spoiled"
            shutil.copytree(store.blobs.folder(champion.blob), spoiled)
            spoil(spoiled)
            store.versions.put(replace(champion, id=BAD, blob=store.blobs.put_folder(spoiled)))

    return damage


def _cut(folder: Path) -> None:
    content = (folder / ADAPTER).read_bytes()
    (folder / ADAPTER).write_bytes(content[: len(content) // 2])


def _flip_header(folder: Path) -> None:
    content = bytearray((folder / ADAPTER).read_bytes())
    content[20] ^= 0xFF
    (folder / ADAPTER).write_bytes(content)


def _widen(folder: Path) -> None:
    tensors = load_file(folder / ADAPTER)
    save_file({name: np.concatenate([value, value], axis=-1) for name, value in tensors.items()}, folder / ADAPTER)


def _rename(folder: Path) -> None:
    tensors = load_file(folder / ADAPTER)
    save_file({re.sub(r"layers\.\d", "layers.7", name): value for name, value in tensors.items()}, folder / ADAPTER)


def _pickle_adapter(name: str) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        (folder / ADAPTER).unlink()
        (folder / name).write_bytes(pickle.dumps(_Trap()))

    return spoil


def _flip_stored(folder: Path) -> None:
    """Flip a bit of a stored adapter's numbers, in the blob and where it is laid out: no format would notice."""
    _adapter(_nothing)(folder)
    with _opened(folder) as store:
        hash = store.blobs.files(store.versions.get(BAD).blob)[ADAPTER]
    for path in [*(folder / "project" / "blobs").rglob(ADAPTER), folder / f"project/blobs/files/{hash[:2]}/{hash[2:]}"]:
        content = bytearray(path.read_bytes())
        content[-3] ^= 0x10
        path.write_bytes(content)


def _dataset(*, labels: tuple[str, ...], target: str) -> Callable[[Path], object]:
    """A damage that stores a dataset with these labels and rows that belong to `target`."""

    def damage(folder: Path) -> None:
        rows = tuple(
            Example(text=f"{text} {k}", target=target, task=small_project.TASK)
            for k, (text, _) in enumerate(small_project.rows(list(small_project.KNOWN), 30, 8))
        )
        with _opened(folder) as store:
            store_dataset(store, Curated(examples=rows, labels=labels), task=small_project.TASK, turn="bad", now=0.0)

    return damage


def _no_base(folder: Path) -> None:
    """Remove the base model from under a version that is sound."""
    _adapter(_nothing)(folder)
    shutil.rmtree(folder / "base")


def _odd_labels(folder: Path) -> None:
    """Name a file of labels in another encoding."""
    _settings("instruction: route", "labels: labels.txt")(folder)
    _written("labels.txt", "café\n".encode("latin-1"))(folder)


def _listening(folder: Path) -> socket.socket:
    """A damage that takes the gateway's port."""
    other = socket.create_server(("127.0.0.1", 0))
    _settings("port: 0", f"port: {other.getsockname()[1]}")(folder)
    return other


def _nothing(folder: Path) -> None:
    """No damage: the case lies in the command or in the machine."""


_KNOWN = tuple(small_project.KNOWN)
CASES = (
    Case(
        kind="unknown YAML key",
        how="misspelled section",
        error=errors.UnknownKey,
        damage=_settings("gateway:", "gatewy:"),
        command="versions",
    ),
    Case(
        kind="unknown YAML key",
        how="misspelled knob on the command line",
        error=errors.UnknownKey,
        damage=_nothing,
        command="up --part gateway --set gateway.prot=1",
    ),
    Case(
        kind="wrong type",
        how="words where a number belongs",
        error=errors.WrongType,
        damage=_settings("epochs: 2", "epochs: two"),
        command="versions",
    ),
    Case(
        kind="wrong type",
        how="not YAML at all",
        error=errors.WrongType,
        damage=_written("homeostat.yaml", b"tasks: {routing: [\n"),
        command="verify",
    ),
    Case(
        kind="missing model folder",
        how="to answer with",
        error=errors.ModelNotFound,
        damage=_settings("base: base", "base: ./nowhere"),
        command="up --part gateway",
    ),
    Case(
        kind="missing model folder",
        how="to evaluate with",
        error=errors.ModelNotFound,
        damage=_no_base,
        command=f"eval {BAD}",
    ),
    Case(
        kind="corrupt adapter",
        how="cut off in the middle",
        error=errors.CorruptWeights,
        damage=_adapter(_cut),
        command=f"eval {BAD}",
    ),
    Case(
        kind="corrupt adapter",
        how="a flipped byte in the header",
        error=errors.CorruptWeights,
        damage=_adapter(_flip_header),
        command=f"eval {BAD}",
    ),
    Case(
        kind="corrupt adapter",
        how="a flipped bit in a stored tensor",
        error=errors.Tampered,
        damage=_flip_stored,
        command=f"eval {BAD}",
    ),
    Case(
        kind="corrupt adapter",
        how="tensors of other shapes",
        error=errors.CorruptWeights,
        damage=_adapter(_widen),
        command=f"eval {BAD}",
    ),
    Case(
        kind="corrupt adapter",
        how="tensors of other layers",
        error=errors.CorruptWeights,
        damage=_adapter(_rename),
        command=f"eval {BAD}",
    ),
    Case(
        kind="pickle weights",
        how="pytorch_model.bin",
        error=errors.UnsafeWeights,
        damage=_pickled("pytorch_model.bin"),
        command="up --part gateway",
    ),
    Case(
        kind="pickle weights",
        how="a pickle called model.safetensors",
        error=errors.UnsafeWeights,
        damage=_pickled("model.safetensors"),
        command="up --part gateway",
    ),
    Case(
        kind="pickle weights",
        how="adapter_model.bin",
        error=errors.UnsafeWeights,
        damage=_adapter(_pickle_adapter("adapter_model.bin")),
        command=f"eval {BAD}",
    ),
    Case(
        kind="pickle weights",
        how="a pickle called adapter_model.safetensors",
        error=errors.UnsafeWeights,
        damage=_adapter(_pickle_adapter(ADAPTER)),
        command=f"eval {BAD}",
    ),
    Case(
        kind="empty stream",
        how="no byte",
        error=errors.EmptyStream,
        damage=_written("stream.jsonl", b""),
        command="import stream.jsonl --rows-only",
    ),
    Case(
        kind="empty stream",
        how="blank lines, to be told as a story",
        error=errors.EmptyStream,
        damage=_written("stream.jsonl", b"\n \n\n"),
        command="demo --stream stream.jsonl --folder .",
    ),
    Case(
        kind="label never seen",
        how="a row outside its dataset's label set",
        error=errors.UnknownLabel,
        damage=_dataset(labels=_KNOWN, target="volcano"),
        command=f"train --dataset {DATASET}",
    ),
    Case(
        kind="label never seen",
        how="a dataset that lacks a label of the champion",
        error=errors.UnknownLabel,
        damage=_dataset(labels=_KNOWN[1:], target=_KNOWN[1]),
        command=f"train --dataset {DATASET}",
    ),
    Case(
        kind="non-UTF-8 file",
        how="stream",
        error=errors.NotText,
        damage=_written("stream.jsonl", '{"text": "où est mon colis"}\n'.encode("latin-1")),
        command="import stream.jsonl --rows-only",
    ),
    Case(
        kind="non-UTF-8 file",
        how="homeostat.yaml",
        error=errors.NotText,
        damage=_written("homeostat.yaml", "project: café\n".encode("latin-1")),
        command="versions",
    ),
    Case(
        kind="non-UTF-8 file",
        how="labels",
        error=errors.NotText,
        damage=_odd_labels,
        command="versions",
    ),
    Case(
        kind="port in use",
        how="the gateway alone",
        error=errors.PortInUse,
        damage=_listening,
        command="up --part gateway",
    ),
    Case(
        kind="port in use",
        how="gateway and worker",
        error=errors.PortInUse,
        damage=_listening,
        command="up",
    ),
    Case(
        kind="disk full",
        how="rows",
        error=errors.StoreFull,
        damage=_nothing,
        command="import stream.jsonl --rows-only",
        most_bytes=30_000,
    ),
    Case(
        kind="disk full",
        how="a checkpoint",
        error=errors.StoreFull,
        damage=_dataset(labels=_KNOWN, target=_KNOWN[0]),
        command=f"train --dataset {DATASET}",
        most_bytes=50_000,
    ),
    Case(
        kind="disk full",
        how="over an old configuration",
        error=errors.StoreFull,
        damage=_nothing,
        command="init --force",
        most_bytes=100,
    ),
)
