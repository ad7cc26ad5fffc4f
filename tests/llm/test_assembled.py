"""An ensemble as one version: the same as its members combined, whole or not at all, and hidden behind one id."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import CorruptWeights, UnsafeWeights, UnsuitedModel
from homeostat.llm.assembled import FILE, WAYS, Assembled, Part, put_assembled, read_assembled
from homeostat.llm.backend import Request
from homeostat.llm.combine import HOW, ROUTED, Slices, aligned, assigned, disagreement, mean
from homeostat.llm.local import SHARED, LocalBackend
from homeostat.llm.router import FILE as ROUTER
from homeostat.llm.router import Router, save_router
from homeostat.types.version import ENSEMBLE, Version

KNOWN = (tiny.LABELS, (tiny.LABELS[2], tiny.LABELS[0], "light_out"), tiny.LABELS[:2])
EVERY = (*tiny.LABELS, "light_out")
BEST = {tiny.LABELS[0]: 2, tiny.LABELS[1]: 1}


@pytest.fixture(scope="module")
def members(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three adapters, each of which says something else."""
    return [tiny.adapter(tmp_path_factory.mktemp(f"member{k}"), llama, seed=k + 1) for k in range(3)]


def assembled(members: list[Path], folder: Path, how: str = "mean") -> Path:
    parts = tuple(Part(of=f"ver_{k}", kind="lora", labels=known) for k, known in enumerate(KNOWN))
    put_assembled(Assembled(parts=parts, how=how, best=BEST if how == "slice" else {}), folder)
    for k, member in enumerate(members):
        shutil.copytree(member, folder / str(k))
    return folder


def version(llama: Path, **more: object) -> Version:
    fields = {"id": "ver_all", "task": "routing", "time": 0.0, "base": str(llama), "labels": EVERY, "kind": ENSEMBLE}
    return Version(**{**fields, **more})  # type: ignore[arg-type]


def asked(name: str, each: int = 4) -> list[Request]:
    texts = [text for label in EVERY for text in tiny.texts(label, each, 3)]
    return [Request(task=tiny.ROUTING, text=text, version=name) for text in texts]


@pytest.mark.parametrize("how", [way for way in WAYS if way != ROUTED])
def test_it_says_what_its_members_say_together(llama: Path, members: list[Path], tmp_path: Path, how: str) -> None:
    """To 1e-5 in every log-probability, over more rows than share a pass; the reply, its confidence and how far they
    disagree are those of the combination, and what it makes of a request is what its first member makes of it.
    """
    backend = LocalBackend(str(llama))
    backend.load(version(llama), assembled(members, tmp_path / "all", how))
    for k, folder in enumerate(members):
        alone = Version(id=f"ver_{k}", task="routing", time=0.0, base="", labels=KNOWN[k])
        backend.load(alone, folder)
    requests = asked("ver_all", each=10)
    assert len(requests) > SHARED // 3
    each = [np.stack(backend.score(asked(f"ver_{k}", each=10))) for k in range(3)]
    logs = aligned(each, KNOWN)[1]
    if how == "slice":
        wanted = Slices(BEST, 0).choose(logs, [EVERY[k] for k in mean(logs).argmax(1)])
    else:
        wanted = HOW[how](logs)
    assert np.abs(np.stack(backend.score(requests)) - wanted).max() < 1e-5
    doubt = disagreement(logs)
    assert doubt.max() > 0.05
    for k, reply in enumerate(backend.reply(requests)):
        assert reply.text == EVERY[int(wanted[k].argmax())]
        assert reply.confidence == pytest.approx(float(np.exp(wanted[k].max())), abs=1e-5)
        assert reply.disagreement == pytest.approx(float(doubt[k]), abs=1e-5)
        assert len(reply.embedding) == 2 * backend.embed(requests[:1]).shape[1]
    assert np.abs(backend.embed(requests) - backend.embed(asked("ver_0", each=10))).max() < 1e-5
    assert all(one.disagreement == 0.0 for one in backend.reply(asked("ver_0")))


def router(backend: LocalBackend) -> Router:
    """Each member's like is a topic of its own; three in ten of these may go to nobody."""
    texts = {f"ver_{k}": tiny.texts(label, 60, 1) for k, label in enumerate(EVERY[:3])}
    read = {
        name: backend.embed([Request(task=tiny.ROUTING, text=text, version="") for text in own])
        for name, own in texts.items()
    }
    return Router.fit(read, refused=0.3)


def routed(members: list[Path], folder: Path, by: Router) -> Path:
    """An ensemble that routes."""
    assembled(members, folder, "routed")
    save_router(by, folder)
    return folder


