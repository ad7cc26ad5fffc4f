"""What doctor finds at a server."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny
from homeostat.cli.check import Level
from homeostat.cli.serving import server
from homeostat.config.schema import Config, Model
from homeostat.errors import NotServed
from vllm_like import VllmLike, running


def test_a_server_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Open to adapters and with the same base it is sound; without them it fails with how to start it; another base,
    and nobody there, are errors of their own. The key is taken from the environment.
    """
    base, other = tiny.llama(tmp_path / "base"), tiny.llama(tmp_path / "other", seed=4)
    like = VllmLike(str(base), key="sesame")
    monkeypatch.setenv("VLLM_API_KEY", "sesame")
    with running(like) as up:
        config = Config(folder=str(tmp_path), model=Model(base=f"{up.url}/v1#{base}"))
        check = server(config)
        assert (check.level, check.name) == (Level.OK, "server")
        assert "adapters may be loaded" in check.found
        up.stop()
        like.runtime = False
        up.start()
        closed = server(config)
        assert closed.level is Level.FAIL
        assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in closed.fix
        assert like.adapters == {}
        with pytest.raises(NotServed, match="is not"):
            server(Config(folder=str(tmp_path), model=Model(base=f"{up.url}#{other}")))
        monkeypatch.setenv("VLLM_API_KEY", "wrong")
        with pytest.raises(NotServed, match="401"):
            server(config)
    with pytest.raises(NotServed, match="out of reach"):
        server(config)
