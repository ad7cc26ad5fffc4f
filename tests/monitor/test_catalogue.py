"""What can be compared has a name; a misspelled one is told."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.errors import UnknownPlugin
from homeostat.monitor.catalogue import DETECTORS, FEATURES, TESTS, feature_of, told_apart
from homeostat.monitor.features.feature import Feature, Shape, known_rows
from monitor.desk import said

ROW = said(
    3, "where is my parcel", reply='{"a": 1}', confidence=0.5, entropy=0.2, latency_ms=3.0, prompt_tokens=9,
    embedding=np.arange(4, dtype=np.float16).tobytes(), time=1_700_000_000.0,
)  # fmt: skip
SHAPES = {Shape.NUMBER: ("f", 1), Shape.LABEL: ("U", 1), Shape.VECTOR: ("f", 2)}


@pytest.mark.parametrize("name", FEATURES.names())
def test_every_feature_is_of_its_shape(name: str) -> None:
    """A feature gives as many values as there are rows, of the kind that its shape says, and has a unit."""
    feature = FEATURES.get(name)
    assert isinstance(feature, Feature)
    assert feature.unit
    values = feature.of([ROW, ROW, said(4, "")], [ROW, said(5, "?", reply="b")])
    kind, dimensions = SHAPES[feature.shape]
    assert (values.dtype.kind, values.ndim, len(values)) == (kind, dimensions, 3)
    assert len(known_rows(values)) <= 3


@pytest.mark.parametrize("name", TESTS.names())
def test_every_test_suits_some_feature_and_says_its_name(name: str) -> None:
    """A test suits a shape, gives a comparison under the name that it is asked by, and repeats itself."""
    test = TESTS.get(name)()
    suits = {shape: [one for one in FEATURES.names() if test.suits(one, shape)] for shape in Shape}
    shapes = [shape for shape in Shape if suits[shape]]
    assert shapes
    rng = np.random.default_rng(0)
    windows = {
        Shape.NUMBER: (rng.random(40), rng.random(50)),
        Shape.LABEL: (rng.choice(["a", "b"], 40), rng.choice(["a", "b"], 50)),
        Shape.VECTOR: (rng.random((40, 3)), rng.random((50, 3))),
    }
    for shape in shapes:
        found = test(*windows[shape])
        assert found == test(*windows[shape])
        assert (found.name, found.n_reference, found.n_current) == (name, 40, 50)
        assert found.p_value is None or 0 < found.p_value <= 1
        assert (found.p_value is None) == (found.threshold is not None)
        assert bool(test.effect) == bool(suits[Shape.VECTOR])


@pytest.mark.parametrize("name", DETECTORS.names())
def test_every_detector_takes_numbers_and_passes_over_what_is_none(name: str) -> None:
    """A thousand even numbers after a NaN, put down and taken up in the middle: the same alarms as without a break."""
    numbers = [float("nan"), *np.random.default_rng(1).random(600), *(0.6 + 0.4 * np.random.default_rng(2).random(400))]
    whole, first, second = (DETECTORS.get(name)() for _ in range(3))
    through = [whole.update(x) for x in numbers]
    broken = [first.update(x) for x in numbers[:333]]
    second.load(first.state())
    assert broken + [second.update(x) for x in numbers[333:]] == through
    assert not through[0]


def test_a_tag_is_named_by_itself() -> None:
    """`tag:NAME` for a tag that some row has; another one is told with the nearest."""
    assert feature_of("tag:channel", {"channel"}).of([said(1, "?", tags={"channel": "web"})], ()).tolist() == ["web"]
    with pytest.raises(UnknownPlugin, match="did you mean 'tag:channel'"):
        feature_of("tag:chanel", {"channel", "segment"})


def test_a_misspelled_name_is_told() -> None:
    """With the nearest that there is."""
    with pytest.raises(UnknownPlugin, match="did you mean 'rarity'"):
        feature_of("rarety", ())
    with pytest.raises(UnknownPlugin, match="did you mean 'classifier'"):
        TESTS.get("clasifier")


def test_tests_and_detectors_are_told_apart() -> None:
    """In the order given, each once; `all` is every one of both; what is neither is told with the nearest."""
    assert told_apart(["mmd", "adwin", "ks", "mmd"]) == (("mmd", "ks"), ("adwin",))
    assert told_apart(["all"]) == (TESTS.names(), DETECTORS.names())
    assert told_apart([]) == ((), ())
    with pytest.raises(UnknownPlugin, match="did you mean 'page_hinkley'"):
        told_apart(["ks", "page_hinkly"])