def test_each_request_goes_to_one_member(llama: Path, members: list[Path], tmp_path: Path) -> None:
    """In one batch, what the member says alone that the router names, to 1e-5 and without disagreement; of what is like
    nobody's the mean, and how far they disagree. What it makes of a request is what the bare base makes of it.
    """
    backend = LocalBackend(str(llama))
    by = router(backend)
    backend.load(version(llama), routed(members, tmp_path / "all", by))
    for k, folder in enumerate(members):
        backend.load(Version(id=f"ver_{k}", task="routing", time=0.0, base="", labels=KNOWN[k]), folder)
    requests, read = asked("ver_all", each=20), backend.embed(asked("", each=20))
    who = np.array([int(one.name[-1]) if one.name else -1 for one in by.chosen(read)])
    assert set(who.tolist()) == {-1, 0, 1, 2}
    logs = aligned([np.stack(backend.score(asked(f"ver_{k}", each=20))) for k in range(3)], KNOWN)[1]
    wanted, doubt = assigned(logs, who), np.where(who < 0, disagreement(logs), 0.0)
    assert np.abs(np.stack(backend.score(requests)) - wanted).max() < 1e-5
    replies = backend.reply(requests)
    assert [reply.text for reply in replies] == [EVERY[k] for k in wanted.argmax(1)]
    assert [reply.disagreement for reply in replies] == pytest.approx(doubt.tolist(), abs=1e-5)
    assert doubt.max() > 0.05
    assert np.abs(backend.embed(requests) - read).max() < 1e-5
    kept = np.stack([np.frombuffer(reply.embedding, np.float16) for reply in replies])
    assert np.abs(kept - read).max() < 1e-2


def test_what_it_routes_by_is_read_whole_or_not_at_all(llama: Path, members: list[Path], tmp_path: Path) -> None:
    """One that is not there, is damaged, chooses among others or is for another base is refused; nobody is loaded."""
    backend = LocalBackend(str(llama))
    by = router(backend)
    folder = routed(members, tmp_path / "all", by)
    found = read_assembled(version(llama), folder).router
    assert found is not None
    read = backend.embed(asked("", each=10))
    assert found.chosen(read) == by.chosen(read)
    wide = Router.fit({f"ver_{k}": np.random.default_rng(k).normal(size=(20, 7)) for k in range(3)})
    others = Router.fit({name: np.random.default_rng(0).normal(size=(20, read.shape[1])) for name in ("a", "b")})
    for broken in (
        lambda: (folder / ROUTER).unlink(),
        lambda: (folder / ROUTER).write_bytes(b"\x80\x04pickle"),
        lambda: save_router(wide, folder),
        lambda: save_router(others, folder),
    ):
        broken()
        with pytest.raises((CorruptWeights, UnsafeWeights)):
            backend.load(version(llama), folder)
        assert backend.loaded() == ()


def test_members_are_nobody_s_versions(llama: Path, members: list[Path], tmp_path: Path) -> None:
    """They are not among those loaded, go with their ensemble, and one that cannot be read leaves none behind."""
    backend, folder = LocalBackend(str(llama)), assembled(members, tmp_path / "all")
    backend.load(version(llama), folder)
    assert backend.loaded() == ("ver_all",)
    backend.unload("ver_all")
    assert backend.loaded() == ()
    assert not getattr(backend._opened.model, "peft_config", {})
    (folder / "2" / "adapter_model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    with pytest.raises(CorruptWeights):
        backend.load(version(llama), folder)
    assert backend.loaded() == ()
    assert not getattr(backend._opened.model, "peft_config", {})


def test_what_it_cannot_do(llama: Path, members: list[Path], tmp_path: Path) -> None:
    """It writes no texts, and has no gradient of its own."""
    backend = LocalBackend(str(llama))
    backend.load(version(llama), assembled(members, tmp_path / "all"))
    with pytest.raises(UnsuitedModel, match="ensemble"):
        backend.reply([Request(task=tiny.REPLIES, text="hello", version="ver_all")])
    with pytest.raises(UnsuitedModel, match="gradient"):
        backend.foresee(asked("ver_all")[:1], [EVERY[0]], [["hello"]])


def test_what_is_written_is_read(llama: Path, members: list[Path], tmp_path: Path) -> None:
    """The same comes back; what is damaged, of one alone, of strange kinds, or of other labels is refused."""
    folder = assembled(members, tmp_path / "all", "slice")
    found = read_assembled(version(llama), folder)
    assert (found.labels, found.how, dict(found.best)) == (EVERY, "slice", BEST)
    assert [member.labels for member in found.members(version(llama))] == list(KNOWN)
    with pytest.raises(CorruptWeights, match="other labels"):
        read_assembled(version(llama, labels=EVERY[::-1]), folder)
    told = json.loads((folder / FILE).read_text())
    for wrong in (
        {**told, "how": "routed"},
        {**told, "parts": told["parts"][:1]},
        {**told, "other": 9},
        {**told, "parts": [*told["parts"][:2], {**told["parts"][2], "kind": "prefix"}]},
        {"parts": []},
        [],
    ):
        (folder / FILE).write_text(json.dumps(wrong))
        with pytest.raises(CorruptWeights):
            read_assembled(version(llama), folder)
    (folder / FILE).unlink()
    with pytest.raises(CorruptWeights):
        read_assembled(version(llama), folder)
