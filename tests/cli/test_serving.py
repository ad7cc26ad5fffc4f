"""What doctor finds at a server."""

from __future__ import annotations

from pathlib import Path

import pytest

import tiny
from homeostat.cli.check import Level
from homeostat.cli.serving import embedding, server
from homeostat.config.schema import Config, Model, Monitor
from homeostat.errors import NotServed
from homeostat.llm.embedding.ngrams import Ngrams
from homeostat.llm.embedding.steady import SENTENCES
from server import speaking, vectors
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


def test_an_embedding_backend_is_looked_at(tmp_path: Path) -> None:
    """That it opens and tells texts apart, with the width of its vectors; a server is sent nothing of users."""

    def config(name: str) -> Config:
        return Config(folder=str(tmp_path), monitor=Monitor(embedding=name))

    small = tiny.llama(tmp_path / "small")
    assert embedding(config(str(small))).found == f"{small}: vectors of 48 numbers"
    with speaking(vectors(Ngrams().embed)) as (url, met):
        assert embedding(config(f"{url}#m")).found.endswith("vectors of 512 numbers")
        assert [body["input"] for body in met] == [list(SENTENCES)]
    with speaking(lambda body: (401, {"error": "no key"})) as (url, _), pytest.raises(NotServed, match="401"):
        embedding(config(f"{url}#m"))
