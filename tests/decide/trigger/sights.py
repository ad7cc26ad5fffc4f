"""What triggers are shown in these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homeostat.decide.trigger.sight import Past, Sight, Standing, Trigger
from homeostat.types.signal import Moved, Signal

DAY = 86_400.0
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def sight(**more: Any) -> Sight:
    """A task ten days after it was retrained, with nothing new."""
    return Sight(**{"time": NEW_YEAR + 10 * DAY, "champion": "ver_1", "retrained": NEW_YEAR, **more})


def stands(trigger: Trigger, past: Past | None = None, **more: Any) -> Standing:
    """Where a trigger stands, by the clock of UTC."""
    return trigger.standing(sight(**more), past or Past(), UTC)


def signal(moved: Moved = Moved.NOVELTY, level: float = 1.5) -> Signal:
    """A signal so far above its threshold."""
    fields: dict[str, Any] = {"task": "routing", "time": NEW_YEAR, "detector": "sr", "n": 10}
    return Signal(id=f"sig_{moved}_{level}", moved=moved, statistic=10 * level, threshold=10.0, **fields)
