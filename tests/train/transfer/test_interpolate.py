"""The line from champion to candidate: its ends are exact, and the point with the largest gain that passes is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import CorruptWeights
from homeostat.llm.load import open_model
from homeostat.train.adapt.full import Full
from homeostat.train.transfer.interpolate import POINTS, best_passing, between, between_weights
from homeostat.train.transfer.product import Adapter
from train.transfer.adapters import DOMAINS, Judge, answers, drawn, learned, logits


@pytest.fixture(scope="module")
def ends(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A champion of rank 4 and a candidate of rank 6 that knows a token more."""
    kinds = ((4, (60, 61)), (6, (60, 61, 62)))
    return [
        drawn(llama, tmp_path_factory.mktemp("end"), seed=k, rank=rank, tokens=tokens)
        for k, (rank, tokens) in enumerate(kinds)
    ]


@pytest.mark.parametrize(("share", "end"), [(0.0, 0), (1.0, 1)])
def test_the_ends_are_the_two_bit_by_bit(llama: Path, ends: list[Path], tmp_path: Path, share: float, end: int) -> None:
    """At 0 the logits are the champion's and at 1 the candidate's, bit by bit, and the file is the same too."""
    between(Adapter.read(ends[0]), Adapter.read(ends[1]), share).save(tmp_path)
    assert torch.equal(answers(llama, tmp_path), answers(llama, ends[end]))
    assert not torch.allclose(answers(llama, tmp_path), answers(llama, ends[1 - end]), atol=1e-2)
    file = "adapter_model.safetensors"
    assert (tmp_path / file).read_bytes() == (ends[end] / file).read_bytes()


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_points_between_lie_on_the_line(ends: list[Path], share: float) -> None:
    """ΔW and rows are the mean weighted by the share, to rounding; a row of one end is that one's."""
    first, last = (Adapter.read(folder) for folder in ends)
    point = between(first, last, share)
    for name, product in point.layers.items():
        wanted = torch.lerp(first.layers[name].dense(), last.layers[name].dense(), share)
        assert torch.allclose(product.dense(), wanted, atol=1e-6)
    assert point.rank == 10
    assert between(first, last, share, rank=6).rank == 6
    assert torch.allclose(point.rows[60], torch.lerp(first.rows[60], last.rows[60], share), atol=1e-6)
    assert torch.equal(point.rows[62], last.rows[62])


def test_from_the_bare_base(llama: Path, ends: list[Path], tmp_path: Path) -> None:
    """Without a champion the line begins at the base: bit by bit at 0, and at 1 it is the candidate."""
    candidate = Adapter.read(ends[1])
    between(None, candidate, 0.0).save(tmp_path / "0")
    between(None, candidate, 1.0).save(tmp_path / "1")
    assert torch.equal(answers(llama, tmp_path / "0"), answers(llama))
    assert torch.equal(answers(llama, tmp_path / "1"), answers(llama, ends[1]))


@pytest.fixture(scope="module")
def weights(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two sets of all weights of the tiny decoder, a little apart."""
    folders = []
    for seed in range(2):
        opened = open_model(str(llama))
        torch.manual_seed(seed)
        with torch.no_grad():
            for tensor in opened.model.parameters():
                tensor.add_(0.05 * torch.randn_like(tensor))
        folders.append(tmp_path_factory.mktemp("weights"))
        Full().save(opened.model, folders[-1])
    return folders


def test_all_weights(llama: Path, weights: list[Path], tmp_path: Path) -> None:
    """Folders with all weights are averaged alike: both ends bit by bit, and tensors halfway in the middle."""
    made = {}
    for share in POINTS:
        between_weights(*weights, share, tmp_path / str(share))
        made[share] = open_model(str(llama), tmp_path / str(share))
    ends = [open_model(str(llama), folder) for folder in weights]
    assert torch.equal(logits(made[0.0]), logits(ends[0]))
    assert torch.equal(logits(made[1.0]), logits(ends[1]))
    for name, tensor in made[0.5].model.state_dict().items():
        halves = [0.5 * end.model.state_dict()[name] for end in ends]
        assert torch.allclose(tensor, halves[0] + halves[1], atol=1e-6)


def test_weights_of_different_models(weights: list[Path], tmp_path: Path) -> None:
    """Other shapes and other names are errors."""
    wide, deep = tiny.llama(tmp_path / "wide", hidden=64), tiny.llama(tmp_path / "deep", layers=3)
    for other in (wide, deep):
        with pytest.raises(CorruptWeights, match="different models"):
            between_weights(weights[0], other, 0.5, tmp_path / "made")


def test_the_largest_gain_that_passes() -> None:
    """Gates are asked from the largest gain down; all have to agree; of equal gains the earlier point is taken."""
    asked: list[float] = []

    def gate(point: float) -> bool:
        asked.append(point)
        return point <= 0.75

    best = best_passing(POINTS, [gate, lambda point: point != 0.75], lambda point: point)
    assert best is not None
    assert (best.point, best.gain, best.refused) == (0.5, 0.5, (1.0, 0.75))
    assert asked == [1.0, 0.75, 0.5]
    level = best_passing(POINTS, [], lambda point: 1.0)
    assert level is not None
    assert level.point == 0.0
    assert best_passing(POINTS, [lambda point: False], lambda point: point) is None


@pytest.mark.slow
def test_a_point_between_passes_where_the_candidate_does_not(
    llama: Path, judge: Judge, domain_folders: list[Path], tmp_path: Path
) -> None:
    """A candidate trained on the second domain alone forgets the first and is refused; a point before it keeps the
    first and has most of what the candidate gained.
    """
    rows = [tiny.examples(labels, each=40, seed=7) for labels in DOMAINS]
    champion = Adapter.read(domain_folders[0])
    candidate = Adapter.read(learned(llama, tmp_path, DOMAINS[1], seed=3, start=domain_folders[0]))
    points = {share: between(champion, candidate, share) for share in POINTS}
    kept = {share: judge.accuracy(point, rows[0], DOMAINS[0]) for share, point in points.items()}
    won = {share: judge.accuracy(point, rows[1], DOMAINS[1]) for share, point in points.items()}
    assert kept[1.0] < kept[0.0] - 0.2
    best = best_passing(POINTS, [lambda share: kept[share] >= kept[0.0] - 0.08], lambda share: won[share] - won[0.0])
    assert best is not None
    assert 1.0 in best.refused
    assert 0.0 < best.point < 1.0
    assert best.gain > 0.8 * (won[1.0] - won[0.0])
