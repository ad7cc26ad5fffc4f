"""States carried over: what a linear map brings along is where the model has moved, and nothing is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights
from homeostat.llm.backend import Request
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Renderer
from homeostat.stats.intervals import paired
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import ask
from homeostat.train.carried import FILE, Map, States, look
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, render, train
from homeostat.train.samples import Sample
from homeostat.types.dataset import Example, Origin
from homeostat.types.version import Version
from shown import Shown

NEW = ("wrong_bill", "light_out")
ALL = (*tiny.LABELS, *NEW)
RECIPE = Recipe(lr=8e-3, epochs=4, batch_rows=16, looks=4, patience=8, carry=True)
OLD = tiny.examples(each=80)
FRESH = tiny.examples(NEW, each=40, seed=4)


def order(start: Start, folder: Path, examples: Sequence[Example], labels: Sequence[str]) -> Order:
    return Order(task=tiny.ROUTING, start=start, examples=examples, labels=tuple(labels), recipe=RECIPE, folder=folder)


def remembered() -> list[Example]:
    """Half of the old rows replayed, the other half recalled."""
    return [replace(row, origin=(Origin.REPLAY, Origin.RECALL)[k % 2]) for k, row in enumerate(OLD)]


@pytest.fixture(scope="module")
def line(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Trained]:
    """A champion that keeps states, and its successor."""
    folder, base = tmp_path_factory.mktemp("line"), Start(base=str(llama))
    first = train(order(base, folder / "first", OLD, tiny.LABELS))
    champion = replace(base, folder=first.weights, kind="lora", labels=tiny.LABELS)
    return first, train(order(champion, folder / "next", [*FRESH, *remembered()], ALL))


def samples(opened: Opened, examples: Sequence[Example]) -> tuple[list[Sample], torch.Tensor]:
    codes = encode_labels(opened.tokenizer, ALL)
    asked = order(Start(base=""), Path(), examples, ALL)
    return render(asked, Renderer(opened.tokenizer), codes), torch.tensor([s[0] for s in codes.sequences])


def test_a_linear_move_is_found() -> None:
    """States that were turned and shifted are carried to where they lie now; states that did not move stay."""
    torch.manual_seed(0)
    states, turn, shift = torch.randn(400, 8), 0.3 * torch.randn(8, 8), torch.randn(8)
    moved = states + states @ turn + shift
    found = Map.fit(states[:200], moved[:200])
    missed = (found(states[200:]) - moved[200:]).square().mean() / (states[200:] - moved[200:]).square().mean()
    assert float(missed) < 0.02
    assert torch.allclose(Map.fit(states[:200], states[:200])(states[200:]), states[200:], atol=1e-5)


def test_the_successor_reads_no_recalled_row(line: tuple[Trained, Trained]) -> None:
    """Both keep a state of every row they were fitted to; the successor carried those that were only recalled."""
    first, successor = line
    assert first.cost["carried"] == 0
    recalled = sum(row.origin is Origin.RECALL for row in remembered())
    assert 0.7 * recalled < successor.cost["carried"] <= recalled
    kept = States.read(successor.weights).by_row
    assert set(States.read(first.weights).by_row) <= set(kept)


def test_carried_states_are_nearer_than_old_ones(line: tuple[Trained, Trained], llama: Path, shown: Shown) -> None:
    """The champion's states are off from the successor's own by more than twice what carrying leaves (squares)."""
    first, successor = line
    opened = open_model(str(llama))
    Lora().attach(opened.model, successor.weights)
    rows, labels = samples(opened, [*FRESH, *remembered()])
    before = States.read(first.weights)
    found = look(opened, rows, labels, before)
    now = look(opened, rows, labels, States({}))
    both = [name for name in before.by_row if name in now.kept.by_row]
    own = now.kept.by_row
    plain, left = (
        np.array([float((states[n] - own[n]).square().sum()) for n in both])
        for states in (before.by_row, found.kept.by_row)
    )
    gone = paired(plain / plain.mean(), left / plain.mean())
    shown.within("share of the squared distance from the successor's own states that carrying takes", gone, least=0.5)
    assert found.flops < now.flops


def test_with_few_pairs_everything_is_read(line: tuple[Trained, Trained], llama: Path) -> None:
    """Without replayed rows nobody knows where the states went, so all are read."""
    first, successor = line
    opened = open_model(str(llama))
    Lora().attach(opened.model, successor.weights)
    rows, labels = samples(opened, [replace(row, origin=Origin.RECALL) for row in OLD])
    found = look(opened, rows, labels, States.read(first.weights))
    assert found.carried == 0
    assert torch.equal(found.states, ask(opened, [s.rendered for s in rows], labels).states)


def test_a_version_answers_beside_its_states(line: tuple[Trained, Trained], llama: Path, tmp_path: Path) -> None:
    """Kept states do not disturb who loads the version; a damaged file is refused, a missing one means none."""
    _, successor = line
    backend = LocalBackend(str(llama))
    version = Version(id="ver_a", task="routing", time=0.0, base="", kind="lora", labels=ALL)
    backend.load(version, successor.weights)
    asked = [Request(task=tiny.ROUTING, text=row.text, version="ver_a") for row in FRESH]
    right = sum(reply.text == row.target for reply, row in zip(backend.reply(asked), FRESH, strict=True))
    assert right > 0.8 * len(FRESH)
    (tmp_path / FILE).write_bytes(b"nonsense")
    with pytest.raises(CorruptWeights):
        States.read(tmp_path)
    assert States.read(tmp_path / "nowhere").by_row == {}
