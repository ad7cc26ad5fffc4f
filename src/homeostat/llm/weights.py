"""Whether a folder holds weights that may be loaded: safetensors that can be read, and nothing that can run code."""

from __future__ import annotations

import io
import pickletools
from pathlib import Path
from typing import IO, cast

from safetensors import SafetensorError, safe_open

from homeostat.errors import CorruptWeights, UnsafeWeights

_UNSAFE = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".p", ".ckpt", ".joblib", ".dill", ".cloudpickle", ".mar", ".nemo"}
    | {".npy", ".npz", ".t7", ".h5", ".hdf5", ".keras"}
)
"""Endings under which pickles, or other things that run when they are loaded, are usually kept."""
STATES, IMPORTANCE = "states.safetensors", "importance.safetensors"
BESIDE = frozenset({STATES, IMPORTANCE})
"""Files that may lie beside a version's weights and are none: what its successor goes on with."""
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
"""How pickles of protocol 2 to 5 begin; older ones begin with nothing of their own."""
_PACKED = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf": "7-zip",
    b"Rar!": "rar",
    b"\x93NUMPY": "numpy",
}
"""How archives and packed files begin. PyTorch hides a pickle in a zip, numpy in an array of objects."""
_TAR, _TAR_AT = b"ustar", 257
_FIX = "save it with safetensors: `model.save_pretrained(folder)` does"


def check(folder: Path) -> None:
    """Look at every file in a folder and below; weights are not loaded and nothing of them is run.

    Raises:
        UnsafeWeights: a file can run code when it is loaded, by its ending or by how it begins.
        CorruptWeights: a safetensors file cannot be read, or there is none.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        _refuse_pickle(path)
    weights = [path for path in files if path.suffix == ".safetensors"]
    if not weights:
        raise CorruptWeights("the folder holds no safetensors file", where=str(folder), fix=_FIX)
    for path in weights:
        _read(path)


def check_file(path: Path) -> None:
    """Look at one safetensors file, as `check` does, whatever lies beside it.

    Raises:
        UnsafeWeights: it is a pickle by another name.
        CorruptWeights: it cannot be read.
    """
    _refuse_pickle(path)
    _read(path)


def pickles(folder: Path) -> list[Path]:
    """The files in a folder and below that can run code when somebody loads them: pickles, by their ending or by how
    they begin. Archives are none by themselves. Nothing is run, and what is gone meanwhile is left out.
    """
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_pickle(path)]


def _is_pickle(path: Path) -> bool:
    if path.suffix.lower() in _UNSAFE:
        return True
    try:
        with path.open("rb") as file:
            begins = file.read(len(_PICKLE[0]))
        return path.suffix != ".safetensors" and (begins.startswith(_PICKLE) or _unpickles(path))
    except OSError:
        return False


def _refuse_pickle(path: Path) -> None:
    if path.suffix.lower() in _UNSAFE:
        raise UnsafeWeights(f"{path.name} is of a kind that can run code", where=str(path), fix=_FIX)
    with path.open("rb") as file:
        begins = file.read(_TAR_AT + len(_TAR))
    # A safetensors file begins with the length of its header, which may happen to read like anything else.
    if path.suffix == ".safetensors" and _readable(path):
        return
    kind = "tar" if begins[_TAR_AT:] == _TAR else next((k for b, k in _PACKED.items() if begins.startswith(b)), "")
    if kind:
        what = f"{path.name} is a {kind} file, and what is in it may run code"
        raise UnsafeWeights(what, where=str(path), fix="unpack it and leave only what a model needs")
    if begins.startswith(_PICKLE) or _unpickles(path):
        raise UnsafeWeights(f"{path.name} is a pickle by another name", where=str(path), fix=_FIX)


def _readable(path: Path) -> bool:
    try:
        _read(path)
    except CorruptWeights:
        return False
    return True


class _Nowhere(io.TextIOBase):
    """Takes what is written and keeps nothing."""

    def write(self, text: str, /) -> int:
        """Forget it."""
        return len(text)


def _unpickles(path: Path) -> bool:
    """Whether the file begins with a whole pickle, of any protocol; read as a list, and nothing of it is run."""
    with path.open("rb") as file:
        try:
            pickletools.dis(file, out=cast("IO[str]", _Nowhere()))
            return True
        except Exception:  # whatever it stumbles over, it is no pickle
            return False


def _read(path: Path) -> None:
    """Read the header: names, shapes and places of the tensors, which have to fill the file exactly."""
    try:
        with safe_open(path, framework="numpy") as tensors:
            empty = not list(tensors.keys())
    except (SafetensorError, OSError) as problem:
        fix = "copy it again from where it was trained"
        raise CorruptWeights(f"{path.name} cannot be read: {problem}", where=str(path), fix=fix) from problem
    if empty:
        raise CorruptWeights(f"{path.name} holds no tensors", where=str(path), fix="train it again")
