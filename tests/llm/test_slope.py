"""Slopes over what is read: true ones, of every family, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import UnknownLabel, UnsuitedModel
from homeostat.evaluate.suites.disturb import misspellings
from homeostat.llm.backend import Request
from homeostat.llm.exact import ExactHead, save_exact
from homeostat.llm.features import Features
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.head import Head, Shape, save_head
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered
from homeostat.llm.slope import DOWNHILL, harm, slopes
from homeostat.types.version import HEAD, Version

ROWS = [Rendered((60, 61, 62, 63), (9,)), Rendered((70, 71), (9,))]
TEXTS = [text for label in tiny.LABELS for text in tiny.texts(label, 3, 5)]
RIGHT = [label for label in tiny.LABELS for _ in range(3)]


def wanted(said: Predicted) -> torch.Tensor:
    """Log-probability of the completion."""
    return said.logits.float().log_softmax(-1).gather(-1, said.target[:, None])[:, 0]


@pytest.mark.parametrize("family", ["llama", "bert", "t5"])
def test_slopes_are_those_of_small_steps(family: str, request: pytest.FixtureRequest) -> None:
    """A little added to what a token is read as changes what is wanted as its slope says, at every place of both
    rows; nothing is left on the model.
    """
    opened = open_model(str(request.getfixturevalue(family)))
    found = slopes(opened, ROWS, wanted)
    assert [tuple(one.shape) for one in found] == [(4, 48), (2, 48)]
    reader = opened.model.get_encoder() if family == "t5" else opened.model
    table = reader.get_input_embeddings()
    assert not table._forward_hooks
    with torch.no_grad():
        plain = wanted(predict(opened, ROWS))
        for row, place, token in ((0, 1, 61), (0, 3, 63), (1, 0, 70)):
            step = 0.002 * torch.randn(48, generator=torch.Generator().manual_seed(place))

            def moved(module: object, given: tuple[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
                return out + (given[0] == token)[..., None] * step  # noqa: B023

            hook = table.register_forward_hook(moved)
            change = wanted(predict(opened, ROWS)) - plain
            hook.remove()
            assert float(change[row]) == pytest.approx(float(found[row][place] @ step), rel=0.1, abs=5e-5)


def version(name: str, kind: str = "lora") -> Version:
    return Version(id=name, task="routing", time=0.0, base="", kind=kind, labels=tiny.LABELS)


def requests(texts: Sequence[str], name: str) -> list[Request]:
    return [Request(task=tiny.ROUTING, text=text, version=name) for text in texts]


@pytest.fixture(scope="module")
def backend(llama: Path, adapters: tuple[Path, Path]) -> LocalBackend:
    """A version on the tiny decoder."""
    backend = LocalBackend(str(llama))
    backend.load(version("ver_one"), adapters[0])
    return backend


def replaced(text: str) -> list[str]:
    """The text with each of its longer words misspelled."""
    words = text.split()
    slips = [(k, slip) for k, word in enumerate(words) for slip in misspellings(word)[::3]]
    return [" ".join([*words[:k], slip, *words[k + 1 :]]) for k, slip in slips]


def test_rows_are_estimated_alike_alone(backend: LocalBackend) -> None:
    """Whatever else is in the batch; what changes nothing is worth nothing, and answering goes on as before."""
    before = backend.score(requests(TEXTS, "ver_one"))
    others = [[text, *replaced(text)[:5]] for text in TEXTS]
    together = backend.foresee(requests(TEXTS, "ver_one"), RIGHT, others)
    for k, text in enumerate(TEXTS):
        (alone,) = backend.foresee(requests([text], "ver_one"), [RIGHT[k]], [others[k]])
        np.testing.assert_allclose(together[k], alone, atol=1e-4)
        assert alone[0] == 0.0
    assert backend.foresee(requests(["hello"], "ver_one"), RIGHT[:1], [[]])[0].shape == (0,)
    np.testing.assert_array_equal(before, backend.score(requests(TEXTS, "ver_one")))


def test_heads(backend: LocalBackend, tmp_path: Path) -> None:
    """One of layers has slopes; an exact one, which counts words besides, has none and says so, and so does a base that
    spells labels out. Unknown labels are told.
    """
    torch.manual_seed(0)
    head = Head(Shape(form="label", names=tiny.LABELS), 48)
    torch.nn.init.normal_(head.layers[0].weight)
    save_head(head, tmp_path / "layers")
    rng = np.random.default_rng(0)
    features = Features.fixed(rng.standard_normal((9, 48)), width=8, buckets=16)
    save_exact(
        ExactHead(features=features, weights=rng.standard_normal((24, 3)), labels=tiny.LABELS), tmp_path / "exact"
    )
    for name in ("layers", "exact"):
        backend.load(version(name, HEAD), tmp_path / name)
    (found,) = backend.foresee(requests(TEXTS[:1], "layers"), RIGHT[:1], [replaced(TEXTS[0])])
    assert np.abs(found).max() > 0
    backend.load(version("bare", "base"), None)
    for name in ("exact", "bare"):
        with pytest.raises(UnsuitedModel, match="no gradient"):
            backend.foresee(requests(TEXTS[:1], name), RIGHT[:1], [["x"]])
    with pytest.raises(UnknownLabel, match="lost_cat"):
        backend.foresee(requests(TEXTS[:1], "layers"), ["lost_cat"], [["x"]])


@pytest.mark.parametrize(
    ("other", "moved", "steep"),
    [
        ((1, 2, 3), 0.0, 0.0),
        ((1, 9, 3), 10.0, 10.0),
        ((1, 9, 5, 3), 10.0, 10.0),
        ((1, 1, 3), -10.0, 10.0),
        ((1, 3), -10.0, 10.0),
        ((1, 2, 3, 9), 100.0, 100.0),
        ((1, 9, 1), (7.0 * 10.0 - 2.0 * 100.0) / 53**0.5, 10100**0.5),
    ],
    ids=["none", "one for one", "two for one", "less", "one gone", "one more at the end", "two places"],
)
def test_what_a_change_is_worth(other: tuple[int, ...], moved: float, steep: float, llama: Path) -> None:
    """On a table whose row k says k, slopes 1, 10, 100: how far down it goes for its length, and how steep it is where
    it is made, each in units of its spread over all.
    """
    opened = open_model(str(llama))
    with torch.no_grad():
        table = opened.model.get_input_embeddings().weight
        table[:] = 0.0
        table[:, 0] = torch.arange(len(table))
    slope = torch.zeros(3, 48)
    slope[:, 0] = torch.tensor([1.0, 10.0, 100.0])
    beside = [(1, 2, 3), (5, 2, 3)]  # nothing changes; and one up the slope of 1
    found = harm(opened, (1, 2, 3), slope, [*beside, other])
    units = np.std([0.0, 1.0, moved]), np.std([0.0, -1.0, -steep])
    wanted = [DOWNHILL * a / units[0] - b / units[1] for a, b in ((0.0, 0.0), (1.0, 1.0), (moved, steep))]
    assert found.tolist() == pytest.approx(wanted)
    assert harm(opened, (1, 2, 3), slope, []).tolist() == []
