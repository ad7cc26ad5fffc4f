"""What a run takes, and what it may take at most. One that reaches its limit ends cleanly, as early stopping does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has taken so far, interrupted parts left out."""

    seconds: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Clock:
    """Goes on from what a run had taken when it was interrupted."""

    before: Spent = Spent(seconds=0.0, cpu_seconds=0.0)
    _wall: float = field(default_factory=time.perf_counter)
    _cpu: float = field(default_factory=time.process_time)

    def spent(self) -> Spent:
        """What the run has taken by now."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Spent(seconds=self.before.seconds + wall, cpu_seconds=self.before.cpu_seconds + cpu)

    @property
    def here(self) -> float:
        """Seconds since this process took the run up."""
        return max(time.perf_counter() - self._wall, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one run; 0 is none. They are looked at after every step, so at most one step is over."""

    seconds: float = 0.0
    """Wall-clock time."""
    flops: float = 0.0
    watt_hours: float = 0.0
    """Energy, reckoned from CPU-seconds and `watts`."""
    money: float = 0.0
    """In the unit of `price_per_cpu_hour`."""
    watts: float = 15.0
    """Power of one busy CPU core, or of whatever a CPU-second stands for on this machine."""
    price_per_cpu_hour: float = 0.1

    def reached(self, spent: Spent, flops: float) -> str:
        """The name of the first limit that is reached, or nothing."""
        taken = {
            "seconds": spent.seconds,
            "flops": flops,
            "watt_hours": spent.cpu_seconds * self.watts / 3600,
            "money": spent.cpu_seconds / 3600 * self.price_per_cpu_hour,
        }
        return next((name for name, value in taken.items() if 0 < getattr(self, name) <= value), "")
