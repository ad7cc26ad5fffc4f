"""Where the files that ship with the package lie: the built-in model, the built-in traffic, the built-in suites."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def model_path() -> Path:
    """Folder of the built-in model: configuration, tokenizer, safetensors, card."""
    return Path(str(files("homeostat.builtin"))) / "model"


def suites_path() -> Path:
    """Folder of the built-in suites."""
    return Path(str(files("homeostat.builtin"))) / "suites"


def traffic_path() -> Path:
    """The built-in stream: one year at an invented support desk, JSON lines, gzipped."""
    return Path(str(files("homeostat.builtin"))) / "traffic" / "support.jsonl.gz"
