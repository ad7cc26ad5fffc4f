"""Requests within idle talk: whole, at the length that is asked for, and read or not as serving reads them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import read_stream
from homeostat.evaluate.suites.buried import sentences, talk
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.llm.backend import Request
from homeostat.llm.exact import save_exact
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Renderer
from homeostat.train.few.heads import Ridge
from homeostat.train.few.shots import Reader, Shots
from homeostat.types.version import HEAD, Version

TEXTS = [f"My parcel number {k} is lost, where is the courier?" for k in range(30)]
LENGTHS = (50, 200, 800, 4000)
LONGEST = max(len(sentence.split()) for sentence in sentences())


@pytest.mark.parametrize("words", LENGTHS)
def test_a_request_stands_whole_in_so_many_words(words: int) -> None:
    """Every request is there once and as it was, in that many words or up to a sentence more; the same ones again."""
    made = [disturbed(text, f"buried_{words}") for text in TEXTS[:8]]
    around = [len(other.replace(text, "").split()) for text, other in zip(TEXTS, made, strict=False)]
    assert all(other.count(text) == 1 for text, other in zip(TEXTS, made, strict=False))
    assert all(words <= n < words + LONGEST for n in around)
    assert made == [disturbed(text, f"buried_{words}") for text in TEXTS[:8]]
    assert len(set(made)) == 8


def test_it_stands_anywhere() -> None:
    """Before all, after all, and between: thirty requests lie over the whole length."""
    made = [disturbed(text, "buried_200") for text in TEXTS]
    places = np.array([len(other[: other.index(text)].split()) for text, other in zip(TEXTS, made, strict=True)])
    assert places.min() < 50
    assert places.max() > 150
    assert len(set(places.tolist())) > 10
    assert all(disturbed(text, "ahead_4000").startswith(text) for text in TEXTS[:3])


def test_no_sentence_comes_again_before_all_have_come() -> None:
    """As long as there are others; 4,000 words have some twice, and none more than once more than another."""
    random = np.random.default_rng(0)
    short, long = talk(800, random), talk(4000, random)
    assert len(set(short)) == len(short)
    counts = [long.count(one) for one in sentences()]
    assert max(counts) - min(counts) <= 1


def test_the_talk_is_about_nothing_that_the_sample_desk_is_asked() -> None:
    """No sentence is there twice, and none holds what the labels of the built-in traffic are called by."""
    rows, _ = read_stream(traffic_path(), needed=())
    desk = {word for row in rows for word in row.label.split("_") if len(word) > 3}
    said = {word for sentence in sentences() for word in re.findall(r"[a-z]+", sentence.lower())}
    assert len(set(sentences())) == len(sentences()) == 150
    assert len(desk) > 50
    assert not desk & said


def test_what_a_context_does_not_hold_is_cut_at_its_end() -> None:
    """Ahead of the talk a request is read whole; behind more talk than the context holds no word of it is, and it is
    as if it had not been there.
    """
    renderer = Renderer(tiny.chat_tokenizer(), max_tokens=120)
    room = 120 - renderer.room(tiny.ROUTING)
    ahead = renderer.prompt(tiny.ROUTING, disturbed(TEXTS[0], "ahead_4000"))
    assert len(ahead) == room
    assert TEXTS[0] in renderer.tokenizer.decode(ahead)
    idle = " ".join(talk(800, np.random.default_rng(1)))
    behind = renderer.prompt(tiny.ROUTING, f"{idle} {TEXTS[0]}")
    assert behind == renderer.prompt(tiny.ROUTING, f"{idle} {TEXTS[1]}")
    assert renderer.is_cut(tiny.ROUTING, renderer.example(tiny.ROUTING, idle, [0]))


def test_a_model_answers_a_request_beyond_its_context(tmp_path: Path) -> None:
    """It is not refused: the scores are those of the part that is read, whatever stands behind it."""
    base = tiny.llama(tmp_path / "base")
    backend = LocalBackend(str(base))
    backend.load(Version(id="ver_a", task="routing", time=0.0, base=str(base), kind="base", labels=tiny.LABELS), None)

    def scores(text: str) -> list[float]:
        return backend.score([Request(task=tiny.ROUTING, text=text, version="ver_a")])[0].tolist()

    long = disturbed(TEXTS[0], "ahead_4000")
    assert scores(long) == scores(long[: len(long) // 2]) != scores(TEXTS[0])
    idle = " ".join(talk(800, np.random.default_rng(1)))
    assert scores(f"{idle} {TEXTS[0]}") == scores(idle)


def test_an_exact_head_counts_words_that_the_model_does_not_read(tmp_path: Path) -> None:
    """Of two requests behind more talk than the context holds the model sees the same, and the head does not."""
    base = tiny.llama(tmp_path / "base")
    rows = [(row.text, row.target) for row in tiny.examples(each=5)]
    head = Ridge().kept(Reader.of(str(base), instruction="route"), Shots.of(rows, tiny.LABELS))
    save_exact(head, tmp_path / "head")
    backend = LocalBackend(str(base))
    version = Version(id="ver_h", task="routing", time=0.0, base=str(base), kind=HEAD, labels=tiny.LABELS)
    backend.load(version, tmp_path / "head")
    idle = " ".join(talk(200, np.random.default_rng(1)))
    asked = [
        Request(task=tiny.ROUTING, text=f"{idle} {words}", version="ver_h")
        for words in ("pump noise leaks water", "refund money back")
    ]
    states, scores = backend.states(asked), backend.score(asked)
    assert (states[0] == states[1]).all()
    assert not np.allclose(scores[0], scores[1])
