"""A version as a folder that model hubs and other programs read: its weights, its card as README.md, its record."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from homeostat.errors import NotReleasable
from homeostat.release.card import card
from homeostat.release.record import record
from homeostat.release.signing import kept
from homeostat.store import Store
from homeostat.store.rows import plain
from homeostat.types.version import Version

README, RECORD, SIGNATURE = "README.md", "record.json", "signature.json"


def publish(store: Store, version: Version, folder: Path) -> list[str]:
    """Lay a version out in a folder that is not there yet; the names of its files. It is there when all of it is.

    It holds no request and no example. Adapters are in the format of PEFT, whole models in that of transformers.

    Raises:
        NotReleasable: the folder is there already, or the version has no weights of its own.
        Tampered: a file of the version has changed since it was stored.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotReleasable("there is something already", where=str(folder), fix="name another folder, or empty it")
    if not version.blob:
        what = f"{version.id} has no weights of its own: it is the bare {version.base}"
        raise NotReleasable(what, where=version.id, fix="publish a version that was trained")
    making = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(store.blobs.folder(version.blob), making, copy_function=shutil.copyfile)
    making.chmod(0o755)
    (making / README).write_text(card(store, version.id), encoding="utf-8")
    _write(making / RECORD, record(store, version))
    if signature := kept(store, version.id):
        _write(making / SIGNATURE, asdict(signature))
    files = sorted(path.relative_to(making).as_posix() for path in making.rglob("*") if path.is_file())
    making.replace(folder)
    store.audit.note("published", version.id, version.blob)
    return files


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(plain(value), ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")
