"""Bar prove.10: every byte flipped in what is kept is detected, and every pickle is refused.

    python bench/prove_10.py [--quick] [--flips 150] [--pickles 300] [--seed 10]

A real small project (`small_project.py`: a base, a trained champion, its dataset, 150 answered requests, feedback, and
the audit log of all that). A flip takes one byte of its content by chance, changes it to another by chance, and asks
`homeostat verify` whether all is well. Content is, for a
- version: the files of its folder and their list, the copy that is laid out to be loaded, its row;
- dataset: its examples, its row, its edges of lineage;
- log row: the rows of requests, of feedback and of events;
- record: all other rows that say what was done (releases, verdicts, aliases, detectors' states, configurations);
- audit: the entries of the audit log;
- card: the cards of a version and of its dataset, as they were written;
- archive: the files in an exported archive, the manifest and the signature included.
A row's content is its cell in SQLite's file and the pages it goes on in (`pages.py`); free pages and page heads hold
nothing. Detected means a sentence of `verify`, or an error with a code where the store cannot even be opened; of an
archive, that `homeostat receive` refuses it.

Pickles are made of every protocol, of harmless and of harmful objects, as they are or in another coat (torch's two
formats, joblib's and numpy's, gzip, bzip2, xz, zip, tar), under their own or another name, `.safetensors` included,
beside sound weights, and offered to `register`.

Prints one JSON line. `value` is the share of all flips and pickles that were detected or refused, `interval` the exact
95 % interval of that share, `n` how many there were; `by` says how many of how many, kind by kind. The bar: all.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import pickle
import random
import shutil
import sys
import tarfile
import tempfile
import time
import zipfile
from bz2 import compress as bzip2
from collections.abc import Callable, Iterator
from lzma import compress as xz
from pathlib import Path

import numpy as np
import torch
from pages import cells
from safetensors.numpy import save_file
from small_project import TASK, lay

from homeostat.config.schema import Config
from homeostat.errors import CorruptWeights, HomeostatError, NotFound, UnsafeWeights
from homeostat.release.archive import export, take_in
from homeostat.release.card import keep, written
from homeostat.release.registry import register
from homeostat.release.signing import Signing
from homeostat.stats.intervals import proportion
from homeostat.store import Store
from homeostat.types.version import Version

GOAL = 1.0
Place = tuple[Path, range]
"""A stretch of a file."""
ROWS = {
    "version": ("versions",),
    "dataset": ("datasets", "lineage"),
    "log row": ("interactions", "feedback", "events"),
    "record": ("releases", "verdicts", "reports", "decisions", "signals", "turns", "aliases", "state", "configs"),
    "audit": ("audit",),
    "card": (),
}


def content(config: Config) -> dict[str, list[Place]]:
    """Kind -> where its content lies in the project's files."""
    with Store.open(config.database, config.blobs) as store:
        blobs = {
            "version": [version.blob for version in store.versions.list() if version.blob],
            "dataset": [dataset.blob for dataset in store.datasets.list()],
        }
        files: dict[str, list[Path]] = {"version": []}
        for version in blobs["version"]:
            files["version"] += [blob(store, part) for part in (version, *store.blobs.files(version).values())]
            files["version"] += sorted(path for path in store.blobs.folder(version).rglob("*") if path.is_file())
        files["dataset"] = [blob(store, hash) for hash in blobs["dataset"]]
        files["card"] = [blob(store, hash) for id in cards_of(store) for hash in written(store, id)]
    database = Path(config.folder) / "homeostat.db"
    found: dict[str, list[Place]] = {}
    for kind, tables in ROWS.items():
        found[kind] = [(path, range(path.stat().st_size)) for path in files.get(kind, ())]
        found[kind] += [(database, place) for table in tables for place in cells(database, table)]
    return found


def blob(store: Store, hash: str) -> Path:
    """The file of a blob."""
    return store.blobs.root / "files" / hash[:2] / hash[2:]


def drawn(places: list[Place], chance: random.Random) -> tuple[Path, int]:
    """A byte of these places: half of the time of a file or row by chance, so that small ones are met too."""
    weights = None if chance.random() < 0.5 else [len(place) for _, place in places]
    path, place = chance.choices(places, weights)[0]
    return path, chance.choice(place)


def cards_of(store: Store) -> list[str]:
    """Ids of all that has cards."""
    return [noun.id for nouns in (store.versions.list(), store.datasets.list()) for noun in nouns]


def finished(folder: Path) -> Config:
    """The project, with a card of everything, and an archive of its champion in `champion.tar`."""
    config = lay(folder)
    with Store.open(config.database, config.blobs) as store:
        for id in cards_of(store):
            keep(store, id)
        export(store, store.versions.list()[0], archive_of(config), Signing.of(config))
    return config


def archive_of(config: Config) -> Path:
    """Where the archive lies."""
    return Path(config.folder) / "champion.tar"


def members(archive: Path) -> list[Place]:
    """Where the files in an archive lie."""
    with tarfile.open(archive) as opened:
        return [(archive, range(one.offset_data, one.offset_data + one.size)) for one in opened if one.size]


def detected(config: Config, path: Path | None = None) -> bool:
    """Whether the project, or its archive, is told to be no longer what it was."""
    try:
        with Store.open(config.database, config.blobs) as store:
            if path == archive_of(config):
                take_in(store, path, Signing.of(config))
                return False
            return bool(store.verify())
    except HomeostatError:
        return True


