"""A warm start from another domain: likeness says what to try, the probe says what helps, and nothing is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

import tiny
from homeostat.llm.backend import Request
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Renderer
from homeostat.train.samples import Sample
from homeostat.train.step import Ground
from homeostat.train.transfer.nearest import SURE, Source, choose, chosen, losses, nearest, readings
from homeostat.train.transfer.product import Adapter
from train.transfer.adapters import DOMAINS, EVERY, Judge, drawn


def embedded(base: Path, labels: Sequence[str], seed: int) -> np.ndarray:
    """float[rows, hidden] of these labels' requests, under the bare base."""
    rows = tiny.examples(labels, each=25, seed=seed)
    return LocalBackend(str(base)).embed([Request(task=tiny.ROUTING, text=row.text, version="") for row in rows])


def samples(ground: Ground, labels: Sequence[str], each: int = 25) -> list[Sample]:
    renderer = Renderer(ground.opened.tokenizer)
    codes = dict(zip(EVERY, encode_labels(ground.opened.tokenizer, EVERY).sequences, strict=True))
    rows = tiny.examples(labels, each=each, seed=9)
    return [Sample(renderer.example(tiny.ROUTING, row.text, codes[row.target])) for row in rows]


@pytest.fixture
def ground(llama: Path) -> Ground:
    opened = open_model(str(llama))
    allowed = torch.tensor([s[0] for s in encode_labels(opened.tokenizer, EVERY).sequences])
    return Ground(opened=opened, train=[], allowed=allowed, bfloat16=False)


@pytest.fixture(scope="module")
def sources(llama: Path, domain_folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Source]:
    """Two domains that were learned, and one whose adapter knows nothing."""
    found = {
        name: Source(folder, embedded(llama, labels, seed=2).mean(0))
        for name, folder, labels in zip(("shop", "house"), domain_folders, DOMAINS, strict=True)
    }
    noise = drawn(llama, tmp_path_factory.mktemp("noise"), seed=1)
    return {**found, "noise": Source(noise, embedded(llama, tiny.LABELS, seed=3).mean(0))}


def test_the_nearest_by_embeddings(llama: Path, sources: dict[str, Source]) -> None:
    """Each domain's own requests are the likeliest to it, and every source has a number."""
    for name, labels in zip(("shop", "house"), DOMAINS, strict=True):
        found = nearest(embedded(llama, labels, seed=9), {key: sources[key] for key in ("shop", "house")})
        assert found[0][0] == name
        assert 1.0 >= found[0][1] > found[1][1] > -1.0


def test_the_source_that_helps_is_chosen(llama: Path, ground: Ground, sources: dict[str, Source]) -> None:
    """On 50 rows of a target the adapter that learned its domain is surely better than the base, the other worst."""
    for name, labels in zip(("shop", "house"), DOMAINS, strict=True):
        choice = choose(ground, samples(ground, labels), embedded(llama, labels, seed=9), sources)
        assert choice.name == choice.probed[0].name == name
        assert len(choice.probed) == 3
        assert choice.probed[0].better > SURE * choice.probed[0].error > 0
        assert choice.probed[0].loss == pytest.approx(choice.base - choice.probed[0].better)
        assert choice.probed[-1].name in {"shop", "house"}
        assert not choice.probed[-1].is_sure
        assert name in choice.why


def test_the_base_is_where_to_begin_if_nothing_helps(llama: Path, ground: Ground, sources: dict[str, Source]) -> None:
    """An adapter of another domain, one that knows nothing, and none at all leave the bare base, with the reason."""
    rows, target = samples(ground, DOMAINS[0]), embedded(llama, DOMAINS[0], seed=9)
    for names in (("house", "noise"), ()):
        choice = choose(ground, rows, target, {name: sources[name] for name in names})
        assert choice.name == ""
        assert len(choice.probed) == len(names)
        assert choice.why
    few = choose(ground, rows[:1], target, sources)
    assert few.name == ""


def test_only_the_nearest_are_probed(llama: Path, ground: Ground, sources: dict[str, Source]) -> None:
    """With room for one, the likeliest alone is probed."""
    target = embedded(llama, DOMAINS[1], seed=9)
    choice = choose(ground, samples(ground, DOMAINS[1]), target, sources, most=1)
    assert [each.name for each in choice.probed] == [nearest(target, sources)[0][0]]


def test_losses_are_those_of_the_rows(ground: Ground, judge: Judge, sources: dict[str, Source]) -> None:
    """The probe's loss is the mean loss over the labels that compete, and the model is left as it was."""
    rows, adapter = samples(ground, DOMAINS[0], each=12), Adapter.read(sources["shop"].folder)
    plain = losses(ground, rows)
    worn = losses(ground, rows, adapter)
    examples = tiny.examples(DOMAINS[0], each=12, seed=9)
    assert plain.mean() == pytest.approx(judge.loss(None, examples), rel=1e-4)
    assert worn.mean() == pytest.approx(judge.loss(adapter, examples), rel=1e-4)
    assert np.array_equal(losses(ground, rows), plain)


def test_readings_need_no_codes(llama: Path, sources: dict[str, Source]) -> None:
    """Under names of their own the rows of a domain are told best by the states that its own adapter makes of them,
    each row by the others: what is lost is no more than chance says of rows whose labels were shuffled.
    """
    opened = open_model(str(llama))
    renderer = Renderer(opened.tokenizer)
    for name, labels in zip(("shop", "house"), DOMAINS, strict=True):
        rows = tiny.examples(labels, each=50, seed=9)
        asked = [Sample(renderer.example(tiny.ROUTING, row.text, (0,))) for row in rows]
        targets = [f"queue {labels.index(row.target)}" for row in rows]
        target = embedded(llama, labels, seed=9)
        choice = chosen(lambda adapter: readings(opened, asked, targets, adapter), target, sources)  # noqa: B023
        assert choice.name == name
        assert choice.probed[0].loss < choice.base < 1.0
        shuffled = [targets[k] for k in np.random.default_rng(0).permutation(len(targets))]
        assert readings(opened, asked, shuffled, None).mean() > 0.6 > choice.probed[0].loss
        assert not peft_left(opened)


def peft_left(opened: object) -> bool:
    """Whether a probe has left an adapter on the model."""
    return bool(getattr(opened.model, "peft_config", {}))  # type: ignore[attr-defined]
