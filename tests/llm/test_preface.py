"""What a version reads before every request: kept, read, put before requests, and taken off again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.preface import FILE, Preface, read_preface, save_preface
from homeostat.llm.weights import check
from homeostat.types.task import Task
from homeostat.types.version import Version

EXAMPLES = (("where is my parcel", "late_delivery"), ("pump leaks", "broken_pump"), ("money back", "refund_request"))
ASKED = Request(task=tiny.ROUTING, text="my parcel is late", version="ver_1")


def test_it_is_kept_in_a_folder_that_runs_no_code(tmp_path: Path) -> None:
    """What is read is what was saved, whatever the words; a folder with nothing else is one that may be registered."""
    preface = Preface("sort — 分类", EXAMPLES, 2)
    save_preface(preface, tmp_path)
    check(tmp_path)
    assert read_preface(tmp_path) == preface
    assert read_preface(tmp_path / "nowhere") is None
    (tmp_path / FILE).write_bytes(b"nothing")
    with pytest.raises(CorruptWeights):
        read_preface(tmp_path)


def test_the_nearest_stand_last() -> None:
    """As turns, with the tokens of their labels where these are known."""
    turns = Preface("", EXAMPLES, 2).turns("my parcel and money", {"late_delivery": (7,)})
    assert [turn for turn in turns if turn[0] == "user"] == [("user", "money back"), ("user", "where is my parcel")]
    assert turns[1::2] == [("assistant", "refund_request"), ("assistant", (7,))]
    assert Preface("", EXAMPLES, 0).turns("parcel", {}) == []


def test_an_instruction_of_its_own_is_read_in_place_of_the_tasks(llama: Path) -> None:
    """A prefaced version says what the plain one says under that instruction, and the same as ever once it is off."""
    backend = LocalBackend(str(llama))
    backend.load(Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS), None)
    plain = backend.score([ASKED])[0]
    other = Task(name="routing", instruction="sort by what is wanted")
    wanted = backend.score([Request(task=other, text=ASKED.text, version="ver_1")])[0]
    assert backend.preface("ver_1", Preface(other.instruction)) is None
    np.testing.assert_allclose(backend.score([ASKED])[0], wanted, atol=1e-5)
    assert np.abs(wanted - plain).max() > 1e-3
    backend.preface("ver_1", None)
    np.testing.assert_allclose(backend.score([ASKED])[0], plain, atol=1e-6)


def test_examples_are_read_before_the_request(llama: Path, tmp_path: Path) -> None:
    """From the folder of a version of the bare base, as turns before it; each request has those that are like it."""
    save_preface(Preface("", EXAMPLES, 1), tmp_path)
    backend = LocalBackend(str(llama))
    backend.load(
        Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS), tmp_path
    )
    backend.load(Version(id="ver_2", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS), None)
    requests = [Request(task=tiny.ROUTING, text=text, version="ver_1") for text in (ASKED.text, "the pump leaks")]
    by_hand = [
        Request(task=tiny.ROUTING, text=one.text, version="ver_2", history=(("user", asked), ("assistant", label)))
        for one, (asked, label) in zip(requests, EXAMPLES[:2], strict=True)
    ]
    np.testing.assert_allclose(np.stack(backend.score(requests)), np.stack(backend.score(by_hand)), atol=1e-4)
    assert backend.reply(requests)[0].prompt_tokens == backend.reply(by_hand)[0].prompt_tokens
    backend.unload("ver_1")
    backend.load(Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS), None)
    assert backend.reply(requests)[0].prompt_tokens < backend.reply(by_hand)[0].prompt_tokens


def test_labels_stand_in_examples_as_they_are_replied(adapters: tuple[Path, Path], llama: Path) -> None:
    """A trained version replies with codes, so its examples hold the codes; one that it does not know stays in words.
    Others that are asked beside it read nothing of it.
    """
    backend = LocalBackend(str(llama))
    for name, folder in zip(("ver_1", "ver_2"), adapters, strict=True):
        backend.load(Version(id=name, task="routing", time=0.0, base="", labels=tiny.LABELS), folder)
    plain = backend.score_each([ASKED], ["ver_1", "ver_2"])[0]
    backend.preface("ver_1", Preface("", (*EXAMPLES, ("parcel is late or not", "unheard of")), 2))
    codes = backend._codes_of(ASKED)
    assert codes.single
    first, second = [said for role, said in backend._earlier(ASKED) if role == "assistant"]
    assert (first, second) == (codes.sequences[codes.labels.index("late_delivery")], "unheard of")
    told = backend.score_each([ASKED], ["ver_1", "ver_2"])[0]
    assert np.abs(told[0] - plain[0]).max() > 1e-3
    np.testing.assert_allclose(told[1], plain[1], atol=1e-5)
    np.testing.assert_allclose(backend.score([ASKED])[0], told[0], atol=1e-4)


def test_a_preface_that_is_too_long_loses_the_farthest_examples(llama: Path) -> None:
    """A request is answered however many are to be shown, and an instruction that leaves no room is refused."""
    backend = LocalBackend(str(llama))
    backend.load(Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS), None)
    many = tuple((text, label) for label in tiny.LABELS for text in tiny.texts(label, 30, 0))
    backend.preface("ver_1", Preface("", many, 60))
    (reply,) = backend.reply([ASKED])
    assert reply.prompt_tokens <= backend.renderer.max_tokens
    backend.preface("ver_1", Preface("sort " * 400))
    with pytest.raises(UnsuitedModel, match="leaves no room"):
        backend.reply([ASKED])


def test_examples_are_found_by_what_the_model_makes_of_a_request(llama: Path, tmp_path: Path) -> None:
    """Of states kept in the folder: each request that is an example finds itself, though its words find another one as
    well; and what it is read after is what that example by hand would be. States that fit no examples are refused.
    """
    backend, plain = LocalBackend(str(llama)), tmp_path / "plain"
    made = Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind="base", labels=tiny.LABELS)
    backend.load(made, None)
    asked = [Request(task=tiny.ROUTING, text=text, version="ver_1") for text, _ in EXAMPLES]
    states = backend.states(asked).astype(np.float16)
    assert states.shape == backend.embed(asked).shape
    save_preface(Preface("", EXAMPLES, 1, states), tmp_path)
    check(tmp_path)
    backend.unload("ver_1")
    backend.load(made, tmp_path)
    backend.load(replace(made, id="ver_2"), None)
    np.testing.assert_allclose(backend.states(asked), states, atol=2e-2)
    by_hand = [
        Request(task=tiny.ROUTING, text=text, version="ver_2", history=(("user", text), ("assistant", label)))
        for text, label in EXAMPLES
    ]
    np.testing.assert_allclose(np.stack(backend.score(asked)), np.stack(backend.score(by_hand)), atol=1e-4)
    plain.mkdir()
    save_preface(Preface("", EXAMPLES, 1, states[:2]), plain)
    with pytest.raises(CorruptWeights, match="beside 3 examples"):
        read_preface(plain)
    with pytest.raises(ValueError, match="none was given"):
        Preface("", EXAMPLES, 1, states).turns("parcel", {})
