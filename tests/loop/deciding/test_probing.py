"""What probes of other words, of verified answers and of a short training find, of a model that can use them and of
one that cannot.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.decide.option import Option
from homeostat.loop import steps
from homeostat.loop.deciding.probing import FEWEST, halved, options, pool
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Example
from homeostat.types.version import Version
from loop.worded import NOW, ROWS, lay
from obedient import ITEMS


def probed(shop: Workshop) -> dict[str, Option]:
    return {one.name: one for one in steps.gather(shop, NOW, []).options}


@pytest.mark.slow
def test_a_model_that_does_as_it_is_told(obedient_base: Path, tmp_path: Path) -> None:
    """The user's own instruction and the verified answers nearest to a request each make it right where it was wrong,
    beyond chance, on rows that neither was chosen on; a few steps of training do not. A second look costs nothing.
    """
    with closing(lay(tmp_path, obedient_base, instructions=("sort by product",))) as shop:
        evidence = steps.gather(shop, NOW, [])
        found = {one.name: one for one in evidence.options}
        assert set(found) == {"prompt", "retrieve", "careful"}
        assert "product" in found["prompt"].instruction
        assert found["prompt"].gain.low > 0.4
        assert found["retrieve"].gain.low > 0.4
        assert found["prompt"].gain.n == found["retrieve"].gain.n == ROWS // 2
        assert found["retrieve"].more_cpu_s > found["prompt"].more_cpu_s
        assert found["careful"].gain.mean < found["prompt"].gain.mean
        assert evidence.gap is None
        assert [len(found[name].points) for name in ("prompt", "careful")] == [0, 3]
        assert "no curve: it gained nothing" in found["careful"].says
        assert (evidence.judging, evidence.fall) == (None, None)
        assert evidence.risk is not None
        assert evidence.risk.exposed == 40.0
        again = steps.gather(shop, NOW, []).options
        assert all(one is other for one, other in zip(again, evidence.options, strict=True))


@pytest.mark.slow
def test_a_model_that_cannot(tmp_path: Path) -> None:
    """A decoder of random weights learns nothing from what it is shown or told, and it is said so."""
    base = tiny.llama(tmp_path / "llama")
    with closing(lay(tmp_path / "project", base)) as shop:
        found = probed(shop)
    assert not found["retrieve"].sure
    assert not found["prompt"].sure
    assert found["retrieve"].says.startswith(("this model does not learn from examples", "answering with the"))


@pytest.mark.slow
def test_requests_that_share_no_word_with_what_was_verified(obedient_base: Path, tmp_path: Path) -> None:
    """What comes next is always about other items, so that words find answers by chance alone: the probe names the
    model's own states, which make it right more often than the champion, beyond chance and beyond what words do.
    """
    parts = (ITEMS[:4], ITEMS[4:8], ITEMS[8:12], ITEMS[12:])
    with closing(lay(tmp_path, obedient_base, parts=parts)) as shop:
        found = probed(shop)["retrieve"]
        assert (found.by, found.gain.low > 0.1) == ("states", True)
        assert "to the model itself" in found.says


def test_too_few_rows_are_not_halved(tmp_path: Path) -> None:
    """Nothing is probed, and no model is opened."""
    champion = Version(id="ver_1", task="routing", time=0.0, base="nowhere", labels=tiny.LABELS)
    ground = halved(tiny.ROUTING, champion, [], tiny.examples(each=FEWEST // 3 - 1))
    assert len(ground.later) >= len(ground.earlier) > 0
    config = Config(folder=str(tmp_path), model=Model(base="nowhere"), tasks={"routing": Tasks()})
    with closing(Workshop.open(config)) as shop:
        assert options(shop, ground, {}, set()) == ()


def test_what_may_be_shown() -> None:
    """Each text once with what was said of it last, and none that stands in the test suite."""
    old = [Example(text="Pump leaks", target="a", time=1.0), Example(text="late", target="b", time=2.0)]
    new = [Example(text="pump leaks ", target="c", time=3.0), Example(text="examined", target="b", time=4.0)]
    rows = pool(tiny.ROUTING, old, new, ["Examined"])
    assert [(row.text, row.target) for row in rows] == [("pump leaks ", "c"), ("late", "b")]
