"""Versions behind a server: it replies what the same version replies in this process, whatever befalls it."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import CorruptWeights, NotFound, NotServed, UnknownLabel, UnsuitedModel
from homeostat.llm.backend import Backend, Reply, Request
from homeostat.llm.fingerprint import fingerprint
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import Offsets, Shift, save_offsets
from homeostat.llm.preface import Preface, save_preface
from homeostat.llm.served import ServedBackend
from homeostat.llm.server import ModelServer
from homeostat.types.task import Task
from homeostat.types.version import HEAD, Version
from vllm_like import Running, VllmLike, running

TEXTS = [
    *(text for label in tiny.LABELS for text in tiny.texts(label, 1, 3)),
    *("Größe 円 🤖", "pump " * 200, "stop<|end|><|assistant|>"),
]
KEY = "not-to-be-told"


def version(id: str, kind: str = "lora", labels: tuple[str, ...] = tiny.LABELS, **more: tuple[float, ...]) -> Version:
    return Version(id=id, task="routing", time=0.0, base="", kind=kind, labels=labels, **more)  # type: ignore[arg-type]


ONE, TWO = version("ver_one"), version("ver_two", prior=(-0.2, -1.5, -3.0))


@pytest.fixture(scope="module")
def server(llama: Path) -> Iterator[Running]:
    with running(VllmLike(str(llama), key=KEY)) as up:
        yield up


@pytest.fixture(scope="module")
def local(llama: Path, adapters: tuple[Path, Path]) -> LocalBackend:
    """The same versions in this process."""
    backend = LocalBackend(str(llama))
    for made, folder in zip((ONE, TWO), adapters, strict=True):
        backend.load(made, folder)
    return backend


@pytest.fixture
def served(server: Running, llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> Iterator[ServedBackend]:
    """A backend with both versions on a server that is as it was started."""
    like = server.like
    like.by_ids, like.nested, like.max_lora_rank, like.max_logprobs = True, True, 16, 20
    like.slow_s.clear()
    like.failing.clear()
    like.adapters.clear()
    like.bodies.clear()
    like.name = "the-base"
    backend = ServedBackend(ModelServer(server.url, key=KEY, timeout_s=5.0, patience_s=5.0), str(llama), tmp_path)
    for made, folder in zip((ONE, TWO), adapters, strict=True):
        backend.load(made, folder)
    yield backend
    backend.close()


def asked(texts: Sequence[str], version: str = "ver_one", task: Task = tiny.ROUTING) -> list[Request]:
    return [Request(task=task, text=text, version=version, max_tokens=8) for text in texts]


def alike(some: Sequence[Reply], others: Sequence[Reply], *, entropy: float = 1e-3) -> None:
    """Equal words and counts, confidence within 1e-3."""
    for a, b in zip(some, others, strict=True):
        assert (a.text, a.prompt_tokens, a.reply_tokens) == (b.text, b.prompt_tokens, b.reply_tokens)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-3)
        assert a.entropy == pytest.approx(b.entropy, abs=entropy)


@pytest.mark.parametrize(
    ("name", "by_ids"),
    [
        pytest.param("ver_one", True, id="adapter"),
        pytest.param("ver_two", True, id="prior", marks=pytest.mark.slow),
        pytest.param("", True, id="base"),
        pytest.param("ver_one", False, id="adapter, older", marks=pytest.mark.slow),
        pytest.param("ver_two", False, id="prior, older"),
        pytest.param("", False, id="base, older", marks=pytest.mark.slow),
    ],
)
def test_labels_are_chosen_as_in_this_process(
    served: ServedBackend, server: Running, local: LocalBackend, name: str, by_ids: bool
) -> None:
    """The same label, and the same probability of every label to 1e-3: of an adapter with rows of its own in the
    vocabulary, of one with a prior, and of the bare base with labels of several tokens; on a server that tells the
    tokens it is asked for, and on one that tells the likeliest.
    """
    server.like.by_ids = by_ids
    requests = asked(
        [text for text in TEXTS if name or len(text) < 100], name, replace(tiny.ROUTING, labels=tiny.LABELS)
    )
    alike(served.reply(requests), local.reply(requests), entropy=5e-3)
    for there, here in zip(served.score(requests), local.score(requests), strict=True):
        np.testing.assert_allclose(np.exp(there), np.exp(here), atol=1e-3)


def test_groups_are_answered_as_in_this_process(
    served: ServedBackend, llama: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    """A version with offsets: a request's tags change the reply by as much as here, and a request without them is
    answered as ever. A label that the model finds most unlikely counts too, where much is added to it.
    """
    folder = tmp_path / "with offsets"
    shutil.copytree(adapters[1], folder)
    shifts = (Shift(group=("de",), offsets={tiny.LABELS[2]: 9.0}), Shift(group=("en",), offsets={tiny.LABELS[0]: -4.0}))
    save_offsets(Offsets(tags=("language",), shifts=shifts), folder)
    by_tags, here = replace(TWO, id="ver_by_tags"), LocalBackend(str(llama))
    for backend in (served, here):
        backend.load(by_tags, folder)
    requests = [
        replace(request, tags=tags)
        for request in asked(TEXTS[:3], "ver_by_tags", replace(tiny.ROUTING, labels=tiny.LABELS))
        for tags in ({}, {"language": "de"}, {"language": "en"}, {"language": "fr"})
    ]
    found = served.score(requests)
    for one, other in zip(found, here.score(requests), strict=True):
        np.testing.assert_allclose(np.exp(one), np.exp(other), atol=1e-3)
    np.testing.assert_array_equal(found[0], found[3])
    assert np.abs(np.exp(found[1]) - np.exp(found[0])).max() > 0.1
    alike(served.reply(requests), here.reply(requests), entropy=5e-3)


def test_the_bare_base_finds_room_for_labels_that_are_spelled_out(served: ServedBackend) -> None:
    """A server takes no token more than its model: the longest request is cut so that the longest label fits behind."""
    task = replace(tiny.ROUTING, labels=("late_delivery_of_the_parcel", "broken"))
    assert served.reply(asked(["pump " * 200], "", task))[0].text in task.labels


def test_words_are_written_as_in_this_process(served: ServedBackend, local: LocalBackend) -> None:
    """The same words, tokens and confidence; the entropy, by the likeliest tokens alone, is no higher."""
    requests = asked(TEXTS, "ver_one", tiny.REPLIES) + asked(TEXTS[:3], "", tiny.REPLIES)
    there, here = served.reply(requests), local.reply(requests)
    alike(there, here, entropy=6.0)
    assert all(a.entropy <= b.entropy + 1e-3 for a, b in zip(there, here, strict=True))
    assert any(reply.text for reply in there)


def test_a_warm_reply_is_drawn_from_the_whole_vocabulary(served: ServedBackend) -> None:
    """At a temperature replies differ; nothing else that a base brings along bends the draw."""
    (request,) = asked(TEXTS[:1], "ver_one", tiny.REPLIES)
    said = {reply.text for reply in served.reply([replace(request, temperature=1.0)] * 6)}
    assert len(said) > 1


def test_what_is_sent_is_tokens_of_ours(served: ServedBackend, server: Running, local: LocalBackend) -> None:
    """The prompt is what the renderer makes in training, and what could bend a draw is told."""
    served.reply(asked(TEXTS[:1]))
    body = server.like.bodies[-1]
    assert tuple(body["prompt"][0]) == local.renderer.prompt(tiny.ROUTING, TEXTS[0])
    assert (body["model"], body["top_p"], body["repetition_penalty"], body["top_k"]) == ("ver_one", 1.0, 1.0, -1)


def test_words_before_a_request(
    served: ServedBackend, local: LocalBackend, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    """An instruction and examples that a version brings are read there as here; the bare base may bring them too."""
    folder = tmp_path / "prefaced"
    folder.mkdir()
    for file in adapters[0].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    save_preface(Preface("sort this", (("my parcel", "late_delivery"), ("pump leaks", "broken_pump")), 1), folder)
    made = version("ver_prefaced")
    served.load(made, folder)
    local.load(made, folder)
    save_preface(Preface("", (("x", "y"),), 1, np.ones((1, 48), np.float16)), folder)
    with pytest.raises(UnsuitedModel, match="by hidden states"):
        served.load(version("ver_by_states"), folder)
    requests = asked(TEXTS[:4], made.id)
    alike(served.reply(requests), local.reply(requests))


def test_an_adapter_is_there_once(served: ServedBackend, server: Running, adapters: tuple[Path, Path]) -> None:
    """Loading twice does nothing, also where the server has it from an earlier gateway; one from elsewhere by the same
    name is replaced; unloading frees it, and once more is no error.
    """
    served.load(ONE, adapters[0])
    assert set(server.like.adapters) == {"ver_one", "ver_two"} == set(served.loaded())
    right = server.like.adapters["ver_one"]
    again = ServedBackend(served.server, served.base, served._place)
    again.load(ONE, adapters[0])
    server.like.adapters["ver_two"] = "/elsewhere"
    again.load(TWO, adapters[1])
    assert server.like.adapters["ver_one"] == right
    assert server.like.adapters["ver_two"] != "/elsewhere"
    for _ in range(2):
        served.unload("ver_one")
    assert "ver_one" not in server.like.adapters
    with pytest.raises(NotFound, match="ver_one"):
        served.reply(asked(["x"]))


@pytest.mark.parametrize("nested", [True, False], ids=["new", "older"])
def test_a_rank_too_high(served: ServedBackend, server: Running, adapters: tuple[Path, Path], nested: bool) -> None:
    """It is said which rank the adapter has and how to start the server."""
    server.like.max_lora_rank, server.like.nested = 8, nested
    with pytest.raises(NotServed, match="no adapter of rank 16") as refused:
        served.load(version("ver_high"), adapters[0])
    assert "--max-lora-rank 16" in refused.value.fix
    assert "ver_high" not in served.loaded()


def test_a_server_that_lets_nothing_be_loaded(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Started without runtime updates it is told how; the bare base answers."""
    with running(VllmLike(str(llama), runtime=False)) as up:
        backend = ServedBackend(ModelServer(up.url), str(llama), tmp_path)
        assert not backend.server.allows_adapters()
        with pytest.raises(NotServed, match="lets no adapters") as refused:
            backend.load(ONE, adapters[0])
        assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in refused.value.fix
        assert backend.reply(asked(["x"], "", replace(tiny.ROUTING, labels=tiny.LABELS)))[0].text in tiny.LABELS
        backend.close()


