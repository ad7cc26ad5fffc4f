"""Writes `deploy/`: what `homeostat alerts rules --out deploy` writes for a project with every default."""

from __future__ import annotations

from pathlib import Path

from homeostat.config.schema import Config
from homeostat.gateway.observing import FILES

FOLDER = Path(__file__).resolve().parents[1] / "deploy"


def files() -> dict[Path, str]:
    """Each file with what should be in it."""
    return {FOLDER / name: made(Config()) for name, made in FILES.items()}


if __name__ == "__main__":
    for file, text in files().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
