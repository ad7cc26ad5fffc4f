"""Files by content: what is stored is what is read, or an error says that it is not."""

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.errors import NotFound, StoreUnreachable, Tampered
from homeostat.store.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty folder of blobs."""
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """A folder such as training leaves."""
    folder = tmp_path / "adapter"
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(bytes(range(256)) * 9000)
    (folder / "tokenizer" / "vocab.json").write_text("{}")
    (folder / "empty").touch()
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=3000))
def test_bytes_come_back(blobs: Blobs, content: bytes) -> None:
    """A blob is found by the SHA-256 of its bytes, and storing it again gives the same name."""
    hash = blobs.put_bytes(content)
    assert hash == hashlib.sha256(content).hexdigest() == blobs.put_bytes(content)
    assert blobs.bytes(hash) == content


def test_text_comes_back(blobs: Blobs) -> None:
    """Text comes back, half an emoji too."""
    assert blobs.text(blobs.put_text("müde \x00 \ud83d\r\n")) == "müde \x00 \ud83d\r\n"


def test_nothing_is_left_over(blobs: Blobs, adapter: Path) -> None:
    """Once stored, no unfinished file remains, and equal contents take up room once."""
    blobs.put_folder(adapter)
    blobs.put_folder(adapter)
    blobs.put_bytes(b"")
    assert list((blobs.root / "unfinished").iterdir()) == []
    assert len(list(blobs.hashes())) == 4


def test_folder_comes_back(blobs: Blobs, adapter: Path) -> None:
    """A folder is laid out with the files it had, folders in it included; what it is called depends on them alone."""
    hash = blobs.put_folder(adapter)
    assert contents(blobs.folder(hash)) == contents(adapter)
    renamed = adapter.rename(adapter.with_name("other"))
    assert blobs.put_folder(renamed) == hash
    (renamed / "more").touch()
    assert blobs.put_folder(renamed) != hash


def test_folder_is_laid_out_once(blobs: Blobs, adapter: Path) -> None:
    """Asking again gives the same files, untouched."""
    hash = blobs.put_folder(adapter)
    before = (blobs.folder(hash) / "empty").stat()
    assert (blobs.folder(hash) / "empty").stat().st_ino == before.st_ino


@pytest.mark.parametrize("harm", ["changed", "removed", "added"])
def test_harmed_folder_is_laid_out_again(blobs: Blobs, adapter: Path, harm: str) -> None:
    """A laid-out folder that somebody changed is put right before anybody reads from it."""
    hash = blobs.put_folder(adapter)
    place = blobs.folder(hash)
    if harm == "changed":
        (place / "weights.safetensors").write_bytes(b"evil")
    elif harm == "removed":
        (place / "empty").unlink()
    else:
        (place / "evil.py").touch()
    assert contents(blobs.folder(hash)) == contents(adapter)


def test_tampered_blob(blobs: Blobs, adapter: Path) -> None:
    """A blob that was changed on disk is never handed out, alone or in a folder; storing it again repairs it."""
    hash = blobs.put_folder(adapter)
    weights = blobs.files(hash)["weights.safetensors"]
    path = blobs.root / "files" / weights[:2] / weights[2:]
    path.write_bytes(b"evil")
    with pytest.raises(Tampered, match=weights):
        blobs.bytes(weights)
    with pytest.raises(Tampered, match=weights):
        blobs.folder(hash)
    assert not (blobs.root / "folders" / hash).exists()
    blobs.put_folder(adapter)
    assert contents(blobs.folder(hash)) == contents(adapter)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_folder_that_reaches_outside(blobs: Blobs, name: str) -> None:
    """A list of files that names one outside the folder is refused."""
    hash = blobs.put_text(json.dumps({"files": {name: blobs.put_bytes(b"evil")}}))
    with pytest.raises(Tampered, match="outside"):
        blobs.folder(hash)


@pytest.mark.parametrize(
    "said", ['{"files": ""}', '{"files": [1]}', '{"files": {"a": 1}}', '{"files": {}, "name": "x"}', "[]", "7", "{"]
)
def test_a_document_that_speaks_of_files_is_no_folder(blobs: Blobs, said: str) -> None:
    """Only the list that `put_folder` writes is one."""
    with pytest.raises(NotFound, match="is a file, not a folder"):
        blobs.files(blobs.put_text(said))


def test_not_there(blobs: Blobs, tmp_path: Path) -> None:
    """A blob, a folder or a name that is not there is an error, and no path."""
    for name in ("f" * 64, "", "../../etc/passwd", "F" * 64):
        with pytest.raises(NotFound):
            blobs.bytes(name)
    with pytest.raises(NotFound):
        blobs.put_folder(tmp_path / "none")
    for other in (b"plain", b"[1]", b'{"a": 1}', b"\xff"):
        with pytest.raises(NotFound, match="not a folder"):
            blobs.folder(blobs.put_bytes(other))


def test_link_is_followed(blobs: Blobs, adapter: Path, tmp_path: Path) -> None:
    """A link to a file, as the hub's cache has them, is stored as the file."""
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "weights").symlink_to(adapter / "weights.safetensors")
    assert list(contents(blobs.folder(blobs.put_folder(linked))).values()) == [bytes(range(256)) * 9000]


