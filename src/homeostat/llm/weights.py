"""Whether a folder holds weights that may be loaded: safetensors that can be read, and nothing that can run code."""

from __future__ import annotations

import zipfile
from pathlib import Path

from safetensors import SafetensorError, safe_open

from homeostat.errors import CorruptWeights, UnsafeWeights

_UNSAFE = frozenset({".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill"})
"""Endings under which pickles are usually kept."""
_PICKLE = tuple(b"\x80" + bytes([protocol]) for protocol in range(2, 6))
"""How pickles of protocol 2 to 5 begin."""
_ZIP = b"PK\x03\x04"
"""How a zip file begins; PyTorch hides a pickle in one."""
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


def _refuse_pickle(path: Path) -> None:
    if path.suffix.lower() in _UNSAFE:
        raise UnsafeWeights(f"{path.name} is of a kind that can run code", where=str(path), fix=_FIX)
    with path.open("rb") as file:
        begins = file.read(4)
    # A safetensors file begins with the length of its header, which may happen to read like a pickle.
    if begins.startswith(_PICKLE) and not _readable(path):
        raise UnsafeWeights(f"{path.name} is a pickle by another name", where=str(path), fix=_FIX)
    if begins == _ZIP and _zipped_pickle(path):
        raise UnsafeWeights(f"{path.name} is a zip file with a pickle in it", where=str(path), fix=_FIX)


def _readable(path: Path) -> bool:
    try:
        _read(path)
    except CorruptWeights:
        return False
    return True


def _zipped_pickle(path: Path) -> bool:
    """A zip file that cannot be looked into counts as one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(Path(name).suffix.lower() in _UNSAFE for name in archive.namelist())
    except zipfile.BadZipFile:
        return True


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
