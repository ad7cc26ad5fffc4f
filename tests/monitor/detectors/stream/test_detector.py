"""Every classical detector runs in bounded memory, and its state is JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from homeostat.monitor.catalogue import DETECTORS

SPREAD = 12**0.5


def numbers(name: str, rng: np.random.Generator, rows: int, shift: float = 0.0) -> list[float]:
    """Even numbers on the scale that a detector wants, moved by some of their deviations."""
    x = rng.random(rows)
    return (SPREAD * (x - 0.5) + shift if DETECTORS.get(name)().standard else x + shift / SPREAD).tolist()


@pytest.mark.parametrize("name", DETECTORS.names())
def test_memory_does_not_grow(name: str) -> None:
    """After 6,000 numbers the state is not four times as long as after 600, and is JSON."""
    detector, sizes = DETECTORS.get(name)(), []
    for k, x in enumerate(numbers(name, np.random.default_rng(0), 6000), 1):
        detector.update(x)
        if k in (600, 6000):
            sizes.append(len(json.dumps(detector.state(), allow_nan=False)))
    assert sizes[1] < 2 * sizes[0]
    assert sizes[1] < 5000


@pytest.mark.parametrize("name", DETECTORS.names())
def test_state_survives_json(name: str) -> None:
    """Written, read and taken up, it goes on to the same alarms and the same state."""
    x = numbers(name, np.random.default_rng(1), 400) + numbers(name, np.random.default_rng(2), 400, shift=1.5)
    one, other = DETECTORS.get(name)(), DETECTORS.get(name)()
    for value in x[:450]:
        one.update(value)
    other.load(json.loads(json.dumps(one.state())))
    assert [one.update(value) for value in x[450:]] == [other.update(value) for value in x[450:]]
    assert one.state() == other.state()


@pytest.mark.parametrize("name", DETECTORS.names())
@pytest.mark.parametrize("shift", [2.0, -2.0])
def test_a_jump_is_found_in_either_direction(name: str, shift: float) -> None:
    """Two deviations up or down after 500 numbers: an alarm within 100 more, in each of five streams."""
    for seed in range(5):
        rng, detector = np.random.default_rng(seed), DETECTORS.get(name)()
        for x in numbers(name, rng, 500):
            detector.update(x)
        assert any(detector.update(x) for x in numbers(name, rng, 100, shift=shift))


def test_false_alarms_of_all_beside_each_other() -> None:
    """In 20,000 numbers that never move: ADWIN and CUSUM hardly ever alarm, Page–Hinkley every few thousand numbers,
    KSWIN every few hundred.
    """
    false = {}
    for name in DETECTORS.names():
        detector = DETECTORS.get(name)()
        false[name] = sum(detector.update(x) for x in numbers(name, np.random.default_rng(3), 20_000))
    assert false["adwin"] <= 1
    assert false["cusum"] <= 2
    assert 2 <= false["page_hinkley"] <= 30
    assert 20 <= false["kswin"] <= 500
