"""Which bytes a base is: one hash of its weights, configuration and tokenizer, wherever the folder lies.

No tensor is read for it. Hashes of files are kept in the project beside what the file system says of each: its inode,
size, and when its content and its entry were changed, in nanoseconds. So a start costs a look at a few entries, and
whatever writes to a file, or puts another in its place, has it hashed again. A file that was changed moments before it
was hashed is hashed again the next time: a clock that ticks in milliseconds could not tell a second change from it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from homeostat.builtin.resources import model_path
from homeostat.errors import OtherBase
from homeostat.store import Store
from homeostat.types.report import Base

T = TypeVar("T")
PARTS = (
    *("*.safetensors", "*.safetensors.index.json"),
    *("*config.json",),
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "chat_template*"),
    *("vocab*", "merges.txt", "*.model", "*.spm", "*.tiktoken", "*.codes"),
)
"""Names of files that are read of a base: weights, configuration, tokenizer. A card or a license may change."""
OTHERS = ("consolidated*",)
"""Weights that may lie beside those that are read."""
SETTLED_NS = 2_000_000_000
"""Nanoseconds that a file has to have been left alone before its hash is kept."""
SHOWN = 12
"""Letters of a hash that are told."""
Stamp: TypeAlias = list[int]
"""What the file system says of a file: inode, size, time of its content and of its entry, in nanoseconds."""


def folder_of(base: str) -> Path | None:
    """Where a base lies on this machine: the built-in one, a folder, or a hub name's files as they were fetched last;
    None where it is not here.
    """
    folder = model_path() if base == "builtin" else Path(base).expanduser()
    if folder.is_dir():
        return folder
    return None if base.startswith((".", "/", "~")) else _fetched(base)


def _fetched(name: str) -> Path | None:
    """The newest revision of a hub name that lies in the cache of the hub's library, found without the library."""
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or home / "hub")
    model = cache.expanduser() / f"models--{name.replace('/', '--')}"
    try:
        folder = model / "snapshots" / (model / "refs" / "main").read_text().strip()
    except OSError:
        return None
    return folder if folder.is_dir() else None


def bytes_of(store: Store, base: str) -> Base | None:
    """Which bytes a base is at this moment; None where it is not here.

    Raises:
        OtherBase: a file changes while it is read.
    """
    folder = folder_of(base)
    if folder is None:
        return None
    key = f"base:{folder}"
    kept = store.state.get(key)
    known: Mapping[str, Mapping[str, Any]] = kept if isinstance(kept, dict) else {}
    found, settled = dict[str, str](), dict[str, dict[str, Any]]()
    for path in _parts(folder):
        began, stamp, before = time.time_ns(), _stamp(path), known.get(path.name, {})
        same = before.get("stamp") == stamp
        found[path.name] = before["sha256"] if same else _hashed(path, stamp)
        if same or began - max(stamp[2:]) > SETTLED_NS:
            settled[path.name] = {"stamp": stamp, "sha256": found[path.name]}
    if settled != known:
        store.state.put(key, settled)
    lines = "".join(f"{name}\0{hash}\n" for name, hash in sorted(found.items()))
    return Base(name=base, content=hashlib.sha256(lines.encode()).hexdigest())


def opened_from(store: Store, base: str, opening: Callable[[], T]) -> tuple[T, Base | None]:
    """What `opening` makes of a base, and which bytes that were; None where they are not here.

    Raises:
        OtherBase: a file of the base was changed meanwhile.
    """
    before = _stamps(base)
    made = opening()
    after, found = _stamps(base), bytes_of(store, base)
    if any(after.get(path, stamp) != stamp for path, stamp in before.items()):
        raise _moving(base)
    return made, found


def hold_same(store: Store, opened: Base | None) -> None:
    """Hold that a base which is open in this process is still what lies at its place.

    Raises:
        OtherBase: it is not.
    """
    here = bytes_of(store, opened.name) if opened else None
    if opened and here and here.content != opened.content:
        raise OtherBase(
            f"the base has other bytes than those that this process has open: {shown(here)} instead of {shown(opened)}",
            where=str(folder_of(opened.name)),
            fix="put the old base back, or start again: what was proven over the old bytes has to be proven anew",
        )


def shown(base: Base) -> str:
    """A base's bytes, for people."""
    return f"sha256 {base.content[:SHOWN]}…"


def _parts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        read = any(fnmatch(path.name, part) for part in PARTS)
        if read and not any(fnmatch(path.name, other) for other in OTHERS) and path.is_file():
            yield path


def _stamp(path: Path) -> Stamp:
    told = path.stat()
    return [told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns]


def _stamps(base: str) -> dict[str, Stamp]:
    folder = folder_of(base)
    return {str(path): _stamp(path) for path in _parts(folder)} if folder else {}


def _hashed(path: Path, stamp: Stamp) -> str:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if _stamp(path) != stamp:
        raise _moving(str(path))
    return found


def _moving(where: str) -> OtherBase:
    fix = "wait until whoever writes it is done, and start again"
    return OtherBase("the base changes while it is read", where=where, fix=fix)
