"""What a run takes, and what it may take at most. One that reaches its limit ends cleanly, as early stopping does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from homeostat.config.schema import knob

CPU_HOUR, GPU_HOUR = 0.1, 2.0
"""What an hour of one of them costs where nobody says, as in `decide`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run has taken so far, interrupted parts left out."""

    seconds: float
    cpu_seconds: float
    gpu_seconds: float = 0.0

    def of_all(self, *, helped: float, processes: int, device: str) -> Spent:
        """With what the other processes took: `helped` CPU-seconds, and a GPU each for as long, if that is what they
        are on (`cuda`, as torch names it).
        """
        held = 0.0 if device == "cpu" else self.seconds * processes
        return replace(self, cpu_seconds=self.cpu_seconds + helped, gpu_seconds=held)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one run; 0 is none. They are looked at after every step, so at most one step is over."""

    seconds: float = knob(0.0, least=0.0)
    """Wall-clock time."""
    flops: float = knob(0.0, least=0.0)
    """Operations: 1e12 is a TFLOP."""
    watt_hours: float = knob(0.0, least=0.0)
    """Energy, reckoned from the seconds of CPUs and GPUs, `watts` and `gpu_watts`."""
    money: float = knob(0.0, least=0.0)
    """In the unit of the prices."""
    watts: float = knob(15.0, least=0.0)
    """Power of one busy CPU core, or of whatever a CPU-second stands for on this machine."""
    gpu_watts: float = knob(300.0, least=0.0)
    """Power of one GPU that trains."""
    price_per_cpu_hour: float | None = knob(None, least=0.0)
    """The project's own (`decide.price_per_cpu_hour`) if it is not given."""
    price_per_gpu_hour: float | None = knob(None, least=0.0)
    """The project's own (`decide.price_per_gpu_hour`) if it is not given."""

    def priced(self, cpu_hour: float, gpu_hour: float) -> Budget:
        """The same limits, at these prices where it says none itself."""
        cpu = cpu_hour if self.price_per_cpu_hour is None else self.price_per_cpu_hour
        gpu = gpu_hour if self.price_per_gpu_hour is None else self.price_per_gpu_hour
        return replace(self, price_per_cpu_hour=cpu, price_per_gpu_hour=gpu)

    def reached(self, spent: Spent, flops: float) -> str:
        """The name of the first limit that is reached, or nothing."""
        cpu, gpu, at = spent.cpu_seconds / 3600, spent.gpu_seconds / 3600, self.priced(CPU_HOUR, GPU_HOUR)
        taken = {
            "seconds": spent.seconds,
            "flops": flops,
            "watt_hours": cpu * self.watts + gpu * self.gpu_watts,
            "money": cpu * (at.price_per_cpu_hour or 0.0) + gpu * (at.price_per_gpu_hour or 0.0),
        }
        return next((name for name, value in taken.items() if 0 < getattr(self, name) <= value), "")
