"""An archive carries a version whole, and nothing that was done to it on the way is taken in."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.errors import BadArchive, HomeostatError, NotFound, NotReleasable, UnsafeWeights, Unsigned
from homeostat.release.archive import MANIFEST, SIGNATURE, export, take_in
from homeostat.release.card import card
from homeostat.release.keys import Keys
from homeostat.release.registry import promote, register
from homeostat.release.signing import Signing
from homeostat.store import Store
from homeostat.types.dataset import Dataset
from homeostat.types.version import State, Version
from release.rehearsal import TASK, open_store

VERSION = Version(
    id="ver_a", task=TASK, time=1.5, base="builtin", labels=("refund", "late"), parent="ver_0", dataset="dst_1",
    teachers=("ver_9", "models/large"), recipe={"lr": 0.1}, config="c",
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Store]:
    """The project that made the version, with its dataset and its parent."""
    (tmp_path / "home").mkdir()
    with open_store(tmp_path / "home") as store:
        store.configs.put("c", "{}")
        row = {"text": "secret", "target": "late", "origin": "new", "interaction": "", "time": 5.0}
        data = store.blobs.put_text(json.dumps(row) + "\n")
        store.datasets.put(Dataset(id="dst_1", task=TASK, time=1.0, blob=data, counts={"mixed": 1}, labels=("late",)))
        for id in ("ver_0", "ver_9"):
            store.versions.put(Version(id=id, task=TASK, time=1.0, base="builtin", labels=("refund",)))
        (tmp_path / "run" / "deep").mkdir(parents=True)
        save_file({"w": np.arange(5000, dtype=np.float32)}, tmp_path / "run" / "adapter_model.safetensors")
        (tmp_path / "run" / "deep" / "config.json").write_text('{"r": 4}')
        register(store, VERSION, tmp_path / "run")
        promote(store, TASK, "ver_a", "by test", now=2.0)
        yield store


@pytest.fixture
def maker(tmp_path: Path) -> Signing:
    return Signing(Keys(tmp_path / "home" / "keys"), demanded=True)


@pytest.fixture
def abroad(tmp_path: Path) -> Iterator[Store]:
    """Another project."""
    (tmp_path / "abroad").mkdir()
    with open_store(tmp_path / "abroad") as store:
        yield store


@pytest.fixture
def trusting(tmp_path: Path, maker: Signing) -> Signing:
    """Of another project, which trusts the maker."""
    there = Keys(tmp_path / "abroad" / "keys")
    there.trust(maker.keys.public_pem(maker.keys.own()))
    return Signing(there, demanded=True)


@pytest.fixture
def archive(home: Store, maker: Signing, tmp_path: Path) -> Path:
    export(home, home.versions.get("ver_a"), tmp_path / "a.tar", maker)
    return tmp_path / "a.tar"


def test_it_arrives_whole(home: Store, abroad: Store, archive: Path, trusting: Signing) -> None:
    """Weights, labels and record are those of home; it is a signed candidate that points at nothing absent."""
    got = take_in(abroad, archive, trusting)
    assert got.state is State.CANDIDATE
    assert (got.blob, got.labels, got.recipe) == (home.versions.get("ver_a").blob, VERSION.labels, VERSION.recipe)
    assert (got.dataset, got.parent, got.teachers) == ("", "", ("models/large",))
    folder = trusting.folder(abroad, abroad.versions.get("ver_a"))
    assert folder is not None
    assert (folder / "deep" / "config.json").read_text() == '{"r": 4}'
    assert abroad.verify() == []
    promote(abroad, TASK, "ver_a", "arrived", now=3.0)
    assert "| late | 1 |" in card(abroad, "ver_a")
    assert take_in(abroad, archive, trusting).state is State.LIVE
    assert [entry.what for entry in abroad.audit.list("ver_a")].count("archive taken in") == 1


def test_what_is_here_is_pointed_at(home: Store, archive: Path, maker: Signing) -> None:
    """Where dataset, parent and teacher are known, the lineage goes on; so it does for what was there already."""
    assert take_in(home, archive, maker) == home.versions.get("ver_a")
    assert (home.versions.get("ver_a").dataset, home.versions.get("ver_a").parent) == ("dst_1", "ver_0")


def test_the_same_version_gives_the_same_bytes(home: Store, maker: Signing, archive: Path, tmp_path: Path) -> None:
    """Exported again, the file is the same bit by bit; no request of the dataset is in it."""
    export(home, home.versions.get("ver_a"), tmp_path / "b.tar", maker)
    assert (tmp_path / "b.tar").read_bytes() == archive.read_bytes()
    assert b"secret" not in archive.read_bytes()


def test_strangers(abroad: Store, archive: Path, tmp_path: Path) -> None:
    """Who does not trust its maker does not take it in, but by a word of their own where no signature is demanded."""
    for demanded in (True, False):
        signing = Signing(Keys(tmp_path / "stranger"), demanded=demanded)
        with pytest.raises(Unsigned, match="nobody who is trusted"):
            take_in(abroad, archive, signing)
    with pytest.raises(Unsigned):
        take_in(abroad, archive, Signing(Keys(tmp_path / "stranger"), demanded=True), unsigned=True)
    assert take_in(abroad, archive, signing, unsigned=True).id == "ver_a"


Members = list[tuple[tarfile.TarInfo, bytes]]


def rewritten(archive: Path, change: Callable[[Members], Any]) -> Path:
    """The archive with something done to its members."""
    with tarfile.open(archive) as source:
        members: Members = [(one, source.extractfile(one).read()) for one in source]  # type: ignore[union-attr]
    change(members)
    target = archive.with_name("changed.tar")
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as made:
        for member, content in members:
            if member.isreg():
                member.size = len(content)
            made.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return target


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


CHANGES: dict[str, Callable[[Members], Any]] = {
    "a file more": lambda m: m.append((named("weights/more.json"), b"{}")),
    "a file less": lambda m: m.pop(),
    "out by dots": lambda m: m.append((named("weights/../../../evil"), b"x")),
    "out by root": lambda m: m.append((named("/evil"), b"x")),
    "a backslash": lambda m: m.append((named("weights\\evil"), b"x")),
    "a link": lambda m: m.append((named("weights/link", tarfile.SYMTYPE, "/etc/passwd"), b"")),
    "a hard link": lambda m: m.append((named("weights/hard", tarfile.LNKTYPE, "card.md"), b"")),
    "a folder": lambda m: m.append((named("weights/dir", tarfile.DIRTYPE), b"")),
    "a device": lambda m: m.append((named("weights/null", tarfile.CHRTYPE), b"")),
    "twice": lambda m: m.append((named("card.md"), b"other")),
    "another order": lambda m: m.insert(0, m.pop(2)),
    "no manifest": lambda m: m.pop(0),
    "too many": lambda m: m.extend((named(f"weights/{k}"), b"") for k in range(1_001)),
    "other weights": lambda m: m.__setitem__(-1, (m[-1][0], b"{}" + m[-1][1])),
    "weights of the same size": lambda m: m.__setitem__(-2, (m[-2][0], m[-2][1][:-1] + b"\x00")),
    "another card": lambda m: m.__setitem__(2, (m[2][0], m[2][1].replace(b"ver_a", b"ver_b"))),
    "another manifest": lambda m: m.__setitem__(0, (m[0][0], m[0][1].replace(b"refund", b"refuse"))),
    "another signature": lambda m: m.__setitem__(1, (m[1][0], m[1][1].replace(b'"signature": "', b'"signature": "A'))),
    "no signature": lambda m: m.__setitem__(1, (m[1][0], b"{}")),
    "a signature of another kind": lambda m: m.__setitem__(1, (m[1][0], b'{"key": [], "signature": 1}')),
    "no JSON": lambda m: m.__setitem__(1, (m[1][0], b"\xff")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_on_the_way_is_refused(abroad: Store, archive: Path, trusting: Signing, change: str) -> None:
    """Whatever was added, taken out, exchanged, linked or led outside: it is refused by name, and nothing is left."""
    with pytest.raises((BadArchive, Unsigned)):
        take_in(abroad, rewritten(archive, CHANGES[change]), trusting)
    assert abroad.versions.list() == []
    assert list((abroad.blobs.root / "unfinished").iterdir()) == []
    assert not list(archive.parent.rglob("evil"))


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        (b'{"about": "homeostat archive 2"}', "it is 'homeostat archive 2'"),
        (b'{"about": "homeostat archive 1"}', "its manifest is not one of ours"),
    ],
)
def test_what_a_manifest_lacks_is_told_as_it_is(abroad: Store, archive: Path, manifest: bytes, what: str) -> None:
    """One of a later release is told from one that is none."""
    changed = rewritten(archive, lambda members: members.__setitem__(0, (members[0][0], manifest)))
    with pytest.raises(BadArchive, match=what):
        take_in(abroad, changed, Signing(Keys(archive.parent / "stranger"), demanded=False), unsigned=True)


def test_a_folder_is_no_archive(abroad: Store, tmp_path: Path, trusting: Signing) -> None:
    """It is told how one is made."""
    with pytest.raises(BadArchive, match="not an archive") as told:
        take_in(abroad, tmp_path, trusting)
    assert "homeostat export" in told.value.fix


def test_cut_off_anywhere(abroad: Store, archive: Path, trusting: Signing) -> None:
    """An archive that ends too early is refused wherever it ends."""
    content = archive.read_bytes()
    with tarfile.open(archive) as opened:
        end = max(one.offset_data + one.size for one in opened)
    cut = archive.with_name("cut.tar")
    for length in [0, 1, 511, 512, 513, *range(1_000, end, 1_777), end - 1]:
        cut.write_bytes(content[:length])
        with pytest.raises((BadArchive, Unsigned)):
            take_in(abroad, cut, trusting)
    assert abroad.versions.list() == []


def test_a_trusted_maker_cannot_bring_a_pickle(home: Store, abroad: Store, maker: Signing, trusting: Signing) -> None:
    """Weights that could run code are refused although the signature is good."""
    folder = home.blobs.root / "bad"
    folder.mkdir()
    save_file({"w": np.ones(2, np.float32)}, folder / "adapter_model.safetensors")
    (folder / "state.dat").write_bytes(pickle.dumps({}))
    bad = replace(VERSION, id="ver_bad", blob=home.blobs.put_folder(folder))
    home.versions.put(bad)
    export(home, bad, folder / "bad.tar", maker)
    with pytest.raises(UnsafeWeights):
        take_in(abroad, folder / "bad.tar", trusting)
    with pytest.raises(NotFound):
        abroad.versions.get("ver_bad")


def test_another_version_of_this_id(abroad: Store, archive: Path, trusting: Signing) -> None:
    """It is not written over."""
    abroad.versions.put(Version(id="ver_a", task=TASK, time=0.0, base="builtin", labels=("mine",)))
    with pytest.raises(NotReleasable, match="another version ver_a is there"):
        take_in(abroad, archive, trusting)
    assert abroad.versions.get("ver_a").labels == ("mine",)


def test_a_failed_export_leaves_no_file(home: Store, maker: Signing, archive: Path, tmp_path: Path) -> None:
    """Where a file of the version has changed, there is neither an archive nor half of one, and an old one stays."""
    before = archive.read_bytes()
    for part in home.blobs.files(home.versions.get("ver_a").blob).values():
        (home.blobs.root / "files" / part[:2] / part[2:]).write_bytes(b"else")
    for laid in (home.blobs.root / "folders").rglob("*.safetensors"):
        laid.write_bytes(b"else")
    with pytest.raises(HomeostatError):
        export(home, home.versions.get("ver_a"), archive, maker)
    assert archive.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []
    assert (MANIFEST, SIGNATURE) == ("manifest.json", "signature.json")
