"""`homeostat publish` and `homeostat mirror`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from cli.conftest import Run
from cli.scenes import champion
from homeostat.errors import NotFound, NotReleasable
from homeostat.release.registry import register
from homeostat.store import Store
from homeostat.types.version import Version


def test_a_folder(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """Its files are listed; a second time it is there already."""
    (tmp_path / "weights").mkdir()
    save_file({"lora_B": np.ones(2, dtype=np.float32)}, tmp_path / "weights" / "adapter_model.safetensors")
    register(store, Version(id="ver_a", task="routing", time=1.0, base="builtin", kind="lora"), tmp_path / "weights")
    found = homeostat("publish", "ver_a", tmp_path / "out", "--json", "--config", shop).json
    assert found["files"] == ["README.md", "adapter_model.safetensors", "record.json"]
    assert homeostat("publish", "ver_a", tmp_path / "out", "--config", shop).code == NotReleasable.exit
    assert "published" in homeostat("publish", "ver_a", tmp_path / "other", "--config", shop).out
    assert homeostat("publish", "ver_none", tmp_path / "x", "--config", shop).code == NotFound.exit


def test_a_registry(homeostat: Run, shop: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is new, and who answers; again, nothing."""
    pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    champion(store, "old")
    found = homeostat("mirror", "--json", "--config", shop).json
    assert (found["model"], found["new"], found["aliases"]) == ("shop.routing", ["ver_old"], {"champion": "ver_old"})
    assert "champion: ver_old" in homeostat("mirror", "--config", shop).out
    assert homeostat("mirror", "--json", "--config", shop).json["new"] == []
