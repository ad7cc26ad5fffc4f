"""Attacks on real versions: what they find, what a training does about it, and the suite that is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from misled import Misled

import tiny
from homeostat.curate.build import Curated
from homeostat.errors import UnsuitedModel, WrongType
from homeostat.evaluate.attack.attack import Attempt, Limits, attack
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.evaluate.suites.read import read
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.loop.asking.attack import OnVersion, chosen, tried, write_suite
from homeostat.loop.making.learn import with_copies
from homeostat.loop.proving.examining import fence
from homeostat.loop.proving.suites import keep
from homeostat.loop.workshop import Exam
from homeostat.stats.intervals import paired
from homeostat.types.dataset import Example
from homeostat.types.version import Version
from loop.taught import LEARNING, School, school
from shown import Shown

LIMITS = Limits(queries=24)
AROUND = ("hello", "please", "since", "today", "again", "thanks", "with")


def long(text: str, number: int) -> str:
    """The text with six more words in it, none of which says what it is about."""
    draw = np.random.default_rng(number)
    return " ".join(draw.permutation([*text.split(), *draw.choice(AROUND, 6)]))


ROWS = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 50, 31)]
LONG = [(long(text, k), label) for label in tiny.LABELS for k, text in enumerate(tiny.texts(label, 80, 31))]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory, draw: int) -> Iterator[School]:
    """A project with a champion that knows three labels."""
    made = school(tmp_path_factory.mktemp("attacked"), requests=1, draw=draw)
    made.shop.put_suite("routing", [Exam(text=text, target=label, time=0.0) for text, label in LONG])
    yield made
    made.shop.close()


@pytest.fixture(scope="module")
def champion(taught: School) -> Version:
    return taught.shop.champion("routing")


def attempts(taught: School, version: Version, limits: Limits) -> Sequence[Attempt]:
    return tried(taught.shop, [version], taught.shop.suite("routing"), limits)[version.id].attempts


def broken(tries: Sequence[Attempt]) -> list[float]:
    return [float(one.found is not None) for one in tries if one.tried]


@pytest.mark.slow
def test_greedy_finds_what_chance_does_not(taught: School, champion: Version, shown: Shown) -> None:
    """With as many queries it breaks surely more requests than random swaps do."""
    greedy, blind = (broken(attempts(taught, champion, replace(LIMITS, how=how))) for how in ("greedy", "blind"))
    shown.within("requests broken by greedy swaps, more than by random ones", paired(greedy, blind), unit="requests")


def shuffled(base: str, folder: Path) -> str:
    """The base with the numbers of each tensor in another order."""
    opened, draw = open_model(base), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in opened.model.parameters():
            tensor.copy_(tensor.flatten()[torch.randperm(tensor.numel(), generator=draw)].view_as(tensor))
    opened.model.save_pretrained(folder)
    opened.tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.mark.slow
def test_a_gradient_saves_passes(taught: School, champion: Version, tmp_path: Path, shown: Shown) -> None:
    """On requests that both break it takes surely fewer passes than greedy, one back counted as two, and breaks as
    many; by the gradients of shuffled weights it breaks surely fewer than by the version's own.
    """
    task, folder = taught.shop.config.task("routing"), taught.shop.store.blobs.folder(champion.blob)
    limits, base = replace(LIMITS, how="guided"), taught.shop.config.model.base
    asked = []
    for model in (base, shuffled(base, tmp_path / "shuffled")):
        backend = LocalBackend(model)
        backend.load(champion, folder)
        asked.append(OnVersion(backend, task, champion))
    greedy = attack(LONG, asked[0], replace(limits, how="greedy"))
    guided, misled = (attack(LONG, who, limits) for who in (asked[0], Misled(*asked)))

    both = [(a, b) for a, b in zip(greedy, guided, strict=True) if a.found and b.found]
    fewer = paired([passes(a) for a, _ in both], [passes(b) for _, b in both])
    assert np.mean(broken(guided)) >= np.mean(broken(greedy)) - 0.02
    assert paired(broken(guided), broken(misled)).low > 0.05
    shown.within("passes fewer than greedy, on requests that both break", fewer, unit="requests")


def passes(one: Attempt) -> float:
    """Forward, and one back as two."""
    return one.queries + 3.0 * one.peeks


@pytest.mark.slow
def test_disturbed_copies_make_it_stand(taught: School, shown: Shown) -> None:
    """Rows a second time under two disturbances: surely more told right under these and under two others that it was
    not trained on, and about as many as written.
    """
    rows = tiny.examples(each=40, seed=10 * taught.draw)
    recipe = replace(LEARNING, disturb=("shouted", "typos"), disturb_share=1.0)
    copied = with_copies(Curated(examples=tuple(rows)), recipe, [text for text, _ in ROWS])
    assert copied.counts == {"disturbed": 120, "total": 240}
    both = {"plain": rows, "copied": list(copied.examples)}
    versions = [taught.teach(name, some, seed=taught.draw) for name, some in both.items()]
    task = taught.shop.config.task("routing")

    def right(version: Version, name: str) -> list[float]:
        texts = [disturbed(text, name) if name else text for text, _ in ROWS]
        replies = taught.shop.replies(task, version, texts)
        return [float(reply == label) for reply, (_, label) in zip(replies, ROWS, strict=True)]

    def gain(*names: str) -> Any:
        plain, copied = (np.mean([right(version, name) for name in names], 0) for version in versions)
        return paired(copied, plain)

    assert gain("").mean > -0.05
    shown.within("requests told right under disturbances that it was trained on, more", gain("shouted", "typos"))
    assert gain("polite", "contracted").low > 0


@pytest.mark.slow
def test_versions_beside_each_other(taught: School, champion: Version) -> None:
    """Each is attacked as it answers, on the same rows, and is paired with the first; progress goes over all."""
    other, done = taught.teach("other", tiny.examples(each=10), seed=3), list[int]()
    exams = chosen(taught.shop.suite("routing"), 30)
    assert exams == chosen(taught.shop.suite("routing")[::-1], 30)
    found = tried(taught.shop, [champion, other], exams, LIMITS, done.append)
    first, second = found[champion.id], found[other.id]
    assert first.better is None
    assert second.better is not None
    apart = first.told.under_attack.mean - second.told.under_attack.mean
    assert second.better.mean == pytest.approx(apart)
    assert (done[-1], second.better.n) == (60, 30)


def suite_of(folder: Path, tries: Sequence[Attempt], name: str = "broken") -> Path:
    write_suite(folder / f"{name}.yaml", tiny.ROUTING, tries)
    return folder / f"{name}.yaml"


@pytest.mark.slow
def test_what_broke_becomes_a_suite(taught: School, champion: Version, tmp_path: Path) -> None:
    """It can be read and added; what it asks is told wrong by the version that broke, is fenced from training, and
    grows by what breaks later.
    """
    tries = attempts(taught, champion, LIMITS)
    file, shop = suite_of(tmp_path / "new", tries), taught.shop
    suite = read(file, lambda name: tiny.ROUTING)
    texts = [case.text for case in suite.cases]
    assert texts == [one.found.text for one in tries if one.found]
    assert (suite.name, suite.at_least) == ("broken", 1.0)
    said = shop.replies(shop.config.task("routing"), champion, texts)
    assert not any(reply == case.expect for reply, case in zip(said, suite.cases, strict=True))
    assert keep(shop.store, suite)
    assert set(texts) <= set(fence(shop, "routing"))
    copied = with_copies(
        Curated(examples=(Example(text=texts[0].lower(), target="x"),)),
        replace(LEARNING, disturb=("shouted",)),
        fence(shop, "routing"),
    )
    assert copied.counts["disturbed"] == 0
    more = attempts(taught, champion, replace(LIMITS, seed=1))
    assert write_suite(file, tiny.ROUTING, more) == len({*texts, *(one.found.text for one in more if one.found)})


def attempt(text: str, found: Any = None) -> Attempt:
    return Attempt(text=text, right="late", said="late", tried=True, found=found)


def test_files_that_are_no_suite_of_ours(tmp_path: Path) -> None:
    """Where nothing broke nothing is written; a name that none can have, and a file that somebody wrote, are told."""
    assert not suite_of(tmp_path, [attempt("hello")], "nothing").exists()
    for name in ("a b", "-x"):
        with pytest.raises(WrongType, match="no name for a suite"):
            suite_of(tmp_path, [attempt("hello")], name)
    written = tmp_path / "golden.yaml"
    text = "suite: golden\nunder: [typos]\ncases: [{text: hi, expect: late_delivery}]\n"
    written.write_text(text)
    with pytest.raises(WrongType, match="by hand"):
        write_suite(written, tiny.ROUTING, [attempt("hello")])
    assert written.read_text() == text


@pytest.mark.slow
def test_texts_are_not_attacked(taught: School) -> None:
    """No reply is simply another one."""
    version = Version(id="ver_1", task="replies", time=0.0, base="none")
    with pytest.raises(UnsuitedModel, match="answered in texts"):
        tried(taught.shop, [version], [], LIMITS)
