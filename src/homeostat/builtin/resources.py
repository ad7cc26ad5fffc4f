"""Where the files that ship with the package lie: the built-in model and the built-in traffic."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def model_path() -> Path:
    """Folder of the built-in model: configuration, tokenizer, safetensors, card."""
    return Path(str(files("homeostat.builtin"))) / "model"


def traffic_path() -> Path:
    """The built-in stream: one year at an invented support desk, JSON lines, gzipped."""
    return Path(str(files("homeostat.builtin"))) / "traffic" / "support.jsonl.gz"
