"""What a classical detector on a stream can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol


class Detector(Protocol):
    """Takes one number after another; memory does not grow with the stream.

    One of an installed package that has an attribute `watches` beside these, naming a channel (`confidence`,
    `neighbors` or `loss`), raises alarms in the worker (`monitor.plugged`).
    """

    standard: ClassVar[bool]
    """Whether it wants numbers of mean 0 and deviation 1; otherwise numbers in [0, 1]."""

    def update(self, value: float) -> bool:
        """Take a number; whether this is an alarm, after which it begins anew. NaN is passed over."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values."""
        ...

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` gave."""
        ...