def test_a_folder_that_the_server_does_not_see(served: ServedBackend, server: Running) -> None:
    """It is told that the path is the trouble."""
    with pytest.raises(NotServed, match="finds no adapter at /nowhere"):
        served.server.load("ver_lost", "/nowhere", 16)
    assert served.server.allows_adapters()
    assert "" not in server.like.adapters


@pytest.mark.parametrize(("kind", "folder"), [("full", True), (HEAD, True), ("prompt", True)])
def test_what_is_no_adapter(served: ServedBackend, tmp_path: Path, kind: str, folder: bool) -> None:
    """A server answers with adapters alone: others are refused by name, and without one."""
    with pytest.raises(UnsuitedModel, match=f"is of kind {kind}"):
        served.load(version("ver_other", kind), tmp_path if folder else None)
    with pytest.raises(CorruptWeights, match="without a folder"):
        served.load(version("ver_other"), None)


def test_a_restart_is_not_noticed(served: ServedBackend, server: Running, local: LocalBackend) -> None:
    """A server that comes back with nothing is told of all adapters again, and every request is answered, those that
    were sent while it was away too.
    """
    requests = asked(TEXTS[:6]) + asked(TEXTS[:6], "ver_two")
    server.stop()
    back = threading.Timer(0.5, server.start)
    back.start()
    replies = served.reply(requests)
    back.join()
    alike(replies, local.reply(requests))
    assert set(server.like.adapters) == {"ver_one", "ver_two"}


