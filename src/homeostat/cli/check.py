"""One thing that `doctor` looks at, and how it is looked at so that nothing it meets can end the examination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from homeostat.errors import HomeostatError


class Level(StrEnum):
    """How it stands."""

    OK = "ok"
    WARN = "warn"
    """It works, but not as it should."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was found."""

    name: str
    level: Level = Level.OK
    found: str
    fix: str = ""
    """How to mend it; empty where there is nothing to mend."""


def attempted(name: str, look: Callable[[], Check]) -> Check:
    """The check, or, where looking fails, a failed one that says why."""
    try:
        return look()
    except HomeostatError as problem:
        where = f" ({problem.where})" if problem.where else ""
        return Check(name=name, level=Level.FAIL, found=f"{problem.code} {problem.what}{where}", fix=problem.fix)
    except ImportError as missing:
        fix = "pip install --force-reinstall homeostat"
        return Check(name=name, level=Level.FAIL, found=f"cannot be imported: {missing}", fix=fix)
    except Exception as problem:  # a doctor that dies of what he finds is no use
        return Check(name=name, level=Level.FAIL, found=f"{type(problem).__name__}: {problem}", fix="see what it says")
