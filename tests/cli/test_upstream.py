"""`homeostat upstream`, asking a gateway of our own as the model elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import EmptyStream, NoTeacher
from homeostat.gateway.server import served
from homeostat.loop.proving.suites import keep
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.suite import Case, Suite
from keywords import KeywordBackend, add_version, configured, release

TEXTS = tuple(f"question {k}" for k in range(6))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Store]:
    """The store of somebody else."""
    with Store.open(f"sqlite:///{tmp_path / 'else.db'}", tmp_path / "else") as opened:
        yield opened


@pytest.fixture
def model(elsewhere: Store, tmp_path: Path) -> Iterator[str]:
    """Their model."""
    release(elsewhere, Stage.FULL, add_version(elsewhere, tmp_path, "replies", phrase="We have read:"))
    answerer = Answerer(KeywordBackend(), elsewhere, configured())
    with served(answerer, answerer.gateway) as url:
        yield f"{url}/v1#replies"
    answerer.close()


@pytest.fixture
def suite(store: Store) -> None:
    """What it is asked."""
    cases = tuple(Case(text=text, expect="x") for text in TEXTS)
    keep(store, Suite(name="golden", task="routing", check="contains", cases=cases))


@pytest.mark.usefixtures("suite")
def test_a_model_that_changed(
    homeostat: Run, shop: Path, store: Store, elsewhere: Store, model: str, tmp_path: Path
) -> None:
    """As it was, until another version answers; then CHANGED, and a signal that names it."""
    ask = ("upstream", model, "--samples", 3, "--config", shop)
    first, second = homeostat(*ask), homeostat(*ask, "--json").json
    assert (first.code, "the first look" in first.out) == (0, True)
    assert (second["requests"], second["look"]["p"], second["look"]["looks"]) == (18, 1.0, 2)
    release(elsewhere, Stage.FULL, add_version(elsewhere, tmp_path, "replies", phrase="Never mind:"))
    outs = [homeostat(*ask).out for _ in range(3)]
    assert any("CHANGED" in out for out in outs)
    assert [signal.slice for signal in store.signals.list("routing")] == [f"model={model}"]


@pytest.mark.usefixtures("suite")
def test_what_would_be_asked(homeostat: Run, shop: Path, store: Store) -> None:
    """A dry run asks nobody."""
    found = homeostat("upstream", "http://127.0.0.1:9/v1#m", "--dry-run", "--json", "--config", shop).json
    assert (found["prompts"], found["requests"]) == (6, 48)
    assert "48" in homeostat("upstream", "http://127.0.0.1:9/v1#m", "--dry-run", "--config", shop).out


def test_what_cannot_be_asked(homeostat: Run, shop: Path, store: Store, model: str) -> None:
    """No prompt, no address, nobody there; nothing is noted."""
    assert homeostat("upstream", model, "--config", shop).code == EmptyStream.exit
    assert homeostat("upstream", "models.example", "--config", shop).code == 2
    cases = (Case(text="a", expect="b"),)
    keep(store, Suite(name="golden", task="routing", check="contains", cases=cases))
    ran = homeostat("upstream", model.partition("#")[0] + "/nowhere#m", "--samples", 1, "--config", shop)
    assert ran.code == NoTeacher.exit
    assert store.state.get(f"upstream:routing:{model}") is None
