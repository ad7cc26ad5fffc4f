"""Another base, weighed on a task's own rows and proposed."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Config, Decide, Model, Tasks, Train
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.decide.option import proposed
from homeostat.errors import ModelNotFound
from homeostat.loop.deciding import basing
from homeostat.loop.deciding.basing import STEPS, based, keep, kept
from homeostat.loop.deciding.ground import Ground
from homeostat.loop.deciding.probing import halved
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote, register
from homeostat.train.bases.compare import Candidate, Comparison
from homeostat.types.task import Kind
from homeostat.types.version import Version


def compared(*bases: str, failed: str = "") -> Comparison:
    """What `homeostat bases` found."""
    found = tuple(Candidate(base=base, failed="E301" if base == failed else "") for base in bases)
    return Comparison(candidates=found, recommended=bases[0], why="", rows=1, steps=1)


def opened(folder: Path, base: Path) -> Workshop:
    """A project with two tasks, of which the other one has a champion that knows 30 rows."""
    config = Config(
        folder=str(folder),
        model=Model(base=str(base)),
        tasks={"routing": Tasks(instruction="route"), "other": Tasks()},
        train=Train(epochs=2),
        decide=Decide(horizon_requests=100_000),
    )
    shop = Workshop.open(config)
    rows = tuple(tiny.examples(each=10, seed=9))
    dataset = store_dataset(shop.store, Curated(examples=rows, labels=tiny.LABELS), task="other", turn="t", now=0.0)
    made = Version(id="ver_o", task="other", time=0.0, base=str(base), kind="base", dataset=dataset.id)
    register(shop.store, made, None)
    promote(shop.store, "other", made.id, "for a test", now=0.0)
    return shop


def ground(base: Path) -> Ground:
    """Verified rows of a champion that stands on the bare base."""
    champion = Version(id="ver_1", task="routing", time=0.0, base=str(base), kind="base", labels=tiny.LABELS)
    return halved(tiny.ROUTING, champion, tiny.examples(each=40, seed=1), tiny.examples(each=60, seed=2))


def test_bases_that_were_compared_are_kept(tmp_path: Path) -> None:
    """But for the project's own and those that could not be tried; another comparison takes their place."""
    with closing(opened(tmp_path, tmp_path / "own")) as shop:
        assert kept(shop.store, "routing") == ()
        assert keep(shop.store, "routing", compared("a", "own", "b", failed="b"), "own") == ("a",)
        assert kept(shop.store, "routing") == ("a",)
        assert kept(shop.store, "other") == ()
        keep(shop.store, "routing", compared("own"), "own")
        assert kept(shop.store, "routing") == ()


def test_nothing_is_tried_where_nobody_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is started: there is no base to consider, or the task answers in words; nor does a base that is gone
    hold up what else was probed.
    """
    with closing(opened(tmp_path, tmp_path / "own")) as shop:
        of = ground(tmp_path / "own")
        assert based(shop, of) == []
        keep(shop.store, "routing", compared("gone"), "own")
        assert based(shop, replace(of, task=replace(of.task, kind=Kind.TEXT))) == []

        def nowhere(*given: object) -> Comparison:
            raise ModelNotFound("no model 'gone'")

        monkeypatch.setattr(basing, "compare", nowhere)
        (one,) = based(shop, of)
        assert (one.name, one.sure, "no model 'gone'" in one.says) == ("base gone", False, True)


@pytest.mark.slow
def test_a_base_that_learns_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    """Beside a base that is too small to learn the task a larger one gains beyond chance, and is proposed; beside the
    larger one the small one gains nothing. Its cost counts the rows of the other task too, and that is said.
    """
    small = tiny.llama(tmp_path / "small", hidden=8, layers=1)
    large = tiny.llama(tmp_path / "large", hidden=64)
    for own, other, gains in ((small, large, True), (large, small, False)):
        with closing(opened(tmp_path / f"on_{own.name}", own)) as shop:
            keep(shop.store, "routing", compared(str(other)), str(own))
            of = ground(own)
            (found,) = based(shop, of)
            assert found.base == str(other)
            assert found.gain.n == len(of.later)
            assert (found.gain.low > 0.0) is gains
            assert (proposed([found], shop.config.decide, None) is not None) is gains
            assert f"{STEPS} steps" in found.says
            assert "1 other task would have" in found.says
            alone = replace(shop.config, tasks={"routing": shop.config.tasks["routing"]})
            (cheaper,) = based(replace_config(shop, alone), of)
            assert cheaper.cpu_s > 0
            assert "other task" not in cheaper.says


def replace_config(shop: Workshop, config: Config) -> Workshop:
    """The same store under another configuration."""
    return Workshop(config, shop.store)
