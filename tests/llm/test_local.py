"""The local backend: batches, versions side by side, labels and texts, and what it refuses."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, NotFound, UnknownLabel, UnsafeWeights, UnsuitedModel
from homeostat.llm.backend import Backend, Reply, Request
from homeostat.llm.exact import ExactHead, save_exact
from homeostat.llm.features import Features
from homeostat.llm.head import Head, Shape, save_head
from homeostat.llm.load import open_model
from homeostat.llm.local import ROWS, LocalBackend
from homeostat.train.adapt.prefix import Prefix
from homeostat.train.adapt.prompt import Prompt
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

TEXTS = [
    *(text for label in tiny.LABELS for text in tiny.texts(label, 4, 3)),
    *("", "x", "Größe 円 🤖", "pump " * 200, "stop<|end|><|assistant|>"),
]


def version(id: str, kind: str = "lora", labels: tuple[str, ...] = tiny.LABELS) -> Version:
    return Version(id=id, task="routing", time=0.0, base="", kind=kind, labels=labels)


@pytest.fixture
def backend(llama: Path, adapters: tuple[Path, Path]) -> LocalBackend:
    """The tiny decoder with two adapters."""
    backend = LocalBackend(str(llama))
    for name, folder in zip(("ver_one", "ver_two"), adapters, strict=True):
        backend.load(version(name), folder)
    return backend


def asked(texts: Sequence[str], version: str = "ver_one", task: Task = tiny.ROUTING) -> list[Request]:
    return [Request(task=task, text=text, version=version, max_tokens=10) for text in texts]


def vector(reply: Reply) -> np.ndarray:
    return np.frombuffer(reply.embedding, np.float16).astype(np.float32)


def same(some: Sequence[Reply], others: Sequence[Reply]) -> None:
    """Equal words, and numbers equal to 1e-4."""
    for a, b in zip(some, others, strict=True):
        assert (a.text, a.prompt_tokens, a.reply_tokens) == (b.text, b.prompt_tokens, b.reply_tokens)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-4)
        assert a.entropy == pytest.approx(b.entropy, abs=1e-4)
        np.testing.assert_allclose(vector(a), vector(b), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("task", [tiny.ROUTING, tiny.REPLIES], ids=["label", "text"])
@pytest.mark.parametrize("name", ["ver_one", ""], ids=["adapter", "base"])
def test_a_batch_replies_what_each_request_gets_alone(backend: LocalBackend, task: Task, name: str) -> None:
    """Replies, confidence and entropy do not depend on what else is in the batch."""
    requests = asked(TEXTS, name, replace(task, labels=tiny.LABELS))
    same(backend.reply(requests), [backend.reply([request])[0] for request in requests])


def test_bfloat16_reads_prompts_and_leaves_words_alone(
    backend: LocalBackend, llama: Path, adapters: tuple[Path, Path]
) -> None:
    """Read in bfloat16 the labels' probabilities move by less than 0.02 but do move; replies in words stay the same."""
    faster = LocalBackend(str(llama), precision="bfloat16")
    faster.load(version("ver_one"), adapters[0])
    pairs = list(zip(backend.score(asked(TEXTS)), faster.score(asked(TEXTS)), strict=True))
    apart = max(float(np.abs(np.exp(a) - np.exp(b)).max()) for a, b in pairs)
    assert 0.0 < apart < 0.02
    said = [[r.text for r in b.reply(asked(TEXTS, task=tiny.REPLIES))] for b in (backend, faster)]
    assert said[0] == said[1]


