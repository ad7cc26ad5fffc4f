"""What `doctor` asks of the machine: Python, the packages, the processor, the disk.

Packages are imported when they are asked about, so that a broken one is a finding and not the end.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from homeostat.cli.check import Check, Level

PYTHON = (3, 11)
FULL_MB, LOW_MB = 200, 2_000
"""Free space below which nothing can be trained, and below which it will soon be short."""


def python() -> Check:
    """The interpreter."""
    found = sys.version.split()[0]
    if sys.version_info >= PYTHON:
        return Check(name="python", found=found)
    return Check(name="python", level=Level.FAIL, found=found, fix=f"install Python {PYTHON[0]}.{PYTHON[1]} or newer")


def packages(wanted: list[str] | None = None) -> Iterator[Check]:
    """The packages that `wanted` (by default Homeostat's own requirements) asks for: one check each."""
    for line in wanted if wanted is not None else importlib.metadata.requires("homeostat") or []:
        requirement, _, marker = line.partition(";")
        if "extra" not in marker:
            yield _package(requirement.strip())


def processor(threads: int) -> Check:
    """What torch computes on, and whether the project's thread count suits it."""
    torch = importlib.import_module("torch")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if torch.cuda.is_available():
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        found = f"{torch.cuda.get_device_name()}, {'bfloat16' if bf16 else 'float16 and no bfloat16'} in hardware"
    else:
        able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        bf16 = any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
        found = f"no GPU; {cores} CPU cores, bfloat16 {'in hardware' if bf16 else 'not in hardware'}"
    found += f"; each process computes with {threads} thread{'s' * (threads != 1)}"
    if 2 * threads > max(cores, 2):
        fix = f"set model.threads to {max(1, cores // 2)}: gateway and worker both compute"
        return Check(name="processor", level=Level.WARN, found=found, fix=fix)
    return Check(name="processor", found=found)


def folder(path: Path) -> Check:
    """Whether the project's folder can be written in."""
    there = _nearest(path)
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x")
    except OSError as problem:
        fix = f"let this user write in {there}, or set `folder`"
        return Check(name="folder", level=Level.FAIL, found=f"{path}: {problem.strerror}", fix=fix)
    return Check(name="folder", found=f"{path} can be written in")


def disk(path: Path) -> Check:
    """Whether there is room for rows and weights."""
    free = shutil.disk_usage(_nearest(path)).free / 1e6
    level = Level.FAIL if free < FULL_MB else Level.WARN if free < LOW_MB else Level.OK
    fix = f"free some space: below {FULL_MB} MB nothing can be trained" if level is not Level.OK else ""
    return Check(name="disk", level=level, found=f"{free:,.0f} MB free", fix=fix)


def _package(requirement: str) -> Check:
    """Whether a package is there and of a version that the requirement allows; `name>=1.2,<2` is all it knows."""
    name = re.split(r"[\s<>=!~\[(]", requirement, maxsplit=1)[0]
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name=name, level=Level.FAIL, found="not installed", fix=f"pip install '{requirement}'")
    bounds = [(sign, _numbers(text)) for sign, text in re.findall(r"(>=|<)\s*([\d.]+)", requirement)]
    if all(_numbers(found) >= bound if sign == ">=" else _numbers(found) < bound for sign, bound in bounds):
        return Check(name=name, found=found)
    return Check(name=name, level=Level.FAIL, found=found, fix=f"pip install '{requirement}'")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.split("+")[0])[:3]))


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(place for place in (path.resolve(), *path.resolve().parents) if place.is_dir())
