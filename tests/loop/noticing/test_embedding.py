"""The backend that rows are read with: each text asked for once, none mixed with another's, a change told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound
from homeostat.llm.embedding.embedder import Changed, NoVectors, Vectors
from homeostat.llm.embedding.encoder import Encoder
from homeostat.llm.embedding.steady import ROWS
from homeostat.loop.noticing import embedding
from homeostat.loop.noticing.embedding import AWAY, SUBJECT, Embedding, embedded
from homeostat.monitor.channels import vectors as of_rows
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from server import speaking, vectors

TEXTS = [text for label in tiny.LABELS for text in tiny.texts(label, 12, 8)]
STATE = np.arange(16, dtype=np.float16).tobytes()


def row(number: int, text: str = "") -> Interaction:
    fields = {"task": "t", "reply": "a", "version": "ver_1", "embedding": STATE}
    return Interaction(id=f"int_{number:04}", time=float(number), text=text or TEXTS[number], **fields)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("other"), seed=7)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/store.db", tmp_path / "blobs") as opened:
        opened.interactions.add([row(k) for k in range(len(TEXTS))])
        yield opened


def settled(store: Store, name: str | Path) -> Embedding:
    found = Embedding(store, str(name))
    found.settle()
    return found


def test_the_model_that_answers_needs_nothing(store: Store) -> None:
    """Nothing is opened, in force or written down."""
    assert Embedding(store, "served").settle() == ""
    assert store.vectors.in_force is None
    assert store.events.list(SUBJECT) == []


def test_rows_wear_the_vectors_of_the_encoder(store: Store, small: Path) -> None:
    """Those that the encoder gives, in the half precision in which they are kept; the log keeps its states."""
    worn = settled(store, small).worn(store.interactions.list("t"))
    np.testing.assert_allclose(of_rows(worn), Encoder(str(small)).embed(TEXTS), atol=2e-3)
    assert {one.embedding for one in store.interactions.list("t")} == {STATE}
    assert store.vectors.worn(store.interactions.list("t")) == worn
    now = store.vectors.in_force
    assert now is not None
    assert (now.name, now.width, now.before) == (str(small), 48, "served")


def test_each_text_is_asked_for_once(store: Store, small: Path) -> None:
    """Neither for two rows of one look, nor by a second look, nor by a new worker."""
    encoder = Encoder(str(small))
    rows = [row(100 + k, TEXTS[k % 3]) for k in range(9)]
    store.interactions.add(rows)
    with speaking(vectors(encoder.embed)) as (url, met):
        first = settled(store, f"{url}#small")
        worn = first.worn(rows)
        assert sum(text in TEXTS for body in met for text in body["input"]) == 3
        asked = len(met)
        assert first.worn(rows) == worn
        assert len(met) == asked
        assert settled(store, f"{url}#small").worn(rows) == worn
        assert len(met) == asked + 1  # the sentences that it is known by
    assert len({one.embedding for one in worn}) == 3


def test_a_new_worker_knows_the_backend_again(store: Store, small: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By its vectors: what was kept stays, and nothing is said."""
    settled(store, small).worn(store.interactions.list("t"))
    kept, count = store.vectors.in_force, store.vectors.count()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert settled(store, small).settle() == (kept.backend if kept else "")
    assert (store.vectors.in_force, store.vectors.count()) == (kept, count)
    assert len(store.events.list(SUBJECT)) == 1
    assert not caplog.records


def test_the_same_model_elsewhere_goes_on(store: Store, small: Path, tmp_path: Path) -> None:
    """Its new place is written down; vectors and what was measured with them stay."""
    settled(store, small).worn(store.interactions.list("t"))
    with speaking(vectors(Encoder(str(small)).embed)) as (url, _):
        assert settled(store, f"{url}#small").settle()
    now = store.vectors.in_force
    assert now is not None
    assert now.name.endswith("/v1#small")
    assert store.vectors.count() == len(TEXTS)
    assert len(store.events.list(SUBJECT)) == 1


