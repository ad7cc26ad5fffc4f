"""Which rows go through a model together."""

from __future__ import annotations

import torch

from homeostat.llm.batches import CPU_PLACES, passes, places_at_once

CPU = torch.device("cpu")


def test_passes_are_bounded_by_rows_and_by_places() -> None:
    """In their order, at most so many rows and so many places together; one that is too long comes alone."""
    lengths = [1, 1, 1, CPU_PLACES // 2, CPU_PLACES // 2, CPU_PLACES, CPU_PLACES * 3]
    taken = [lengths[at] for at in passes(lengths, CPU, 2)]
    assert taken == [[1, 1], [1, CPU_PLACES // 2], [CPU_PLACES // 2], [CPU_PLACES], [CPU_PLACES * 3]]
    assert list(passes([], CPU)) == []
    assert [at.stop - at.start for at in passes([0] * 100, CPU)] == [64, 36]


def test_a_gpu_takes_more_at_once() -> None:
    """What overflows a CPU's cache is little for other devices."""
    assert places_at_once(torch.device("cuda")) > 10 * places_at_once(CPU)