def flipped(config: Config, path: Path, at: int, chance: random.Random) -> bool:
    """Whether a changed byte is detected; the project is put back as it was."""
    database = Path(config.folder) / "homeostat.db"
    before = {file: file.read_bytes() for file in {path, database}}
    changed = bytearray(before[path])
    changed[at] ^= chance.randrange(1, 256)
    try:
        path.write_bytes(changed)
        return detected(config, path)
    finally:
        for file, was in before.items():
            file.write_bytes(was)
        for leftover in ("-wal", "-shm"):
            Path(f"{database}{leftover}").unlink(missing_ok=True)


class Harmful:
    """Runs something when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("echo this must never be printed",)


OBJECTS = (
    Harmful(),
    {"w": [1.0]},
    [Harmful()],
    ("adapter", 7),
    {"state": {"a": b"x" * 50}},
    "weights",
    None,
    5.0,
    set(),
)


def _torch(what: object, protocol: int, *, new: bool) -> bytes:
    file = io.BytesIO()
    torch.save(what, file, pickle_protocol=max(2, protocol), _use_new_zipfile_serialization=new)
    return file.getvalue()


def _numpy(what: object) -> bytes:
    file, array = io.BytesIO(), np.empty(1, dtype=object)
    array[0] = what
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def _zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/weights", content)
    return file.getvalue()


def _tar(content: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo("weights")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


COATS: dict[str, Callable[[object, int], bytes]] = {
    "plain": pickle.dumps,
    "torch": lambda what, protocol: _torch(what, protocol, new=True),
    "old torch": lambda what, protocol: _torch(what, protocol, new=False),
    "numpy": lambda what, protocol: _numpy(what),
    "gzip": lambda what, protocol: gzip.compress(pickle.dumps(what, protocol)),
    "bzip2": lambda what, protocol: bzip2(pickle.dumps(what, protocol)),
    "xz": lambda what, protocol: xz(pickle.dumps(what, protocol)),
    "zip": lambda what, protocol: _zip(pickle.dumps(what, protocol)),
    "tar": lambda what, protocol: _tar(pickle.dumps(what, protocol)),
}
NAMES = (
    *("model.bin", "model.pt", "model.pth", "model.pkl", "model.ckpt", "model.joblib", "model.npy", "weights"),
    *("adapter_model.safetensors", "model.safetensors", "model.SAFETENSORS", "deep/er/x.dat"),
    *("tokenizer.json", "config.json", "README.md", "vocab.txt"),
)


def refused(store: Store, folder: Path, name: str, content: bytes) -> bool:
    """Whether a version with this file beside sound weights is refused and nothing of it kept."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    save_file({"w": np.ones(3, np.float32)}, folder / "sound.safetensors")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    try:
        register(store, Version(id="ver_pickled", task=TASK, time=0.0, base="builtin"), folder)
    except (UnsafeWeights, CorruptWeights):
        try:
            store.versions.get("ver_pickled")
        except NotFound:
            return True
    return False


def pickles(n: int, chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """(coat, name, content) of pickles: first every coat under every name, then by chance."""
    every = [(coat, name) for coat in COATS for name in NAMES]
    for k in range(n):
        coat, name = every[k] if k < len(every) else chance.choice(every)
        yield coat, name, COATS[coat](chance.choice(OBJECTS), chance.randrange(6))


def measure(folder: Path, flips: int, n_pickles: int, seed: int) -> dict[str, list[int]]:
    """Kind -> [detected, tried]."""
    chance, config = random.Random(seed), finished(folder / "laid")
    if detected(config) or detected(config, archive_of(config)):
        raise SystemExit("the untouched project is told to be broken")
    found: dict[str, list[int]] = {}
    for kind, places in {**content(config), "archive": members(archive_of(config))}.items():
        outcomes = []
        for _ in range(flips):
            path, at = drawn(places, chance)
            outcomes.append(flipped(config, path, at, chance))
            if not outcomes[-1]:
                print(f"missed: {kind}, byte {at} of {path}", file=sys.stderr)
        found[kind] = [sum(outcomes), len(outcomes)]
        print(f"{kind}: {found[kind]}", file=sys.stderr, flush=True)
    if detected(config):
        raise SystemExit("the project was not put back as it was")
    with Store.open(config.database, config.blobs) as store:
        said = [
            (coat, name, refused(store, folder / "offered", name, content))
            for coat, name, content in pickles(n_pickles, chance)
        ]
    for coat, name, outcome in said:
        if not outcome:
            print(f"taken in: a {coat} pickle as {name}", file=sys.stderr)
    found["pickle"] = [sum(outcome for _, _, outcome in said), len(said)]
    return found


def main() -> None:
    """Run the bar and print its line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 flips a kind, 160 pickles")
    parser.add_argument("--flips", type=int, default=150, help="flips of each kind of content")
    parser.add_argument("--pickles", type=int, default=300)
    parser.add_argument("--seed", type=int, default=10)
    args = parser.parse_args()
    began = time.perf_counter()
    flips, n_pickles = (20, 160) if args.quick else (args.flips, args.pickles)
    with tempfile.TemporaryDirectory() as folder:
        by = measure(Path(folder), flips, n_pickles, args.seed)
    caught, n = (sum(counts[k] for counts in by.values()) for k in (0, 1))
    share = proportion(caught, n)
    line = {
        "bar": "prove.10",
        "value": share.mean,
        "interval": [round(share.low, 5), round(share.high, 5)],
        "n": n,
        "goal": GOAL,
        "met": caught == n and n >= 1000,
        "seconds": round(time.perf_counter() - began, 1),
        "by": by,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