def test_a_base_that_was_exchanged(
    llama: Path, adapters: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever starts with another base is refused, and a server that comes back with one answers nothing by it; as long
    as nobody knows, it is said.
    """
    other = tiny.llama(tmp_path / "other", seed=9)
    known = fingerprint(open_model(str(llama)))
    with running(VllmLike(str(llama))) as up:
        with caplog.at_level(logging.WARNING):
            ServedBackend(ModelServer(up.url), str(llama), tmp_path).close()
        assert "is not known yet" in caplog.text
        backend = ServedBackend(ModelServer(up.url, patience_s=2.0), str(llama), tmp_path, known=lambda: known)
        assert backend.apart(known) < 1e-3
        backend.load(ONE, adapters[0])
        up.like = VllmLike(str(other))
        up.stop()
        up.start()
        with pytest.raises(NotServed, match=r"is not .*nats a token"):
            backend.reply(asked(["x"]))
        with pytest.raises(NotServed, match=r"is not .*nats a token"):
            ServedBackend(backend.server, str(llama), tmp_path, known=lambda: known)
        backend.close()


def test_a_server_that_takes_less_than_was_trained_on(llama: Path, tmp_path: Path) -> None:
    """It would refuse long requests; it is told with which length to start it."""
    with (
        running(VllmLike(str(llama), max_model_len=64)) as up,
        pytest.raises(NotServed, match="takes 64 tokens") as less,
    ):
        ServedBackend(ModelServer(up.url), str(llama), tmp_path)
    assert "--max-model-len 128" in less.value.fix


def test_a_version_that_hangs_keeps_no_other(served: ServedBackend, server: Running) -> None:
    """It is given up after the time that was set, and another is answered meanwhile."""
    server.like.slow_s["ver_two"] = 30.0
    hasty = ServedBackend(ModelServer(server.url, key=KEY, timeout_s=0.7), served.base, served._place)
    hasty._loaded = served._loaded
    failed: list[Exception] = []
    asked_before, served_before = server.like.asked["ver_two"], server.like.served["ver_two"]

    def wait() -> None:
        with pytest.raises(NotServed, match=r"has not answered in 0\.7 s") as late:
            hasty.reply(asked(["x"], "ver_two"))
        failed.append(late.value)

    waiting = threading.Thread(target=wait)
    began = time.monotonic()
    waiting.start()
    assert hasty.reply(asked(["x"]))[0].text in tiny.LABELS
    assert time.monotonic() - began < 0.6
    waiting.join()
    assert len(failed) == 1
    assert server.like.asked["ver_two"] == asked_before + 1, "given up, and not asked again"
    assert server.like.served["ver_two"] == served_before


def test_what_may_be_asked_again(served: ServedBackend, server: Running) -> None:
    """A server that is too busy is asked until it answers; one that has failed on a request is not."""
    server.like.failing["ver_one"] = [503, 429]
    assert served.reply(asked(["x"]))[0].text in tiny.LABELS
    server.like.failing["ver_one"] = [500]
    with pytest.raises(NotServed, match="500: the engine has died"):
        served.reply(asked(["x"]))


def test_the_key_stays_where_it_is(
    served: ServedBackend, server: Running, llama: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is sent as a header; without it the refusal says where it belongs; it stands in no message and no log."""
    assert server.like.headers[-1] == f"Bearer {KEY}"
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(NotServed, match="401") as shut:
            ServedBackend(ModelServer(server.url, key="wrong-key-of-ours"), str(llama), tmp_path)
        served.reply(asked(["x"]))
    assert "VLLM_API_KEY" in shut.value.fix
    assert KEY not in caplog.text + str(shut.value)
    assert "wrong-key-of-ours" not in caplog.text + str(shut.value)


def test_labels_that_there_are_none_of(served: ServedBackend) -> None:
    """The bare base in a task without labels says so before the server is asked."""
    with pytest.raises(UnknownLabel):
        served.reply(asked(["x"], "", replace(tiny.ROUTING, labels=())))


def test_it_is_a_backend(served: ServedBackend, local: LocalBackend) -> None:
    """Both fit where the other does; one gathers batches itself."""
    backends: list[Backend] = [served, local]
    assert [backend.concurrent for backend in backends] == [True, False]
