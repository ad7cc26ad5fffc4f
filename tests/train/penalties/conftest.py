"""What forgetting looks like where nothing holds the model."""

from __future__ import annotations

import pytest

from homeostat.train.fit import fit
from homeostat.train.run import Start
from train.penalties import forgetting


@pytest.fixture(scope="session")
def forgotten(champion: Start) -> float:
    """Loss in nats on the old domain after the plain run on the new one."""
    work = forgetting.job(champion)
    before = forgetting.told_apart(work, forgetting.OLD)
    fit(work)
    after = forgetting.told_apart(work, forgetting.OLD)
    assert before[1] > 0.95 > 0.85 > after[1]
    return after[0]