def test_remains_of_a_crash_are_swept(blobs: Blobs) -> None:
    """What a crash left unfinished is removed a day later, and nothing that may still be in use."""
    old, young = blobs.root / "unfinished" / "old", blobs.root / "unfinished" / "young"
    old.mkdir()
    young.touch()
    os.utime(old, (0, time.time() - 100_000))
    Blobs(blobs.root)
    assert (old.exists(), young.exists()) == (False, True)


LAY_OUT = "import sys; from homeostat.store.blobs import Blobs; print(Blobs(sys.argv[1]).folder(sys.argv[2]))"


@pytest.mark.slow
def test_processes_lay_out_at_once(blobs: Blobs, adapter: Path) -> None:
    """Processes that want one folder at one time all get it, also when a broken one is in the way."""
    hash = blobs.put_folder(adapter)
    (blobs.root / "folders" / hash).mkdir()
    (blobs.root / "folders" / hash / "broken").touch()
    command = [sys.executable, "-c", LAY_OUT, str(blobs.root), hash]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate(timeout=60)[0].strip() for process in running} == {str(blobs.root / "folders" / hash)}
    assert contents(blobs.folder(hash)) == contents(adapter)


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    """A place where no folder can be made, or that is no folder, is an error at once."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnreachable, match="cannot make the folder"):
        Blobs(tmp_path / "file" / "blobs")
    with pytest.raises(StoreUnreachable, match="only be kept in a folder"):
        Blobs("s3://bucket/blobs")


def test_what_is_erased_is_gone_whoever_wants_it(blobs: Blobs, adapter: Path) -> None:
    """However young it is, with the copy that was laid out of it; erasing it again changes nothing, and storing it
    brings it back.
    """
    hash, other = blobs.put_folder(adapter), blobs.put_text("something else")
    place = blobs.folder(hash)
    assert blobs.holds(hash)
    blobs.erase(hash)
    blobs.erase(hash)
    assert not place.exists()
    assert not blobs.holds(hash)
    assert not blobs.holds("../other")
    assert blobs.holds(other)
    with pytest.raises(NotFound):
        blobs.bytes(hash)
    assert blobs.put_folder(adapter) == hash
    assert blobs.holds(hash)


@pytest.mark.parametrize("how", ["erase", "remove_laid_out"])
def test_what_was_written_for_a_server_goes_too(blobs: Blobs, adapter: Path, how: str) -> None:
    """A copy in a server's form is of the same rows: it is not left behind by gc or by erasure."""
    hash = blobs.put_folder(adapter)
    blobs.folder(hash)
    copy = blobs.served / hash / "ver_1"
    copy.mkdir(parents=True)
    (copy / "adapter_model.safetensors").write_bytes(b"x")
    getattr(blobs, how)(hash)
    assert not (blobs.served / hash).exists()
