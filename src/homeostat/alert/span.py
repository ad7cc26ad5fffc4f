"""A span of time as a person types it."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(min|s|m|h|d|w)\s*")


def seconds(text: str) -> float:
    """Seconds of `90s`, `30min`, `2h`, `1d12h`, `1w`.

    Raises:
        ValueError: it is no such span, or none at all.
    """
    parts = _PART.findall(text)
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if _PART.sub("", text).strip() or not total > 0.0:
        raise ValueError(f"not a span of time: '{text}'; write 30min, 2h or 1d12h")
    return total
