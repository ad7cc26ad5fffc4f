"""An exact head on disk and as it answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from homeostat.errors import CorruptWeights, HomeostatError, ModelNotFound, UnsafeWeights
from homeostat.llm.exact import FILE, ExactHead, load_exact, save_exact
from homeostat.llm.features import Features
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered

TEXTS = ["my pump leaks", "where is it"]


@pytest.fixture
def head() -> ExactHead:
    """Three labels, on states of width 48."""
    rng = np.random.default_rng(0)
    features = Features.fixed(rng.standard_normal((9, 48)), width=8, buckets=16)
    return ExactHead(features=features, weights=rng.standard_normal((24, 3)), labels=("a", "b", "c"), sharpness=3.0)


@pytest.mark.parametrize("pool", ["mean", "last"])
def test_it_answers_as_it_was_saved(head: ExactHead, decoder: Opened, tmp_path: Path, pool: str) -> None:
    """Log-probabilities are a softmax of sharpened scores of states and words, the same after a way through disk."""
    head = replace(head, pool=pool)
    save_exact(head, tmp_path)
    again = load_exact(tmp_path, 48)
    with torch.no_grad():
        said = predict(decoder, [Rendered((50, 51), (0,)), Rendered((52,), (0,))])
    states = (said.pooled if pool == "mean" else said.states).double().numpy()
    scores = 3.0 * head.features.of(states, TEXTS) @ head.weights
    wanted = torch.tensor(scores).log_softmax(-1).float()
    torch.testing.assert_close(head.logs(said, TEXTS), wanted)
    assert torch.equal(again.logs(said, TEXTS), head.logs(said, TEXTS))
    assert (again.labels, again.below) == (head.labels, "base")


def test_damaged_heads(head: ExactHead, tmp_path: Path) -> None:
    """Missing, cut off, for another width, without its words, with other words or tensors: one error each."""
    save_exact(head, tmp_path / "whole")
    save_exact(replace(head, pool="nowhere"), tmp_path / "pool")
    save_exact(replace(head, labels=("a", "b")), tmp_path / "labels")
    tensors = load_file(tmp_path / "whole" / FILE)
    for name, held, more in (("bare", tensors, None), ("few", {"mean": tensors["mean"]}, {"head": "{}"})):
        (tmp_path / name).mkdir()
        save_file(held, tmp_path / name / FILE, metadata=more)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / FILE).write_bytes((tmp_path / "whole" / FILE).read_bytes()[:99])
    (tmp_path / "empty").mkdir()
    wanted: dict[str, type[HomeostatError]] = {"gone": ModelNotFound, "empty": UnsafeWeights}
    for name in ("pool", "labels", "bare", "few", "cut", "gone", "empty"):
        with pytest.raises(wanted.get(name, CorruptWeights)):
            load_exact(tmp_path / name, 48)
    with pytest.raises(CorruptWeights, match="no exact head for a model of width 64"):
        load_exact(tmp_path / "whole", 64)


def test_a_head_of_the_states_themselves(decoder: Opened, tmp_path: Path) -> None:
    """Without a projection it looks at states of length 1 beside words, and goes to disk and back; for another width it
    does not fit.
    """
    rng = np.random.default_rng(1)
    states = rng.standard_normal((7, 48))
    features = Features(states.mean(0), states.std(0), np.zeros((48, 0)), 16)
    assert features.width == 64
    seen = features.of(states, ["a word"] * 7)
    assert np.allclose(np.linalg.norm(seen[:, :48], axis=1), 1.0)
    assert np.allclose(
        seen[:, :48] * np.linalg.norm((states - states.mean(0)) / states.std(0), axis=1)[:, None],
        (states - states.mean(0)) / states.std(0),
    )
    head = ExactHead(features=features, weights=rng.standard_normal((64, 2)), labels=("a", "b"), pool="last")
    save_exact(head, tmp_path)
    with torch.no_grad():
        said = predict(decoder, [Rendered((50, 51), (0,)), Rendered((52,), (0,))])
    assert torch.equal(load_exact(tmp_path, 48).logs(said, TEXTS), head.logs(said, TEXTS))
    with pytest.raises(CorruptWeights):
        load_exact(tmp_path, 47)
