"""The scale of a loss in float16."""

from __future__ import annotations

import torch

from homeostat.train.scale import CALM, SCALE, rescaled


def test_the_scale_goes_as_torchs_own() -> None:
    """Over 20,000 steps of which some overflow, the scale is at every step that of the kernel behind `GradScaler`."""
    scale, calm = SCALE, 0
    theirs, tracker = torch.tensor(SCALE), torch.tensor(0, dtype=torch.int32)
    draw = torch.Generator().manual_seed(0)
    seen = set()
    for overflowed in (torch.rand(20_000, generator=draw) < 1e-4).tolist():
        scale, calm = rescaled(scale, calm, finite=not overflowed)
        torch._amp_update_scale_(theirs, tracker, torch.tensor(float(overflowed)), 2.0, 0.5, CALM)
        assert (scale, calm) == (float(theirs), int(tracker))
        seen.add(scale)
    assert {SCALE / 2, SCALE, SCALE * 2} <= seen