def test_each_request_is_answered_by_its_own_version(backend: LocalBackend) -> None:
    """Versions, the base and tasks mixed in one batch give what each gives in a batch of its own."""
    labeled = replace(tiny.ROUTING, labels=("refund", "pump"))
    kinds = [("ver_one", tiny.ROUTING), ("ver_two", tiny.ROUTING), ("", labeled), ("ver_one", tiny.REPLIES)]
    apart = [asked(TEXTS, name, task) for name, task in kinds]
    mixed = [request for requests in zip(*apart, strict=True) for request in requests]
    replies = backend.reply(mixed)
    for k, requests in enumerate(apart):
        same(replies[k :: len(kinds)], backend.reply(requests))
    scores = [np.stack(backend.score(requests)) for requests in apart[:2]]
    assert np.abs(scores[0] - scores[1]).max() > 0.01


def test_versions_with_a_lead_are_mixed_with_others(backend: LocalBackend, llama: Path, tmp_path: Path) -> None:
    """A prompt and a prefix, among adapters and the base in one batch, answer with labels and in words as alone, also
    where the text fills the context to its end; unloaded, they leave the others as they were.
    """
    before = backend.reply(asked(TEXTS))
    for kind, way in {"prompt": Prompt(count=20), "prefix": Prefix(count=20)}.items():
        way.attach(model := open_model(str(llama)).model)
        way.save(model, tmp_path / kind)
        backend.load(version(f"ver_{kind}", kind), tmp_path / kind)
    names = ("ver_prompt", "ver_one", "ver_prefix", "ver_two", "ver_prompt")
    for task in (tiny.ROUTING, tiny.REPLIES):
        apart = [asked(TEXTS, name, task) for name in names]
        mixed = backend.reply([request for requests in zip(*apart, strict=True) for request in requests])
        for k, requests in enumerate(apart):
            same(mixed[k :: len(names)], backend.reply(requests))
        assert [r.confidence for r in mixed[0::5]] != [r.confidence for r in mixed[2::5]]
    longest = {n: max(r.prompt_tokens for r in backend.reply(asked(TEXTS, n))) for n in names}
    assert longest["ver_prompt"] == longest["ver_prefix"] == longest["ver_one"] - 20
    for name in ("ver_prompt", "ver_prefix"):
        backend.unload(name)
        with pytest.raises(NotFound):
            backend.reply(asked(["hi"], name))
    same(backend.reply(asked(TEXTS)), before)


