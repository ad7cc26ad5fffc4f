"""A version as one file that can be carried elsewhere: a tar with a manifest, a signature, the weights and the record.

    manifest.json    what is in it: the version, the SHA-256 and the size of every other file
    signature.json   Ed25519 over the bytes of the manifest, and whose
    card.md, record.json, weights/…

Nothing of an archive is believed before its signature: members are read in their order, the two first are small, and of
the rest only what the manifest names, with the size and the hash that it names, is written, into a folder of its own.
There are no links, no paths that lead out, and no member that was not asked for. A version is there when all of it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from homeostat.errors import BadArchive, NotFound, NotReleasable
from homeostat.llm.weights import check
from homeostat.release.card import card
from homeostat.release.record import record
from homeostat.release.registry import register
from homeostat.release.signing import MADE_FROM, Signature, Signing, keep, kept
from homeostat.store import Store
from homeostat.store.missing import NOUNS
from homeostat.store.rows import plain, rebuild
from homeostat.types.version import State, Version

MANIFEST, SIGNATURE, CARD, RECORD, WEIGHTS = "manifest.json", "signature.json", "card.md", "record.json", "weights/"
ABOUT = "homeostat archive 1"
MOST_HEAD = 16 << 20
"""Bytes of a manifest, a card or a record at most."""
MOST_FILES = 1_000
MOST_BYTES = 1 << 36
"""Bytes of all files at most: 64 GiB."""
CHUNK = 1 << 20


def export(store: Store, version: Version, file: Path, signing: Signing) -> str:
    """Write a version to a file, signed with the project's own key; the hash of its manifest.

    A version that has no signature yet gets one. The same version in the same state gives the same bytes.

    Raises:
        Unsigned: the project's key cannot be used.
        Tampered: a file of the version has changed since it was stored.
        StoreFull: the disk is full; no file is left.
    """
    signature = kept(store, version.id) or signing.sign(store, version)
    small = {CARD: card(store, version.id).encode(), RECORD: _bytes(record(store, version))}
    folder = store.blobs.folder(version.blob) if version.blob else None
    weights = {f"{WEIGHTS}{name}": hash for name, hash in (store.blobs.files(version.blob) if folder else {}).items()}
    sizes = {name: (folder / name.removeprefix(WEIGHTS)).stat().st_size for name in weights} if folder else {}
    files = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} for name, content in small.items()
    }
    files |= {name: {"sha256": hash, "size": sizes[name]} for name, hash in weights.items()}
    manifest = _bytes({"about": ABOUT, "version": plain(version), "signature": asdict(signature), "files": files})
    key = signing.keys.own()
    small = {MANIFEST: manifest, SIGNATURE: _bytes(signing.over(key, manifest)), **small}
    with _whole(file) as made, tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in small.items():
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
        for name in sorted(weights):
            with (folder / name.removeprefix(WEIGHTS)).open("rb") as source:  # type: ignore[operator]
                archive.addfile(_member(name, sizes[name]), source)
    store.audit.note("archive of version", version.id, hashlib.sha256(manifest).hexdigest())
    return hashlib.sha256(manifest).hexdigest()


def take_in(store: Store, file: Path, signing: Signing, *, unsigned: bool = False) -> Version:
    """Register the version of an archive as a candidate; one that is there already is given as it is.

    `unsigned` takes an archive whose signature is not of a trusted key, unless the project demands signatures.

    Raises:
        BadArchive: it is no archive of ours, or something in it is not what its manifest says.
        Unsigned: nobody who is trusted has signed it, or its version.
        UnsafeWeights, CorruptWeights: its weights cannot be loaded safely.
        NotReleasable: another version of this id is there.
        StoreFull: the disk is full; nothing is registered.
    """
    with TemporaryDirectory(dir=store.blobs.root / "unfinished") as place, _opened(file) as archive:
        members = _members(archive, file)
        manifest = _head(archive, members, MANIFEST, file)
        head = _head(archive, members, SIGNATURE, file)
        if not unsigned or signing.demanded:
            signing.over_holds(_parsed(head, file), manifest, where=str(file))
        said = _understood(manifest, file)
        files: Mapping[str, Mapping[str, Any]] = said["files"]
        _extract(archive, members, files, Path(place), file)
        version = rebuild(Version, said["version"])
        signature = Signature(**said["signature"])
        if not unsigned or signing.demanded:
            signing.holds(signature, version)
        return _registered(store, version, signature, Path(place), hashlib.sha256(manifest).hexdigest())


def _registered(store: Store, version: Version, signature: Signature, place: Path, hash: str) -> Version:
    folder = place / WEIGHTS if version.blob else None
    dataset, parent = (one if _there(store, one) else "" for one in (getattr(version, name) for name in MADE_FROM))
    teachers = tuple(one for one in version.teachers if one.partition("_")[0] not in NOUNS or _there(store, one))
    try:
        known = store.versions.get(version.id)
    except NotFound:
        if folder is not None:
            check(folder)
        if folder is not None and (found := store.blobs.put_folder(folder)) != version.blob:
            raise BadArchive(f"its weights are {found}, not {version.blob}", where=version.id) from None
        here = replace(version, dataset=dataset, parent=parent)
        clean = replace(here, state=State.CANDIDATE, config="", teachers=teachers)
        # What belongs to it comes first, so that a crash in between leaves nothing that looks whole and is not.
        store.state.put(f"imported:{version.id}", json.loads((place / RECORD).read_bytes()))
        keep(store, version.id, signature)
        known = register(store, clean, folder)
        store.audit.note("archive taken in", version.id, hash)
    if known.blob != version.blob or known.labels != version.labels:
        raise NotReleasable(f"another version {version.id} is there already", fix="`homeostat versions --id` shows it")
    return known


def _there(store: Store, id: str) -> bool:
    try:
        (store.datasets if id.startswith("dst_") else store.versions).get(id)
    except NotFound:
        return False
    return True


def _bytes(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode() + b"\n"


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A file that is there when the block ends, and not at all if it raises."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        with unfinished.open("wb") as made:
            yield made
            made.flush()
            os.fsync(made.fileno())
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive
    except (tarfile.TarError, EOFError, IsADirectoryError) as problem:
        fix = "`homeostat export VERSION FILE` writes one"
        raise BadArchive(f"not an archive: {problem}", where=str(file), fix=fix) from None


def _members(archive: tarfile.TarFile, file: Path) -> dict[str, tarfile.TarInfo]:
    """Name -> member; every one is a plain file with a name that stays inside."""
    found: dict[str, tarfile.TarInfo] = {}
    for member in archive:
        path = PurePosixPath(member.name)
        if not member.isreg() or member.issparse():
            raise BadArchive(f"{member.name!r} is no plain file", where=str(file))
        if path.is_absolute() or ".." in path.parts or "\\" in member.name or str(path) != member.name:
            raise BadArchive(f"{member.name!r} leads outside", where=str(file))
        if member.name in found or len(found) >= MOST_FILES:
            raise BadArchive(f"{member.name!r} comes twice, or there are too many", where=str(file))
        found[member.name] = member
    if list(found)[:2] != [MANIFEST, SIGNATURE]:
        raise BadArchive("it does not begin with a manifest and a signature", where=str(file))
    return found


def _head(archive: tarfile.TarFile, members: Mapping[str, tarfile.TarInfo], name: str, file: Path) -> bytes:
    source = archive.extractfile(members[name])
    if source is None or members[name].size > MOST_HEAD:
        raise BadArchive(f"{name} is too large", where=str(file))
    return source.read(MOST_HEAD)


def _parsed(content: bytes, file: Path) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        raise BadArchive("its manifest or signature is no JSON", where=str(file)) from None


def _understood(manifest: bytes, file: Path) -> dict[str, Any]:
    said = _parsed(manifest, file)
    try:
        if said["about"] != ABOUT:
            raise BadArchive(f"it is {said['about']!r}, not {ABOUT!r}", where=str(file), fix="upgrade homeostat")
        sizes = [one["size"] for one in said["files"].values()]
        hashes = [one["sha256"] for one in said["files"].values()]
        rebuild(Version, said["version"])
        Signature(**said["signature"])
        if not all(isinstance(size, int) and size >= 0 for size in sizes) or sum(sizes) > MOST_BYTES:
            raise BadArchive("it says that it is larger than is taken in", where=str(file))
        if not all(isinstance(hash, str) for hash in hashes) or not {CARD, RECORD} <= set(said["files"]):
            raise BadArchive("it lacks its card or its record", where=str(file))
    except BadArchive:  # a ValueError itself
        raise
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadArchive("its manifest is not one of ours", where=str(file)) from None
    return dict(said)


def _extract(
    archive: tarfile.TarFile,
    members: Mapping[str, tarfile.TarInfo],
    files: Mapping[str, Mapping[str, Any]],
    place: Path,
    file: Path,
) -> None:
    """Write the files that the manifest names, each with the hash that it names."""
    if differing := set(members) - {MANIFEST, SIGNATURE} ^ set(files):
        raise BadArchive(f"its manifest and its files differ in {sorted(differing)[0]!r}", where=str(file))
    for name, one in files.items():
        if members[name].size != one["size"]:
            raise BadArchive(f"{name} is not as large as its manifest says", where=str(file))
        try:
            hash = _written(archive, members[name], place / name)
        except (FileExistsError, NotADirectoryError):
            raise BadArchive(f"{name} is a file and a folder", where=str(file)) from None
        if hash != one["sha256"]:
            raise BadArchive(f"{name} is not what its manifest says", where=str(file), fix="have it sent again")


def _written(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Write one file, and give its hash."""
    digest, source = hashlib.sha256(), archive.extractfile(member)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        while source is not None and (chunk := source.read(CHUNK)):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
