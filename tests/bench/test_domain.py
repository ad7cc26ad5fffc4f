"""The bench of continued pretraining: nothing that is tested has been read, and nothing says its own label."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import domain
from domain import EACH, LINES, PACKAGES, TASKS, drawn, scored, snippets, texts

import tiny
from homeostat.train.recipe import Recipe


def test_what_is_tested_is_read_by_nobody() -> None:
    """No line of six of a test snippet stands together in a text that is read, nor in a snippet that is labeled."""
    read, labeled = "\n".join(texts(400_000)), {e.text for e in drawn("labels", 50, 0, tested=False)}
    tests = drawn("labels", EACH, 0, tested=True)
    assert len(tests) == EACH * len(PACKAGES)
    assert not labeled & {example.text for example in tests}
    raw = {text for package in PACKAGES for text in domain.sources(package, tested=True)}
    assert not any(text in read for text in raw if len(text) > 200)
    assert 400_000 <= len(read) < 500_000


@pytest.mark.parametrize("tested", [True, False])
def test_a_snippet_does_not_say_its_package(tested: bool) -> None:
    """Six lines without an import and without the package's name."""
    for package in PACKAGES:
        found = snippets(package, tested=tested)
        assert len(found) >= EACH
        assert all(text.count("\n") == LINES - 1 for text in found)
        assert not any(package in text.lower() or "import " in text for text in found)


def test_draws_differ_and_repeat() -> None:
    """The same draw gives the same snippets, another one others; a reply is the line behind its request."""
    assert drawn("labels", 6, 1, tested=False) == drawn("labels", 6, 1, tested=False)
    assert drawn("labels", 6, 1, tested=False) != drawn("labels", 6, 2, tested=False)
    pairs = zip(drawn("labels", 6, 1, tested=False), drawn("replies", 6, 1, tested=False), strict=True)
    assert all(f"{reply.text}\n{reply.target}" == label.text for label, reply in pairs)


@pytest.mark.parametrize("kind", ["labels", "replies"])
def test_scores_are_of_the_tests(tmp_path: Path, kind: str) -> None:
    """A score for each test: right or wrong for labels, a log-probability for replies."""
    brief = Recipe(name="first", epochs=1, batch_rows=8, warm_start=False)
    base = str(tiny.llama(tmp_path))
    rows, tests = drawn(kind, 2, 0, tested=False), drawn(kind, 1, 0, tested=True)
    found = scored(TASKS[kind], base, rows, tests, brief)
    assert len(found) == len(tests)
    assert set(found) <= {0.0, 1.0} if kind == "labels" else max(found) < 0
