"""The project as the house tests see it: its modules, parsed once, and the scripts that write its pages."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "homeostat"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One file of the package."""

    path: Path
    lines: int
    tree: ast.Module

    @property
    def name(self) -> str:
        """Path below `src/homeostat`, e.g. `loop/turn.py`."""
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def functions(self) -> Iterator[Function]:
        """Every function of the file, methods and functions inside functions too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


@lru_cache(maxsize=1)
def modules() -> tuple[Module, ...]:
    """Every module of the package, in the order of their paths."""
    paths = sorted(PACKAGE.rglob("*.py"))
    texts = [(path, path.read_text(encoding="utf-8")) for path in paths]
    return tuple(Module(path, text.count("\n"), ast.parse(text, str(path))) for path, text in texts)


def script(path: str) -> dict[str, Any]:
    """The names that a script of the project (`docs/tree.py`) defines."""
    return runpy.run_path(str(ROOT / path))


def listed(offenders: list[str]) -> str:
    """Offenders for the message of an assertion, one a line."""
    return f"{len(offenders)} in all:\n  " + "\n  ".join(offenders)