def test_another_model_begins_anew_and_says_so(
    store: Store, small: Path, other: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the same width, so that no shape would have told: the vectors before are gone, what is worn is the other's
    alone, and log and events say what was before.
    """
    first = settled(store, small)
    first.worn(store.interactions.list("t"))
    before = first.settle()
    with caplog.at_level(logging.WARNING):
        second = settled(store, other)
    assert store.vectors.count() == 0
    assert second.settle() != before
    worn = second.worn(store.interactions.list("t"))
    np.testing.assert_allclose(of_rows(worn), Encoder(str(other)).embed(TEXTS), atol=2e-3)
    assert f"before by {small}: normal is learned anew" in caplog.text
    assert [event.values["before"] for event in store.events.list(SUBJECT)] == ["served", str(small)]


def test_back_to_the_model_that_answers(store: Store, small: Path) -> None:
    """Is a change like any other."""
    settled(store, small).worn(store.interactions.list("t"))
    store.state.put(AWAY, {"since": 1.0, "what": "out of reach"})
    assert Embedding(store, "served").settle() == ""
    assert store.vectors.in_force is None
    assert store.vectors.count() == 0
    assert store.state.get(AWAY) is None
    assert store.events.list(SUBJECT)[-1].values == {"backend": "", "name": "served", "before": str(small)}


def test_a_model_that_is_exchanged_behind_its_name(store: Store, small: Path, other: Path) -> None:
    """In the middle of reading: not one row gets a vector of the other, and at the next look it is another backend,
    whose vectors all rows get.
    """
    behind = [Encoder(str(small))]
    with speaking(vectors(lambda said: behind[0].embed(said))) as (url, _):
        served = settled(store, f"{url}#small")
        before = served.settle()
        served.worn(store.interactions.list("t", limit=10))
        behind[0] = Encoder(str(other))
        with pytest.raises(Changed):
            served.worn(store.interactions.list("t"))
        assert store.vectors.count() == 10
        assert served.settle() != before
        assert store.vectors.count() == 0
        worn = served.worn(store.interactions.list("t"))
    np.testing.assert_allclose(of_rows(worn), Encoder(str(other)).embed(TEXTS), atol=2e-3)


def test_a_server_that_is_away_is_left_alone_for_a_while(
    store: Store, small: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked once, and told once; when it is back, the rows that waited are read as if nothing had been."""
    monkeypatch.setattr(embedding, "RETRY_S", 0.4)
    status = [200]
    answers = vectors(Encoder(str(small)).embed)
    with speaking(lambda body: answers(body) if status[0] == 200 else (400, {"error": "no"})) as (url, met):
        served = settled(store, f"{url}#small")
        backend, status[0] = served.settle(), 400
        caplog.clear()
        with caplog.at_level(logging.WARNING), pytest.raises(NoVectors):
            served.worn(store.interactions.list("t"))
        asked = len(met)
        for _ in range(5):
            with pytest.raises(NoVectors):
                served.settle()
        assert len(met) == asked
        assert len(caplog.records) == 1
        since = store.state.get(AWAY)["since"]
        with pytest.raises(NoVectors):
            settled(store, f"{url}#small").worn(store.interactions.list("t"))
        assert store.state.get(AWAY)["since"] == since  # another worker waits on, and does not begin to count
        assert "400" in store.state.get(AWAY)["what"]
        status[0] = 200
        monkeypatch.setattr(embedding, "RETRY_S", 0.0)
        assert served.settle() == backend
        assert store.state.get(AWAY) is None
        assert len(served.worn(store.interactions.list("t"))) == len(TEXTS)


def test_a_backend_that_cannot_be_opened_ends_the_worker(store: Store, tmp_path: Path, small: Path) -> None:
    """It will not mend itself: nothing is in force, and the error is that of the model."""
    with pytest.raises(ModelNotFound):
        Embedding(store, str(tmp_path / "nowhere")).settle()
    broken = tiny.llama(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes((broken / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(CorruptWeights):
        Embedding(store, str(broken)).settle()
    assert store.vectors.in_force is None
    with pytest.raises(NoVectors, match="settled"):
        Embedding(store, "ngrams").vectors(["a"])


def test_windows_are_embedded_without_writing(store: Store, small: Path, other: Path) -> None:
    """By the backend in force with what is kept, by another one without; no row of a file needs a log."""
    rows = store.interactions.list("t")
    settled(store, small).worn(rows[:20])
    for name in (small, other):
        worn = embedded(str(name), rows, store)
        np.testing.assert_allclose(of_rows(worn), Encoder(str(name)).embed(TEXTS), atol=2e-3)
    assert store.vectors.count() == 20
    assert store.vectors.in_force is not None
    assert store.vectors.in_force.name == str(small)
    filed = [replace(one, id=f"a.jsonl:{k}") for k, one in enumerate(rows)]
    np.testing.assert_allclose(of_rows(embedded("ngrams", filed)).shape, (len(TEXTS), 512))


def test_what_is_kept_is_not_asked_for_by_a_command_either(store: Store, small: Path) -> None:
    """A comparison of rows that the worker has read sends none of them."""
    encoder, sent = Encoder(str(small)), list[str]()

    def heard(said: list[str]) -> Vectors:
        sent.extend(said)
        return encoder.embed(said)

    with speaking(vectors(heard)) as (url, _):
        settled(store, f"{url}#small").worn(store.interactions.list("t"))
        assert len(sent) >= min(len(TEXTS), ROWS)
        sent.clear()
        embedded(f"{url}#small", store.interactions.list("t"), store)
    assert not set(sent) & set(TEXTS)