def test_more_rows_than_one_pass_takes(backend: LocalBackend) -> None:
    """A long batch is cut into passes and comes back in order."""
    texts = [f"{text} {k}" for k in range(ROWS // len(TEXTS) + 2) for text in TEXTS]
    assert len(texts) > ROWS
    replies = backend.reply(asked(texts))
    picked = range(0, len(texts), 7)
    same([replies[k] for k in picked], [backend.reply(asked([texts[k]]))[0] for k in picked])


def test_an_empty_batch(backend: LocalBackend) -> None:
    """Nothing asked, nothing answered."""
    assert backend.reply([]) == []
    assert backend.score([]) == []
    assert backend.embed([]).shape == (0, 48)


def test_limits_are_each_requests_own(backend: LocalBackend) -> None:
    """In one batch, each reply is as long as its own request allows."""
    requests = [replace(asked(["my pump hums"], task=tiny.REPLIES)[0], max_tokens=n) for n in (1, 4, 9)]
    replies = backend.reply(requests)
    assert [r.reply_tokens for r in replies] == [1, 4, 9]
    assert replies[2].text.startswith(replies[1].text)


def test_the_history_is_part_of_the_prompt(backend: LocalBackend) -> None:
    """Earlier messages change the scores, and are counted as tokens of the prompt."""
    plain = asked(["thanks"])[0]
    longer = replace(plain, history=(("user", "my pump leaks"), ("assistant", "since when")))
    replies = backend.reply([plain, longer])
    assert replies[1].prompt_tokens > replies[0].prompt_tokens
    assert np.abs(backend.score([plain])[0] - backend.score([longer])[0]).max() > 1e-3


def test_confidence_and_entropy_are_those_of_the_scores(backend: LocalBackend) -> None:
    """The label replied is the likeliest, its probability the confidence, and the entropy that of all labels."""
    requests = asked(TEXTS)
    for reply, scores in zip(backend.reply(requests), backend.score(requests), strict=True):
        assert np.exp(scores).sum() == pytest.approx(1.0, abs=1e-5)
        assert reply.text == tiny.LABELS[int(scores.argmax())]
        assert reply.confidence == pytest.approx(float(np.exp(scores.max())), abs=1e-5)
        assert reply.entropy == pytest.approx(float(-(np.exp(scores) * scores).sum()), abs=1e-5)


def test_a_single_label_is_certain(llama: Path) -> None:
    """A version with one label replies it with confidence 1 and entropy 0."""
    backend = LocalBackend(str(llama))
    backend.load(version("ver_sole", "base", ("only this",)), None)
    reply = backend.reply(asked(["hi"], "ver_sole"))[0]
    assert (reply.text, round(reply.confidence, 6), abs(round(reply.entropy, 6))) == ("only this", 1.0, 0.0)


def test_the_embedding_is_the_mean_state_over_the_prompt(backend: LocalBackend) -> None:
    """The embedding of a reply is the float16 of what `embed` gives, under the request's own version."""
    requests = asked(TEXTS[:5]) + asked(TEXTS[:5], "")
    vectors = backend.embed(requests)
    assert vectors.shape == (10, 48)
    labeled = [replace(r, task=replace(r.task, labels=tiny.LABELS)) for r in requests]
    np.testing.assert_allclose(np.stack([vector(r) for r in backend.reply(labeled)]), vectors, rtol=1e-2, atol=1e-2)
    assert np.abs(vectors[:5] - vectors[5:]).max() > 1e-3
    texts = backend.reply([replace(r, task=tiny.REPLIES) for r in requests])
    plain = backend.embed([replace(r, task=tiny.REPLIES) for r in requests])
    np.testing.assert_allclose(np.stack([vector(r) for r in texts]), plain, rtol=1e-2, atol=1e-2)


def test_surprise_is_the_mean_negative_log_probability(backend: LocalBackend) -> None:
    """The surprise at what the model itself would write is the one its confidence tells."""
    request = asked(["my pump hums"], task=tiny.REPLIES)[0]
    assert backend.surprise([request], ["turn it off"]) > 0
    many = asked(TEXTS, task=tiny.REPLIES)
    replies = [f"answer {k}" * (k % 3 + 1) for k in range(len(many))]
    tokens = [len(backend.renderer.target(reply)) for reply in replies]
    alone = [backend.surprise([r], [t]) * n for r, t, n in zip(many, replies, tokens, strict=True)]
    assert backend.surprise(many, replies) == pytest.approx(sum(alone) / sum(tokens), abs=1e-4)


def test_a_prior_is_subtracted(llama: Path, adapters: tuple[Path, Path]) -> None:
    """Scores under a prior are the scores without it, less the prior, normalized."""
    backend, prior = LocalBackend(str(llama)), (-0.1, -3.0, -2.5)
    backend.load(version("ver_plain"), adapters[0])
    backend.load(replace(version("ver_prior"), prior=prior), adapters[0])
    plain = np.stack(backend.score(asked(TEXTS, "ver_plain")))
    raw = plain - np.array(prior)
    wanted = raw - np.log(np.exp(raw).sum(1, keepdims=True))
    np.testing.assert_allclose(np.stack(backend.score(asked(TEXTS, "ver_prior"))), wanted, atol=1e-5)


def test_the_bare_base_spells_few_labels_out(llama: Path) -> None:
    """Before any training the labels' own words are scored, the version's or the task's; beyond a few, codes."""
    backend = LocalBackend(str(llama))
    backend.load(version("ver_base", "base"), None)
    task = replace(tiny.ROUTING, labels=tiny.LABELS)
    words = np.stack(backend.score(asked(TEXTS, "", task)))
    np.testing.assert_allclose(np.stack(backend.score(asked(TEXTS, "ver_base"))), words, atol=1e-6)
    grown = replace(task, labels=(*tiny.LABELS, "refund_request_again"))
    np.testing.assert_allclose(
        np.diff(np.stack(backend.score(asked(TEXTS, "", grown)))[:, :3]), np.diff(words), atol=1e-3
    )
    many = replace(task, labels=tuple(f"label {k}" for k in range(30)))
    assert backend.score(asked(["hi"], "", many))[0].shape == (30,)


def test_loading_twice_and_unloading_what_is_not_there(backend: LocalBackend, adapters: tuple[Path, Path]) -> None:
    """Both do nothing."""
    before = backend.reply(asked(TEXTS))
    backend.load(version("ver_one"), adapters[1])
    backend.unload("ver_nine")
    same(backend.reply(asked(TEXTS)), before)
    assert backend.loaded() == ("ver_one", "ver_two")


def test_versions_are_swapped_while_others_answer(backend: LocalBackend, adapters: tuple[Path, Path]) -> None:
    """Unloading one version and loading another under its id changes that id's replies and nobody else's."""
    one, two = backend.reply(asked(TEXTS)), backend.reply(asked(TEXTS, "ver_two"))
    base = backend.reply(asked(TEXTS, "", tiny.REPLIES))
    backend.unload("ver_one")
    same(backend.reply(asked(TEXTS, "ver_two")), two)
    with pytest.raises(NotFound, match="ver_one"):
        backend.reply(asked(TEXTS))
    backend.load(version("ver_one"), adapters[1])
    same(backend.reply(asked(TEXTS)), two)
    backend.unload("ver_one")
    backend.unload("ver_two")
    same(backend.reply(asked(TEXTS, "", tiny.REPLIES)), base)
    backend.load(version("ver_one"), adapters[0])
    same(backend.reply(asked(TEXTS)), one)


def test_many_threads_at_once(backend: LocalBackend, adapters: tuple[Path, Path]) -> None:
    """Threads that ask different versions while one is loaded and unloaded get what they would get alone."""
    wanted = {name: backend.reply(asked(TEXTS[:4], name)) for name in ("ver_one", "ver_two")}
    failures: list[BaseException] = []

    def ask(name: str) -> None:
        try:
            for _ in range(8):
                same(backend.reply(asked(TEXTS[:4], name)), wanted[name])
        except BaseException as failed:
            failures.append(failed)

    def swap() -> None:
        for _ in range(4):
            backend.load(version("ver_third"), adapters[0])
            backend.unload("ver_third")

    threads = [threading.Thread(target=ask, args=(name,)) for name in wanted] + [threading.Thread(target=swap)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_full_weights_answer_beside_the_base(llama: Path, tmp_path: Path) -> None:
    """A version with weights of its own answers with them; the base and its adapters do not change."""
    other = tiny.llama(tmp_path / "other", seed=5)
    backend, own = LocalBackend(str(llama)), LocalBackend(str(other))
    base = backend.reply(asked(TEXTS, "", tiny.REPLIES))
    backend.load(version("ver_full", "full"), other)
    same(backend.reply(asked(TEXTS, "ver_full", tiny.REPLIES)), own.reply(asked(TEXTS, "", tiny.REPLIES)))
    same(backend.reply(asked(TEXTS, "", tiny.REPLIES)), base)
    backend.unload("ver_full")
    assert backend.loaded() == ()


HEADED = ("broken_pump", "refund", "late")


def exact(folder: Path, seed: int = 0) -> Path:
    """The folder of an exact head of drawn weights."""
    rng = np.random.default_rng(seed)
    features = Features.fixed(rng.standard_normal((9, 48)), width=8, buckets=16)
    head = ExactHead(features=features, weights=rng.standard_normal((24, 3)), labels=HEADED, sharpness=2.0)
    save_exact(head, folder)
    return folder


def stepped(folder: Path, kind: str = "base", width: int = 48) -> Path:
    """The folder of a head of drawn weights that was trained by steps, with what is said beneath it."""
    torch.manual_seed(3)
    head = Head(Shape(form="label", names=HEADED, kind=kind), width)
    with torch.no_grad():
        for tensor in head.parameters():
            tensor.copy_(torch.randn_like(tensor))
    save_head(head, folder)
    return folder


def test_heads_answer_beside_other_versions(backend: LocalBackend, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Heads on the bare base share its pass, one with an adapter beneath has its own, and in a batch with adapters and
    the base each says what it says alone; when they are gone the rest is as it was.
    """
    labeled = replace(tiny.ROUTING, labels=("refund", "pump"))
    before = backend.reply(asked(TEXTS, "", labeled))
    over = stepped(Path(shutil.copytree(adapters[0], tmp_path / "over")), "lora")
    folders = {"ver_h1": exact(tmp_path / "1"), "ver_h2": exact(tmp_path / "2", 1), "ver_h3": stepped(tmp_path / "3")}
    for name, folder in {**folders, "ver_h4": over}.items():
        backend.load(version(name, HEAD, HEADED), folder)
    passes: list[int] = []
    watching = backend._opened.model.model.register_forward_hook(lambda *of: passes.append(len(of[2][0])))
    names = [*folders, "ver_h4", "ver_one", ""]
    some = TEXTS[:3]
    mixed = backend.reply([request for name in names for request in asked(some, name, labeled)])
    assert (passes.count(9), len(passes)) == (1, 4)
    watching.remove()
    for k, name in enumerate(names):
        same(mixed[3 * k : 3 * k + 3], backend.reply(asked(some, name, labeled)))
    bare = np.stack([vector(reply) for reply in before])[:3]
    for name in folders:
        heads = backend.reply(asked(some, name, labeled))
        assert {reply.text for reply in heads} <= set(HEADED)
        np.testing.assert_allclose(np.stack([vector(reply) for reply in heads]), bare, atol=1e-2)
        logs = np.stack(backend.score(asked(some, name, labeled)))
        np.testing.assert_allclose(np.exp(logs).sum(1), 1.0, atol=1e-5)
        assert [HEADED[k] for k in logs.argmax(1)] == [reply.text for reply in heads]
        np.testing.assert_allclose(np.exp(logs.max(1)), [reply.confidence for reply in heads], atol=1e-5)
    each = backend.score_each(asked(some), ["ver_one", "ver_h1"])
    np.testing.assert_allclose([row[1] for row in each], backend.score(asked(some, "ver_h1")), atol=1e-5)
    with pytest.raises(UnsuitedModel, match="writes no texts"):
        backend.reply(asked(["hi"], "ver_h1", tiny.REPLIES))
    for name in (*folders, "ver_h4"):
        backend.unload(name)
    same(backend.reply(asked(TEXTS, "", labeled)), before)
    assert "ver_h4" not in backend._opened.model.peft_config


def test_a_head_on_a_base_of_its_own(backend: LocalBackend, bert: Path, tmp_path: Path) -> None:
    """A head that was trained on an encoder answers beside versions of a decoder."""
    encoder = LocalBackend(str(bert))
    folder = stepped(tmp_path / "head", width=int(encoder._opened.model.config.hidden_size))
    elsewhere = replace(version("ver_enc", HEAD, HEADED), base=str(bert))
    encoder.load(elsewhere, folder)
    backend.load(elsewhere, folder)
    same(backend.reply(asked(TEXTS, "ver_enc")), encoder.reply(asked(TEXTS, "ver_enc")))
    backend.unload("ver_enc")
    assert backend.loaded() == ("ver_one", "ver_two")


def test_what_cannot_be_loaded(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Missing, damaged and pickled weights have their errors, and what was loaded goes on answering."""
    backend = LocalBackend(str(llama))
    backend.load(version("ver_one"), adapters[0])
    before = backend.reply(asked(TEXTS))
    bad = Path(shutil.copytree(adapters[1], tmp_path / "bad"))
    data = (bad / "adapter_model.safetensors").read_bytes()
    (bad / "adapter_model.safetensors").write_bytes(data[:100])
    pickle = tmp_path / "pickle"
    pickle.mkdir()
    torch.save({}, pickle / "adapter_model.bin")
    for kind in ("lora", "full"):
        for folder, error in ((bad, CorruptWeights), (tmp_path / "gone", ModelNotFound), (pickle, UnsafeWeights)):
            with pytest.raises(error):
                backend.load(version("ver_bad", kind), folder)
    with pytest.raises(CorruptWeights, match="without a folder"):
        backend.load(version("ver_bad"), None)
    assert backend.loaded() == ("ver_one",)
    same(backend.reply(asked(TEXTS)), before)


def test_what_cannot_be_answered(backend: LocalBackend, bert: Path) -> None:
    """A version that is not loaded, a label task without labels, and an encoder asked for text are refused."""
    with pytest.raises(NotFound, match=r"did you mean 'ver_one'"):
        backend.reply(asked(["hi"], "ver_ome"))
    with pytest.raises(UnknownLabel, match="no labels"):
        backend.reply(asked(["hi"], ""))
    with pytest.raises(UnsuitedModel, match="cannot write replies"):
        LocalBackend(str(bert)).reply(asked(["hi"], "", tiny.REPLIES))


def test_it_is_a_backend(llama: Path) -> None:
    """What the house asks of a backend, the local one can do."""
    backend: Backend = LocalBackend(str(llama))
    task = Task(name="t", kind=Kind.TEXT)
    assert backend.reply([Request(task=task, text="hi", version="", max_tokens=1)])[0].reply_tokens == 1


def test_likelihoods_are_of_whole_replies(backend: LocalBackend) -> None:
    """Each reply's own log-probability, in the order of the requests, whatever shares a pass: by the token, what
    `surprise` says of it alone.
    """
    texts = ["hello", "a much longer request about a pump that leaks", "parcel"]
    replies = ["turn it off", "yes", "we have sent it back to you today"]
    requests = asked(texts, task=tiny.REPLIES)
    together = backend.likelihoods(requests, replies)
    tokens = [len(backend.renderer.target(reply)) for reply in replies]
    alone = [-backend.surprise([r], [t]) * n for r, t, n in zip(requests, replies, tokens, strict=True)]
    assert together == pytest.approx(alone, rel=1e-3)
    assert len(set(together)) == 3


def test_replies_are_spelled_as_the_model_would_write_them(backend: LocalBackend) -> None:
    """A first token that is the likeliest is the one that the model writes, as likely as it says; of one that is not,
    it writes another. The logarithms add up to what `likelihoods` says, whatever shares the pass.
    """
    requests = [replace(one, max_tokens=1) for one in asked(TEXTS, task=tiny.REPLIES)]
    written = backend.reply(requests)
    vocabulary = [backend.renderer.tokenizer.decode([k]) for k in range(480)]
    found = 0
    for request, reply in zip(requests[:9], written, strict=False):
        tried = backend.spelled([request] * len(vocabulary), vocabulary)
        first = {one.tokens[0]: (float(one.logs[0]), bool(one.likeliest[0])) for one in tried}
        best = max(logs for logs, _ in first.values())
        for logs, likeliest in first.values():
            found += likeliest
            assert not likeliest or (logs == pytest.approx(best) == pytest.approx(np.log(reply.confidence), abs=1e-3))
            assert likeliest or logs <= np.log(reply.confidence) + 1e-6
    replies = ["turn it off", "yes", "we have sent it back to you today"]
    own = backend.spelled(requests[:3], replies)
    assert [one.tokens for one in own] == [backend.renderer.target(reply) for reply in replies]
    assert all(one.logs.shape == one.likeliest.shape == (len(one.tokens),) for one in own)
    assert backend.likelihoods(requests[:3], replies) == pytest.approx([one.logs.sum() for one in own], rel=1e-4)
    assert found
